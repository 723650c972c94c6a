"""HTTP as every service speaks it: problem+json, paging, conditional edits, limits, one application factory."""

import re
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager
from http import HTTPStatus
from importlib.metadata import version
from typing import Annotated, Any, NamedTuple

import httpx
import orjson
import structlog
from fastapi import Depends, FastAPI, Header, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kit import telemetry
from kit.database import is_transient
from kit.logging import where
from rules.validation_errors import fault_of

log = structlog.get_logger(__name__)

_BODY_LIMIT = 1024 * 1024
_DEEPEST = 10_000
# Asked for every few seconds by machines, and of no interest in a log.
_QUIET = frozenset({"/livez", "/readyz", "/metrics"})


class Problem(Exception):
    """An answer that is not what was asked for (RFC 9457). Words for people; extra members for machines."""

    def __init__(self, status: int, detail: str, *, headers: Mapping[str, str] | None = None, **members: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})
        self.members = members


def invalid(field: str, reason: str, *, status: int = 422) -> Problem:
    """One field is wrong: what and why. `field` is a dotted path such as `services.0.units.1`."""
    return faults([(field, reason)], status=status)


def faults(rows: list[tuple[str, str]], *, status: int = 422) -> Problem:
    """Several fields are wrong, all told at once."""
    rows = [("a field with an odd name" if _ODD.search(field) else field, reason) for field, reason in rows]
    told = [*(f"{field}: {reason}" for field, reason in rows[:3]), *([f"and {len(rows) - 3} more"] * (len(rows) > 3))]
    return Problem(status, "; ".join(told), errors=[{"field": field, "reason": reason} for field, reason in rows])


def _object(**kinds: str) -> dict[str, Any]:
    return {"type": "object", "required": list(kinds), "properties": {name: {"type": kinds[name]} for name in kinds}}


_SCHEMA = _object(type="string", title="string", status="integer", detail="string", instance="string")
_SCHEMA["properties"]["errors"] = {"type": "array", "items": _object(field="string", reason="string")}
_CONTENT = {"application/problem+json": {"schema": _SCHEMA}}
_ODD = re.compile(r"[^A-Za-z0-9_.-]|\d{6}|\d\d-\d\d")  # a name that we did not choose may be somebody's number


def problem_response(problem: Problem) -> Response:
    """The problem as an HTTP answer. `instance` is the trace that the log knows it by; a path may hold anything."""
    instance = f"urn:trace:{(telemetry.traceparent() or '-').partition('-')[2][:32]}"
    told = {"type": "about:blank", "title": HTTPStatus(problem.status).phrase, "status": problem.status}
    body = {**told, "detail": problem.detail, "instance": instance, **problem.members}
    return Response(orjson.dumps(body), problem.status, problem.headers, "application/problem+json")


class Page(NamedTuple):
    """A page of a list: `limit` rows, `page` from 1."""

    limit: int
    page: int

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.limit


# Async although they wait for nothing: FastAPI sends plain functions through a thread pool.
async def _page(limit: Annotated[int, Query(ge=1, le=100)] = 20, page: Annotated[int, Query(ge=1)] = 1) -> Page:
    if limit * page > _DEEPEST:
        raise invalid("page", f"page x limit must not exceed {_DEEPEST}: narrow the question instead", status=400)
    return Page(limit, page)


Paging = Annotated[Page, Depends(_page)]
"""`limit` (1-100, default 20) and `page` (from 1) from the query."""


async def _expected_version(if_match: Annotated[str | None, Header()] = None) -> int:
    if if_match is None:
        raise Problem(428, "If-Match is required: send the ETag of the version you have read")
    match = re.fullmatch(r'"([0-9]{1,18})"', if_match.strip())
    if match is None:
        raise invalid("If-Match", 'must be one strong ETag such as "17", as the service gave it', status=400)
    return int(match[1])


ExpectedVersion = Annotated[int, Depends(_expected_version)]
"""The version in If-Match; 428 where the header is missing."""


def etag(version: int) -> str:
    """A version as a strong ETag."""
    return f'"{version}"'


