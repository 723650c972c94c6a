"""The index itself: created when missing, written with external versions, searched through an alias."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import structlog
from opensearchpy import AsyncOpenSearch
from opensearchpy.exceptions import ConnectionError as Unreachable
from opensearchpy.exceptions import ConnectionTimeout, NotFoundError, RequestError, TransportError

from search.index import mapping

log = structlog.get_logger(__name__)

_ANSWERED = "took,errors,items.*._id,items.*.status,items.*.error.reason"
_CONFLICT, _NOT_FOUND, _TOO_MANY = 409, 404, 429


class EngineAway(Exception):
    """OpenSearch cannot be reached, or asks to be left alone for a while."""

    def __init__(self) -> None:
        super().__init__("opensearch")


class Index:
    """The index of offers. `name` is the alias that is searched; the index behind it is named for its own mapping."""

    def __init__(self, url: str, name: str) -> None:
        self._client = AsyncOpenSearch(hosts=[url], timeout=10, maxsize=25, max_retries=0)
        self._alias = name
        self._body = mapping.body()
        digest = hashlib.sha256(orjson.dumps(self._body, option=orjson.OPT_SORT_KEYS)).hexdigest()
        self._name = f"{name}-{digest[:8]}"
        self._ready = False

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.close()

    async def ready(self) -> bool:
        """True when the index that is searched exists and has the mapping of this code. Raises EngineAway."""
        if not self._ready:
            try:
                self._ready = await self._client.indices.exists_alias(name=self._alias, index=self._name)
            except TransportError as error:
                raise _away(error) from None
        return self._ready

    async def create(self) -> None:
        """Create the index, empty, and search it from now on. Deleted offers stay hidden behind the alias."""
        try:
            await self._create()
            found = await self._client.indices.get_alias(name=self._alias, params={"ignore": 404})
            before = [name for name, row in found.items() if isinstance(row, dict) and name != self._name]
            hiding = {"filter": {"term": {"deleted": False}}}
            actions = [
                *({"remove": {"index": name, "alias": self._alias}} for name in before),
                {"add": {"index": self._name, "alias": self._alias, **hiding}},
            ]
            await self._client.indices.update_aliases(body={"actions": actions})
        except TransportError as error:
            raise _away(error) from None
        log.info("index searched", index=self._name, before=before)

    async def _create(self) -> None:
        try:
            await self._client.indices.create(index=self._name, body=self._body)
        except RequestError as error:
            if error.error != "resource_already_exists_exception":
                raise

    async def write(self, documents: Sequence[tuple[str, int, Mapping[str, Any] | None]]) -> dict[str, str]:
        """Write (id, revision, document) rows; None hides the offer. The reasons of those refused for good, by id.

        A revision the index already has, or a higher one, is left as it is. Raises EngineAway.
        """
        if not documents:
            return {}
        lines: list[bytes] = []
        for offer, revision, document in documents:
            action = {"index": {"_id": offer, "version": revision, "version_type": "external"}}
            lines += [orjson.dumps(action), orjson.dumps(_indexed(document))]
        try:
            answer = await self._client.bulk(
                index=self._name, body=b"\n".join(lines) + b"\n", params={"filter_path": _ANSWERED}
            )
        except TransportError as error:
            raise _away(error) from None
        faults: dict[str, str] = {}
        for item in answer["items"]:
            result = item["index"]
            status = int(result["status"])
            if status == _NOT_FOUND:
                # Somebody removed the index: it is made and filled again.
                self._ready = False
                raise EngineAway
            if status == _TOO_MANY or status >= 500:
                raise EngineAway
            # On a conflict the index holds this revision or a newer one.
            if status >= 400 and status != _CONFLICT:
                faults[result["_id"]] = result.get("error", {}).get("reason", f"status {status}")
                log.error("document refused", offer=result["_id"], status=status)
        return faults

    async def search(self, query: Mapping[str, Any]) -> Any:
        """The engine's answer to a query body. Raises EngineAway; a partial answer is no answer."""
        try:
            answer = await self._client.search(
                index=self._alias, body=query, params={"allow_partial_search_results": "false"}
            )
        except NotFoundError:
            raise EngineAway from None
        except TransportError as error:
            raise _away(error) from None
        return answer

    async def ping(self) -> str | None:
        """None when the alias can be searched, else what is wrong."""
        try:
            await self._client.search(index=self._alias, body={"size": 0, "query": {"match_none": {}}})
        except NotFoundError:
            return "opensearch: the index does not exist yet"
        except TransportError:
            return "opensearch cannot be reached"
        return None


def _indexed(document: Mapping[str, Any] | None) -> dict[str, Any]:
    """What is searched stands beside what is shown."""
    if document is None:
        return {"deleted": True}
    unit = document["care_unit"]
    return {
        **document,
        "unit": unit["hsa_id"],
        "region": unit["region"],
        "collaboration_region": unit["collaboration_region"],
    }


def _away(error: TransportError) -> Exception:
    if isinstance(error, Unreachable | ConnectionTimeout) or error.status_code in {429, 502, 503, 504}:
        return EngineAway()
    return error
