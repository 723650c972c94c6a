"""What an operation is asked with: parameters in the query, or in a Parameters resource; each is known, and checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qsl

import orjson
from fastapi import Request

from kit.http import Problem, invalid

Asked = dict[str, Any]
"""Parameter name → value, in the type its operation's table says."""

_LONGEST = 1000
# About the form of the answer: there is one form, so those that accept it are satisfied.
_GENERAL = frozenset({"_format", "_pretty"})
_OURS = ("application/fhir+json", "application/json", "text/json", "json")


class Kind(StrEnum):
    """The types of parameters. WORDS may be given more than once; LATER is FHIR's, but nothing we can do."""

    WORD = "a text"
    WORDS = "texts"
    DAY = "a day such as 2026-03-01"
    NUMBER = "a whole number, 0 or more"
    TRUTH = "true or false"
    CODING = "a Coding"
    CONCEPT = "a CodeableConcept"
    LATER = "not supported"


@dataclass(frozen=True)
class Coding:
    """A code as it was asked for; `system` is an address, "" where it was left out."""

    system: str
    code: str
    display: str | None


def form_is_ours(request: Request) -> None:
    """Problem 406 where the caller takes nothing that we can give."""
    # A plus sign in a query is read as a space.
    asked_for = request.query_params.get("_format", "").replace("fhir ", "fhir+")
    wanted = asked_for or request.headers.get("accept") or "*/*"
    kinds = [one.partition(";")[0].strip().lower() for one in wanted.split(",")]
    if not any(one in {"*/*", "application/*", *_OURS} for one in kinds):
        raise Problem(406, "only JSON is given here: application/fhir+json")


async def asked(request: Request, kinds: Mapping[str, Kind]) -> Asked:
    """The parameters of an operation. Problem 400 for one that is unknown, doubled or of another type."""
    form_is_ours(request)
    rows: list[tuple[str, Any]] = [
        (name, value) for name, value in request.query_params.multi_items() if name not in _GENERAL
    ]
    if request.method == "POST":
        rows += await _resource(request)
    found: Asked = {}
    for name, value in rows:
        kind = kinds.get(name)
        if kind is None:
            raise invalid(name, f"is not a parameter of this operation: {', '.join(sorted(kinds))}", status=400)
        if kind is Kind.LATER:
            raise Problem(400, f"{name}: is not supported here", issue="not-supported")
        checked = _checked(name, kind, value)
        if kind is Kind.WORDS:
            found.setdefault(name, []).append(checked)
        elif name in found:
            raise invalid(name, "is given more than once", status=400)
        else:
            found[name] = checked
    return found


async def searched(request: Request, known: frozenset[str]) -> dict[str, str]:
    """The parameters of a search, from the query or a posted form. Problem 400 for one that is unknown or doubled."""
    form_is_ours(request)
    rows = request.query_params.multi_items()
    if request.method == "POST":
        rows = [*rows, *parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True)]
    found: dict[str, str] = {}
    for name, value in rows:
        if name in _GENERAL:
            continue
        if name not in known:
            raise invalid(name, f"is not a search parameter here: {', '.join(sorted(known))}", status=400)
        if name in found:
            raise invalid(name, "is given more than once", status=400)
        found[name] = str(_checked(name, Kind.WORD, value))
    return found


def codings(given: Asked, system: str) -> list[Coding]:
    """What the question is about: `code` with the system beside it, or a coding, or every coding of a concept."""
    ways = [name for name in ("code", "coding", "codeableConcept") if name in given]
    if len(ways) != 1:
        raise Problem(400, "exactly one of code, coding and codeableConcept is needed", issue="required")
    if ways == ["code"]:
        return [Coding(system, given["code"], given.get("display"))]
    rows = [given["coding"]] if ways == ["coding"] else given["codeableConcept"]
    return [Coding(one.system or system, one.code, one.display or given.get("display")) for one in rows]


async def _resource(request: Request) -> list[tuple[str, Any]]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _OURS:
        raise Problem(415, "send the parameters as a Parameters resource in application/fhir+json")
    try:
        content = orjson.loads(await request.body())
    except orjson.JSONDecodeError:
        raise Problem(400, "the body is not JSON", issue="structure") from None
    if not isinstance(content, dict) or content.get("resourceType") != "Parameters":
        raise Problem(400, "the body is not a Parameters resource", issue="structure")
    rows = content.get("parameter", [])
    named = isinstance(rows, list) and all(isinstance(row, dict) and isinstance(row.get("name"), str) for row in rows)
    if not named:
        raise Problem(400, "parameter: each must be an object with a name", issue="structure")
    return [(row["name"], _only_value(row)) for row in rows]


def _only_value(row: Mapping[str, Any]) -> Any:
    values = [value for name, value in row.items() if name.startswith("value") or name == "resource"]
    if len(values) != 1:
        raise invalid(row["name"], "needs exactly one value", status=400)
    return values[0]


def _checked(name: str, kind: Kind, value: Any) -> Any:
    """The value in its type; what it was is not repeated."""
    match kind, value:
        case Kind.CODING, {"code": str()} if _all_words(value):
            return _coding(value)
        case Kind.CONCEPT, {"coding": list(rows)} if rows and all(
            isinstance(one, dict) and isinstance(one.get("code"), str) and _all_words(one) for one in rows
        ):
            return [_coding(one) for one in rows]
        case Kind.TRUTH, bool():
            return value
        case Kind.TRUTH, "true" | "false":
            return value == "true"
        case Kind.NUMBER, int() if not isinstance(value, bool) and value >= 0:
            return value
        case Kind.NUMBER, str() if value.isascii() and value.isdecimal() and len(value) < 10:
            return int(value)
        case Kind.DAY, str():
            try:
                # A moment is taken for the day it is written with.
                return date.fromisoformat(value[:10])
            except ValueError:
                pass
        case ((Kind.WORD | Kind.WORDS), str()) if value and len(value) <= _LONGEST and "\x00" not in value:
            return value
    raise invalid(name, f"must be {kind}", status=400)


def _all_words(one: Mapping[str, Any]) -> bool:
    return all(isinstance(one.get(name, ""), str) for name in ("system", "code", "display"))


def _coding(one: Mapping[str, Any]) -> Coding:
    return Coding(one.get("system", ""), one["code"], one.get("display"))
