"""What a person sees: one table of verdicts, a progress bar, colours where the terminal has them; or JSON for machines.

Results go to stdout, progress and complaints to stderr. Without a terminal a finding is one line that grep can find.
What is told of a file's agreements is Swedish, for those who filled it in; of the command itself English, and JSON is
the API's.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import Enum
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from intake import Finding
from intake.swedish import in_swedish

DONE, SOME_WRONG, CANNOT, INTERRUPTED = 0, 1, 2, 130
"""Exit codes: all fine · some rows are wrong · what was asked cannot be done · stopped by Ctrl-C."""

_MOST_LINES = 200
_COLOURS = {"accepted": "green", "unchanged": "green", "right": "green", "conflict": "yellow"}
_WORDS = {
    "accepted": ("mottaget", "mottagna"),
    "unchanged": ("oförändrat", "oförändrade"),
    "conflict": ("krockar", "krockar"),
    "rejected": ("avvisat", "avvisade"),
    "failed": ("misslyckat", "misslyckade"),
    "no receipt": ("ingen kvittens", "utan kvittens"),
    "right": ("rätt", "rätt"),
    "wrong": ("fel", "fel"),
    "converted": ("omgjort", "omgjorda"),
    "left out": ("utelämnat", "utelämnade"),
}
"""Verdicts in Swedish: of one agreement, and of several."""


class Shown(Enum):
    """What of the verdicts is told."""

    FINDINGS = "findings"
    """Lines for people: what was not taken, and notes."""
    ALL = "all"
    """Lines for people, of every agreement."""
    JSON = "json"
    """Every verdict, for machines."""


Verdict = Mapping[str, Any]
"""As the service tells it: `{rows, number, verdict, agreement_id, findings: [{field, reason, row, …}]}`.

A finding that refuses nothing is a note: of what was taken, and where it says `note: true`.
"""


class Cannot(Exception):
    """What was asked cannot be done; the message is one line that says what to do, or one for each finding."""

    def __init__(self, told: str, findings: Iterable[Finding] = ()) -> None:
        super().__init__(told)
        self.findings = tuple(findings)


class Advance(Protocol):
    """Tells the bar how much is done of how much, None where that is not known yet."""

    def __call__(self, done: int, of: int | None = None) -> None: ...


def say(text: str) -> None:
    """A line for a person on stderr."""
    sys.stderr.write(f"{printable(text)}\n")


def tell_json(content: Any) -> None:
    """The result for machines."""
    # Where a sign could be lost it is escaped: JSON stays what it is.
    whole = (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf")
    sys.stdout.write(json.dumps(content, ensure_ascii=not whole, indent=2) + "\n")


def printable(text: str) -> str:
    """A text from a file or a server without what would steer a terminal."""
    return "".join(sign if sign.isprintable() else " " for sign in text)


@contextmanager
def progress(what: str, total: int | None = None) -> Iterator[Advance]:
    """A bar while something goes on; nothing where stderr is no terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=total)

        def advance(done: int, of: int | None = None) -> None:
            bar.update(task, completed=done, total=of if of is not None else total)

        yield advance


TAKEN = frozenset({"accepted", "unchanged"})


def is_note(verdict: Verdict, finding: Mapping[str, Any]) -> bool:
    """True for what should be known and refuses nothing."""
    return bool(finding) and (verdict["verdict"] in TAKEN or bool(finding.get("note")))


def worth_telling(verdicts: Iterable[Verdict], whole: bool) -> list[Verdict]:
    """What a person is shown: what was not taken, and what was taken with a note; `whole` shows all."""
    return [one for one in verdicts if whole or one["verdict"] not in TAKEN or one["findings"]]


def noted(verdicts: Iterable[Verdict]) -> str:
    """`, varav 20 med obs` behind the sum; empty where nothing was taken with a note."""
    count = sum(one["verdict"] in TAKEN and bool(one["findings"]) for one in verdicts)
    return f", varav {grouped(count)} med obs" if count else ""


