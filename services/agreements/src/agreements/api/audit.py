"""For auditors: who did what when with agreements and disclosures; never what stood in them."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from sqlalchemy import Row

from agreements.store import audit as store
from contracts.types import Moment
from kit.auth import Policy
from kit.database import Transaction
from kit.http import Paging
from rules.roles import Role

POLICY: Policy = {
    # It names who works with what: for whoever answers for the system, and nobody who only counts.
    "GET /audit": frozenset({Role.OPERATOR}),
}

router = APIRouter(tags=["audit"])

_LINES = "application/x-ndjson"


@router.get("/audit", response_model=None, responses={200: {"content": {_LINES: {}}}})
async def audit(
    request: Request,
    session: Transaction,
    paging: Paging,
    service: Literal["agreements"],
    since: Annotated[Moment | None, Query(alias="from")] = None,
    until: Annotated[Moment | None, Query(alias="to")] = None,
    about: Annotated[Literal["agreement", "disclosure", "pull", "refusal"] | None, Query()] = None,
) -> dict[str, Any] | StreamingResponse:
    """A page, the newest first; with Accept: application/x-ndjson everything of the span, the oldest first."""
    span = store.Span(since, until, about)
    if _LINES in request.headers.get("accept", ""):
        return StreamingResponse(_lines(request, span), media_type=_LINES, headers={"Cache-Control": "no-store"})
    found, total = await store.page(session, span, paging.limit, paging.offset)
    return {"items": [_shown(row) for row in found], "total": total, "page": paging.page, "limit": paging.limit}


async def _lines(request: Request, span: store.Span) -> AsyncIterator[bytes]:
    async for rows in store.every(request.app.state.sessions, span):
        yield b"".join(orjson.dumps(_shown(row), option=orjson.OPT_APPEND_NEWLINE) for row in rows)


def _shown(row: Row[Any]) -> dict[str, Any]:
    names = ("at", "about", "id", "action", "actor", "region", "state", "version", "why", "digest")
    return {name: value for name in names if (value := getattr(row, name)) is not None}
