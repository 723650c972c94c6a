"""Says in a few words what a resolved schema takes, and how its list of words differs from another's."""

import json
from collections.abc import Iterable
from typing import Any

_TYPES = {
    "array": "list", "boolean": "yes or no", "integer": "whole number", "null": "null", "number": "number",
    "object": "group", "string": "text",
}  # fmt: skip
_FORMATS = {"date": "date", "date-time": "time", "uuid": "UUID"}
_MOST = 6


def in_words(schema: Any) -> str:
    """For example `list of Contact`, `whole number or null`, `open list: open, closed`."""
    if not isinstance(schema, dict) or not schema:
        return "nothing" if schema is False else "anything"
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(in_words(part) for part in schema["anyOf"]))
    if "const" in schema or "enum" in schema:
        return f"one of {listed(schema['enum'] if 'enum' in schema else [schema['const']])}"
    if "x-extensible-enum" in schema:
        return f"open list: {listed(schema['x-extensible-enum'])}"
    kinds = schema.get("type", sorted(_TYPES))
    return " or ".join(_typed(kind, schema) for kind in (kinds if isinstance(kinds, list) else [kinds]))


def _typed(kind: str, schema: dict[str, Any]) -> str:
    match kind:
        case "string":
            return _FORMATS.get(schema.get("format", ""), "text")
        case "array" if "items" in schema:
            return f"list of {in_words(schema['items'])}"
        case "object" if isinstance(schema.get("additionalProperties"), dict):
            return f"map of {in_words(schema['additionalProperties'])}"
        case "object":
            return str(schema.get("title", "group"))
    return _TYPES.get(kind, kind)


def listed(values: Iterable[Any]) -> str:
    """Values as a short list; of a long one the beginning and how many more."""
    words = [_text(value) for value in values]
    more = f" and {len(words) - _MOST} more" if len(words) > _MOST else ""
    return ", ".join(words[:_MOST]) + more


def words_changed(old: dict[str, Any], new: dict[str, Any]) -> str:
    """What happened to a list of words, open or closed; empty when it takes the same ones as before."""
    mine, yours, texts = _words(old), _words(new), []
    if _closed(old) != _closed(new):
        texts.append("list closed" if _closed(new) else "list opened")
    if added := [word for word in yours if word not in mine]:
        texts.append(f"words added: {listed(map(json.loads, added))}")
    if gone := [word for word in mine if word not in yours]:
        texts.append(f"words removed: {listed(map(json.loads, gone))}")
    return "; ".join(texts)


def _closed(schema: dict[str, Any]) -> bool:
    return "enum" in schema or "const" in schema


def _words(schema: dict[str, Any]) -> list[str]:
    last = [schema["const"]] if "const" in schema else []
    values = [*schema.get("x-extensible-enum", []), *schema.get("enum", []), *last]
    return [json.dumps(value, ensure_ascii=False) for value in values]


def limits(schema: dict[str, Any], keywords: Iterable[str]) -> str:
    """What these rules of a schema say, for example `above 0`."""
    given = {name: schema[name] for name in keywords if name in schema}
    marks = {"exclusiveMinimum": "above ", "exclusiveMaximum": "below "}
    return " and ".join(marks.get(name, "") + _text(value) for name, value in given.items()) or "none"


def value_of(schema: Any, name: str) -> str:
    """The value of one keyword as text."""
    return _text(schema[name]) if isinstance(schema, dict) and name in schema else "none"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