def tell_verdicts(file: str, verdicts: Sequence[Verdict]) -> None:
    """The findings of all verdicts: a table on a terminal, else a line each."""
    console = Console()
    lines = [(verdict, finding) for verdict in verdicts for finding in verdict["findings"] or [{}]]
    if not lines:
        return
    if not console.is_terminal:
        for verdict, finding in lines:
            sys.stdout.write(_line(file, verdict, finding) + "\n")
        return
    table = Table(header_style="bold", pad_edge=False)
    for heading in ("rad", "avtal", "besked", "kolumn", "värde", "vad som är fel", "förslag"):
        table.add_column(heading, overflow="fold", justify="right" if heading == "rad" else "left")
    for verdict, finding in lines[:_MOST_LINES]:
        word = str(verdict["verdict"])
        colour = "yellow" if is_note(verdict, finding) else _COLOURS.get(word, "red")
        table.add_row(
            _row(verdict, finding),
            Text(printable(str(verdict.get("number") or ""))),
            Text(_told_word(verdict, finding), style=colour),
            Text(printable(str(finding.get("column") or finding.get("field") or ""))),
            Text(printable(str(finding.get("value") or ""))),
            Text(printable(_reason(verdict, finding))),
            Text(printable(in_swedish(str(finding.get("suggestion") or ""))), style="cyan"),
        )
    console.print(table)
    if len(lines) > _MOST_LINES:
        say(f"… och {len(lines) - _MOST_LINES} till: --json visar alla")


def _row(verdict: Verdict, finding: Mapping[str, Any]) -> str:
    row = finding.get("row") or next(iter(verdict.get("rows") or ()), None)
    return "" if row is None else str(row)


def _line(file: str, verdict: Verdict, finding: Mapping[str, Any]) -> str:
    where = ":".join(part for part in (file, _row(verdict, finding)) if part)
    number = f" {verdict['number']}" if verdict.get("number") else ""
    column = finding.get("column") or finding.get("field")
    suggestion = f" ({in_swedish(finding['suggestion'])})" if finding.get("suggestion") else ""
    reason = _reason(verdict, finding)
    told = f"{column}: {reason}" if column and finding else reason
    return printable(f"{where}:{number} {_told_word(verdict, finding)}: {told}{suggestion}".rstrip(": "))


def _reason(verdict: Verdict, finding: Mapping[str, Any]) -> str:
    """The reason in Swedish; where there is none, our id of what was taken."""
    return in_swedish(str(finding.get("reason") or "")) if finding else str(verdict.get("agreement_id") or "")


def _told_word(verdict: Verdict, finding: Mapping[str, Any]) -> str:
    """The verdict; for a note `obs`, since it is not why one was refused."""
    word = _word(str(verdict["verdict"]))
    if not is_note(verdict, finding):
        return word
    return f"{word}, obs" if verdict["verdict"] in TAKEN else "obs"


def in_one_line(finding: Finding) -> str:
    """A finding that belongs to no verdict, as one line: `rad 3, kolumn namn: …`."""
    where = [
        f"rad {finding.row}" if finding.row else "",
        f"kolumn {finding.column}" if finding.column else finding.field,
    ]
    told = ", ".join(part for part in where if part)
    # Of a mapping there is no row to look at: the word itself is what is to be found.
    told += f" = {finding.value}" if finding.field.startswith("mapping.") and finding.value else ""
    how = f" ({in_swedish(finding.suggestion)})" if finding.suggestion else ""
    return f"{f'{told}: ' if told else ''}{in_swedish(finding.reason)}{how}"


def summed_up(counts: Mapping[str, int]) -> str:
    """`1 863 mottagna, 137 avvisade`; what is nought is left out, but never all of it."""
    told = [f"{grouped(count)} {_word(word, count)}" for word, count in counts.items() if count]
    return ", ".join(told) or "inget togs emot"


def _word(verdict: str, count: int = 1) -> str:
    return _WORDS.get(verdict, (verdict, verdict))[count > 1]


def grouped(count: int) -> str:
    """A number as Swedish groups it."""
    return f"{count:,}".replace(",", " ")
