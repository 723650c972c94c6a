"""For auditors: who did what when with agreements and disclosures; never what stood in them."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from sqlalchemy import Row

from agreements.store import audit as store
from contracts.types import Moment
from kit.auth import Caller, CallerOf, Policy
from kit.database import Transaction
from kit.http import Paging
from rules.roles import Role

POLICY: Policy = {
    # It names who works with what: all of it for whoever answers for the system, for others what is theirs.
    "GET /audit": frozenset({Role.OPERATOR, Role.AGREEMENT_ADMIN, Role.AGENCY_REVIEWER}),
}

router = APIRouter(tags=["audit"])

_About = Literal["agreement", "disclosure", "decision", "pull", "refusal", "settings"]
_LINES = "application/x-ndjson"


@router.get("/audit", response_model=None, responses={200: {"content": {_LINES: {}}}})
async def audit(
    request: Request,
    caller: CallerOf,
    session: Transaction,
    paging: Paging,
    service: Literal["agreements"],
    since: Annotated[Moment | None, Query(alias="from")] = None,
    until: Annotated[Moment | None, Query(alias="to")] = None,
    about: Annotated[
        Literal["agreement", "disclosure", "decision", "pull", "refusal", "settings"] | None, Query()
    ] = None,
) -> dict[str, Any] | StreamingResponse:
    """A page, the newest first; with Accept: application/x-ndjson everything of the span, the oldest first.

    The operator reads all, an administrator the own region's entries, the agency those of disclosures and its own acts.
    """
    span = store.Span(since, until, about, _reader(caller))
    if _LINES in request.headers.get("accept", ""):
        return StreamingResponse(_lines(request, span), media_type=_LINES, headers={"Cache-Control": "no-store"})
    found, total = await store.page(session, span, paging.limit, paging.offset)
    return {"items": [_shown(row) for row in found], "total": total, "page": paging.page, "limit": paging.limit}


async def _lines(request: Request, span: store.Span) -> AsyncIterator[bytes]:
    async for rows in store.every(request.app.state.sessions, span):
        yield b"".join(orjson.dumps(_shown(row), option=orjson.OPT_APPEND_NEWLINE) for row in rows)


def _shown(row: Row[Any]) -> dict[str, Any]:
    return {str(name): value for name, value in row._mapping.items() if name != "seq" and value is not None}


def _reader(caller: Caller) -> store.Reader | None:
    if Role.OPERATOR in caller.roles:
        return None
    region = caller.region if Role.AGREEMENT_ADMIN in caller.roles else None
    return store.Reader(caller.subject, region, Role.AGENCY_REVIEWER in caller.roles)
