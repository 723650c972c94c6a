"""The mark that an agreement is covered by secrecy, in the words that regions use for it: one list for every way in."""

from collections.abc import Mapping
from typing import Any

NAMES = frozenset(
    {"confidential", "konfidentiell", "konfidentiellt", "secret", "sekretess", "sekretessbelagd", "sekretessbelagt"}
)
"""What the field, or the column, may be called; capitals do not matter."""

_PLAINLY_NOT = frozenset({"", "0", "false", "falskt", "f", "no", "n", "nej", "off", "-", "none"})


def is_marked(content: Mapping[Any, object]) -> bool:
    """True for an agreement with the mark; in doubt too, since what is covered by secrecy must not be kept."""
    return any(
        mark is not None and str(mark).strip().casefold() not in _PLAINLY_NOT
        for name, mark in content.items()
        if isinstance(name, str) and name.strip().casefold() in NAMES
    )
