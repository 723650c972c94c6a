"""`python -m SERVICE reconcile`: compare the service's state topics with its tables, and announce what differs anew."""

import argparse
from collections.abc import Sequence

import orjson

from kit import database
from upkeep import terminal
from upkeep.reconcile import DIFFERENCES, Announce, Finding, Outcome, Read, Versions, reconcile
from upkeep.terminal import DONE, FAILED, out, safe, table

SENTENCE = "Compare this service's topics with its tables, and announce anew what differs."

_NAMED = 20
_COLUMNS = (Finding.AGREEING, Finding.IN_FLIGHT, *DIFFERENCES)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what follows the word `reconcile`."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = (
        f"example: {parser.prog} --dry-run\n"
        "exit codes: 0 topics and tables agree, or what differed is announced anew (a running worker sends it)\n"
        "            1 something is left: keys the tables do not know, differences in a dry run, or an engine is away\n"
        "            2 wrong usage"
    )
    parser.add_argument("--dry-run", action="store_true", help="compare only")
    parser.add_argument("--json", action="store_true", help="one JSON object, for machines")


def run(
    asked: argparse.Namespace,
    bootstrap: str,
    postgres_url: str,
    topics: Sequence[str],
    read: Read,
    versions: Versions,
    announce: Announce,
) -> int:
    """Do it and tell; the exit code."""

    async def work() -> int:
        engine = database.connect(postgres_url, pool_size=1)
        try:
            outcomes = await reconcile(
                bootstrap,
                database.sessions(engine),
                topics,
                read,
                versions,
                announce,
                dry_run=asked.dry_run,
                seen=terminal.progress("records read"),
            )
        finally:
            await engine.dispose()
        if asked.json:
            rows = [_row(one) for one in outcomes]
            out(orjson.dumps({"dry_run": asked.dry_run, "topics": rows}).decode())
        else:
            _tell(outcomes, dry_run=asked.dry_run)
        return DONE if all(one.settled for one in outcomes) else FAILED

    return terminal.run("reconcile", work)


def _row(one: Outcome) -> dict[str, object]:
    return {
        "topic": one.topic,
        "compared": one.found.total(),
        **{finding.name.lower(): one.found[finding] for finding in _COLUMNS},
        "unknown": one.unknown,
        "announced": one.announced,
    }


def _tell(outcomes: list[Outcome], *, dry_run: bool) -> None:
    rows = [
        (one.topic, one.found.total(), *(one.found[kind] for kind in _COLUMNS), len(one.unknown), one.announced)
        for one in outcomes
    ]
    for line in table(("topic", "keys", *_COLUMNS, "unknown", "announced anew"), rows):
        out(line)
    for one in outcomes:
        for key in one.unknown[:_NAMED]:
            out(f"unknown to the tables: {one.topic} {safe(key)}")
        if len(one.unknown) > _NAMED:
            out(f"unknown to the tables: {one.topic} and {len(one.unknown) - _NAMED} more (--json names all)")
    differing, announced = (sum(getattr(one, name) for one in outcomes) for name in ("differing", "announced"))
    if dry_run:
        out(f"dry run, nothing was changed: {differing} keys differ")
    elif announced < differing:
        out(f"{announced} of {differing} differing keys announced anew; the log names those that could not be")
    elif announced:
        out(f"{announced} keys announced anew; the running worker sends them")
    else:
        out("nothing to announce")
