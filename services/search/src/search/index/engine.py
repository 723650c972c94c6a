"""The indexes themselves: made, written with external versions, compared, and searched through one alias."""

import hashlib
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import time_ns
from typing import Any

import orjson
import structlog
from opensearchpy import AsyncOpenSearch
from opensearchpy.exceptions import ConnectionError as Unreachable
from opensearchpy.exceptions import ConnectionTimeout, NotFoundError, SerializationError, TransportError
from opensearchpy.serializer import JSONSerializer

from search.domain.terms import Terms
from search.domain.word_lists import WordLists
from search.index import mapping, word_files

log = structlog.get_logger(__name__)

_HIDDEN = b'{"deleted":true}'
_EVERY_ITEM = "items.*._id,items.*.status,items.*.error.reason"
_IS_SHOWN = {"term": {"deleted": False}}
_IDS_PAGE = 5000
_PAGE, _SCROLL = 1000, "1m"
_NO_INDEX = "opensearch: the index does not exist yet"
_PARTIAL = "opensearch answers in part only: a shard is missing, failed or was too slow"
_SHARDS_FAILED = "search_phase_execution_exception"
_CONFLICT, _NOT_FOUND, _TOO_MANY = 409, 404, 429


class EngineAway(Exception):
    """OpenSearch cannot be reached, asks to be left alone for a while, or answers in part only; `told` says which."""

    def __init__(self, told: str = "opensearch cannot be reached") -> None:
        super().__init__("opensearch")
        self.told = told


class IndexGone(EngineAway):
    """An index that was to be written does not exist."""


@dataclass(frozen=True)
class Existing:
    """An index there is: the engine's own id, and whether searches are led to it."""

    uuid: str
    searched: bool


class _Json(JSONSerializer):
    """JSON by orjson: an answer of a page of hits is some hundred kilobytes."""

    def loads(self, s: str) -> Any:
        """What an answer says. Raises SerializationError."""
        try:
            return orjson.loads(s)
        except ValueError as error:
            raise SerializationError(s, error) from None

    def dumps(self, data: Any) -> Any:
        """A body; text and bytes are bodies already."""
        return data if isinstance(data, str | bytes) else orjson.dumps(data).decode()