def client(base_url: str = "", *, timeout: float = 10.0) -> httpx.AsyncClient:
    """An HTTP client with a deadline on every step, and connections kept for reuse. Close it when done."""
    return httpx.AsyncClient(base_url=base_url, timeout=httpx.Timeout(timeout, connect=3.0))


def application(
    title: str,
    *,
    lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]],
    authorise: Callable[[Request], Awaitable[None]],
    summary: str = "",
    body_limit: int = _BODY_LIMIT,
    streamed: Collection[str] = (),
) -> FastAPI:
    """A FastAPI application with this house's errors, limits, log and access rule; `streamed` paths limit their own."""
    app = FastAPI(
        title=title,
        summary=summary,
        version=version("kit"),
        lifespan=lifespan,
        dependencies=[Depends(authorise)],
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        responses={
            "4XX": {"description": "Not done: the problem, its fields and reasons (RFC 9457).", "content": _CONTENT},
            422: {"description": "Not done: the content is wrong; same shape as every other problem."},
        },
    )
    for kind in (Problem, HTTPException, RequestValidationError):
        app.add_exception_handler(kind, _on_error)
    app.add_middleware(_Edge, body_limit=body_limit, streamed=streamed)
    return app


async def _on_error(_: Request, error: Exception) -> Response:
    return problem_response(_as_problem(error))


def _as_problem(error: Exception) -> Problem:
    match error:
        case Problem():
            return error
        case HTTPException():
            return Problem(error.status_code, str(error.detail), headers=error.headers)
        case RequestValidationError():
            in_body = any(row["loc"][:1] == ("body",) for row in error.errors())
            return faults([_told(row) for row in error.errors()], status=422 if in_body else 400)
    if is_transient(error):
        log.warning("database away", where=where(error))
        return Problem(503, "the database cannot be reached; try again shortly", headers={"Retry-After": "2"})
    log.error("request failed", trace=telemetry.traceparent(), where=where(error))
    return Problem(500, "an internal error; it is logged")


def _told(row: Mapping[str, Any]) -> tuple[str, str]:
    """A pydantic error as (field, reason), without where in the request it stood and without the refused value."""
    match row["type"]:
        case "json_invalid":  # its place is a position in the text, not a field
            return "body", "is not JSON"
        case "model_attributes_type" | "dict_type" if len(row["loc"]) == 1:
            return "body", "is not a JSON object" + (": send application/json" if type(row["input"]) is bytes else "")
    field, reason = fault_of({**row, "loc": row["loc"][1:]})
    return field or "body", reason


class _Edge:
    """The outermost layer: trace context, body limit, one log line and one measurement per request."""

    def __init__(self, app: ASGIApp, body_limit: int, streamed: Collection[str]) -> None:
        self._app, self._body_limit, self._streamed = app, body_limit, streamed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in _QUIET:
            await self._app(scope, receive, send)
            return
        started, status = time.monotonic(), 0
        trace = telemetry.follow(dict(scope["headers"]).get(b"traceparent", b"").decode("latin-1") or None)

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            whole = receive if scope["path"] in self._streamed else await self._whole_body(receive)
            if whole is None:
                return  # the caller hung up: half a body must not pass for a whole one
            await self._app(scope, whole, noted)
        except Exception as error:  # the last resort: a person gets a sentence, the log gets the place
            problem = _as_problem(error)
            if status:
                raise  # an answer that has begun can only be broken off
            await problem_response(problem)(scope, receive, noted)
        what = {"method": scope["method"], "route": getattr(scope.get("route"), "path", "-"), "status": status}
        seconds = time.monotonic() - started
        telemetry.HTTP_SECONDS.labels(**what).observe(seconds)
        log.info("request", **what, ms=round(seconds * 1000, 1), trace=trace.split("-")[1])

    async def _whole_body(self, receive: Receive) -> Receive | None:
        """The body, read before the application sees any of it, so that too much is refused as such."""
        body, more = bytearray(), True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                return None
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > self._body_limit:
                raise Problem(413, f"the body is larger than {self._body_limit // 1024} KiB")
        whole: list[Message] = [{"type": "http.request", "body": bytes(body), "more_body": False}]

        async def replay() -> Message:
            return whole.pop() if whole else await receive()

        return replay
