"""What the comparison calls compatible is compatible: checked against a JSON Schema validator on generated schemas."""

import copy
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from contracts.compatibility import differences

Schema = dict[str, Any]

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
