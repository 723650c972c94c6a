"""Every kind of break is found, with its direction; harmless changes pass."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from contracts import MESSAGES
from contracts.compatibility import Difference, differences
from contracts.schema import message_schema

Schema = dict[str, Any]
Change = Callable[[Schema], Any]

OLD: Schema = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$defs": {
        "Code": {
            "type": "object",
            "properties": {"system": {"type": "string"}, "code": {"type": "string", "minLength": 1, "maxLength": 9}},
            "required": ["system", "code"],
        }
    },
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "count": {"type": "integer", "minimum": 1, "maximum": 10},
        "share": {"type": "number", "exclusiveMinimum": 0},
        "day": {"type": "string", "format": "date"},
        "region": {"type": "string", "pattern": r"^\d{2}$"},
        "status": {"type": "string", "x-extensible-enum": ["open", "closed"]},
        "unit": {"enum": ["days", "share"]},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "code": {"$ref": "#/$defs/Code"},
        "codes": {"type": "array", "items": {"$ref": "#/$defs/Code"}, "maxItems": 5},
        "pair": {
            "type": "array",
            "prefixItems": [{"type": "string"}, {"type": "integer"}],
            "minItems": 2,
            "maxItems": 2,
        },
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "level": {"anyOf": [{"type": "string", "x-extensible-enum": ["low", "high"]}, {"type": "null"}]},
        "extra": {"type": "string"},
    },
    "required": [
        "name",
        "count",
        "share",
        "day",
        "region",
        "status",
        "unit",
        "note",
        "code",
        "codes",
        "pair",
        "labels",
    ],
}
P = "properties"


def changed(change: Change) -> Schema:
    new = copy.deepcopy(OLD)
    change(new)
    return new


def put(*path: Any) -> Change:
    """A change that puts the last argument at the place the others name."""

    def change(schema: Schema) -> None:
        part: Any = schema
        for name in path[:-2]:
            part = part[name]
        part[path[-2]] = path[-1]

    return change


def drop(*path: Any) -> Change:
    def change(schema: Schema) -> None:
        part: Any = schema
        for name in path[:-1]:
            part = part[name]
        part.pop(path[-1])

    return change


def require(*names: str) -> Change:
    return lambda schema: schema["required"].extend(names)


def release(*names: str) -> Change:
    return lambda schema: [schema["required"].remove(name) for name in names]


def both(*changes: Change) -> Change:
    return lambda schema: [change(schema) for change in changes]


BACKWARD, FORWARD, BOTH = {"backward"}, {"forward"}, {"backward", "forward"}

BREAKS = [
    ("a new required field", both(put(P, "new", {"type": "string"}), require("new")), BACKWARD, "new"),
    ("an optional field becomes required", require("extra"), BACKWARD, "extra"),
    ("a required field becomes optional", release("name"), FORWARD, "name"),
    ("a required field is removed", both(drop(P, "name"), release("name")), FORWARD, "name"),
    ("a field's type is another", put(P, "name", {"type": "integer"}), BOTH, "name"),
    ("a number becomes a whole number", put(P, "share", "type", "integer"), BACKWARD, "share"),
    ("a whole number becomes any number", put(P, "count", "type", "number"), FORWARD, "count"),
    ("a field may be null", put(P, "name", {"anyOf": [{"type": "string"}, {"type": "null"}]}), FORWARD, "name"),
    ("a field may be null, in a type list", put(P, "name", "type", ["string", "null"]), FORWARD, "name"),
    ("a field may no longer be null", put(P, "note", {"type": "string"}), BACKWARD, "note"),
    ("a lower limit rises", put(P, "count", "minimum", 2), BACKWARD, "count"),
    ("a lower limit falls", put(P, "count", "minimum", 0), FORWARD, "count"),
    ("a lower limit is removed", drop(P, "count", "minimum"), FORWARD, "count"),
    ("an upper limit falls", put(P, "count", "maximum", 9), BACKWARD, "count"),
    ("an upper limit rises", put(P, "count", "maximum", 11), FORWARD, "count"),
    (
        "a limit itself becomes allowed",
        both(drop(P, "share", "exclusiveMinimum"), put(P, "share", "minimum", 0)),
        FORWARD,
        "share",
    ),
    ("only multiples are allowed", put(P, "count", "multipleOf", 5), BACKWARD, "count"),
    ("a pattern is added", put(P, "name", "pattern", "^[A-Z]"), BACKWARD, "name"),
    ("a pattern is removed", drop(P, "region", "pattern"), FORWARD, "region"),
    ("a pattern is another", put(P, "region", "pattern", r"^\d{4}$"), BOTH, "region"),
    ("a format is removed", drop(P, "day", "format"), FORWARD, "day"),
    ("a format is another", put(P, "day", "format", "date-time"), BOTH, "day"),
    ("a text must be longer", put("$defs", "Code", P, "code", "minLength", 2), BACKWARD, "code.code"),
    ("a text may be longer", put("$defs", "Code", P, "code", "maxLength", 18), FORWARD, "codes[].code"),
    ("a closed list loses a word", put(P, "unit", "enum", ["days"]), BACKWARD, "unit"),
    ("a closed list gains a word", put(P, "unit", "enum", ["days", "share", "patients"]), FORWARD, "unit"),
    ("a closed list becomes one constant", put(P, "unit", {"const": "days"}), BACKWARD, "unit"),
    ("any text becomes a closed list", put(P, "name", {"enum": ["a", "b"]}), BACKWARD, "name"),
    ("an open list becomes a closed one", put(P, "status", {"enum": ["open", "closed"]}), BACKWARD, "status"),
    ("an open list loses a word", put(P, "status", "x-extensible-enum", ["open"]), BACKWARD, "status"),
    (
        "an open list that may be null loses a word",
        put(P, "level", "anyOf", 0, "x-extensible-enum", ["low"]),
        BACKWARD,
        "level",
    ),
    (
        "a part gains a required field",
        put("$defs", "Code", "required", ["system", "code", "text"]),
        BACKWARD,
        "code.text",
    ),
    ("a part loses a required field", put("$defs", "Code", "required", ["code"]), FORWARD, "codes[].system"),
    ("a list takes other items", put(P, "codes", "items", {"type": "string"}), BOTH, "codes[]"),
    ("a list may be longer", put(P, "codes", "maxItems", 6), FORWARD, "codes"),
    ("a list must hold something", put(P, "codes", "minItems", 1), BACKWARD, "codes"),
    ("a list takes each item once", put(P, "codes", "uniqueItems", True), BACKWARD, "codes"),
    ("a place in a fixed list is another type", put(P, "pair", "prefixItems", 1, {"type": "string"}), BOTH, "pair[1]"),
    (
        "a fixed list grows",
        both(put(P, "pair", "maxItems", 3), put(P, "pair", "minItems", 3)),
        BOTH,
        "pair",
    ),
    (
        "a map's values are another type",
        put(P, "labels", "additionalProperties", {"type": "integer"}),
        BOTH,
        "labels{}",
    ),
    ("unknown fields are forbidden", put("additionalProperties", False), BACKWARD, ""),
    ("a field is forbidden", put(P, "extra", False), BACKWARD, "extra"),
    (
        "a single part becomes a list",
        put(P, "code", {"type": "array", "items": {"$ref": "#/$defs/Code"}}),
        BOTH,
        "code",
    ),
]


@pytest.mark.parametrize(("change", "directions", "path"), [row[1:] for row in BREAKS], ids=[row[0] for row in BREAKS])
def test_a_break_is_found_with_its_direction_and_place(change: Change, directions: set[str], path: str):
    found = differences(OLD, changed(change))
    assert {difference.direction for difference in found} == directions
    assert path in {difference.path for difference in found}


@pytest.mark.parametrize(("change", "directions", "path"), [row[1:] for row in BREAKS], ids=[row[0] for row in BREAKS])
def test_taking_a_change_back_breaks_the_other_way(change: Change, directions: set[str], path: str):
    turned = {"backward": "forward", "forward": "backward"}
    back = {difference.direction for difference in differences(changed(change), OLD)}
    lost_words_only = (
        changed(change)[P].get("status") != OLD[P]["status"] or changed(change)[P]["level"] != OLD[P]["level"]
    )
    assert back == {turned[direction] for direction in directions} or lost_words_only


def test_a_renamed_required_field_breaks_both_ways_at_both_names():
    rename = both(drop(P, "name"), release("name"), put(P, "title", {"type": "string"}), require("title"))
    found = {(difference.path, difference.direction) for difference in differences(OLD, changed(rename))}
    assert found == {("name", "forward"), ("title", "backward")}


HARMLESS = [
    ("a new optional field with a default", put(P, "new", {"type": "string", "default": "x"})),
    ("an optional field is removed", drop(P, "extra")),
    ("a new word in an open list", put(P, "status", "x-extensible-enum", ["open", "closed", "expired"])),
    (
        "a new word in an open list that may be null",
        put(P, "level", "anyOf", 0, "x-extensible-enum", ["low", "high", "ask"]),
    ),
    ("plain text becomes an open list", put(P, "name", "x-extensible-enum", ["a"])),
    ("another description", put(P, "name", "description", "The official name.")),
    ("another title and examples", both(put("title", "X"), put(P, "name", "examples", ["a"]))),
    ("another audience mark", put(P, "name", "x-audience", "regions")),
    ("fields in another order", put(P, dict(reversed(OLD[P].items())))),
    ("required fields in another order", put("required", sorted(OLD["required"], reverse=True))),
    ("closed list in another order", put(P, "unit", "enum", ["share", "days"])),
    ("null and its alternative swapped", put(P, "note", "anyOf", [{"type": "null"}, {"type": "string"}])),
    ("alternatives written as a type list", put(P, "note", {"type": ["string", "null"]})),
    (
        "a part under another name",
        both(put("$defs", "CodeRef", OLD["$defs"]["Code"]), put(P, "code", {"$ref": "#/$defs/CodeRef"})),
    ),
    ("a part written in place", put(P, "code", {**OLD["$defs"]["Code"], "description": "A code."})),
    ("a description beside a reference", put(P, "code", {"$ref": "#/$defs/Code", "description": "A code."})),
    ("unknown fields allowed in words", put("additionalProperties", True)),
]


@pytest.mark.parametrize("change", [row[1] for row in HARMLESS], ids=[row[0] for row in HARMLESS])
def test_a_harmless_change_passes(change: Change):
    assert differences(OLD, changed(change)) == []


UNJUDGED = [
    ("a rule that depends on another", put("if", {"properties": {"unit": {"const": "days"}}})),
    ("allOf", put(P, "code", {"allOf": [{"$ref": "#/$defs/Code"}]})),
    ("oneOf", put(P, "note", {"oneOf": [{"type": "string"}, {"type": "null"}]})),
    ("not", put(P, "name", "not", {"const": "x"})),
    ("patternProperties", put(P, "labels", "patternProperties", {"^x": {"type": "integer"}})),
    ("propertyNames", put(P, "labels", "propertyNames", {"pattern": "^[a-z]+$"})),
    ("contains", put(P, "codes", "contains", {"type": "object"})),
    ("a keyword nobody knows", put(P, "name", "maxBytes", 100)),
    ("rules beside a reference", put(P, "code", {"$ref": "#/$defs/Code", "minProperties": 2})),
    ("a schema that refers to itself", put("$defs", "Code", P, "code", {"$ref": "#/$defs/Code"})),
    ("a reference to another document", put(P, "code", {"$ref": "https://example.invalid/code.json"})),
]


@pytest.mark.parametrize("change", [row[1] for row in UNJUDGED], ids=[row[0] for row in UNJUDGED])
def test_what_cannot_be_judged_is_said_and_never_passed(change: Change):
    found = differences(OLD, changed(change))
    assert "unjudged" in {difference.direction for difference in found}
    assert any("cannot judge" in str(difference) for difference in found)


def test_an_unchanged_rule_that_cannot_be_judged_is_no_difference():
    old = changed(put(P, "name", "not", {"const": "x"}))
    assert differences(old, copy.deepcopy(old)) == []
    new = copy.deepcopy(old)
    new[P]["name"]["minLength"] = 1
    assert {difference.direction for difference in differences(old, new)} == BACKWARD


def test_a_difference_reads_as_a_sentence():
    text = str(Difference("services[].units", "backward", "may be missing, the reader requires it"))
    assert text == "services[].units: new readers refuse old messages: may be missing, the reader requires it"


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.topic.name)
def test_removing_any_required_field_of_any_message_is_found(message):
    old = message_schema(message)
    for name in old["required"]:
        new = copy.deepcopy(old)
        del new["properties"][name]
        new["required"].remove(name)
        assert [(difference.path, difference.direction) for difference in differences(old, new)] == [(name, "forward")]


@pytest.mark.parametrize("keyword", ["patternProperties", "unevaluatedProperties"])
def test_a_rule_whose_effect_depends_on_its_neighbours_cannot_be_judged_beside_a_change(keyword: str):
    old = changed(put(keyword, {"^x": {"type": "string"}}))
    new = copy.deepcopy(old)
    new[P]["xylitol"] = {"type": "integer"}
    assert {difference.direction for difference in differences(old, new)} == {"unjudged"}
