"""HTTP as every service speaks it: problem+json, paging, conditional edits, limits, one application factory."""

import re
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any

import httpx
import orjson
import structlog
from fastapi import Depends, FastAPI, Header, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kit import telemetry
from kit.database import is_transient
from kit.logging import where

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
    detail = "; ".join(f"{field}: {reason}" for field, reason in rows[:3])
    more = f"; and {len(rows) - 3} more" if len(rows) > 3 else ""
    return Problem(status, detail + more, errors=[{"field": field, "reason": reason} for field, reason in rows])


_PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "reason"],
                "properties": {"field": {"type": "string"}, "reason": {"type": "string"}},
            },
        },
    },
}
_INTERNAL = Problem(500, "an internal error; it is logged")


def problem_response(problem: Problem, instance: str) -> Response:
    """The problem as an HTTP answer."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
        "instance": instance,
        **problem.members,
    }
    return Response(orjson.dumps(body), problem.status, problem.headers, "application/problem+json")


@dataclass(frozen=True)
class Page:
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
    match = re.fullmatch(r'"(\d{1,19})"', if_match.strip())
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
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=50)
    return httpx.AsyncClient(base_url=base_url, timeout=httpx.Timeout(timeout, connect=3.0), limits=limits)


def application(
    title: str,
    *,
    lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]],
    authorise: Callable[[Request], Awaitable[None]],
    summary: str = "",
    body_limit: int = _BODY_LIMIT,
) -> FastAPI:
    """A FastAPI application with this house's errors, limits, log and access rule (see kit.auth.authorise)."""
    app = FastAPI(
        title=title,
        summary=summary,
        version="0.1.0",
        lifespan=lifespan,
        dependencies=[Depends(authorise)],
        docs_url=None,
        redoc_url=None,
        responses={
            "4XX": {
                "description": "Not done: the problem, its fields and reasons (RFC 9457).",
                "content": {"application/problem+json": {"schema": _PROBLEM_SCHEMA}},
            },
            # In the place of FastAPI's own shape, which this house does not use.
            422: {"description": "Not done: the content is wrong; same shape as every other problem."},
        },
    )
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(DBAPIError, _on_database_error)
    app.add_middleware(_Edge, body_limit=body_limit)
    return app


async def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)  # noqa: S101 registered for this type only
    return problem_response(error, request.url.path)


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 registered for this type only
    return problem_response(Problem(error.status_code, str(error.detail), headers=error.headers), request.url.path)


async def _on_invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 registered for this type only
    rows = [field_fault(row["loc"], row["msg"]) for row in error.errors()]
    in_body = any(row["loc"][:1] == ("body",) for row in error.errors())
    return problem_response(faults(rows, status=422 if in_body else 400), request.url.path)


def field_fault(path: tuple[int | str, ...], message: str) -> tuple[str, str]:
    """A pydantic error as (field, reason), without where in the request it stood and without the refused value."""
    inner = path[1:] if path[:1] in {("body",), ("query",), ("path",), ("header",)} else path
    reason = message.removeprefix("Value error, ").replace("Extra inputs are not permitted", "is not a known field")
    return ".".join(str(part) for part in inner) or "body", reason[:1].lower() + reason[1:]


async def _on_database_error(request: Request, error: Exception) -> Response:
    if is_transient(error):
        log.warning("database away", reason=type(error).__name__)
        problem = Problem(503, "the database cannot be reached; try again shortly", headers={"Retry-After": "2"})
        return problem_response(problem, request.url.path)
    log.error("request failed", path=request.url.path, where=where(error))
    return problem_response(_INTERNAL, request.url.path)


class _Edge:
    """The outermost layer: trace context, body limit, one log line and one measurement per request."""

    def __init__(self, app: ASGIApp, body_limit: int) -> None:
        self._app = app
        self._body_limit = body_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in _QUIET:
            await self._app(scope, receive, send)
            return
        started, status = time.monotonic(), 500
        trace = telemetry.follow(dict(scope["headers"]).get(b"traceparent", b"").decode("latin-1") or None)

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, await self._within_limit(receive), noted)
        except Problem as problem:
            await problem_response(problem, scope["path"])(scope, receive, noted)
        except Exception as error:  # the last resort: a person gets a sentence, the log gets the place
            log.error("request failed", path=scope["path"], where=where(error))
            await problem_response(_INTERNAL, scope["path"])(scope, receive, noted)
        route = getattr(scope.get("route"), "path", "-")
        seconds = time.monotonic() - started
        telemetry.HTTP_SECONDS.labels(scope["method"], route, status).observe(seconds)
        log.info(
            "request",
            method=scope["method"],
            route=route,
            status=status,
            ms=round(seconds * 1000, 1),
            trace=trace.split("-")[1],
        )

    async def _within_limit(self, receive: Receive) -> Receive:
        """The whole body, read before the application sees any of it, so that too much is refused as such."""
        parts: list[bytes] = []
        size, more = 0, True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                break
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            more = message.get("more_body", False)
            if size > self._body_limit:
                raise Problem(413, f"the body is larger than {self._body_limit // 1024} KiB")
        whole: list[Message] = [{"type": "http.request", "body": b"".join(parts), "more_body": False}]

        async def replay() -> Message:
            return whole.pop() if whole else await receive()

        return replay
