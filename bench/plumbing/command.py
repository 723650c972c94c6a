"""The command line: what is measured, on which engines, and the result as JSON."""

import argparse
import asyncio
import json
import os
import platform
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from types import FrameType
from typing import Any, NoReturn

import httpx
from aiokafka.errors import KafkaError

from bench.plumbing import backlog, consumer, debezium, goals, growth, idle, latency, projection, relay
from bench.plumbing.failed import BenchError
from bench.plumbing.ground import Ground, opened
from bench.plumbing.rounds import Contender, say
from bench.plumbing.sizes import FULL, SMALL, Sizes
from engines import EngineError

_EPILOG = """\
measurements:
  relay          backlog in the outbox to the topic, beside aiokafka alone
  latency        commit to consumer at a steady rate, beside aiokafka alone
  idle           share of a core that a relay takes while nothing waits
  consumer       events a second with nothing applied, beside aiokafka alone
  projection     topic to searchable, beside raw _bulk of the same documents
  memory         resident memory of idle workers
  growth-outbox  the relay with ten times the rows      (only with --growth or --only)
  growth-index   the projection into ten times the documents (likewise)

example: python -m bench.plumbing --only relay,latency --peer debezium > figures.json
Exit code 0: all was measured, whether or not goals are reached; 1: something could not be; 2: wrong usage."""

Measure = Callable[[Ground, Sizes], Awaitable[dict[str, Any]]]

# Those that move rows first: they need no search engine to be warm.
_OF_BACKLOG = ("relay", "latency", "idle", "consumer", "growth-outbox")
_OF_SEARCH = ("projection", "memory", "growth-index")
_GROWTH = ("growth-outbox", "growth-index")


def main(arguments: Sequence[str] | None = None) -> int:
    """Start engines, measure one thing after the other, print JSON, stop the engines."""
    asked = _parser().parse_args(arguments)
    sizes = SMALL if asked.small else FULL
    names = asked.only or [name for name in (*_OF_BACKLOG, *_OF_SEARCH) if asked.growth or name not in _GROWTH]
    if asked.peer and not {"relay", "latency"} & set(names):
        _parser().error("--peer takes part in relay and latency only")
    wanted = ["kafka", "postgres", *(["opensearch"] if set(_OF_SEARCH) & set(names) else [])]
    signal.signal(signal.SIGTERM, _end)
    begun = time.monotonic()
    try:
        with opened(wanted, logical=bool(asked.peer)) as ground:
            results = asyncio.run(_measure(ground, sizes, names, peer=bool(asked.peer)))
    except EngineError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    run = {
        "small": asked.small,
        "peer": asked.peer,
        "minutes": round((time.monotonic() - begun) / 60, 1),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    print(json.dumps({"goals": goals.judge(results, peer=bool(asked.peer)), **results, "run": run}, indent=2))
    return 1 if any("error" in entry for entry in results.values()) else 0


async def _measure(ground: Ground, sizes: Sizes, names: Sequence[str], *, peer: bool) -> dict[str, dict[str, Any]]:
    results: dict[str, dict[str, Any]] = {}
    async with AsyncExitStack() as stack:
        backlogs: Mapping[str, Contender] = {}
        latencies: Mapping[str, Contender] = {}
        if set(names) & set(_OF_BACKLOG):
            await backlog.make(ground, sizes.outbox_rows)
        if peer:
            connect = await stack.enter_async_context(debezium.worker(ground))
            backlogs = debezium.backlogs(ground, connect, sizes)
            latencies = debezium.latencies(ground, connect, sizes)
        measures: dict[str, Measure] = {
            "relay": lambda ground, sizes: relay.measure(ground, sizes, backlogs),
            "latency": lambda ground, sizes: latency.measure(ground, sizes, latencies),
            "idle": idle.relay,
            "consumer": consumer.measure,
            "growth-outbox": growth.outbox,
            "projection": projection.measure,
            "memory": idle.memory,
            "growth-index": growth.index,
        }
        for name in names:
            say(f"[{name}] measuring")
            try:
                results[name] = await measures[name](ground, sizes)
            except (BenchError, EngineError, AssertionError, KafkaError, httpx.HTTPError, OSError) as error:
                say(f"[{name}] could not be measured: {error!r}")
                results[name] = {"error": str(error) or type(error).__name__}
    return results


def _end(_: int, __: FrameType | None) -> NoReturn:
    raise SystemExit(143)


def _names(text: str) -> list[str]:
    known = (*_OF_BACKLOG, *_OF_SEARCH)
    chosen = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in chosen if name not in known]
    if unknown or not chosen:
        raise argparse.ArgumentTypeError(f"not known: {', '.join(unknown)}; there are {', '.join(known)}")
    return [name for name in known if name in chosen]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.plumbing",
        description="Measure the plumbing beside the bare engines, on engines of this run alone. JSON on stdout.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", type=_names, metavar="NAME,…", help="these measurements only")
    parser.add_argument("--small", action="store_true", help="little data, one round: that it works, not how fast")
    parser.add_argument("--peer", choices=("debezium",), help="let Debezium's outbox router take part (fetches 41 MB)")
    parser.add_argument("--growth", action="store_true", help="ten times the rows and documents too (minutes more)")
    return parser
