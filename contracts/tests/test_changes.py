"""Every kind of change is told in words, at its place, with whom it breaks; and the other way round when taken back."""

from typing import Any

import pytest

from contracts import MESSAGES
from contracts.changes import QUIET, Change, changes
from contracts.schema import message_schema

Schema = dict[str, Any]
Row = tuple[str, Any, Any, str, tuple[str, ...], str]

TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer"}
NOTHING, BACKWARD, FORWARD, BOTH = (), ("backward",), ("forward",), ("backward", "forward")


def nullable(part: Schema) -> Schema:
    return {"anyOf": [part, {"type": "null"}]}


def words(*known: str) -> Schema:
    return {"type": "string", "x-extensible-enum": list(known)}


def group(**fields: Schema) -> Schema:
    return {"type": "object", "properties": fields, "required": sorted(fields)}


def told(old: Schema, new: Schema) -> list[Change]:
    return changes({"$defs": {}, **group(field=old)}, {"$defs": {}, **group(field=new)})


# What happens, the field's old and new rule, kind, whom it breaks, what is said.
CHANGES: list[Row] = [
    ("another type", TEXT, WHOLE, "type", BOTH, "text → whole number"),
    ("a wider type", WHOLE, {"type": "number"}, "type", FORWARD, "whole number → number"),
    ("one thing becomes a list", TEXT, {"type": "array", "items": TEXT}, "type", BOTH, "text → list of text"),
    ("one more alternative", TEXT, {"anyOf": [TEXT, WHOLE]}, "type", FORWARD, "text → text or whole number"),
    (
        "another alternative",
        {"anyOf": [TEXT, WHOLE]},
        {"anyOf": [TEXT, {"type": "integer", "minimum": 1}]},
        "type",
        BACKWARD,
        "alternatives: text or whole number → text or whole number",
    ),
    (
        "a word out of an open list beside another alternative",
        {"anyOf": [WHOLE, words("a", "b")]},
        {"anyOf": [WHOLE, words("a")]},
        "type",
        BACKWARD,
        "alternatives: whole number or open list: a, b → whole number or open list: a",
    ),
    ("null allowed", TEXT, nullable(TEXT), "null", FORWARD, "may now be null"),
    ("null allowed by a type list", TEXT, {"type": ["string", "null"]}, "null", FORWARD, "may now be null"),
    ("null forbidden", nullable(WHOLE), WHOLE, "null", BACKWARD, "may no longer be null"),
    (
        "another format",
        {**TEXT, "format": "date"},
        {**TEXT, "format": "date-time"},
        "format",
        BOTH,
        "format: date → date-time",
    ),
    ("a format", TEXT, {**TEXT, "format": "date"}, "format", BACKWARD, "format: none → date"),
    ("a pattern", TEXT, {**TEXT, "pattern": "^a"}, "tightened", BACKWARD, "pattern: none → ^a"),
    ("no pattern any more", {**TEXT, "pattern": "^a"}, TEXT, "loosened", FORWARD, "pattern: ^a → none"),
    (
        "another pattern",
        {**TEXT, "pattern": "^a"},
        {**TEXT, "pattern": "^b"},
        "changed",
        BOTH,
        "pattern: ^a → ^b",
    ),
    ("longer at least", TEXT, {**TEXT, "minLength": 2}, "tightened", BACKWARD, "minLength: none → 2"),
    ("longer at most", {**TEXT, "maxLength": 2}, {**TEXT, "maxLength": 3}, "loosened", FORWARD, "maxLength: 2 → 3"),
    ("a lower limit rises", {**WHOLE, "minimum": 1}, {**WHOLE, "minimum": 2}, "tightened", BACKWARD, "1 → 2"),
    (
        "a lower limit becomes exclusive",
        {**WHOLE, "minimum": 1},
        {**WHOLE, "exclusiveMinimum": 1},
        "tightened",
        BACKWARD,
        "lower limit: 1 → above 1",
    ),
    ("an upper limit goes", {**WHOLE, "maximum": 9}, WHOLE, "loosened", FORWARD, "upper limit: 9 → none"),
    ("steps", WHOLE, {**WHOLE, "multipleOf": 5}, "tightened", BACKWARD, "multiple of: none → 5"),
    (
        "a shorter list",
        {"type": "array", "maxItems": 3},
        {"type": "array", "maxItems": 2},
        "tightened",
        BACKWARD,
        "maxItems: 3 → 2",
    ),
    (
        "items once",
        {"type": "array"},
        {"type": "array", "uniqueItems": True},
        "tightened",
        BACKWARD,
        "each item once: none → true",
    ),
    ("a word in a closed list", {"enum": ["a"]}, {"enum": ["a", "b"]}, "words", FORWARD, "words added: b"),
    ("a word out of a closed list", {"enum": ["a", "b"]}, {"enum": ["a"]}, "words", BACKWARD, "words removed: b"),
    ("a word in an open list", words("a"), words("a", "b"), "words", NOTHING, "words added: b"),
    ("a word out of an open list", words("a", "b"), words("a"), "words", BACKWARD, "words removed: b"),
    (
        "a word for another",
        words("a", "b"),
        words("a", "c"),
        "words",
        BACKWARD,
        "words added: c; words removed: b",
    ),
    ("an open list is closed", words("a"), {"type": "string", "enum": ["a"]}, "words", BACKWARD, "list closed"),
    ("a closed list is opened", {"type": "string", "enum": ["a"]}, words("a"), "words", FORWARD, "list opened"),
    ("free text becomes an open list", TEXT, words("a"), "words", NOTHING, "words added: a"),
    (
        "a word where null may stand",
        nullable(words("a")),
        nullable(words("a", "b")),
        "words",
        NOTHING,
        "words added: b",
    ),
    ("another constant", {"const": "a"}, {"const": "b"}, "words", BOTH, "words added: b; words removed: a"),
    (
        "no unknown fields",
        group(a=TEXT),
        {**group(a=TEXT), "additionalProperties": False},
        "changed",
        BACKWARD,
        "unknown fields: anything → nothing",
    ),
    ("another default", {**TEXT, "default": "a"}, {**TEXT, "default": "b"}, "default", NOTHING, "default a → b"),
    ("deprecated", TEXT, {**TEXT, "deprecated": True}, "deprecated", NOTHING, "deprecated: true"),
    ("another description", TEXT, {**TEXT, "description": "New."}, "described", NOTHING, "description: New."),
    ("another mark", TEXT, {**TEXT, "x-audience": "regions"}, "described", NOTHING, "x-audience: regions"),
    ("other examples", TEXT, {**TEXT, "examples": ["a"]}, "examples", NOTHING, "examples: a"),
    ("a rule nobody knows", TEXT, {**TEXT, "maxBytes": 9}, "changed", ("unjudged",), "maxBytes: none → 9"),
]
KINDS = [row[1:] for row in CHANGES]
IDS = [row[0] for row in CHANGES]


