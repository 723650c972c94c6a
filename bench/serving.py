"""An application served on a port of its own, and how long calls to it take."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import httpx
import uvicorn
from fastapi import FastAPI

import engines


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[str]:
    """Its address while the context lasts."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, access_log=False))
    running = asyncio.create_task(server.serve())
    await engines.eventually(lambda: server.started)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    await running


async def seconds_of(work: Sequence[Callable[[], Awaitable[httpx.Response]]]) -> list[float]:
    """How long each call took, one after the other, after a few to warm up."""
    for one in work[:5]:
        (await one()).raise_for_status()
    taken = []
    for one in work:
        begun = time.perf_counter()
        (await one()).raise_for_status()
        taken.append(time.perf_counter() - begun)
    return taken


def percentiles(seconds: Sequence[float]) -> dict[str, float]:
    """p50 and p95 in milliseconds."""
    cuts = statistics.quantiles(seconds, n=20)
    return {"p50": round(statistics.median(seconds) * 1000, 2), "p95": round(cuts[18] * 1000, 2)}
