"""The index itself: created when missing, written with external versions, searched through an alias."""

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


class EngineAway(Exception):
    """OpenSearch cannot be reached, or asks to be left alone for a while."""

    def __init__(self) -> None:
        super().__init__("opensearch")


class Index:
    """One index of offers: `NAME` is the alias that is searched, `NAME-v1` the index behind it."""

    def __init__(self, url: str, name: str) -> None:
        self._client = AsyncOpenSearch(hosts=[url], timeout=10, maxsize=25, max_retries=0)
        self._alias = name
        self._name = f"{name}-v1"
        self._prepared = False

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.close()

    async def prepare(self) -> None:
        """Create index and alias where they are missing; deleted offers stay hidden behind the alias."""
        if self._prepared:
            return
        created = {**mapping.body(), "aliases": {self._alias: {"filter": {"term": {"deleted": False}}}}}
        try:
            await self._client.indices.create(index=self._name, body=created)
            log.info("index created", index=self._name)
        except RequestError as error:
            if error.error != "resource_already_exists_exception":
                raise
        except TransportError as error:
            raise _away(error) from None
        self._prepared = True

    async def write(self, documents: Sequence[tuple[str, int, Mapping[str, Any] | None]]) -> dict[str, str]:
        """Write (id, revision, document) rows; None hides the offer. The reasons of those refused for good, by id.

        A revision the index already has, or a higher one, is left as it is. Raises EngineAway.
        """
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
            if status in {429, 503}:
                raise EngineAway
            # 409: the index holds this revision or a newer one.
            if status >= 400 and status != 409:
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
        except RequestError:
            raise
        except TransportError as error:
            raise _away(error) from None
        return answer

    async def get(self, offer: str) -> Any | None:
        """One offer's document, or None."""
        found = await self.search({"query": {"ids": {"values": [offer]}}, "size": 1})
        hits = found["hits"]["hits"]
        return hits[0]["_source"] if hits else None

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
