"""Who may see a field: everybody, all regions, or the region that owns the agreement."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import cache
from typing import Any, get_args

from pydantic import BaseModel, Field
from pydantic.fields import FieldInfo


class Audience(StrEnum):
    """From the widest circle to the narrowest; whoever is in a narrower one sees what the wider ones see."""

    PUBLIC = "public"
    REGIONS = "regions"
    """The 21 regions and the agency; never care providers, who would see each other's terms and prices."""
    OWNER = "owner"
    """The region that administers the agreement, and its reviewers; such a field is in no topic."""


_ORDER = tuple(Audience)
_KEY = "x-audience"
_UNKNOWN: tuple[int, type[BaseModel] | None] = (0, None)


def for_audience(audience: Audience) -> Any:
    """Marks a field in its `Annotated`, and so in the JSON Schema; a field without a mark is public."""
    return Field(json_schema_extra={_KEY: audience.value})


REGIONS_ONLY = for_audience(Audience.REGIONS)
OWNER_ONLY = for_audience(Audience.OWNER)


def audience_of(field: FieldInfo) -> Audience:
    """The audience a field is marked with."""
    extra = field.json_schema_extra
    return Audience(str(extra[_KEY])) if isinstance(extra, dict) and _KEY in extra else Audience.PUBLIC


def seen(model: type[BaseModel], content: Mapping[str, Any], audience: Audience) -> dict[str, Any]:
    """The content, of the model's shape, without the fields this audience may not see.

    A withheld field is left out: None would read as something the agreement says. Names the model does not know are
    kept as they are.
    """
    plan, circle = _plan(model), _ORDER.index(audience)
    shown: dict[str, Any] = {}
    for name, value in content.items():
        needed, inner = plan.get(name, _UNKNOWN)
        if needed <= circle:
            shown[name] = _inner(inner, value, audience)
    return shown


@cache
def _plan(model: type[BaseModel]) -> dict[str, tuple[int, type[BaseModel] | None]]:
    """For each field: the circle it needs, and the model inside it. Looked up 20 times per agreement."""
    return {
        name: (_ORDER.index(audience_of(field)), next(_models(field.annotation), None))
        for name, field in model.model_fields.items()
    }


def _inner(inner: type[BaseModel] | None, value: Any, audience: Audience) -> Any:
    if inner is None:
        return value
    if isinstance(value, Mapping):
        return seen(inner, value, audience)
    if isinstance(value, list | tuple):
        return [seen(inner, one, audience) if isinstance(one, Mapping) else one for one in value]
    return value


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)


def audience_at(model: type[BaseModel], path: str) -> Audience:
    """Who may see the field at a dotted path such as `services.0.reimbursement.amount`: the narrowest on the way."""
    circle, inner = Audience.PUBLIC, model
    for name in path.split("."):
        field = inner.model_fields.get(name)
        if field is not None:
            circle = max(circle, audience_of(field), key=_ORDER.index)
            inner = next(_models(field.annotation), inner)
    return circle


def owner_fields(model: type[BaseModel]) -> frozenset[str]:
    """The names of a model's own fields that are for the owner alone."""
    return frozenset(name for name, field in model.model_fields.items() if audience_of(field) is Audience.OWNER)


def withheld(model: type[BaseModel], audience: Audience, prefix: str = "") -> Iterator[str]:
    """Dotted paths of the fields this audience may not see."""
    for name, field in model.model_fields.items():
        if _ORDER.index(audience_of(field)) > _ORDER.index(audience):
            yield prefix + name
        elif (inner := next(_models(field.annotation), None)) is not None:
            yield from withheld(inner, audience, f"{prefix}{name}.")
