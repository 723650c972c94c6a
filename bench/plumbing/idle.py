"""What our processes cost while there is nothing to do: a relay's share of a core, workers' memory."""

import asyncio
from contextlib import AsyncExitStack
from importlib.resources import as_file, files
from typing import Any

import asyncpg

from bench.plumbing import apart, backlog
from bench.plumbing.ground import Ground
from bench.plumbing.latency import relaying
from bench.plumbing.meter import Meter
from bench.plumbing.sizes import Sizes
from engines import observe
from upkeep.topics import create_topics, read_topics

WORKERS = ("search", "agreements")
_SETTLE_SECONDS = 3


async def relay(ground: Ground, sizes: Sizes) -> dict[str, Any]:
    """An idle relay's process and its PostgreSQL backends. The backlog has been made."""
    url = ground.database_url(backlog.DATABASE)
    await ground.statements(backlog.DATABASE, "TRUNCATE outbox")
    async with apart.running(ground.home, relaying, database_url=url, bootstrap=ground.kafka) as process:
        await process.ready()
        await asyncio.sleep(_SETTLE_SECONDS)
        groups = {"relay": [process.pid], "backends": await _backends(url)}
        meter = Meter({**groups, **ground.pids()})
        await asyncio.sleep(sizes.idle_seconds)
        spent = meter.stop()
    share = 100 * (spent.cpu["relay"] + spent.cpu["backends"]) / spent.seconds
    return {
        "ours": round(share, 2),
        "ceiling": None,
        "ratio": None,
        "unit": "% of one core",
        "ours_is": "an idle relay's process and its backends in PostgreSQL",
        "relay": round(100 * spent.cpu["relay"] / spent.seconds, 2),
        "backends": round(100 * spent.cpu["backends"] / spent.seconds, 2),
        "seconds": spent.seconds,
        "cpu_s": spent.cpu,
    }


async def _backends(url: str) -> list[int]:
    connection = await asyncpg.connect(url, ssl=None)
    try:
        rows = await connection.fetch(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'"
        )
    finally:
        await connection.close()
    return [row["pid"] for row in rows]


async def memory(ground: Ground, sizes: Sizes) -> dict[str, Any]:
    """Resident memory of the workers as they are deployed, with empty topics, some seconds after they are ready."""
    with as_file(files("contracts") / "topics.yaml") as declared:
        await create_topics(ground.kafka, read_topics(declared))
    async with AsyncExitStack() as stack:
        workers = {}
        for name in WORKERS:
            url = await ground.migrated(name)
            workers[name] = await stack.enter_async_context(
                ground.service(name, "worker", POSTGRES_URL=url, INDEX_NAME="idle")
            )
        for worker in workers.values():
            await ground.ready(worker)
        await asyncio.sleep(max(_SETTLE_SECONDS, sizes.idle_seconds / 2))
        found = {name: observe.memory(worker.child.pid) for name, worker in workers.items()}
    return {
        "ours": max(found.values()),
        "ceiling": None,
        "ratio": None,
        "unit": "MB of resident memory, the larger of the two",
        **found,
    }
