"""File and HTTP push: an upload is received at once and worked off by the worker; its progress, verdicts, template."""

import hashlib
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy import Row
from starlette.requests import ClientDisconnect

from agreements.api.answers import SubmissionReceived
from agreements.api.shown import actor_of, known_only
from agreements.service import submissions
from contracts.agreements import Answer
from contracts.types import RegionCode
from intake.limits import MIB, UPLOAD_BYTES
from kit.auth import CallerOf, Policy
from kit.database import Transaction
from kit.http import ExpectedVersion, Paging, Problem, etag
from kit.idempotency import IdempotencyKey, once
from rules.calendar import swedish_day
from rules.roles import Role

_WRITERS = frozenset({Role.AGREEMENT_ADMIN, Role.REGION_SYSTEM})

POLICY: Policy = {
    "POST /agreement-submissions": _WRITERS,
    "GET /agreement-submissions": _WRITERS,
    "GET /agreement-submissions/{submission_id}": _WRITERS,
    "GET /agreement-mappings/{region}": _WRITERS,
    "PUT /agreement-mappings/{region}": _WRITERS,
    "GET /agreement-template.xlsx": _WRITERS,
    "GET /agreement-template.csv": _WRITERS,
}

STREAMED = frozenset({"/agreement-submissions"})
"""Read here in pieces, once the caller is known to have the right."""

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_PIECE = 1024 * 1024
_LONGEST_KEY = 500
_NOT_TAKEN = tuple(answer for answer in Answer if answer is not Answer.ACCEPTED)
_FORM = re.compile(rb"[\w%+.\-\[\]]+=[^\r\n;]*", re.ASCII)
"""`file=…&name=…`: no table and no JSON begins so, nor has a file of agreements one line."""
_BODY = {
    media: {"schema": {"type": "string", "format": "binary"}}
    for media in ("application/json", "application/x-ndjson", "text/csv", _XLSX, "application/octet-stream")
}

router = APIRouter(tags=["submissions"])


