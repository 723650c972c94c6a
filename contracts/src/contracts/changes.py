"""Tells in words what changed between two versions of a message's JSON Schema, field by field, and whom it breaks.

Every change is judged alone, by `contracts.compatibility`, as if it were the only one. What only the whole comparison
finds is told as well, so that no break goes untold; and nothing is called a break that the whole does not break.
"""

import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from contracts.compatibility import Difference, branches, differences, judged
from contracts.resolving import Unjudged, is_note, resolved
from contracts.wording import in_words, limits, listed, value_of, words_changed

Kind = Literal[
    "added", "removed", "type", "null", "required", "optional", "words", "format", "tightened", "loosened", "changed",
    "default", "deprecated", "described", "examples",
]  # fmt: skip
Breaks = Literal["backward", "forward", "topic", "unjudged"]
Schema = dict[str, Any]

QUIET: frozenset[Kind] = frozenset({"described", "examples"})
"""Kinds that change words for people only."""

_RULES: dict[str, tuple[str, ...]] = {
    "format": ("format",),
    "pattern": ("pattern",),
    "lower limit": ("minimum", "exclusiveMinimum"),
    "upper limit": ("maximum", "exclusiveMaximum"),
    **{name: (name,) for name in ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")},
    "multiple of": ("multipleOf",),
    "each item once": ("uniqueItems",),
}
_WORDS = ("const", "enum", "x-extensible-enum")
_WALKED = {"type", "anyOf", "properties", "required", "items", "prefixItems", "additionalProperties", *_WORDS}
_SAME = "takes the same values"


@dataclass(frozen=True, order=True)
class Change:
    """One change. `path` is a field (dots, [] for a list's items, {} for a map's), a topic fact or an example.

    `breaks`, empty for nobody: `backward` new readers refuse old messages, `forward` old readers refuse new ones,
    `topic` what lies on the topic no longer fits, `unjudged` nobody can tell. `why` says it in a few words.
    """

    about: Literal["contract", "message", "topic", "example"]
    path: str
    kind: Kind
    what: str
    breaks: tuple[Breaks, ...]
    why: str


class _Told(NamedTuple):
    path: str
    kind: Kind
    what: str
    reasons: dict[Breaks, str]
    harmless: str

    def change(self, possible: set[Breaks]) -> Change:
        real = {who: reason for who, reason in sorted(self.reasons.items()) if who in possible}
        made_up_for = "other rules of the message make up for it" if self.reasons else self.harmless
        why = "; ".join(dict.fromkeys(real.values())) or made_up_for
        return Change("message", self.path.lstrip("."), self.kind, self.what, tuple(real), why)


def changes(old: Schema, new: Schema) -> list[Change]:
    """Every change between two schema documents, in path order; empty when only their arrangement differs."""
    if old == new:
        return []
    whole = differences(old, new)
    try:
        before, after = resolved(old, notes=True), resolved(new, notes=True)
        told = list(_walk(before, after, ""))
    except Unjudged:
        told = []
    found = [row.change({difference.direction for difference in whole}) for row in told]
    return sorted({*found, *_untold(whole, found)})


def _untold(whole: Iterable[Difference], found: list[Change]) -> Iterator[Change]:
    for difference in whole:
        if not any(difference.direction in change.breaks and _covers(change, difference.path) for change in found):
            yield Change(
                "message", difference.path, "changed", "its rules changed", (difference.direction,), difference.reason
            )


def _covers(change: Change, path: str) -> bool:
    inside = change.kind in {"added", "removed", "type"} and path.startswith(
        tuple(change.path + mark for mark in (".", "[", "{"))
    )
    return inside or path == change.path


def _told(path: str, kind: Kind, what: str, old: Any, new: Any, harmless: str = _SAME) -> _Told:
    """A change of the kind, with what tells that `new` in the place of `old` breaks."""
    reasons: dict[Breaks, str] = {}
    try:
        for difference in judged(resolved(old), resolved(new)):
            reasons.setdefault(difference.direction, difference.reason)
    except Unjudged as reason:
        reasons["unjudged"] = str(reason)
    return _Told(path, kind, what, reasons, harmless)


def _walk(old: Any, new: Any, path: str) -> Iterator[_Told]:
    if old == new:
        return
    if not (isinstance(old, dict) and isinstance(new, dict)):
        yield _told(path, "type", f"{in_words(old)} → {in_words(new)}", old, new)
        return
    before, old_null = _without_null(old)
    after, new_null = _without_null(new)
    yield from _notes(before, after, path)
    if old_null != new_null:
        may_be_null = {"anyOf": [before, {"type": "null"}]}
        pair = (before, may_be_null) if new_null else (may_be_null, before)
        yield _told(path, "null", f"may {'now' if new_null else 'no longer'} be null", *pair)
    if _types(before) != _types(after) or ("anyOf" in before) != ("anyOf" in after):
        yield _told(path, "type", f"{in_words(before)} → {in_words(after)}", before, after)
    elif "anyOf" in before:
        if resolved(before) != resolved(after):
            yield _told(path, "type", f"alternatives: {in_words(before)} → {in_words(after)}", before, after)
    else:
        yield from _rules(before, after, path)
        yield from _fields(before, after, path)
        yield from _items(before, after, path)


def _without_null(schema: Schema) -> tuple[Schema, bool]:
    """The schema for values that are not null, and whether null may stand there too."""
    if isinstance(schema.get("type"), list):
        types = [kind for kind in schema["type"] if kind != "null"]
        return {**schema, "type": types[0] if len(types) == 1 else types}, "null" in schema["type"]
    parts = [part for part in schema.get("anyOf", []) if part != {"type": "null"}]
    beside = {key: value for key, value in schema.items() if key != "anyOf"}
    if len(parts) == 1 and isinstance(parts[0], dict):
        return {**parts[0], **beside}, len(schema["anyOf"]) > 1
    if not parts:
        return ({**beside, "type": "null"} if "anyOf" in schema else schema), False
    return {**beside, "anyOf": parts}, len(parts) < len(schema["anyOf"])


def _types(schema: Schema) -> list[str]:
    return sorted({branch["type"] for branch in branches(resolved(schema))})


def _notes(old: Schema, new: Schema, path: str) -> Iterator[_Told]:
    for name in sorted(key for key in {*old, *new} if is_note(key) and old.get(key) != new.get(key)):
        if name == "default":
            what = f"default {value_of(old, name)} → {value_of(new, name)}"
            yield _Told(path, "default", what, {}, "old messages without the field now mean the new default")
        elif name == "deprecated":
            yield _Told(path, "deprecated", f"deprecated: {value_of(new, name)}", {}, "announces a later removal")
        elif name == "examples":
            yield _Told(path, "examples", f"examples: {listed(new.get(name, [])) or 'none'}", {}, "for people only")
        else:
            text = textwrap.shorten(str(new.get(name, "taken away")), 60, placeholder=" …")
            yield _Told(path, "described", f"{name}: {text}", {}, "for people only")


def _rules(old: Schema, new: Schema, path: str) -> Iterator[_Told]:
    if what := words_changed(old, new):
        yield _told(path, "words", what, old, _swapped(old, new, _WORDS), "readers take unknown words")
    known = {*_WALKED, *(keyword for keywords in _RULES.values() for keyword in keywords)}
    unknown = sorted(key for key in {*old, *new} - known if not is_note(key))
    for name, keywords in {**_RULES, **{name: (name,) for name in unknown}}.items():
        if any(old.get(keyword) != new.get(keyword) for keyword in keywords):
            what = f"{name}: {limits(old, keywords)} → {limits(new, keywords)}"
            alone = _told(path, "changed", what, old, _swapped(old, new, keywords))
            yield alone._replace(kind=_direction(alone, name))


def _direction(alone: _Told, name: str) -> Kind:
    if name == "format":
        return "format"
    match list(alone.reasons):
        case ["backward"]:
            return "tightened"
        case ["forward"]:
            return "loosened"
    return "changed"


def _swapped(old: Schema, new: Schema, keywords: Iterable[str]) -> Schema:
    """The old schema with these keywords of the new one."""
    names = set(keywords)
    kept = {key: value for key, value in old.items() if key not in names}
    return {**kept, **{key: value for key, value in new.items() if key in names}}


def _fields(old: Schema, new: Schema, path: str) -> Iterator[_Told]:
    mine, yours = old.get("properties", {}), new.get("properties", {})
    needed, now_needed = set(old.get("required", [])), set(new.get("required", []))
    for name in sorted({*mine, *yours} | needed | now_needed):
        place, after = f"{path}.{name}", _with_field_of(old, new, name)
        if name in yours and name not in mine:
            default = f", default {value_of(yours[name], 'default')}" if "default" in yours[name] else ""
            what = f"added, {_need(name in now_needed)}: {in_words(yours[name])}{default}"
            yield _told(place, "added", what, old, after, "it is optional, and readers skip unknown fields")
        elif name in mine and name not in yours:
            what = f"removed, was {_need(name in needed)}: {in_words(mine[name])}"
            yield _told(place, "removed", what, old, after, "it was optional, and readers skip unknown fields")
        else:
            if (name in needed) != (name in now_needed):
                what = f"{_need(name in needed)} → {_need(name in now_needed)}"
                only = _with_field_of(old, {**new, "properties": mine}, name)
                yield _told(place, "required" if name in now_needed else "optional", what, old, only)
            yield from _walk(mine.get(name, True), yours.get(name, True), place)


def _need(required: bool) -> str:
    return "required" if required else "optional"


def _with_field_of(old: Schema, new: Schema, name: str) -> Schema:
    """The old schema with one field, and whether it is required, as in the new one."""
    others = {key: value for key, value in old.get("properties", {}).items() if key != name}
    needed = {*old.get("required", [])} - {name} | {*new.get("required", [])} & {name}
    this = {name: new["properties"][name]} if name in new.get("properties", {}) else {}
    return {**old, "properties": {**others, **this}, "required": sorted(needed)}


def _items(old: Schema, new: Schema, path: str) -> Iterator[_Told]:
    yield from _walk(old.get("items", True), new.get("items", True), f"{path}[]")
    mine, yours = old.get("prefixItems", []), new.get("prefixItems", [])
    for place in range(max(len(mine), len(yours))):
        before = mine[place] if place < len(mine) else old.get("items", True)
        after = yours[place] if place < len(yours) else new.get("items", True)
        yield from _walk(before, after, f"{path}[{place}]")
    others, now = old.get("additionalProperties", True), new.get("additionalProperties", True)
    if isinstance(others, dict) and isinstance(now, dict):
        yield from _walk(others, now, path + "{}")
    elif others != now:
        what = f"unknown fields: {in_words(others)} → {in_words(now)}"
        yield _told(path, "changed", what, old, _swapped(old, new, ["additionalProperties"]))
