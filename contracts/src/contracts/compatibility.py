"""Tells whether two versions of a message's JSON Schema can live together: no stop of all services for a change.

Backward: new readers take every old message (compacted topics keep those for ever). Forward: old readers take every
new message (services are not updated at the same moment). One question answers both: does the reader's schema take
whatever the writer's schema allows? Two things are by convention and not by logic: a field that a writer's schema
does not name is never sent, and a word taken out of an open list breaks backward, since old messages still carry it.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from contracts.bounds import bound_problems
from contracts.resolving import Unjudged, resolved

Direction = Literal["backward", "forward", "unjudged"]
Problem = tuple[str, Literal["break", "unjudged"], str]

_JUDGED = {
    "additionalProperties", "anyOf", "const", "enum", "exclusiveMaximum", "exclusiveMinimum", "format", "items",
    "maxItems", "maxLength", "maxProperties", "maximum", "minItems", "minLength", "minProperties", "minimum",
    "multipleOf", "pattern", "prefixItems", "properties", "required", "type", "uniqueItems", "x-extensible-enum",
}  # fmt: skip
_ENTANGLED = {"patternProperties", "unevaluatedItems", "unevaluatedProperties"}
"""Keywords whose effect depends on their neighbours: even unchanged they cannot be judged beside a change."""

_ALL_TYPES = ["array", "boolean", "integer", "null", "number", "object", "string"]


@dataclass(frozen=True, order=True)
class Difference:
    """One reason why two versions cannot live together. `path` uses dots, [] for a list's items, {} for a map's."""

    path: str
    direction: Direction
    reason: str

    def __str__(self) -> str:
        who = {
            "backward": "new readers refuse old messages",
            "forward": "old readers refuse new messages",
            "unjudged": "cannot judge",
        }
        return f"{self.path or '(message)'}: {who[self.direction]}: {self.reason}"


def differences(old: dict[str, Any], new: dict[str, Any]) -> list[Difference]:
    """Every break between two schema documents, in path order; empty when they can live together."""
    if old == new:
        return []
    try:
        return judged(resolved(old), resolved(new))
    except Unjudged as reason:
        return [Difference("", "unjudged", str(reason))]


def judged(old: Any, new: Any) -> list[Difference]:
    """The same for two resolved schemas, or any two parts of them. Raises Unjudged."""
    return sorted(set(_found(old, new)))


def _found(old: Any, new: Any) -> Iterator[Difference]:
    for path, kind, reason in _refusals(old, new, ""):
        yield Difference(path.lstrip("."), "backward" if kind == "break" else kind, reason)
    for path, kind, reason in _refusals(new, old, ""):
        yield Difference(path.lstrip("."), "forward" if kind == "break" else kind, reason)
    for path, reason in _lost_words(old, new, ""):
        yield Difference(path.lstrip("."), "backward", reason)


def _refusals(writer: Any, reader: Any, path: str) -> Iterator[Problem]:
    """Why a reader may refuse what a writer may send."""
    if writer == reader or writer is False or reader in (True, {}):
        return
    if reader is False:
        yield path, "break", "must not be there at all"
        return
    mine, yours = branches(writer), branches(reader)
    for branch in mine:
        tries = [list(_branch_refusals(branch, other, path)) for other in yours if _may_meet(branch, other)]
        if not tries:
            yield path, "break", f"may be {branch['type']}, which the reader does not take"
        elif all(tries):
            yield from min(tries, key=len)


def branches(schema: Any) -> list[dict[str, Any]]:
    """A resolved schema as alternatives of one type each. Raises Unjudged."""
    if schema is True:
        schema = {}
    if "anyOf" in schema:
        beside = {key: value for key, value in schema.items() if key != "anyOf"}
        parts = [part if isinstance(part, dict) else {} for part in schema["anyOf"] if part is not False]
        if any(set(part) & set(beside) for part in parts):
            raise Unjudged("anyOf has rules beside it that its alternatives have too")
        return [branch for part in parts for branch in branches({**part, **beside})]
    types = schema.get("type", _types_of_values(schema))
    return [{**schema, "type": kind} for kind in (types if isinstance(types, list) else [types])]


def _types_of_values(schema: dict[str, Any]) -> list[str]:
    if (words := _words(schema)) is None:
        return _ALL_TYPES
    return sorted({_type_of(json.loads(word)) for word in words})


def _type_of(value: Any) -> str:
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "null")


def _may_meet(writer: dict[str, Any], reader: dict[str, Any]) -> bool:
    return writer["type"] == reader["type"] or (writer["type"], reader["type"]) == ("integer", "number")


def _branch_refusals(writer: dict[str, Any], reader: dict[str, Any], path: str) -> Iterator[Problem]:
    for keyword in sorted({*writer, *reader} - _JUDGED):
        if keyword in _ENTANGLED or writer.get(keyword) != reader.get(keyword):
            yield path, "unjudged", f"keyword {keyword} differs"
    if (problem := _word_refusal(writer, reader)) is not None:
        yield path, "break", problem
    for reason in bound_problems(writer, reader):
        yield path, "break", reason
    if reader["type"] == "array":
        yield from _array_refusals(writer, reader, path)
    if reader["type"] == "object":
        yield from _object_refusals(writer, reader, path)


def _words(schema: dict[str, Any]) -> set[str] | None:
    """The only values a schema takes, each as JSON text (so that 1 and true differ); None for no such list."""
    if "const" in schema:
        return {json.dumps(schema["const"], sort_keys=True)}
    return {json.dumps(word, sort_keys=True) for word in schema["enum"]} if "enum" in schema else None


def _word_refusal(writer: dict[str, Any], reader: dict[str, Any]) -> str | None:
    known, sent = _words(reader), _words(writer)
    if known is None:
        return None
    if sent is None:
        return f"may be any value, the reader takes only {', '.join(sorted(known))}"
    return f"may be {', '.join(sorted(sent - known))}, which the reader's list lacks" if sent - known else None


def _array_refusals(writer: dict[str, Any], reader: dict[str, Any], path: str) -> Iterator[Problem]:
    if reader.get("uniqueItems") and not writer.get("uniqueItems"):
        yield path, "break", "items may repeat, the reader takes each once"
    mine, yours = writer.get("prefixItems", []), reader.get("prefixItems", [])
    most = writer.get("maxItems")
    for place in range(max(len(mine), len(yours))):
        if most is None or place < most:
            yield from _refusals(_item(writer, mine, place), _item(reader, yours, place), f"{path}[{place}]")
    if most is None or most > max(len(mine), len(yours)):
        yield from _refusals(writer.get("items", True), reader.get("items", True), f"{path}[]")


def _item(schema: dict[str, Any], first: list[Any], place: int) -> Any:
    return first[place] if place < len(first) else schema.get("items", True)


def _object_refusals(writer: dict[str, Any], reader: dict[str, Any], path: str) -> Iterator[Problem]:
    for name in sorted(set(reader.get("required", [])) - set(writer.get("required", []))):
        yield f"{path}.{name}", "break", "may be missing, the reader requires it"
    mine, yours = writer.get("properties", {}), reader.get("properties", {})
    other_mine, other_yours = writer.get("additionalProperties", True), reader.get("additionalProperties", True)
    for name in sorted({*mine, *yours}):
        if name in mine:
            yield from _refusals(mine[name], yours.get(name, other_yours), f"{path}.{name}")
        elif isinstance(other_mine, dict):
            yield from _refusals(other_mine, yours[name], f"{path}.{name}")
    if other_yours is False and other_mine is not False:
        yield path, "break", "may hold unknown fields, the reader takes none"
    elif "additionalProperties" in writer:
        yield from _refusals(other_mine, other_yours, f"{path}{{}}")


def _lost_words(old: Any, new: Any, path: str) -> Iterator[tuple[str, str]]:
    """Words that an open list no longer names, wherever both versions have the field."""
    mine, yours = _alternatives(old), _alternatives(new)
    still = {word for part in yours for word in _open_words(part) | set(_words(part) or ())}
    if yours and (gone := sorted({word for part in mine for word in _open_words(part)} - still)):
        yield (
            path,
            f"the open list lost {', '.join(str(json.loads(word)) for word in gone)}, which old messages may carry",
        )
    if len(mine) == len(yours):
        for before, after in zip(mine, yours, strict=True):
            yield from _lost_inside(before, after, path)


def _lost_inside(old: dict[str, Any], new: dict[str, Any], path: str) -> Iterator[tuple[str, str]]:
    for name in sorted(set(old.get("properties", {})) & set(new.get("properties", {}))):
        yield from _lost_words(old["properties"][name], new["properties"][name], f"{path}.{name}")
    first, now_first = old.get("prefixItems", []), new.get("prefixItems", [])
    for place in range(max(len(first), len(now_first))):
        yield from _lost_words(_item(old, first, place), _item(new, now_first, place), f"{path}[{place}]")
    for keyword, mark in (("items", "[]"), ("additionalProperties", "{}")):
        yield from _lost_words(old.get(keyword), new.get(keyword), path + mark)


def _alternatives(schema: Any) -> list[dict[str, Any]]:
    """What may stand there beside null."""
    parts = schema.get("anyOf", [schema]) if isinstance(schema, dict) else []
    return [part for part in parts if isinstance(part, dict) and part != {"type": "null"}]


def _open_words(schema: dict[str, Any]) -> set[str]:
    return {json.dumps(word) for word in schema.get("x-extensible-enum", [])}
