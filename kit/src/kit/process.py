"""One process of a service: an HTTP application and background work, stopped together and in order."""

import argparse
import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import structlog
import uvicorn
import uvloop
from starlette.types import ASGIApp

from kit.logging import where

log = structlog.get_logger(__name__)

Run = Callable[[], Awaitable[None]]

_GRACE_SECONDS = 20


def run(*work: Run) -> None:
    """Run parts side by side until all are done, one fails, or SIGTERM or SIGINT comes; then the rest may finish.

    Exits with code 1 when a part failed; the log says where.
    """
    uvloop.run(_run(work))


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
        for part in fault.exceptions if isinstance(fault, BaseExceptionGroup) else [fault]:
            log.error("stopped by a fault", where=where(part))
        raise SystemExit(1)


async def together(*work: Run) -> None:
    """Run parts side by side until all are done. When one fails, the others are cancelled."""
    async with asyncio.TaskGroup() as group:
        for part in work:
            group.create_task(_as_coroutine(part))


async def _as_coroutine(part: Run) -> None:
    await part()


def serving(app: ASGIApp, *, host: str, port: int) -> Run:
    """Serve an application over HTTP, as one part of a process. Requests under way are finished when it stops."""

    async def serve() -> None:
        config = uvicorn.Config(
            app, host=host, port=port, log_config=None, access_log=False, lifespan="on", timeout_graceful_shutdown=10
        )
        server = _Server(config)
        running = asyncio.ensure_future(server.serve())
        try:
            await asyncio.shield(running)
        except asyncio.CancelledError:
            server.should_exit = True
            await running
            raise

    return serve


class _Server(uvicorn.Server):
    # The process as a whole minds the signals, see _run.
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def command(service: str, summary: str, commands: Mapping[str, str], argv: Sequence[str] | None) -> str:
    """`python -m SERVICE COMMAND`: the command chosen, from names with one sentence of help each."""
    parser = argparse.ArgumentParser(
        prog=f"python -m {service}", description=summary, epilog=f"example: python -m {service} {next(iter(commands))}"
    )
    choices = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, sentence in commands.items():
        choices.add_parser(name, help=sentence, description=sentence)
    return str(parser.parse_args(argv).command)
