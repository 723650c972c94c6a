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

Direction = Literal["backward", "forward", "unjudged"]
Problem = tuple[str, Literal["break", "unjudged"], str]

_ANNOTATIONS = {
    "$anchor", "$comment", "$defs", "$id", "$schema", "contentEncoding", "contentMediaType",
    "default", "deprecated", "description", "examples", "readOnly", "title", "writeOnly",
}  # fmt: skip
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
        return sorted(set(_found(_inlined(old, old, ()), _inlined(new, new, ()))))
    except _Unjudged as reason:
        return [Difference("", "unjudged", str(reason))]


def _found(old: Any, new: Any) -> Iterator[Difference]:
    for path, kind, reason in _refusals(old, new, ""):
        yield Difference(path.lstrip("."), "backward" if kind == "break" else kind, reason)
    for path, kind, reason in _refusals(new, old, ""):
        yield Difference(path.lstrip("."), "forward" if kind == "break" else kind, reason)
    for path, reason in _lost_words(old, new, ""):
        yield Difference(path.lstrip("."), "backward", reason)


class _Unjudged(Exception):
    """The schema is built in a way this module does not follow."""


def _inlined(schema: Any, document: dict[str, Any], trail: tuple[str, ...]) -> Any:
    """The schema without annotations, with every $ref replaced by what it points at."""
    if not isinstance(schema, dict):
        return schema
    merged = {key: value for key, value in schema.items() if key != "$ref"}
    if (target := schema.get("$ref")) is not None:
        if target in trail or not target.startswith("#/$defs/"):
            raise _Unjudged(f"{target} refers to itself or to another document")
        pointed = document["$defs"][target.removeprefix("#/$defs/")]
        if not all(key in _ANNOTATIONS or key.startswith("x-") for key in merged):
            raise _Unjudged(f"{target} has rules beside it")
        merged, trail = {**pointed, **merged}, (*trail, target)
        if "$ref" in pointed:
            return _inlined({**merged, "$ref": pointed["$ref"]}, document, trail)
    return {key: _inside(key, value, document, trail) for key, value in merged.items() if _matters(key)}


def _matters(keyword: str) -> bool:
    return keyword == "x-extensible-enum" or not (keyword in _ANNOTATIONS or keyword.startswith("x-"))


def _inside(keyword: str, value: Any, document: dict[str, Any], trail: tuple[str, ...]) -> Any:
    if keyword in {"const", "enum", "required", "x-extensible-enum"}:
        return value
    if keyword in {"properties", "patternProperties", "dependentSchemas"}:
        return {name: _inlined(part, document, trail) for name, part in value.items()}
    if isinstance(value, list):
        return [_inlined(part, document, trail) for part in value]
    return _inlined(value, document, trail)


def _refusals(writer: Any, reader: Any, path: str) -> Iterator[Problem]:
    """Why a reader may refuse what a writer may send."""
    if writer == reader or writer is False or reader in (True, {}):
        return
    if reader is False:
        yield path, "break", "must not be there at all"
        return
    mine, yours = _branches(writer), _branches(reader)
    for branch in mine:
        tries = [list(_branch_refusals(branch, other, path)) for other in yours if _may_meet(branch, other)]
        if not tries:
            yield path, "break", f"may be {branch['type']}, which the reader does not take"
        elif all(tries):
            yield from min(tries, key=len)


def _branches(schema: Any) -> list[dict[str, Any]]:
    """The schema as alternatives of one type each."""
    if schema is True:
        schema = {}
    if "anyOf" in schema:
        beside = {key: value for key, value in schema.items() if key != "anyOf"}
        parts = [part if isinstance(part, dict) else {} for part in schema["anyOf"] if part is not False]
        if any(set(part) & set(beside) for part in parts):
            raise _Unjudged("anyOf has rules beside it that its alternatives have too")
        return [branch for part in parts for branch in _branches({**part, **beside})]
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
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return
    gone = sorted(_open_words(old) - _open_words(new)) if "x-extensible-enum" in old else []
    if gone:
        yield path, f"the open list lost {', '.join(gone)}, which old messages may carry"
    for name in sorted(set(old.get("properties", {})) & set(new.get("properties", {}))):
        yield from _lost_words(old["properties"][name], new["properties"][name], f"{path}.{name}")
    for keyword, mark in (("items", "[]"), ("additionalProperties", "{}")):
        yield from _lost_words(_without_null(old.get(keyword)), _without_null(new.get(keyword)), path + mark)
    if "anyOf" in old or "anyOf" in new:
        before, after = _without_null(old), _without_null(new)
        if before is not old or after is not new:
            yield from _lost_words(before, after, path)


def _without_null(schema: Any) -> Any:
    """The one alternative that is not null, if there is exactly one."""
    parts = [part for part in schema.get("anyOf", []) if part != {"type": "null"}] if isinstance(schema, dict) else []
    return parts[0] if len(parts) == 1 else schema


def _open_words(schema: dict[str, Any]) -> set[str]:
    return {*schema.get("x-extensible-enum", []), *schema.get("enum", [])}
