"""How fast a topic becomes searchable through the real search worker, beside raw `_bulk` of the same documents."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from bench.plumbing import bulk, facts, topics
from bench.plumbing.ground import Ground, Service
from bench.plumbing.meter import Meter
from bench.plumbing.rounds import Run, in_turn, told
from bench.plumbing.sizes import Sizes
from contracts import Envelope
from engines import observe

_BATCHES, _LAG = "vf_consumer_batch_records_count", "vf_consumer_lag_records{"
_WITHIN_SECONDS = 900
_numbers = itertools.count(1)


@dataclass(frozen=True)
class World:
    """Search with a database and indexes of its own, on topics that hold what offerings are joined with."""

    ground: Ground
    http: httpx.AsyncClient
    database: str
    alias: str

    def worker(self) -> Any:
        """The real worker, as a context."""
        return self.ground.service("search", "worker", POSTGRES_URL=self.database, INDEX_NAME=self.alias)

    async def remove(self) -> None:
        """Leave nothing of it in the engines."""
        for index in (await self.http.get(f"/{self.alias}-*")).json():
            await self.http.delete(f"/{index}")


async def measure(ground: Ground, sizes: Sizes) -> dict[str, Any]:
    """Ours, then raw `_bulk` of what ours has made, round by round; one smaller round before warms the engine up."""
    made: dict[str, bulk.Documents] = {}
    events = list(facts.offerings(range(sizes.units), sizes.codes))
    async with bulk.client(ground) as http:

        async def ours(units: int = sizes.units) -> Run:
            world = await prepared(ground, http, range(0), range(units), sizes.codes)
            run = await load(world, events[: units * sizes.codes], units * sizes.codes)
            made["last"] = await bulk.read(http, world.alias)
            await world.remove()
            return run

        async def raw(in_flight: int) -> Run:
            return await bulk.put(ground, http, made["last"], in_flight)

        await ours(sizes.warm_units)
        await raw(2)
        contenders = {"ours": ours, "ceiling": lambda: raw(2), "bulk_1_in_flight": lambda: raw(1)}
        runs = await in_turn("projection", contenders, sizes.rounds)
    return told(
        runs,
        "documents/s",
        documents=made["last"].count,
        document_bytes=made["last"].mean_bytes,
        ours_is="care-offering-updated on the topic to found by _count, joins included, from the worker's first batch;"
        " units, codes, maps, an agreement and a wait a unit are there before; refreshed once all is written",
        ceiling_is="the same documents read back, pre-joined, 1,000 a _bulk, 2 in flight, until found by _count;"
        " refreshed once all is written",
    )


async def prepared(
    ground: Ground, http: httpx.AsyncClient, there: Sequence[int], coming: Sequence[int], codes: int
) -> World:
    """What offerings are joined with is projected for all units, and the offerings of those `there`."""
    await topics.empty(ground)
    world = World(ground, http, await ground.migrated("search"), f"bench{next(_numbers)}")
    units = [*there, *coming]
    await topics.put(ground, facts.catalogue(units, codes))
    async with world.worker() as worker:
        # Maps first: otherwise offers move, and leave hidden documents behind.
        await caught_up(ground, worker)
        await topics.put(ground, facts.agreed(units, codes))
        await topics.put(ground, facts.offerings(there, codes))
        # Each unit's agreement makes an offer of its own.
        await bulk.until_count(http, world.alias, len(there) * codes + len(coming), _WITHIN_SECONDS)
        await caught_up(ground, worker)
    return world


async def load(world: World, offerings: Iterable[Envelope], documents: int) -> Run:
    """The offerings are put on the topic, then a worker starts; until so many documents are found."""
    ground = world.ground
    events = await topics.put(ground, offerings)
    before = await bulk.writes(world.http, world.alias)
    async with world.worker() as worker:
        groups = {"ours": [worker.child.pid], **ground.pids()}
        meter = Meter(groups)

        async def begun() -> bool:
            nonlocal meter
            # The last look that saw no batch is the beginning: no batch is got for nothing.
            looked = Meter(groups)
            if (await worker.metrics()).get(_BATCHES):
                return True
            meter = looked
            return False

        await ground.until(worker, _WITHIN_SECONDS, "consuming", begun)
        await bulk.until_searchable(world.http, world.alias, documents, before + events, _WITHIN_SECONDS)
        spent = meter.stop()
        await caught_up(ground, worker)
        memory = observe.memory(worker.child.pid)
    return Run(round(events / spent.seconds), spent, {"worker_mb": memory})


async def caught_up(ground: Ground, worker: Service) -> None:
    """Nothing is left on the topics: the offsets are committed, and the next worker begins behind them."""

    async def nothing_left() -> bool:
        lags = [value for name, value in (await worker.metrics()).items() if name.startswith(_LAG)]
        return bool(lags) and not any(lags)

    await ground.until(worker, _WITHIN_SECONDS, "at the end of its topics", nothing_left)
