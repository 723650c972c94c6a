"""The kinds of columns: how their cells are read and written, and what is told of it in Swedish."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from intake.cells import (
    Cell,
    amount,
    identifiers,
    one_of,
    phrases,
    region,
    region_words,
    regions,
    several_of,
    text,
    texts,
    whole,
    yes_no,
)
from intake.days import day


@dataclass(frozen=True)
class Kind:
    """How the cells of a column are read and written, and what its explanation says of it in Swedish."""

    explained: str
    read: Callable[[Cell], Any]
    write: Callable[[Any], str | Decimal | int | date]
    words: Mapping[str, str] = field(default_factory=dict)
    """Swedish word → the form's."""
    split: Callable[[Cell], list[Any]] | None = None
    """For a list: its items as they were written, to tell which one is wrong."""


TEXT = Kind("text", text, str)
DAY = Kind("dag, skriven 2026-01-31", day, date.fromisoformat)
YES_NO = Kind("ja eller nej", yes_no, lambda value: "ja" if value else "nej", {"ja": "true", "nej": "false"})
WHOLE = Kind("heltal", whole, int)
AMOUNT = Kind("tal, med eller utan decimaler", amount, Decimal)
REGION = Kind("länskod med två siffror", region, str)
REGIONS = Kind("länskoder, åtskilda av semikolon", regions, "; ".join, split=region_words)
IDENTIFIERS = Kind("en eller flera, åtskilda av semikolon eller radbrytning", identifiers, "; ".join, split=identifiers)
TEXTS = Kind("en eller flera texter, åtskilda av semikolon eller radbrytning", texts, "; ".join, split=texts)


def words(swedish: Mapping[str, str]) -> Kind:
    """One word of a list."""
    back = {en: sv for sv, en in swedish.items()}
    return Kind("ett av orden i listan", one_of(swedish), lambda value: back.get(value, value), swedish)


def word_list(swedish: Mapping[str, str]) -> Kind:
    """Several words of a list."""
    back = {en: sv for sv, en in swedish.items()}
    return Kind(
        f"ett eller flera av {', '.join(swedish)}; åtskilda av semikolon",
        several_of(swedish),
        lambda values: "; ".join(back.get(value, value) for value in values),
        split=phrases,
    )
