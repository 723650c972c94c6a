"""JSON Schema 2020-12 of the message classes: what stands in a record's value, as JSON."""

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from contracts.message import Message

DIALECT = "https://json-schema.org/draft/2020-12/schema"


class _Wire(GenerateJsonSchema):
    # Only classes carry a title: one made from a field's name ("Hsa Id") says nothing new.
    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    # A number in JSON would lose digits in readers that use floats, so decimals travel as strings.
    def decimal_schema(self, schema: Any) -> dict[str, Any]:
        return {"type": "string", "pattern": r"^-?\d+(\.\d+)?(E[+-]?\d+)?$", "examples": ["12.50"]}


def message_schema(message: type[Message]) -> dict[str, Any]:
    """One message class as a complete schema document. A field with a default is not in `required`."""
    return form_schema(message, message.topic.name)


def form_schema(form: type[BaseModel], name: str) -> dict[str, Any]:
    """What somebody outside writes, as a complete schema document: `urn:vardformedling:schema:NAME:1`."""
    body = form.model_json_schema(mode="validation", schema_generator=_Wire)
    definitions = body.pop("$defs", {})
    return {"$schema": DIALECT, "$id": f"urn:vardformedling:schema:{name}:1", **body, "$defs": definitions}


def form_schemas(form: type[BaseModel], prefix: str) -> dict[str, dict[str, Any]]:
    """A form and its parts by class name, referring to each other as `prefix` + name."""
    body = form.model_json_schema(ref_template=prefix + "{model}", schema_generator=_Wire)
    return {form.__name__: body, **body.pop("$defs", {})}


def shared_schemas(messages: Iterable[type[Message]], prefix: str) -> dict[str, dict[str, Any]]:
    """Every message class and every part by class name, referring to each other as `prefix` + name."""
    _, document = models_json_schema(
        [(message, "validation") for message in messages], ref_template=prefix + "{model}", schema_generator=_Wire
    )
    definitions: dict[str, dict[str, Any]] = document["$defs"]
    return definitions