@router.post(
    "/agreement-submissions",
    status_code=202,
    response_model=SubmissionReceived,
    openapi_extra={"requestBody": {"required": True, "content": _BODY}},
    dependencies=[Depends(known_only("name"))],
)
async def receive(
    request: Request,
    response: Response,
    caller: CallerOf,
    session: Transaction,
    name: Annotated[str | None, Query(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]*$")] = None,
    idempotency_key: IdempotencyKey = None,
) -> dict[str, Any]:
    """Send agreements: JSON lines, a JSON array, CSV or XLSX as the body, at most 20 MB; what it holds decides which.

    Answered before anything of it is read: follow `Location`. With an Idempotency-Key it is safe to send again:
    `repeated` says that this is the submission of before. One that has failed is judged anew.
    """
    # What curl sends with --data-binary calls itself a form: what the body holds decides, as everywhere here.
    if request.headers.get("content-type", "").startswith("multipart/"):
        raise Problem(
            415,
            "the Content-Type is multipart: send the file itself as the body, not as a field of a form, with "
            "Content-Type: application/octet-stream (curl --data-binary @FILE, without -F)",
        )
    pieces, digest = await _body(request)
    if request.headers.get("content-type", "").startswith("application/x-www-form") and _is_a_form(pieces):
        raise Problem(
            415,
            "the body is the fields of a form: send the file itself as the body, with Content-Type: "
            "application/octet-stream (curl --data-binary @FILE, without -d NAME=)",
        )

    async def work() -> dict[str, Any]:
        return await submissions.receive(session, actor_of(caller), name, pieces)

    key = idempotency_key
    if key is not None and (version := await submissions.mapping_version(session, actor_of(caller))):
        # Judged by another mapping the same file is another thing.
        key = f"{key} by mapping {version}"
    answer, repeated = await once(session, key, caller.subject, digest.encode(), work)
    while repeated and await submissions.has_failed(session, answer["id"]):
        # What could not be read may be readable now: a failure is no answer to keep.
        key = f"{key} after {answer['id']}"[-_LONGEST_KEY:]
        answer, repeated = await once(session, key, caller.subject, digest.encode(), work)
    response.headers["Location"] = f"/agreement-submissions/{answer['id']}"
    return {**answer, "repeated": repeated}


def _is_a_form(pieces: list[bytes]) -> bool:
    return len(pieces) == 1 and _FORM.fullmatch(pieces[0]) is not None


async def _body(request: Request) -> tuple[list[bytes], str]:
    """The body in pieces of about 1 MiB and its digest. Raises Problem."""
    pieces, size, digest, at_hand = [], 0, hashlib.sha256(), bytearray()
    try:
        async for part in request.stream():
            size += len(part)
            if size > UPLOAD_BYTES:
                raise _too_large()
            digest.update(part)
            at_hand += part
            if len(at_hand) >= _PIECE:
                pieces.append(bytes(at_hand))
                at_hand.clear()
    except ClientDisconnect:
        raise Problem(400, "the upload broke off: nothing of it was kept") from None
    return [*pieces, bytes(at_hand)] if at_hand else pieces, digest.hexdigest()


def _too_large() -> Problem:
    most = f"{UPLOAD_BYTES // MIB} MiB"
    return Problem(413, f"the file is larger than {most}: send it in several files, or as XLSX, which is compressed")


@router.get("/agreement-submissions", dependencies=[Depends(known_only("limit", "page"))])
async def find(caller: CallerOf, session: Transaction, paging: Paging) -> dict[str, Any]:
    """The own region's submissions of the last 90 days, newest first, without their verdicts."""
    found, total = await submissions.list_of(session, actor_of(caller), paging.limit, paging.offset)
    return {"items": [_told(row) for row in found], "total": total, "page": paging.page, "limit": paging.limit}


@router.get("/agreement-submissions/{submission_id}", dependencies=[Depends(known_only("verdict", "limit", "page"))])
async def read(
    submission_id: str,
    caller: CallerOf,
    session: Transaction,
    paging: Paging,
    verdict: Annotated[list[Answer] | None, Query()] = None,
) -> dict[str, Any]:
    """How far it has come, and a page of its verdicts: of those that are not accepted, unless others are asked for."""
    found = await submissions.look_at(
        session, actor_of(caller), submission_id, verdict or _NOT_TAKEN, paging.limit, paging.offset
    )
    return {
        **_told(found.row),
        "verdicts": _verdicts(found.verdicts),
        "total": found.total,
        "page": paging.page,
        "limit": paging.limit,
    }


@router.get("/agreement-mappings/{region}")
async def mapping(region: RegionCode, response: Response, caller: CallerOf, session: Transaction) -> dict[str, Any]:
    """How the region writes its spreadsheets: `{headings, constants, values}`; empty where it has not said."""
    found, version = await submissions.mapping_of(session, actor_of(caller), region)
    response.headers["ETag"] = etag(version)
    return found


@router.put("/agreement-mappings/{region}")
async def remember_mapping(
    region: RegionCode,
    content: dict[str, Any],
    response: Response,
    caller: CallerOf,
    session: Transaction,
    expected_version: ExpectedVersion,
) -> dict[str, Any]:
    """Remember it for the files that come from now on. If-Match holds the version you read, "0" for the first."""
    kept, version = await submissions.keep_mapping(session, actor_of(caller), region, content, expected_version)
    response.headers["ETag"] = etag(version)
    return kept


@router.get("/agreement-template.xlsx", response_class=Response, responses={200: {"content": {_XLSX: {}}}})
async def template_xlsx(caller: CallerOf, session: Transaction) -> Response:
    """A workbook to fill in, with the valid codes and the region's units as drop-down lists."""
    made = await submissions.template(session, actor_of(caller), "xlsx", swedish_day(datetime.now(UTC)))
    return _file(made, _XLSX, "avtal.xlsx")


@router.get("/agreement-template.csv", response_class=Response, responses={200: {"content": {"text/csv": {}}}})
async def template_csv(caller: CallerOf, session: Transaction) -> Response:
    """The same headings as CSV."""
    made = await submissions.template(session, actor_of(caller), "csv", swedish_day(datetime.now(UTC)))
    return _file(made, "text/csv; charset=utf-8", "avtal.csv")


def _file(content: bytes, media: str, name: str) -> Response:
    return Response(content, media_type=media, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _told(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": row.id,
        "status": row.status,
        "name": row.name,
        "format": row.format,
        "size": row.size,
        "received_at": row.received_at,
        "finished_at": row.finished_at,
        "progress": {"rows": row.rows, "done": row.rows_done},
        "counts": {answer: row.counts.get(answer, 0) for answer in Answer},
        "findings": row.findings,
    }


def _verdicts(rows: Sequence[Row[Any]]) -> list[dict[str, Any]]:
    names = ("rows", "number", "verdict", "agreement_id", "findings")
    return [{name: getattr(row, name) for name in names} for row in rows]
