"""What the comparison calls compatible is compatible: checked against a JSON Schema validator on generated schemas."""

import copy
import json
from pathlib import Path
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from contracts import MESSAGES as KINDS
from contracts.changes import changes
from contracts.compatibility import differences
from contracts.schema import message_schema

Schema = dict[str, Any]

SCHEMAS_NOW = {message.topic.name: message_schema(message) for message in KINDS}
EXAMPLES = {
    topic: [json.loads(path.read_text(encoding="utf-8"))["value"] for path in folder.rglob("*.json")]
    for topic in SCHEMAS_NOW
    if (folder := Path(__file__).parents[1] / "examples" / topic)
}

WORDS = st.lists(st.sampled_from(["a", "ab", "abc", "b"]), min_size=1, unique=True)


def _typed(names: list[str], **limits: st.SearchStrategy[int]) -> st.SearchStrategy[Schema]:
    return st.fixed_dictionaries({"type": st.sampled_from(names)}, optional=limits)


SIMPLE = st.one_of(
    _typed(["string"], minLength=st.integers(0, 2), maxLength=st.integers(2, 4)),
    _typed(["integer", "number"], minimum=st.integers(-2, 1), maximum=st.integers(1, 3)),
    _typed(["integer"], exclusiveMinimum=st.integers(-2, 0), exclusiveMaximum=st.integers(2, 4)),
    _typed(["boolean"]),
    st.fixed_dictionaries({"type": st.just("string"), "x-extensible-enum": WORDS}),
    WORDS.map(lambda words: {"enum": words}),
    st.sampled_from(["a", "b", 1, True]).map(lambda word: {"const": word}),
)
NAMES = st.sampled_from(["a", "b", "c"])


def _nullable(part: Schema) -> Schema:
    return {"anyOf": [part, {"type": "null"}]}


