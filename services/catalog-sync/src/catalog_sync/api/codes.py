"""Codes for connected systems: search, validation of many at once, translation by the maps."""

import asyncio
import re
from dataclasses import asdict
from datetime import date
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from catalog_sync.api.state import Codes, known_filters
from catalog_sync.domain.codes import Code
from catalog_sync.service import terminology
from catalog_sync.service.code_index import CodeIndex
from contracts.catalog import CodeStatus
from kit.auth import Policy
from kit.http import Paging, Problem, invalid
from rules.roles import Role

READERS = frozenset({Role.NAVIGATOR, Role.AGREEMENT_ADMIN, Role.AGENCY_REVIEWER, Role.REGION_SYSTEM})
"""Those whose work needs codes and the regions' profiles."""

POLICY: Policy = {
    "GET /codes": READERS,
    "POST /codes/validate": READERS,
    "GET /codes/translate": READERS,
}

_AT_ONCE = 2000
_MOST_CODES = 50_000
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)

router = APIRouter(tags=["codes"])


def _day(value: object) -> object:
    """Only what is written as a day: pydantic alone takes 0 for the first day of 1970."""
    if isinstance(value, str) and _DAY.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    elif value is None or type(value) is date:
        return value
    raise ValueError("must be a day such as 2026-03-01")


OneDay = Annotated[date | None, BeforeValidator(_day)]
Day = Annotated[OneDay, Query(description="Swedish calendar day; today where it is left out.")]


@router.get("/codes", dependencies=[Depends(known_filters("system", "q", "status", "on", "limit", "page"))])
async def find(
    index: Codes,
    paging: Paging,
    system: Annotated[str | None, Query(max_length=40)] = None,
    q: Annotated[str | None, Query(max_length=200, description="Beginning of a code, or words, lay words too.")] = None,
    status: Annotated[CodeStatus | None, Query(description="As it is on the day.")] = None,
    on: Day = None,
) -> dict[str, Any]:
    """Codes by the beginning of the code or by words, the best match first; without `q` in the order of codes."""
    if system is not None and system not in index.by_system:
        raise invalid("system", f"is not a code system we have: {', '.join(index.by_system)}", status=400)
    day = on or terminology.today()
    valid = None if status is None else status is CodeStatus.ACTIVE
    found = terminology.find(index, question=(q or "").strip(), system=system, valid=valid, day=day)
    items = [shown(index, one, day) for one in found[paging.offset : paging.offset + paging.limit]]
    return {"items": items, "total": len(found), "page": paging.page, "limit": paging.limit}


class Question(BaseModel):
    """Codes to be judged, each written `system|code`."""

    model_config = ConfigDict(extra="forbid")

    codes: Annotated[list[Annotated[str, Field(max_length=100)]], Field(max_length=_MOST_CODES)]
    on: OneDay = None
    """Swedish calendar day; today where it is left out."""


class Verdict(BaseModel):
    """One code judged: why it may not be used, and the code that was probably meant."""

    code: str
    valid: bool
    reason: str | None
    suggestion: str | None


class Verdicts(BaseModel):
    """One verdict a code, in their order."""

    results: list[Verdict]


@router.post("/codes/validate", response_model=Verdicts)
async def validate(question: Question, index: Codes) -> Response:
    """Whether each of up to 50,000 codes may be used on a day, why not, and which one was probably meant."""
    day = question.on or terminology.today()
    parts = []
    for begin in range(0, len(question.codes), _AT_ONCE):
        part = list(terminology.validate(index, question.codes[begin : begin + _AT_ONCE], day))
        parts.append(orjson.dumps(part)[1:-1])
        # Others are answered meanwhile.
        await asyncio.sleep(0)
    # Not through the model: that would take longer than the judging.
    return Response(b'{"results":[' + b",".join(parts) + b"]}", media_type="application/json")


@router.get("/codes/translate", dependencies=[Depends(known_filters("code", "on", "target"))])
async def translate(
    index: Codes,
    code: Annotated[str, Query(max_length=100, description="system|code")],
    on: Day = None,
    target: Annotated[str | None, Query(max_length=40, description="A code system: both directions.")] = None,
) -> dict[str, Any]:
    """What a code maps to on a day, by every map; with a target system also the codes there that map to it.

    `equivalence` tells how the match relates to the code asked for: `wider` means the match is the wider one.
    """
    day = on or terminology.today()
    one = terminology.known(index, code)
    if one is None:
        verdict = terminology.judge(index, code, day)
        meant = f": did you mean {verdict.suggestion}?" if verdict.suggestion else ""
        raise Problem(404, f"code: {verdict.reason}{meant}", suggestion=verdict.suggestion)
    if target is not None and target not in index.by_system:
        raise invalid("target", f"is not a code system we have: {', '.join(index.by_system)}", status=400)
    matches = terminology.translate(index, one, day, target=target)
    return {"matches": [asdict(match) for match in matches]}


def shown(index: CodeIndex, one: Code, day: date) -> dict[str, Any]:
    """A code as its readers see it, `valid` on the day asked for."""
    return {
        "system": one.system,
        "code": one.code,
        "text": one.text,
        "designations": one.designations,
        "status": one.status,
        "valid": one.fault_on(day) is None,
        "valid_from": one.valid_from,
        "valid_to": one.valid_to,
        "release": one.release,
        "care_areas": [area.code for area in index.areas_of.get(one.key, ()) if area.fault_on(day) is None],
        "guidance": one.guidance,
    }
