"""One process of a service: an HTTP application and background work, stopped together and in order."""

import argparse
import asyncio
import gc
import logging
import signal
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import nullcontext
from typing import Any

import structlog
import uvicorn
import uvloop
from starlette.types import ASGIApp

from kit.logging import where

log = structlog.get_logger(__name__)

Run = Callable[[], Coroutine[Any, Any, None]]

_GRACE_SECONDS = 20
_REPEAT_SECONDS = 60.0


def run(*work: Run) -> None:
    """Run parts until all are done, one fails (exit code 1), or SIGTERM or SIGINT comes; then the rest may finish."""
    # Batches make thousands of objects that end together: looking for cycles among them took half of a worker's time.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    for handler in logging.getLogger().handlers:
        handler.addFilter(_Sparing())
    uvloop.run(_run(work))


class _Sparing(logging.Filter):
    """Passes each sentence of aiokafka once a minute: while a broker is away, every client of it says dozens a second.

    What matters to us is told by our own rooms besides, and shows in /readyz and in metrics.
    """

    def __init__(self) -> None:
        super().__init__()
        self._told: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith("aiokafka"):
            return True
        now, sentence = time.monotonic(), str(record.msg)
        if now < self._told.get(sentence, float("-inf")) + _REPEAT_SECONDS:
            return False
        self._told[sentence] = now
        return True


async def _run(work: Sequence[Run]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    running = asyncio.ensure_future(together(*work))
    stopping = asyncio.ensure_future(stop.wait())
    await asyncio.wait([running, stopping], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not running.done():
        running.cancel()
        await asyncio.wait([running], timeout=_GRACE_SECONDS)
    if running.done() and not running.cancelled() and (fault := running.exception()) is not None:
        log.error("stopped by a fault", where=where(fault))
        raise SystemExit(1)


async def together(*work: Run) -> None:
    """Run parts side by side until all are done. When one fails, the others are cancelled."""
    async with asyncio.TaskGroup() as group:
        for part in work:
            group.create_task(part())


def serving(app: ASGIApp, *, host: str, port: int) -> Run:
    """Serve an application over HTTP, as one part of a process. Requests under way are finished when it stops."""

    async def serve() -> None:
        config = uvicorn.Config(
            app, host=host, port=port, log_config=None, access_log=False, lifespan="on", timeout_graceful_shutdown=10
        )
        server = uvicorn.Server(config)
        # The process as a whole minds the signals, see _run.
        server.capture_signals = nullcontext  # type: ignore[method-assign, assignment]
        running = asyncio.ensure_future(server.serve())
        try:
            await asyncio.shield(running)
        except asyncio.CancelledError:
            server.should_exit = True
            await running
            raise

    return serve


def command(
    service: str,
    summary: str,
    commands: Mapping[str, str],
    argv: Sequence[str] | None,
    arguments: Mapping[str, Callable[[argparse.ArgumentParser], None]] | None = None,
) -> argparse.Namespace:
    """`python -m SERVICE COMMAND`: what was asked, from names with one sentence of help each; `command` is the name.

    `arguments` adds those of a command that has some. Wrong usage is told, with exit code 2.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m {service}", description=summary, epilog=f"example: python -m {service} {next(iter(commands))}"
    )
    choices = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, sentence in commands.items():
        one = choices.add_parser(name, help=sentence, description=sentence)
        if arguments is not None and name in arguments:
            arguments[name](one)
    return parser.parse_args(argv)
