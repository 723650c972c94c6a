"""Compares the rules of one value in two schemas: lengths, limits, pattern and format."""

from collections.abc import Iterator
from typing import Any

_AT_LEAST = ("minItems", "minLength", "minProperties")
_AT_MOST = ("maxItems", "maxLength", "maxProperties")


def bound_problems(writer: dict[str, Any], reader: dict[str, Any]) -> Iterator[str]:
    """Why a value within the writer's rules may fall outside the reader's. Both schemas are of one type."""
    for keyword in _AT_LEAST:
        if reader.get(keyword, 0) > writer.get(keyword, 0):
            yield f"{keyword} may be {writer.get(keyword, 0)}, the reader wants at least {reader[keyword]}"
    for keyword in _AT_MOST:
        if keyword in reader and writer.get(keyword, float("inf")) > reader[keyword]:
            yield f"{keyword} may be {writer.get(keyword, 'unlimited')}, the reader wants at most {reader[keyword]}"
    if _lowest(writer) < _lowest(reader):
        yield f"may be as low as {_lowest(writer)[0]}, the reader's limit is {_lowest(reader)[0]}"
    if _highest(writer) > _highest(reader):
        yield f"may be as high as {_highest(writer)[0]}, the reader's limit is {_highest(reader)[0]}"
    if (step := reader.get("multipleOf")) is not None and (
        writer.get("multipleOf") is None or writer["multipleOf"] % step
    ):
        yield f"need not be a multiple of {step}"
    for keyword in ("pattern", "format"):
        if keyword in reader and writer.get(keyword) != reader[keyword]:
            was = f"follows {keyword} {writer[keyword]}" if keyword in writer else f"follows no {keyword}"
            yield f"{was}, the reader wants {reader[keyword]}"


def _lowest(schema: dict[str, Any]) -> tuple[float, bool]:
    # Of two equal limits the exclusive one is the narrower, hence True sorts last.
    return max((schema.get("minimum", -float("inf")), False), (schema.get("exclusiveMinimum", -float("inf")), True))


def _highest(schema: dict[str, Any]) -> tuple[float, bool]:
    return min((schema.get("maximum", float("inf")), True), (schema.get("exclusiveMaximum", float("inf")), False))
