"""Raw `_bulk`: the very documents of an index, put into another one of the same mapping and settings."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import orjson

import engines
from bench.plumbing.failed import BenchError
from bench.plumbing.ground import Ground
from bench.plumbing.meter import Meter
from bench.plumbing.rounds import Run

_A_REQUEST = 1000
_A_PAGE = 5000
# The engine's own, of one index only.
NOT_COPIED = ("uuid", "version", "creation_date", "provided_name")


@dataclass(frozen=True)
class Documents:
    """An index's settings and mapping, and its documents as request bodies, ready to be sent."""

    body: dict[str, Any]
    requests: list[bytes]
    count: int
    mean_bytes: int


def client(ground: Ground) -> httpx.AsyncClient:
    """A client of the search engine."""
    return httpx.AsyncClient(base_url=ground.opensearch, timeout=60, trust_env=False)


async def read(http: httpx.AsyncClient, alias: str) -> Documents:
    """Every document behind an alias, with its version, hidden ones too."""
    described = (await http.get(f"/{alias}")).raise_for_status().json()
    if len(described) != 1:
        raise BenchError(f"{alias} leads to {len(described)} indexes, one was expected")
    ((index, one),) = described.items()
    settings = {name: value for name, value in one["settings"]["index"].items() if name not in NOT_COPIED}
    lines: list[bytes] = []
    size = 0
    async for hits in pages(http, index):
        for hit in hits:
            source = orjson.dumps(hit["_source"])
            size += len(source)
            action = {"index": {"_id": hit["_id"], "version": hit["_version"], "version_type": "external"}}
            lines.append(b"%b\n%b\n" % (orjson.dumps(action), source))
    requests = [b"".join(lines[begin : begin + _A_REQUEST]) for begin in range(0, len(lines), _A_REQUEST)]
    body = {"settings": {"index": settings}, "mappings": one["mappings"]}
    return Documents(body, requests, len(lines), size // max(1, len(lines)))


async def pages(http: httpx.AsyncClient, index: str) -> AsyncIterator[list[dict[str, Any]]]:
    """Every document of an index, or behind an alias, some thousands at a time."""
    query = {"size": _A_PAGE, "version": True, "sort": ["_doc"]}
    answer = await http.post(f"/{index}/_search", params={"scroll": "2m"}, json=query)
    while hits := (page := orjson.loads(answer.raise_for_status().content))["hits"]["hits"]:
        yield hits
        answer = await http.post("/_search/scroll", json={"scroll": "2m", "scroll_id": page["_scroll_id"]})
    await http.request("DELETE", "/_search/scroll", json={"scroll_id": page["_scroll_id"]})


async def put(ground: Ground, http: httpx.AsyncClient, documents: Documents, in_flight: int) -> Run:
    """Put them into a new index with so many requests in flight, until all can be found; the index is removed."""
    index = f"bench-bulk-{time.time_ns()}"
    (await http.put(f"/{index}", json=documents.body)).raise_for_status()
    waiting = iter(documents.requests)
    headers = {"content-type": "application/x-ndjson"}

    async def send() -> None:
        for body in waiting:
            answer = await http.post(f"/{index}/_bulk", params={"filter_path": "errors"}, content=body, headers=headers)
            if answer.raise_for_status().json()["errors"]:
                raise BenchError("the engine refused documents that it holds already")

    try:
        meter = Meter({"ours": [os.getpid()], **ground.pids()})
        await asyncio.gather(*(send() for _ in range(in_flight)))
        await until_searchable(http, index, documents.count, documents.count, 120)
        spent = meter.stop()
    finally:
        await http.delete(f"/{index}")
    return Run(round(documents.count / spent.seconds), spent)


async def writes(http: httpx.AsyncClient, index: str) -> int:
    """How many documents have been written to an index, found or not."""
    answer = (await http.get(f"/{index}/_stats/indexing")).raise_for_status().json()
    return int(answer["_all"]["primaries"]["indexing"]["index_total"])


async def until_searchable(http: httpx.AsyncClient, index: str, wanted: int, least_writes: int, within: float) -> None:
    """Wait for so many writes, then refresh and wait until so many documents can be found.

    Waiting for the engine's own refresh, once a second, would be as long as a fifth of what is measured.
    """

    async def written() -> bool:
        if await writes(http, index) < least_writes:
            return False
        (await http.post(f"/{index}/_refresh")).raise_for_status()
        return await _found(http, index) >= wanted

    try:
        await engines.eventually(written, within)
    except AssertionError:
        raise BenchError(f"{await _found(http, index)} of {wanted} documents can be found in {index}") from None


async def _found(http: httpx.AsyncClient, index: str) -> int:
    answer = await http.get(f"/{index}/_count")
    # Without an index there is nothing to be found yet.
    return int(answer.json()["count"]) if answer.is_success else 0


async def until_count(http: httpx.AsyncClient, index: str, wanted: int, within: float) -> None:
    """Wait until so many documents can be found. Raises BenchError when they cannot in time."""

    async def all_found() -> bool:
        return await _found(http, index) >= wanted

    try:
        await engines.eventually(all_found, within)
    except AssertionError:
        raise BenchError(f"{await _found(http, index)} of {wanted} documents can be found in {index}") from None
