"""`python -m search rebuild`: tells how far it is, what the comparison found, and why it did not go on."""

import argparse
import json
import sys
from collections.abc import Awaitable, Callable, Sequence

from search.index.engine import EngineAway
from search.service.rebuild import Held, Progress, Refused, Report
from upkeep import terminal

HELD = 3
"""Exit code: the new index is complete, but too much would disappear from the search; searches are as before."""


def arguments(parser: argparse.ArgumentParser, *, topics: Sequence[str]) -> None:
    """What the command takes."""
    parser.epilog = (
        "example: python -m search rebuild --from topics. Exit code 0: done; 1: not done, and one line says why; 3: the"
        " new index is not searched, since too many offers would disappear (--may-hide goes on)."
    )
    parser.add_argument(
        "--from",
        dest="source",
        required=True,
        choices=("topics", "rows"),
        help="topics: every row is written again as the topics tell it, then the index; rows: the index only",
    )
    parser.add_argument(
        "--all", dest="everything", action="store_true", help="list every unreadable record, with its whole reason"
    )
    parser.add_argument(
        "--may-lose",
        action="append",
        default=[],
        choices=topics,
        metavar="TOPIC",
        help="remove rows even where the topic is empty or most of it is gone; may be repeated",
    )
    parser.add_argument(
        "--may-hide", action="store_true", help="search the new index even where most offers would disappear"
    )
    parser.add_argument("--json", action="store_true", help="for machines: one JSON object")


def run(asked: argparse.Namespace, rebuild: Callable[[Progress], Awaitable[Report]]) -> int:
    """Rebuild, and tell of it; the exit code."""

    async def work() -> int:
        if asked.source == "rows" and asked.may_lose:
            raise terminal.Misused("--may-lose is for --from topics: from rows, no row is ever removed")
        try:
            report = await rebuild(terminal.telling())
        except Held as error:
            _tell(asked, Report(found=error.found), searched=False)
            sys.stderr.write(f"rebuild: {error}\n")
            return HELD
        except (Refused, EngineAway) as error:
            told = str(error) if isinstance(error, Refused) else "OpenSearch is away; run it again"
            sys.stderr.write(f"rebuild: {told}\n")
            return terminal.FAILED
        _tell(asked, report, searched=True)
        return terminal.DONE

    return terminal.run("rebuild", work)


def _tell(asked: argparse.Namespace, report: Report, *, searched: bool) -> None:
    if asked.json:
        terminal.out(json.dumps({"searched": searched, **report.as_json()}, ensure_ascii=False))
        return
    for line in report.lines(everything=asked.everything, searched=searched):
        terminal.out(line)
