"""A JSON Schema with every reference replaced by what it points at, so that its parts can be compared in place."""

from typing import Any

_ANNOTATIONS = {
    "$anchor", "$comment", "$defs", "$id", "$schema", "contentEncoding", "contentMediaType",
    "default", "deprecated", "description", "examples", "readOnly", "title", "writeOnly",
}  # fmt: skip
_NOWHERE = {"$anchor", "$comment", "$defs", "$id", "$schema"}
_VALUES = {"const", "default", "enum", "examples", "required", "x-extensible-enum"}


class Unjudged(Exception):
    """The schema is built in a way this module does not follow."""


def resolved(document: Any, *, notes: bool = False) -> Any:
    """The schema with every $ref replaced by what it points at, and what refuses nothing kept only with `notes`."""
    return _inlined(document, document, (), notes)


def _inlined(schema: Any, document: Any, trail: tuple[str, ...], notes: bool) -> Any:
    if not isinstance(schema, dict):
        return schema
    merged = {key: value for key, value in schema.items() if key != "$ref"}
    if (target := schema.get("$ref")) is not None:
        if target in trail or not target.startswith("#/$defs/"):
            raise Unjudged(f"{target} refers to itself or to another document")
        if (pointed := document.get("$defs", {}).get(target.removeprefix("#/$defs/"))) is None:
            raise Unjudged(f"{target} is not there")
        if not all(is_note(key) for key in merged):
            raise Unjudged(f"{target} has rules beside it")
        merged, trail = {**pointed, **merged}, (*trail, target)
        if "$ref" in pointed:
            return _inlined({**merged, "$ref": pointed["$ref"]}, document, trail, notes)
    return {
        key: _inside(key, value, document, trail, notes)
        for key, value in merged.items()
        if not is_note(key) or (notes and key not in _NOWHERE)
    }


def is_note(keyword: str) -> bool:
    """True for a keyword that makes no reader refuse anything."""
    return keyword != "x-extensible-enum" and (keyword in _ANNOTATIONS or keyword.startswith("x-"))


def _inside(keyword: str, value: Any, document: Any, trail: tuple[str, ...], notes: bool) -> Any:
    if keyword in _VALUES or keyword.startswith("x-"):
        return value
    if keyword in {"properties", "patternProperties", "dependentSchemas"}:
        return {name: _inlined(part, document, trail, notes) for name, part in value.items()}
    if isinstance(value, list):
        return [_inlined(part, document, trail, notes) for part in value]
    return _inlined(value, document, trail, notes)
