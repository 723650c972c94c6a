"""Work in a process of its own, so that measuring does not slow down what is measured.

A piece of work is a coroutine function of this package: its first argument is to be called once it is ready, the
others are JSON, and so is its answer. It runs on uvloop, as our services do.
"""

import asyncio
import importlib
import itertools
import json
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import uvloop

from bench.plumbing.failed import BenchError
from engines.process import Child, launch, tail
from kit import logging

Ready = Callable[[], None]

_numbers = itertools.count(1)
_POLL_SECONDS = 0.02
_END_SECONDS = 30.0


class Apart:
    """A process at work."""

    def __init__(self, name: str, child: Child, place: Path) -> None:
        self._name = name
        self._child = child
        self._place = place

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._child.pid

    async def ready(self, within: float = 120.0) -> None:
        """Wait until it says that it is ready. Raises BenchError with the end of its log when it does not."""
        await self._until(self._place.with_suffix(".ready"), within)

    async def answer(self, within: float = 1200.0) -> Any:
        """Wait for its answer. Raises BenchError with the end of its log when there is none."""
        answer = self._place.with_suffix(".json")
        await self._until(answer, within)
        return json.loads(answer.read_text())

    async def stop(self) -> Any:
        """Tell it to end; its answer."""
        self._child.send(signal.SIGTERM)
        return await self.answer(_END_SECONDS)

    async def _until(self, mark: Path, within: float) -> None:
        until = time.monotonic() + within
        while not self._there(mark, until, within):  # noqa: ASYNC110 it is another process that is waited for
            await asyncio.sleep(_POLL_SECONDS)

    def _there(self, mark: Path, until: float, within: float) -> bool:
        # Asked in this order: what it leaves is there before it ends.
        alive = self._child.alive()
        if not mark.exists() and (not alive or time.monotonic() > until):
            why = f"says nothing for {within:.0f} s" if alive else "has ended"
            raise BenchError(f"{self._name} {why}: {tail(self._place.with_suffix('.log'), 15)}")
        return mark.exists()


@asynccontextmanager
async def running(home: Path, work: Callable[..., Awaitable[Any]], **arguments: Any) -> AsyncIterator[Apart]:
    """The work in a process, which ends with this context at the latest."""
    place = home / f"apart-{next(_numbers)}"
    child = launch(
        [sys.executable, "-m", __name__, work.__module__, work.__name__, json.dumps(arguments), str(place)],
        log=place.with_suffix(".log"),
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
        death_signal=signal.SIGKILL,
    )
    try:
        yield Apart(work.__name__, child, place)
    finally:
        await asyncio.to_thread(child.end, signal.SIGTERM)


async def done(home: Path, work: Callable[..., Awaitable[Any]], **arguments: Any) -> Any:
    """The work's answer."""
    async with running(home, work, **arguments) as process:
        return await process.answer()


async def _work(module: str, name: str, arguments: dict[str, Any], place: Path) -> None:
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 a coroutine runs in a task
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    answer = None
    # Work that goes on for ever ends by being cancelled.
    with suppress(asyncio.CancelledError):
        answer = await getattr(importlib.import_module(module), name)(place.with_suffix(".ready").touch, **arguments)
    fresh = place.with_suffix(".new")
    fresh.write_text(json.dumps(answer))
    fresh.replace(place.with_suffix(".json"))


if __name__ == "__main__":
    logging.configure("bench")
    uvloop.run(_work(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]), Path(sys.argv[4])))