def _objects(parts: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    return st.builds(
        lambda fields, required: {"type": "object", "properties": fields, "required": sorted(required & set(fields))},
        st.dictionaries(NAMES, parts, max_size=3),
        st.sets(NAMES),
    )


SCHEMAS = st.recursive(
    SIMPLE,
    lambda parts: st.one_of(
        parts.filter(lambda part: "anyOf" not in part).map(_nullable),
        st.fixed_dictionaries({"type": st.just("array"), "items": parts}, optional={"maxItems": st.integers(1, 3)}),
        st.lists(parts, min_size=1, max_size=2).map(
            lambda first: {"type": "array", "prefixItems": first, "minItems": len(first), "maxItems": len(first)}
        ),
        _objects(parts),
    ),
    max_leaves=6,
)
MESSAGES = _objects(SCHEMAS)


@st.composite
def neighbours(draw: st.DrawFn) -> tuple[Schema, Schema]:
    """A message schema and one that differs from it in one to three places, or in nothing."""
    old = draw(MESSAGES)
    new = copy.deepcopy(old)
    for _ in range(draw(st.integers(0, 3))):
        part = new
        while part.get("properties") and draw(st.booleans()):
            part = part["properties"][draw(st.sampled_from(sorted(part["properties"])))]
        match draw(st.sampled_from(["limit", "null", "required", "field", "free", "words"])):
            case "limit":
                keyword = draw(
                    st.sampled_from(["minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems"])
                )
                if "prefixItems" not in part and "anyOf" not in part:
                    part[keyword] = draw(st.integers(0, 3))
            case "null" if "anyOf" not in part and part is not new:
                inner = dict(part)
                part.clear()
                part.update(_nullable(inner))
            case "required" if "properties" in part:
                part["required"] = sorted(draw(st.sets(NAMES)) & set(part["properties"]))
            case "field" if "properties" in part:
                part["properties"][draw(NAMES)] = draw(SCHEMAS)
            case "free" if len(part) > 1:
                part.pop(draw(st.sampled_from(sorted(set(part) - {"type", "properties"}) or ["none"])), None)
            case "words" if "enum" in part:
                part["enum"] = draw(WORDS)
    return old, new


def instances(schema: Schema) -> st.SearchStrategy[Any]:
    """Values that a writer with this schema may send: no fields but the declared ones."""
    if "anyOf" in schema:
        return st.one_of(*map(instances, schema["anyOf"]))
    if "const" in schema or "enum" in schema:
        return st.sampled_from(schema.get("enum", [schema.get("const")]))
    match schema.get("type"):
        case "string":
            shortest, longest = schema.get("minLength", 0), schema.get("maxLength", 4)
            return st.text("ab", min_size=shortest, max_size=max(longest, shortest)).filter(
                lambda text: len(text) <= longest
            )
        case "integer":
            return st.integers(-3, 5)
        case "number":
            return st.one_of(st.integers(-3, 5), st.floats(-3, 5))
        case "boolean":
            return st.booleans()
        case "null":
            return st.none()
        case "array" if "prefixItems" in schema:
            return st.tuples(*map(instances, schema["prefixItems"])).map(list)
        case "array":
            return st.lists(instances(schema.get("items", {})), max_size=schema.get("maxItems", 3))
        case "object":
            fields = {name: instances(part) for name, part in schema["properties"].items()}
            needed = {name: part for name, part in fields.items() if name in schema.get("required", [])}
            return st.fixed_dictionaries(needed, optional={name: fields[name] for name in fields.keys() - needed})
    return st.one_of(st.none(), st.integers(-3, 5), st.text("ab", max_size=4))


@given(MESSAGES)
def test_a_schema_does_not_differ_from_itself(schema: Schema):
    assert differences(schema, copy.deepcopy(schema)) == []
    described = {**copy.deepcopy(schema), "description": "The same, described."}
    assert differences(schema, described) == []


@given(neighbours(), st.data())
def test_when_nothing_breaks_backward_every_old_message_passes_the_new_schema(
    pair: tuple[Schema, Schema], data: st.DataObject
):
    old, new = pair
    assume(not {"backward", "unjudged"} & {difference.direction for difference in differences(old, new)})
    message = data.draw(instances(old))
    assume(Draft202012Validator(old).is_valid(message))
    assert Draft202012Validator(new).is_valid(message)


@given(neighbours(), st.data())
def test_when_nothing_breaks_forward_every_new_message_passes_the_old_schema(
    pair: tuple[Schema, Schema], data: st.DataObject
):
    old, new = pair
    assume(not {"forward", "unjudged"} & {difference.direction for difference in differences(old, new)})
    message = data.draw(instances(new))
    assume(Draft202012Validator(new).is_valid(message))
    assert Draft202012Validator(old).is_valid(message)


@given(neighbours())
def test_the_comparison_never_fails_and_mirrors_when_turned_round(pair: tuple[Schema, Schema]):
    old, new = pair
    there = {(row.path, row.direction) for row in differences(old, new) if "open list" not in row.reason}
    back = {(row.path, row.direction) for row in differences(new, old) if "open list" not in row.reason}
    turned = {"backward": "forward", "forward": "backward", "unjudged": "unjudged"}
    assert {(path, turned[direction]) for path, direction in there} == back


@st.composite
def compatible(draw: st.DrawFn) -> tuple[Schema, Schema]:
    """A message schema and what it may become without breaking anybody, by one to five changes anywhere in it."""
    old = draw(MESSAGES)
    new = copy.deepcopy(old)
    for count in range(draw(st.integers(1, 5))):
        part = draw(st.sampled_from([new, *_parts(new)]))
        match draw(st.sampled_from(["described", "field", "dropped", "word", "default", "order", "null", "defs"])):
            case "described":
                part[draw(st.sampled_from(["description", "title", "$comment", "x-audience"]))] = draw(st.text("ab"))
            case "field" if part.get("type") == "object":
                part["properties"][f"new{count}"] = draw(SCHEMAS)
            case "dropped" if set(part.get("properties", {})) - set(part.get("required", [])):
                del part["properties"][min(set(part["properties"]) - set(part["required"]))]
            case "word" if "x-extensible-enum" in part:
                part["x-extensible-enum"].append(f"new{count}")
            case "default":
                part["default"] = draw(st.text("ab"))
            case "order" if "enum" in part:
                part["enum"].reverse()
            case "null" if "anyOf" in part:
                part["anyOf"].reverse()
            case "defs" if "items" in part:
                new.setdefault("$defs", {})[f"Part{count}"] = part["items"]
                part["items"] = {"$ref": f"#/$defs/Part{count}"}
    return old, new


def _parts(schema: Schema) -> list[Schema]:
    below = [
        *schema.get("properties", {}).values(),
        *([schema["items"]] if "items" in schema else []),
        *schema.get("prefixItems", []),
        *schema.get("anyOf", []),
    ]
    return [found for part in below if "$ref" not in part for found in [part, *_parts(part)]]


@given(compatible())
def test_a_compatible_change_is_never_called_breaking(pair: tuple[Schema, Schema]):
    assert [change for change in changes(*pair) if change.breaks] == []


@given(neighbours())
def test_what_is_told_breaks_exactly_whom_the_comparison_says(pair: tuple[Schema, Schema]):
    found = changes(*pair)
    assert {who for change in found for who in change.breaks} == {row.direction for row in differences(*pair)}
    assert all(change.what and change.why for change in found)


@given(neighbours(), st.data())
def test_what_is_told_to_break_nobody_leaves_every_message_of_either_version_readable_in_the_other(
    pair: tuple[Schema, Schema], data: st.DataObject
):
    assume(not any(change.breaks for change in changes(*pair)))
    for writer, reader in (pair, pair[::-1]):
        message = data.draw(instances(writer))
        assume(Draft202012Validator(writer).is_valid(message))
        assert Draft202012Validator(reader).is_valid(message)


@st.composite
def real_neighbours(draw: st.DrawFn) -> tuple[str, Schema, Schema]:
    """A real contract's topic and schema, and one that differs from it in one to three places."""
    topic = draw(st.sampled_from(sorted(EXAMPLES)))
    old = SCHEMAS_NOW[topic]
    new = copy.deepcopy(old)
    for _ in range(draw(st.integers(1, 3))):
        part = draw(
            st.sampled_from([new, *_parts(new), *(found for one in new["$defs"].values() for found in _parts(one))])
        )
        match draw(st.sampled_from(["gone", "needed", "free", "rule", "closed", "type"])):
            case "gone" if part.get("properties"):
                part["properties"].pop(draw(st.sampled_from(sorted(part["properties"]))))
            case "needed" if part.get("properties"):
                part.setdefault("required", []).append(draw(st.sampled_from([*sorted(part["properties"]), "new"])))
                part["required"] = sorted(set(part["required"]))
            case "free" if part.get("required"):
                part["required"].remove(draw(st.sampled_from(sorted(part["required"]))))
            case "rule" if "type" in part:
                part.update(
                    draw(st.sampled_from([{"minLength": 9}, {"pattern": "^S"}, {"minItems": 1}, {"minimum": 2}]))
                )
            case "closed" if "x-extensible-enum" in part:
                part["enum"] = part.pop("x-extensible-enum")[1:]
            case "type" if len(part.get("anyOf", [])) > 1:
                part["anyOf"].pop()
    return topic, old, new


@given(real_neighbours())
def test_of_a_real_contract_no_change_that_refuses_a_frozen_example_goes_untold(told: tuple[str, Schema, Schema]):
    topic, old, new = told
    breaks = {who for change in changes(old, new) for who in change.breaks}
    back = {who for change in changes(new, old) for who in change.breaks}
    refused = [value for value in EXAMPLES[topic] if not Draft202012Validator(new).is_valid(value)]
    assert all(Draft202012Validator(old).is_valid(value) for value in EXAMPLES[topic])
    if refused:
        assert "backward" in breaks
        assert "forward" in back