@pytest.mark.parametrize(("old", "new", "kind", "breaks", "what"), KINDS, ids=IDS)
def test_a_change_of_a_field_is_one_line(old: Schema, new: Schema, kind: str, breaks: tuple[str, ...], what: str):
    (change,) = told(old, new)
    assert (change.path, change.kind, change.breaks) == ("field", kind, breaks)
    assert what in change.what
    assert change.why


@pytest.mark.parametrize(("old", "new", "kind", "breaks", "what"), KINDS, ids=IDS)
def test_taken_back_it_breaks_the_other_side(old: Schema, new: Schema, kind: str, breaks: tuple[str, ...], what: str):
    (change,) = told(new, old)
    turned = {"backward": "forward", "forward": "backward", "unjudged": "unjudged"}
    if "x-extensible-enum" in str(old) + str(new):
        # A word taken out of an open list breaks although no reader refuses: old messages carry it.
        assert kind in {"words", "type"} or set(change.breaks) >= {turned[who] for who in breaks}
    else:
        assert set(change.breaks) == {turned[who] for who in breaks}
    assert {"tightened": "loosened", "loosened": "tightened"}.get(change.kind, change.kind) == kind


@pytest.mark.parametrize(("old", "new", "kind", "breaks", "what"), KINDS, ids=IDS)
@pytest.mark.parametrize(
    ("inside", "place"),
    [
        (lambda part: {"type": "array", "items": group(inner=part)}, "field[].inner"),
        (lambda part: {"type": "object", "additionalProperties": group(inner=part)}, "field{}.inner"),
        (lambda part: {"type": "array", "prefixItems": [TEXT, part]}, "field[1]"),
        (lambda part: nullable(group(inner=part)), "field.inner"),
    ],
)
def test_deep_inside_it_is_told_at_its_place(old, new, kind, breaks, what, inside, place):
    (change,) = told(inside(old), inside(new))
    assert (change.path, change.kind, change.breaks) == (place, kind, breaks)


