"""What a question's refusal says beside what is wrong: the nearest name or value that would have been right."""

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from kit.http import Problem, invalid, problem_response
from search.api import offers, suggest

_FIELDS: Mapping[str, type[BaseModel]] = {**offers.FIELDS, **suggest.FIELDS}
_CLOSE = 0.6


async def on_unread(request: Request, error: Exception) -> Response:
    """A body that cannot even be taken for JSON is told to be why; any other error as it stands."""
    assert isinstance(error, HTTPException)  # noqa: S101 registered for this type only
    match error.__cause__:
        case UnicodeDecodeError():
            problem = invalid("body", "cannot be read: send JSON in UTF-8, not compressed", status=400)
        case ValueError() | RecursionError():
            problem = invalid("body", "cannot be read: a number is too long, or it nests too deep", status=400)
        case _:
            problem = Problem(error.status_code, str(error.detail), headers=error.headers)
    return problem_response(problem)


def suggesting(request: Request, error: RequestValidationError) -> RequestValidationError:
    """The same faults, each with a suggestion where a known name or value is near."""
    model = _FIELDS.get(f"{request.method} {getattr(request.scope.get('route'), 'path', '')}")
    names = list(model.model_fields) if model is not None else []
    return RequestValidationError([_suggesting(row, names) for row in error.errors()])


def _suggesting(row: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    match row["type"]:
        case "extra_forbidden":
            near = nearest(str(row["loc"][-1]), names)
            told = "is not a known field"
        case "enum":
            values = re.findall("'([^']*)'", row["ctx"]["expected"])
            near = nearest(str(row["input"]), values)
            told = f"must be one of {', '.join(values)}"
        case _:
            return dict(row)
    return {**row, "type": "suggestion", "msg": told + (f": did you mean {near}?" if near is not None else "")}


def nearest(asked: str, known: Iterable[str]) -> str | None:
    """The known word most like the one asked, small and capital letters alike; None where none is like it."""
    by_small = {one.casefold(): one for one in known}
    near = difflib.get_close_matches(asked.casefold()[:100], by_small, n=1, cutoff=_CLOSE)
    return by_small[near[0]] if near else None
