"""The same questions over ten times the offers, of which as many match each: what was added is written backwards."""

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import orjson

from bench.plumbing import bulk
from bench.plumbing.failed import BenchError
from bench.plumbing.rounds import say
from bench.search import clients, world
from bench.search.clients import Asked, percentiles
from bench.search.entries import Entry, entry
from bench.search.questions import questions
from bench.search.sizes import Sizes
from bench.search.world import ALIAS, World

_GROWN = "grown"
_IN_FLIGHT = 2
_WITHIN_SECONDS = 600.0
_NDJSON = {"content-type": "application/x-ndjson"}


async def measure(world_: World, sizes: Sizes) -> dict[str, Entry]:
    """p95 over the grown index beside p95 over the other one; each asked in turns, straight of its api."""
    ground = world_.ground
    asked = questions(world_.country, sizes.questions, broad=False)
    async with bulk.client(ground) as http:
        await _grow(http, sizes)
        try:
            async with world.api(ground, world_.database, _GROWN) as grown:
                ports = {"ours": grown.port, "ceiling": world_.api.port}
                turns = await _in_turns(
                    world_, sizes, {name: world_.asked(asked, port=at) for name, at in ports.items()}
                )
        finally:
            await http.delete(f"/{_GROWN}-1")
    ours, ceiling = (percentiles([one for turn in turns[name] for one in turn.milliseconds]) for name in ports)
    return {
        "growth_p95": entry(
            ours["p95"],
            ceiling["p95"],
            "ms",
            most=2,
            of_ratio=True,
            ceiling_is="the same questions over the national offers; broad ones, which more offers match, are left out",
            offers=[sizes.offers * sizes.grown_times, sizes.offers],
            ours_more=ours,
            ceiling_more=ceiling,
        )
    }


async def _in_turns(world_: World, sizes: Sizes, calls: dict[str, Any]) -> dict[str, list[Asked]]:
    turns: dict[str, list[Asked]] = {name: [] for name in calls}
    for number in range(sizes.rounds + 1):
        for name, some in calls.items():
            turn = await clients.once(world_.ground, some, sizes.clients)
            say(f"[growth] round {number}, {name}: {turn.per_second:.1f}/s {percentiles(turn.milliseconds)}")
            if number:
                turns[name].append(turn)
    return turns


async def _grow(http: httpx.AsyncClient, sizes: Sizes) -> None:
    """An index with the offers themselves and copies of them, behind an alias like the other's."""
    ((_, described),) = (await http.get(f"/{ALIAS}")).raise_for_status().json().items()
    kept = {name: value for name, value in described["settings"]["index"].items() if name not in bulk.NOT_COPIED}
    hidden = {"filter": {"term": {"deleted": False}}}
    body = {"settings": {"index": kept}, "mappings": described["mappings"], "aliases": {_GROWN: hidden}}
    (await http.put(f"/{_GROWN}-1", json=body)).raise_for_status()
    writing: set[asyncio.Task[None]] = set()
    written = 0
    async for page in bulk.pages(http, ALIAS):
        for copy in range(sizes.grown_times):
            if len(writing) == _IN_FLIGHT:
                done, writing = await asyncio.wait(writing, return_when=asyncio.FIRST_COMPLETED)
                for one in done:
                    one.result()
            lines = b"".join(_lines(page, copy))
            writing.add(asyncio.create_task(_write(http, lines)))
            written += len(page)
        say(f"[growth] {written:,} of {sizes.offers * sizes.grown_times:,} offers")
    await asyncio.gather(*writing)
    (await http.post(f"/{_GROWN}-1/_refresh", timeout=_WITHIN_SECONDS)).raise_for_status()
    await bulk.until_count(http, _GROWN, sizes.offers * sizes.grown_times, _WITHIN_SECONDS)


async def _write(http: httpx.AsyncClient, lines: bytes) -> None:
    params = {"filter_path": "errors"}
    answer = await http.post(f"/{_GROWN}-1/_bulk", params=params, content=lines, headers=_NDJSON)
    if answer.raise_for_status().json()["errors"]:
        raise BenchError("the engine refused copies of offers")


def _lines(page: list[dict[str, Any]], copy: int) -> Iterator[bytes]:
    for hit in page:
        source = hit["_source"] if copy == 0 else _other(hit["_source"], copy)
        name = hit["_id"] if copy == 0 else f"{hit['_id']}~{copy}"
        yield b'{"index":{"_id":%b}}\n%b\n' % (orjson.dumps(name), orjson.dumps(source))


def _other(document: dict[str, Any], copy: int) -> dict[str, Any]:
    """The same offer of another unit and service, with every word written backwards."""
    unit = document["care_unit"]
    backwards = {name: unit[name][::-1] for name in ("name", "municipality_name") if unit[name]}
    return {
        **document,
        "care_unit": {**unit, **backwards, "hsa_id": f"{unit['hsa_id']}~{copy}"},
        "unit": f"{document['unit']}~{copy}",
        "care_service": f"{document['care_service']}~{copy}",
        "codes": [f"{one}~{copy}" for one in document["codes"]],
        "text": [one[::-1] for one in document["text"]],
    }
