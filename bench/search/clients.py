"""Clients that ask without a pause, in a process apart; each call is one or more requests, and all must succeed."""

import asyncio
import itertools
import json
import statistics
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from bench.plumbing import apart
from bench.plumbing.apart import Apart, Ready
from bench.plumbing.failed import BenchError
from bench.plumbing.ground import Ground

Call = Sequence[Mapping[str, Any]]
"""One question: requests one after the other, each `url`, `headers` and `body`."""

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Asked:
    """What a turn of the clients gave."""

    milliseconds: Sequence[float]
    """Of each call, in the order of their answers."""
    failed: Sequence[str]
    """Why calls failed, each once."""
    failures: int
    seconds: float

    @property
    def per_second(self) -> float:
        """Calls answered a second."""
        return len(self.milliseconds) / self.seconds


def percentiles(milliseconds: Sequence[float]) -> dict[str, float]:
    """p50, p95, p99 and the highest."""
    cuts = statistics.quantiles(milliseconds, n=100)
    named = {"p50": cuts[49], "p95": cuts[94], "p99": cuts[98], "max": max(milliseconds)}
    return {name: round(value, 1) for name, value in named.items()}


async def once(ground: Ground, calls: Iterable[Call], clients: int) -> Asked:
    """Every call once, shared out among the clients. Raises BenchError where one fails."""
    answer = await apart.done(ground.home, ask, file=_written(ground, calls), clients=clients, again=False)
    asked = Asked(**answer)
    if asked.failures:
        raise BenchError(f"{asked.failures} of {len(asked.milliseconds)} calls failed: {asked.failed[0]}")
    return asked


@asynccontextmanager
async def always(ground: Ground, calls: Iterable[Call], clients: int) -> AsyncIterator[Apart]:
    """Clients that ask again and again while the context lasts; `stopped` tells what it gave."""
    asking = apart.running(ground.home, ask, file=_written(ground, calls), clients=clients, again=True)
    async with asking as process:
        await process.ready()
        yield process


async def stopped(process: Apart) -> Asked:
    """Let the clients end; what they got."""
    return Asked(**await process.stop())


def _written(ground: Ground, calls: Iterable[Call]) -> str:
    file = ground.home / f"calls-{next(_numbers)}.json"
    file.write_text(json.dumps(list(calls)))
    return str(file)


async def ask(ready: Ready, file: str, clients: int, again: bool) -> dict[str, Any]:
    """Apart: the calls of a file, once or `again` and again until it is told to end."""
    calls: list[Call] = json.loads(await asyncio.to_thread(Path(file).read_text))
    waiting = itertools.cycle(calls) if again else iter(calls)
    milliseconds: list[float] = []
    failed: dict[str, None] = {}
    failures = 0

    async def client(session: aiohttp.ClientSession) -> None:
        nonlocal failures
        for call in waiting:
            begun = time.perf_counter()
            fault = await _answered(session, call)
            milliseconds.append(1000 * (time.perf_counter() - begun))
            if fault is not None:
                failures += 1
                failed[fault] = None

    timeout = aiohttp.ClientTimeout(total=60)
    async with aiohttp.ClientSession(timeout=timeout, auto_decompress=False) as session:
        ready()
        begun = time.perf_counter()
        try:
            await asyncio.gather(*(client(session) for _ in range(clients)))
        except asyncio.CancelledError:
            if not again:
                raise
        seconds = time.perf_counter() - begun
    return {"milliseconds": milliseconds, "failed": list(failed), "failures": failures, "seconds": seconds}


async def _answered(session: aiohttp.ClientSession, call: Call) -> str | None:
    for one in call:
        try:
            async with session.post(one["url"], data=one["body"].encode(), headers=one["headers"]) as answer:
                content = await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            return repr(error)
        if answer.status != 200:
            return f"{answer.status}: {content[:200]!r}"
    return None
