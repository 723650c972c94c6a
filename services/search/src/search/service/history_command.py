"""`python -m search history`: which days can be asked for, how much is kept of them, and how far behind it is."""

import argparse
import json
from datetime import UTC, datetime
from typing import Any

from kit import database
from search.store import history
from upkeep import terminal

SENTENCE = "Tell which days `as_of` can be asked for, what is kept of them, and how far behind it is."

_LONG_BEHIND_SECONDS = 3600


def arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.epilog = (
        "example: python -m search history. Needs no OpenSearch. Exit code 0: it is kept up; 1: it has not begun, is"
        " more than an hour behind, or an agreement that became confidential has not left it yet."
    )
    parser.add_argument("--json", action="store_true", help="for machines: one JSON object")


def run(asked: argparse.Namespace, postgres_url: str) -> int:
    """Tell how the history is; the exit code."""

    async def work() -> int:
        engine = database.connect(postgres_url, pool_size=1)
        try:
            async with database.sessions(engine)() as session:
                told = _told(dict(await history.told(session)), datetime.now(UTC))
        finally:
            await engine.dispose()
        if asked.json:
            terminal.out(json.dumps(told))
        else:
            for line in _lines(told):
                terminal.out(line)
        behind = told["behind_seconds"]
        well = behind is not None and behind <= _LONG_BEHIND_SECONDS and not told["purge_unfinished"]
        return terminal.DONE if well else terminal.FAILED

    return terminal.run("history", work)


def _told(row: dict[str, Any], now: datetime) -> dict[str, Any]:
    since, to = row["since"], row["complete_to"]
    return {
        "first_day": since.isoformat() if since is not None else None,
        "complete_to": to.isoformat() if to is not None else None,
        "behind_seconds": round((now - to).total_seconds()) if to is not None else None,
        "documents": row["documents"],
        "still_shown": row["still_shown"],
        "bytes": row["bytes"],
        "index": row["index"],
        "rows_not_in_index": row["rows_not_in_index"],
        "purge_unfinished": row["purge_unfinished"],
    }


def _lines(told: dict[str, Any]) -> list[str]:
    if told["first_day"] is None:
        begun = "no day can be asked for yet: the history has not begun"
    else:
        to = terminal.moment(datetime.fromisoformat(told["complete_to"]))
        begun = (
            f"days can be asked for from {told['first_day']} on; complete to {to} UTC, {told['behind_seconds']} s ago"
        )
    size = f"{told['bytes'] / 1_000_000:.1f} MB"
    kept = f"{told['documents']} documents kept, {told['still_shown']} of them still shown; {size}"
    index = told["index"] or "none yet"
    lines = [begun, kept, f"index: {index}; {told['rows_not_in_index']} rows are not in it yet"]
    if told["purge_unfinished"]:
        lines.append("an agreement that became confidential has not left it yet; no day can be asked for until it has")
    return lines