class Index:
    """The indexes of offers. `name` is the alias that is searched; those behind it are named for mapping and time."""

    def __init__(
        self,
        url: str,
        name: str,
        words: Path = word_files.SHIPPED,
        body: Callable[[WordLists], dict[str, Any]] = mapping.body,
    ) -> None:
        """`words` is the folder of word files, `body` makes the mapping. Raises Faulty where words cannot be used."""
        self._client = AsyncOpenSearch(hosts=[url], timeout=30, maxsize=25, max_retries=0, serializer=_Json())
        self._alias = name
        self.words = word_files.read_folder(words)
        self.terms = Terms(self.words)
        """The same words, to tell what of a question a text answers."""
        self._body = body(self.words)
        self._others: dict[str, Mapping[str, Any]] = {}
        self._named = re.compile(rf"{re.escape(name)}-[0-9a-f]{{8}}(-\d+)?")
        self.shape = hashlib.sha256(orjson.dumps(self._body, option=orjson.OPT_SORT_KEYS)).hexdigest()[:8]
        """Tells this code's mapping and words from another's."""

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.close()

    async def existing(self) -> dict[str, Existing]:
        """The indexes there are, by name. Raises EngineAway."""
        try:
            found = await self._client.indices.get(
                index=f"{self._alias}-*", params={"filter_path": "*.aliases,*.settings.index.uuid"}
            )
        except TransportError as error:
            raise _away(error) from None
        return {
            name: Existing(row["settings"]["index"]["uuid"], self._alias in row.get("aliases", {}))
            for name, row in found.items()
            if self._named.fullmatch(name)
        }

    async def create(self) -> tuple[str, str]:
        """Make an empty index that nobody searches yet; its name and the engine's id. Raises EngineAway."""
        name = f"{self._alias}-{self.shape}-{time_ns() // 1_000_000}"
        try:
            await self._client.indices.create(index=name, body=self._body)
        except TransportError as error:
            raise _away(error) from None
        log.info("index made", index=name)
        return name, (await self.existing())[name].uuid

    async def search_in(self, name: str) -> None:
        """Lead searches to this index, in one step. Deleted offers stay hidden behind the alias. Raises EngineAway."""
        before = [other for other, one in (await self.existing()).items() if one.searched and other != name]
        hiding = {"filter": _IS_SHOWN}
        actions = [
            {"add": {"index": name, "alias": self._alias, **hiding}},
            *({"remove": {"index": other, "alias": self._alias}} for other in before),
        ]
        try:
            await self._client.indices.update_aliases(body={"actions": actions})
        except TransportError as error:
            raise _away(error) from None
        log.info("index searched", index=name, before=before)

    async def remove(self, name: str) -> None:
        """Remove an index, if it is there. Raises EngineAway."""
        try:
            await self._client.indices.delete(index=name, params={"ignore_unavailable": "true"})
        except TransportError as error:
            raise _away(error) from None
        log.info("index removed", index=name)

    async def write(self, name: str, documents: Sequence[tuple[str, int, Mapping[str, Any] | None]]) -> dict[str, str]:
        """Write (id, revision, document) rows; None hides the offer. The reasons of those refused for good, by id.

        A revision the index already has, or a higher one, is left as it is. Raises EngineAway, or IndexGone.
        """
        if not documents:
            return {}
        declared = await self._declared(name)
        lines = [
            b'{"index":{"_id":%b,"version":%d,"version_type":"external"}}\n%b\n'
            % (orjson.dumps(offer), revision, _HIDDEN if document is None else orjson.dumps(_fit(document, declared)))
            for offer, revision, document in documents
        ]
        body = b"".join(lines)
        if not (await self._bulk(name, body, "errors"))["errors"]:
            return {}
        # Written again for the reasons: an answer that names every document is rarely needed and costs every time.
        faults: dict[str, str] = {}
        for item in (await self._bulk(name, body, _EVERY_ITEM))["items"]:
            result = item["index"]
            status = int(result["status"])
            if status == _NOT_FOUND:
                raise IndexGone
            if status == _TOO_MANY or status >= 500:
                raise EngineAway
            # On a conflict the index holds this revision or a newer one.
            if status >= 400 and status != _CONFLICT:
                faults[result["_id"]] = result.get("error", {}).get("reason", f"status {status}")
                log.error("document refused", index=name, offer=result["_id"], status=status)
        return faults

    async def _declared(self, name: str) -> Mapping[str, Any] | None:
        """The mapping of another release's index; None for one of this code's."""
        if name.startswith(f"{self._alias}-{self.shape}-"):
            return None
        if name not in self._others:
            try:
                answer = await self._client.indices.get_mapping(index=name)
            except TransportError as error:
                raise _away(error) from None
            self._others[name] = answer[name]["mappings"]
        return self._others[name]

    async def _bulk(self, name: str, body: bytes, wanted: str) -> Any:
        try:
            return await self._client.bulk(index=name, body=body, params={"filter_path": wanted})
        except TransportError as error:
            raise _away(error) from None

    async def refresh(self, name: str) -> None:
        """Make what has been written findable. Raises EngineAway, or IndexGone."""
        try:
            await self._client.indices.refresh(index=name)
        except TransportError as error:
            raise _away(error) from None

    async def count(self, name: str) -> int:
        """How many documents an index holds, hidden ones too. Raises EngineAway."""
        await self.refresh(name)
        try:
            return int((await self._client.count(index=name))["count"])
        except TransportError as error:
            raise _away(error) from None

    async def highest(self, name: str, field: str) -> int:
        """The highest number in a field of an index's documents; 0 where none has any. Raises EngineAway."""
        await self.refresh(name)
        asked = {"size": 0, "aggs": {"highest": {"max": {"field": field}}}}
        try:
            answer = await self._client.search(index=name, body=asked)
        except TransportError as error:
            raise _away(error) from None
        return int(answer["aggregations"]["highest"]["value"] or 0)

    async def remove_where(self, name: str, query: Mapping[str, Any]) -> int:
        """Remove the documents a query finds; how many. What is written meanwhile stays. Raises EngineAway."""
        try:
            answer = await self._client.delete_by_query(
                index=name, body={"query": query}, params={"conflicts": "proceed", "refresh": "true"}
            )
        except TransportError as error:
            raise _away(error) from None
        return int(answer["deleted"])

    async def count_shown(self, name: str) -> int:
        """How many documents of an index are not hidden. Raises EngineAway."""
        await self.refresh(name)
        try:
            return int((await self._client.count(index=name, body={"query": _IS_SHOWN}))["count"])
        except TransportError as error:
            raise _away(error) from None

    async def shown(self, name: str) -> AsyncIterator[list[tuple[str, str]]]:
        """Unit and care service of every offer that an index shows, in their order, a page at a time.

        Raises EngineAway.
        """
        page: dict[str, Any] = {
            "size": _IDS_PAGE,
            "query": _IS_SHOWN,
            "sort": [{"unit": "asc"}, {"care_service": "asc"}],
            "_source": False,
            "track_total_hits": False,
        }
        while True:
            rows = (await self._asked(name, page))["hits"]["hits"]
            if not rows:
                return
            yield [(row["sort"][0], row["sort"][1]) for row in rows]
            page["search_after"] = rows[-1]["sort"]

    async def read(self, name: str, offers: Sequence[str]) -> dict[str, tuple[int, dict[str, Any]]]:
        """Revision and document of those of these offers that an index holds, by id. Raises EngineAway."""
        if not offers:
            return {}
        try:
            answer = await self._client.mget(index=name, body={"ids": list(offers)})
        except TransportError as error:
            raise _away(error) from None
        return {row["_id"]: (row["_version"], row["_source"]) for row in answer["docs"] if row.get("found")}

    async def all(self, name: str) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        """Every document of an index with its id, hidden ones too. Raises EngineAway, or IndexGone."""
        await self.refresh(name)
        scroll = None
        try:
            answer = await self._client.search(
                index=name, body={"size": _PAGE, "sort": ["_doc"]}, params={"scroll": _SCROLL}
            )
            while answer["hits"]["hits"]:
                scroll = answer["_scroll_id"]
                for row in answer["hits"]["hits"]:
                    yield row["_id"], row["_source"]
                answer = await self._client.scroll(body={"scroll_id": scroll, "scroll": _SCROLL})
        except TransportError as error:
            raise _away(error) from None
        finally:
            if scroll is not None:
                with suppress(TransportError):
                    await self._client.clear_scroll(body={"scroll_id": [scroll]})

    async def search(self, query: Mapping[str, Any]) -> Any:
        """The engine's answer to a query body. Raises EngineAway; a partial answer is no answer."""
        return await self._asked(self._alias, query)

    async def _asked(self, name: str, query: Mapping[str, Any]) -> Any:
        try:
            return _whole(
                await self._client.search(index=name, body=query, params={"allow_partial_search_results": "false"})
            )
        except NotFoundError:
            raise EngineAway(_NO_INDEX) from None
        except TransportError as error:
            raise _away(error) from None

    async def searches(self, queries: Sequence[Mapping[str, Any]]) -> list[Any]:
        """The answers to several bodies, asked for at once. Raises EngineAway; a partial answer is no answer."""
        if len(queries) == 1:
            return [await self.search(queries[0])]
        to = {"index": self._alias, "allow_partial_search_results": False}
        try:
            answer = await self._client.msearch(body=[part for query in queries for part in (to, query)])
            return [_whole(one) for one in answer["responses"]]
        except NotFoundError:
            raise EngineAway(_NO_INDEX) from None
        except TransportError as error:
            raise _away(error) from None

    async def ping(self) -> str | None:
        """None when the alias can be searched, else what is wrong."""
        try:
            await self.search({"size": 0, "query": {"match_all": {}}, "track_total_hits": False})
        except EngineAway as error:
            return error.told
        return None


def _fit(document: Mapping[str, Any], declared: Mapping[str, Any] | None) -> Mapping[str, Any]:
    return document if declared is None else mapping.fitting(document, declared)


def _whole(answer: Any) -> Any:
    """The answer, when every shard gave its part in time. Raises EngineAway: a part is no answer."""
    if "error" in answer:
        raise TransportError(answer["status"], answer["error"].get("type", ""), answer["error"])
    shards = answer["_shards"]
    # A shard that no node has is not counted as failed, it is only missing.
    if answer["timed_out"] or shards["failed"] or shards["successful"] < shards["total"]:
        raise EngineAway(_PARTIAL)
    return answer


def _away(error: TransportError) -> Exception:
    if isinstance(error, Unreachable | ConnectionTimeout) or not isinstance(error.status_code, int):
        return EngineAway()
    if error.error == _SHARDS_FAILED and error.status_code >= 500:
        return EngineAway(_PARTIAL)
    if error.status_code in {_TOO_MANY, 502, 503, 504}:
        return EngineAway()
    return IndexGone(_NO_INDEX) if error.status_code == _NOT_FOUND else error
