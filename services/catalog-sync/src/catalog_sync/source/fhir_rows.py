"""What is kept of a FHIR resource: itself, what it points to, and a digest that tells whether it has changed."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from rules.fhir_fields import Unusable
from rules.personal_numbers import holds_personal_number

NO_ID = "(no id)"

_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")
_REFERENCE = re.compile(r"[A-Z][A-Za-z]{1,60}/[A-Za-z0-9.-]{1,64}")
_TEN_DIGITS = re.compile(r"\d{10,}")
# Skatteverket's own made-up person: reads as a personal number, and is nobody's.
_NOBODY, _NOBODY_UNBROKEN = "121212-1212", "1212121212"
_DIGITS = str.maketrans("", "", "0123456789")
# Addresses of code systems and times: many digits, never a person.
_NO_TEXT = frozenset({"system", "url", "meta"})
_PASSING = frozenset({"lastUpdated", "versionId"})


@dataclass(frozen=True)
class Row:
    """A resource as it is kept."""

    reference: str
    type: str
    digest: str
    content: str
    """JSON."""
    refers: tuple[str, ...]
    """What it points to, `Organization/x`: its own fields' references first."""


def row_of(one: Mapping[str, Any], resource_type: str) -> Row:
    """The row of a resource. Raises Unusable for one that cannot be told apart from others.

    What reads as a personal number is replaced by a made-up one: nobody's is stored, and whoever interprets the row
    still finds the fault, in the field where it is.
    """
    identity = one.get("id")
    if one.get("resourceType") != resource_type:
        raise Unusable(f"resourceType: is not the {resource_type} that was asked for")
    if not isinstance(identity, str) or not _ID.fullmatch(identity):
        raise Unusable("id: is missing or not an id")
    if _holds(identity):
        raise Unusable("id: holds something like a personal number")
    kept = {name: value if name in _NO_TEXT else _without_persons(value) for name, value in one.items()}
    meta = kept.get("meta")
    lasting = {name: value for name, value in meta.items() if name not in _PASSING} if isinstance(meta, dict) else meta
    try:
        content = orjson.dumps(kept)
        told = orjson.dumps({**kept, "meta": lasting}, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # numbers and signs that JSON has no room for
        raise Unusable("holds a value that is not JSON") from None
    digest = hashlib.sha256(told).hexdigest()
    refers = tuple(dict.fromkeys(_references(kept)))
    return Row(f"{resource_type}/{identity}", resource_type, digest, content.decode(), refers)


def _references(one: Mapping[str, Any]) -> Iterator[str]:
    """Those of its own fields first: the first of all is whom it describes. Then those inside, in extensions too."""
    deeper: list[Any] = []
    for value in one.values():
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, dict):
                yield from _reference(part)
                deeper.extend(inner for inner in part.values() if _holds_more(inner))
    while deeper:
        part = deeper.pop(0)
        if isinstance(part, dict):
            yield from _reference(part)
        deeper.extend(inner for inner in (part.values() if isinstance(part, dict) else part) if _holds_more(inner))


def _reference(part: Mapping[str, Any]) -> Iterator[str]:
    found = part.get("reference")
    if isinstance(found, str) and _REFERENCE.fullmatch(found):
        yield found


def _holds_more(value: Any) -> bool:
    return isinstance(value, dict | list)


def _without_persons(value: Any) -> Any:
    match value:
        case str():
            # PostgreSQL keeps no NUL in JSON.
            text = value.replace("\0", "") if "\0" in value else value
            return _blanked(text) if _holds(text) else text
        case dict():
            return {
                _without_persons(name): inner if name in _NO_TEXT else _without_persons(inner)
                for name, inner in value.items()
            }
        case list():
            return [_without_persons(inner) for inner in value]
        case int() if value > 10**9 and _holds(str(value)):
            return int(_NOBODY_UNBROKEN)
    return value


def _holds(text: str) -> bool:
    # Most texts have too few digits to be looked at closely.
    few = len(text) < 10 or (text.isascii() and len(text) - len(text.translate(_DIGITS)) < 10)
    return not few and holds_personal_number(text)


def _blanked(text: str) -> str:
    # In its place within an HSA-id, so that the fault is told as what it is.
    return _NOBODY if _holds(_TEN_DIGITS.sub("", text)) else _TEN_DIGITS.sub(_NOBODY_UNBROKEN, text)
