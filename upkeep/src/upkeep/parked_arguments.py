"""What may follow the word `parked` on a service's command line."""

import argparse
import getpass
import re
from datetime import UTC, datetime

from upkeep.parked import State, Wanted

SENTENCE = "List, show, redrive or discard the records this service could not use."

_CODES = "exit codes: 0 done · 1 some failed, nothing matched, or declined · 2 wrong usage"
_ID = re.compile(r"[\w.-]{1,249}:\d{1,9}:\d{1,19}", re.ASCII)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what follows the word `parked`."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = f"example: {parser.prog} list --reason 'ce_type'\n{_CODES}"
    acts = parser.add_subparsers(dest="act", required=True, metavar="ACT")
    listed = _act(acts, "list", "Show which records are parked, why and since when.", "list --state all --json")
    _filters(listed)
    listed.add_argument(
        "--state", choices=[*(one.value for one in State), "all"], default=State.OPEN.value, help="default: open"
    )
    listed.add_argument("--limit", type=_number, default=100, metavar="NUMBER", help="rows at most, default 100")
    listed.add_argument("--json", action="store_true", help="one JSON object, for machines")
    show = _act(acts, "show", "Show one record, headers and value. The value may hold data.", "show TOPIC:0:17")
    show.add_argument("id", metavar="ID", type=_identity, help="TOPIC:PARTITION:OFFSET, as list shows it")
    for name, sentence in (
        ("redrive", "Give open records to this service again, oldest first. Without IDs or filters: all of them."),
        ("discard", "Give open records up, with a reason. IDs or a filter must say which."),
    ):
        act = _act(acts, name, sentence, f"{name} --since 2026-03-01" + (" --why REASON" * (name == "discard")))
        act.add_argument(
            "ids", nargs="*", metavar="ID", type=_identity, help="TOPIC:PARTITION:OFFSET, as list shows it"
        )
        _filters(act)
        act.add_argument("--limit", type=_number, metavar="NUMBER", help="records at most, the oldest first")
        act.add_argument("--yes", action="store_true", help="do not ask")
        act.add_argument("--by", default=_operator(), metavar="NAME", help="who decides, for the verdict")
        if name == "redrive":
            act.add_argument("--dry-run", action="store_true", help="try each record, undo it, tell what would happen")
        act.add_argument("--why", required=name == "discard", default="", metavar="REASON", help="for the verdict")


def wanted_by(asked: argparse.Namespace, states: frozenset[State]) -> Wanted:
    """The records that IDs and filters mean."""
    ids = frozenset(getattr(asked, "ids", ()))
    return Wanted(ids, asked.topic, asked.key, asked.since, asked.until, asked.reason, states)


def _act(
    acts: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, sentence: str, example: str
) -> argparse.ArgumentParser:
    made = acts.add_parser(
        name, help=sentence, description=sentence, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.epilog = f"example: {made.prog.removesuffix(name)}{example}\n{_CODES}"
    return made


def _filters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--topic", metavar="TOPIC", help="of this topic, or of this parked topic")
    parser.add_argument("--key", metavar="KEY", help="with exactly this record key")
    parser.add_argument("--since", type=_moment, metavar="TIME", help="parked then or later: 2026-03-01T12:00, UTC")
    parser.add_argument("--until", type=_moment, metavar="TIME", help="parked before that")
    parser.add_argument("--reason", metavar="TEXT", help="whose reason holds this text")


def _identity(text: str) -> str:
    if not _ID.fullmatch(text):
        raise argparse.ArgumentTypeError("is not TOPIC:PARTITION:OFFSET")
    return text


def _number(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 10**9:
        raise argparse.ArgumentTypeError("is not a number from 1")
    return int(text)


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("is not a time like 2026-03-01 or 2026-03-01T12:00+01:00") from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def _operator() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user has no name
        return "unknown"