@pytest.mark.parametrize(
    ("old", "new", "kind", "breaks", "what"),
    [
        (group(), group(a=TEXT), "added", BACKWARD, "added, required: text"),
        (group(), {**group(a=nullable(TEXT)), "required": []}, "added", NOTHING, "added, optional: text or null"),
        (
            group(),
            {**group(a={**TEXT, "default": "x"}), "required": []},
            "added",
            NOTHING,
            "added, optional: text, default x",
        ),
        (group(a=TEXT), group(), "removed", FORWARD, "removed, was required: text"),
        ({**group(a=TEXT), "required": []}, group(), "removed", NOTHING, "removed, was optional: text"),
        ({**group(a=TEXT), "required": []}, group(a=TEXT), "required", BACKWARD, "optional → required"),
        (group(a=TEXT), {**group(a=TEXT), "required": []}, "optional", FORWARD, "required → optional"),
        (
            {**group(), "additionalProperties": False},
            {**group(a=TEXT), "additionalProperties": False},
            "added",
            BOTH,
            "added, required: text",
        ),
    ],
)
def test_fields_that_come_go_or_become_required(
    old: Schema, new: Schema, kind: str, breaks: tuple[str, ...], what: str
):
    (change,) = told(old, new)
    assert (change.path, change.kind, change.what, change.breaks) == ("field.a", kind, what, breaks)


def test_a_renamed_field_is_one_removed_and_one_added():
    found = changes(group(before=TEXT), group(after=TEXT))
    assert [(change.path, change.kind, change.breaks) for change in found] == [
        ("after", "added", BACKWARD),
        ("before", "removed", FORWARD),
    ]


def test_several_changes_of_one_field_are_told_one_by_one():
    old = {**WHOLE, "minimum": 1, "maximum": 9, "description": "Old."}
    new = nullable({**WHOLE, "minimum": 0, "maximum": 8, "description": "New."})
    assert {(change.kind, change.breaks) for change in told(old, new)} == {
        ("loosened", FORWARD),
        ("tightened", BACKWARD),
        ("null", FORWARD),
        ("described", NOTHING),
    }


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"enum": ["a", "b"]}, {"enum": ["b", "a"]}),
        ({"const": "a"}, {"enum": ["a"]}),
        (nullable(TEXT), {"anyOf": [{"type": "null"}, TEXT]}),
        (nullable(TEXT), {"type": ["string", "null"]}),
    ],
)
def test_another_way_to_write_the_same_is_no_change(old: Schema, new: Schema):
    assert told(old, new) == []


def test_a_part_under_another_name_is_no_change():
    old = {"$defs": {"A": group(a=TEXT)}, **group(field={"$ref": "#/$defs/A"})}
    new = {"$defs": {"B": group(a=TEXT)}, **group(field={"$ref": "#/$defs/B"})}
    assert changes(old, new) == []


def test_a_schema_that_refers_to_itself_cannot_be_judged():
    loop = {"$defs": {"A": group(a={"$ref": "#/$defs/A"})}, **group(field={"$ref": "#/$defs/A"})}
    assert [change.breaks for change in changes(group(field=TEXT), loop)] == [("unjudged",)]


def test_a_rule_that_depends_on_its_neighbours_makes_a_change_beside_it_unjudged():
    old = {**group(a=TEXT), "patternProperties": {"^x": TEXT}}
    found = changes(old, {**old, "properties": {"a": {**TEXT, "description": "New.", "minLength": 1}}})
    assert ("unjudged",) in {change.breaks for change in found}


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.topic.name)
def test_of_real_messages_every_field_taken_away_is_told(message):
    new = message_schema(message)
    for name in new["properties"]:
        rest = {key: value for key, value in new["properties"].items() if key != name}
        old = {**new, "properties": rest, "required": [one for one in new["required"] if one != name]}
        there, back = changes(old, new), changes(new, old)
        # A field with a default may be missing: old messages stay readable, and readers did without it.
        needed = name in new["required"]
        added, removed = (BACKWARD, FORWARD) if needed else (NOTHING, NOTHING)
        assert [(change.path, change.kind, change.breaks) for change in there] == [(name, "added", added)]
        assert [(change.path, change.kind, change.breaks) for change in back] == [(name, "removed", removed)]


def test_only_words_for_people_are_quiet():
    assert {row[3] for row in CHANGES if row[3] in QUIET} == set(QUIET)
    assert all(row[4] == NOTHING for row in CHANGES if row[3] in QUIET)
