"""What is told of what a region sent: a finding says where, what is wrong and what to do. It never tells a secret."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rules.identifiers import is_personal_number
from rules.personal_numbers import holds_personal_number
from rules.texts import may_be_repeated, readable

_LONGEST = 100
_MOST = 500
_TEN_DIGITS = re.compile(r"(?=(\d{10}))")
_NO_WORD = re.compile(r"\W")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, or must be known, in words for the person who filled in the row."""

    field: str
    """Dotted path of the form, such as `services.0.units.1`; empty for what concerns the row or the file as a whole."""
    reason: str
    """What is wrong. Never repeats the refused value."""
    row: int | None = None
    """From 1, as a spreadsheet or an editor counts; in a JSON array, the number of the item."""
    column: str | None = None
    """The heading as it was written; None outside tables."""
    value: str | None = None
    """As it was written; None where nothing was, and where it may be secret or somebody's number."""
    suggestion: str | None = None

    def as_json(self) -> dict[str, Any]:
        """All six members, None where there is nothing to tell."""
        return {name: getattr(self, name) for name in self.__slots__}

    def __str__(self) -> str:
        where = [f"row {self.row}" if self.row else "", f"column {self.column}" if self.column else self.field]
        told = ", ".join(part for part in where if part)
        return f"{f'{told}: ' if told else ''}{self.reason}{f' ({self.suggestion})' if self.suggestion else ''}"


class UnreadableFile(Exception):
    """Nothing of the file can be read, or only with loss; `findings` say why, all that can be told at once."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("; ".join(map(str, self.findings)))


def unreadable(reason: str, **told: Any) -> UnreadableFile:
    """The error with one finding."""
    return UnreadableFile([Finding("", reason, **told)])


def shown(value: object) -> str | None:
    """A value as a finding may repeat it: one line, cut at 100 signs; None where it must not be told.

    Not told is whatever could be a person's number, also one with a slip of the pen in its check digit, and what holds
    signs that nobody can see.
    """
    if value is None or isinstance(value, dict | list | tuple) or value == "":
        return None
    text = str(value)
    if len(text) > 10_000 or holds_personal_number(text) or _could_be_a_person(text):
        return None
    try:
        line = " ".join(readable(text).split())
    except ValueError:
        return None
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"


def _could_be_a_person(text: str) -> bool:
    digits = _NO_WORD.sub("", text)
    return any(is_personal_number(ten[:9] + check) for ten in _TEN_DIGITS.findall(digits) for check in "0123456789")


def repeatable_path(path: Sequence[int | str]) -> str:
    """A dotted path, in which a name that may hold somebody's number is not repeated."""
    parts = (str(part) for part in path)
    return ".".join(part if part.isdecimal() or may_be_repeated(part) else "(odd name)" for part in parts)


def capped(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """At most 500 findings of one agreement, and how many more there are."""
    if len(findings) <= _MOST:
        return tuple(findings)
    more = Finding("", f"and {len(findings) - _MOST} more findings of this agreement", findings[_MOST].row)
    return (*findings[:_MOST], more)
