"""Everything anew while clients search: how long it takes, what they see of it."""

import asyncio
import os
import sys
import time

from bench.plumbing.failed import BenchError
from bench.plumbing.projection import caught_up
from bench.plumbing.rounds import say
from bench.search import clients
from bench.search.clients import Asked, percentiles
from bench.search.entries import Entry, entry
from bench.search.questions import questions
from bench.search.sizes import Sizes
from bench.search.world import ALIAS, World

_SOURCES = ("rows", "topics")
_IDLE_SECONDS = 20.0
_WITHIN_SECONDS = 600.0


async def measure(world: World, sizes: Sizes) -> dict[str, Entry]:
    """A rebuild from the rows and one from the topics, each with what the clients saw, and what they saw before."""
    ground = world.ground
    calls = world.asked(questions(world.country, sizes.questions))
    results: dict[str, Entry] = {}
    async with world.worker() as worker:
        await ground.ready(worker)
        await caught_up(ground, worker)
        async with clients.always(ground, calls, sizes.clients) as asking:
            await asyncio.sleep(_IDLE_SECONDS * min(1.0, sizes.offers / 20_000))
            idle = await clients.stopped(asking)
        for source in _SOURCES:
            async with clients.always(ground, calls, sizes.clients) as asking:
                seconds = await _rebuild(world, source)
                searched = await clients.stopped(asking)
            say(f"[rebuild] from {source}: {seconds:.1f} s; {percentiles(searched.milliseconds)}")
            results |= _told(source, seconds, searched, idle, sizes)
    return results


def _told(source: str, seconds: float, searched: Asked, idle: Asked, sizes: Sizes) -> dict[str, Entry]:
    during, before = percentiles(searched.milliseconds), percentiles(idle.milliseconds)
    return {
        f"rebuild_from_{source}": entry(seconds, None, "s", most=60, offers=sizes.offers),
        f"rebuild_from_{source}_failed": entry(
            searched.failures,
            None,
            "failed searches",
            most=0,
            clients=sizes.clients,
            searches=len(searched.milliseconds),
            why=list(searched.failed),
        ),
        f"rebuild_from_{source}_p99": entry(
            during["p99"],
            before["p99"],
            "ms",
            most=2,
            of_ratio=True,
            ceiling_is="the same clients and questions while nothing is rebuilt",
            ours_more={**during, "per_second": round(searched.per_second, 1)},
            ceiling_more={**before, "per_second": round(idle.per_second, 1)},
        ),
    }


async def _rebuild(world: World, source: str) -> float:
    """Seconds of `python -m search rebuild`."""
    environment = {
        "POSTGRES_URL": world.database,
        "KAFKA_BOOTSTRAP": world.ground.kafka,
        "OPENSEARCH_URL": world.ground.opensearch,
        "OIDC_ISSUER": "http://127.0.0.1:1/unused",
        "INDEX_NAME": ALIAS,
    }
    begun = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "search", "rebuild", "--from", source),
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), _WITHIN_SECONDS)
    if process.returncode:
        raise BenchError(f"rebuild from {source}: {said.decode()[-500:]}")
    return time.monotonic() - begun
