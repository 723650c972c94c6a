"""The command line: what is measured, on engines of this run alone, and the result as JSON."""

import argparse
import asyncio
import json
import os
import platform
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from types import FrameType
from typing import Any, NoReturn

import httpx
from aiokafka.errors import KafkaError

from bench.plumbing.failed import BenchError
from bench.plumbing.ground import Ground, opened
from bench.plumbing.rounds import say
from bench.search import answers, growth, rebuilding, visible, world
from bench.search.sizes import FULL, SMALL, Sizes
from bench.search.world import World
from engines import EngineError
from kit import logging

_EPILOG = """\
parts:
  answers  a mix of questions through the gateway, beside the same bodies sent straight to the engine; the api's memory
  growth   the same questions over ten times the offers, as many matching each
  visible  from a message on its topic to an offer that can be found, at a steady rate, while clients search
  rebuild  everything anew from the topics, and from the rows, while clients search

example: python -m bench.search --only answers > figures.json
Exit code 0: all was measured, whether or not goals are met; 1: something could not be; 2: wrong usage."""

Measure = Callable[[World, Sizes], Awaitable[dict[str, Any]]]

_PARTS: dict[str, Measure] = {
    "answers": answers.measure,
    "growth": growth.measure,
    "visible": visible.measure,
    "rebuild": rebuilding.measure,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Start engines, fill them, measure one part after the other, print JSON, stop the engines."""
    asked = _parser().parse_args(arguments)
    sizes = SMALL if asked.small else FULL
    logging.configure("bench", "WARNING", sys.stderr)
    signal.signal(signal.SIGTERM, _end)
    begun = time.monotonic()
    try:
        with opened(["kafka", "postgres", "opensearch", "oidc"], logical=False) as ground:
            results = asyncio.run(_measure(ground, sizes, asked.only or list(_PARTS)))
    except EngineError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    run = {
        "small": asked.small,
        "minutes": round((time.monotonic() - begun) / 60, 1),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    print(json.dumps({**results, "run": run}, indent=2))
    return 1 if any("error" in entry for entry in results.values()) else 0


async def _measure(ground: Ground, sizes: Sizes, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    results: dict[str, dict[str, Any]] = {}
    await world.fill(ground, sizes)
    async with world.living(ground, sizes) as living:
        for name in names:
            say(f"[{name}] measuring")
            try:
                results |= await _PARTS[name](living, sizes)
            except (BenchError, EngineError, AssertionError, KafkaError, httpx.HTTPError, OSError) as error:
                say(f"[{name}] could not be measured: {error!r}")
                results[name] = {"error": str(error) or type(error).__name__}
    return results


def _end(_: int, __: FrameType | None) -> NoReturn:
    raise SystemExit(143)


def _names(text: str) -> list[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in _PARTS]
    if unknown:
        raise argparse.ArgumentTypeError(f"not known: {', '.join(unknown)} (there are {', '.join(_PARTS)})")
    return names


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.search",
        description="Measure search at national size, on engines of this run alone. JSON on stdout.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", type=_names, metavar="NAME,…", help="these parts only")
    parser.add_argument("--small", action="store_true", help="little data, one round: that it works, not how fast")
    return parser
