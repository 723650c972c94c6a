"""Puts the HTTP side together: routes, access, problems, health."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import Response
from fastapi.routing import APIRoute

from agreements.api import (
    audit,
    disclosures,
    drafts,
    history,
    listing,
    notices,
    pulls,
    review_settings,
    reviews,
    routes,
    submissions,
    writing,
)
from agreements.domain.transitions import Refused
from agreements.service import catalogue, checking
from agreements.service.checking import told
from agreements.settings import Settings
from kit import auth, database, health, http

# Defaults are written out when an agreement is announced: twice this still fits in one Kafka record (1 MB).
_BODY_LIMIT = 512 * 1024


# Fixed paths before those with an {agreement_id}.
ROOMS = (
    drafts,
    history,
    listing,
    notices,
    review_settings,
    reviews,
    submissions,
    writing,
    routes,
    pulls,
    disclosures,
    audit,
)
POLICY: auth.Policy = {call: roles for room in ROOMS for call, roles in room.POLICY.items()}


def application(given: Settings) -> FastAPI:
    """The HTTP application of this service."""
    engine = database.connect(given.postgres_url)
    client = http.client()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.sessions = database.sessions(engine)
        yield
        await client.aclose()
        await engine.dispose()

    verifier = auth.Verifier(given.oidc_issuer, given.oidc_audience, client)
    app = http.application(
        "agreements",
        summary="Agreements and own provision, from draft to published.",
        lifespan=lifespan,
        authorise=auth.authorise(POLICY, verifier),
        body_limit=_BODY_LIMIT,
        streamed=submissions.STREAMED,
    )
    for room in ROOMS:
        _name(room.router)
        app.include_router(room.router)
    app.add_exception_handler(checking.Faulty, _on_faulty)
    app.add_exception_handler(checking.NotReady, _on_not_ready)
    app.add_exception_handler(Refused, _on_refused)

    async def copied() -> str | None:
        async with database.sessions(engine)() as session:
            return None if await catalogue.may_begin(session) else "the copy of the catalogue is not complete yet"

    health.add(app, alive=health.always, ready={"postgresql": health.database(engine), "catalogue": copied})
    return app


def _name(router: APIRouter) -> None:
    """A call is told by the first sentence that stands with it, and is known by its method and path."""
    for route in router.routes:
        if isinstance(route, APIRoute):
            route.summary = re.split(r"[.;:](?:\s|$)", route.description, maxsplit=1)[0].replace("\n", " ")
            (method,) = route.methods or ("",)
            route.operation_id = re.sub(r"\W+", "_", f"{method.lower()} {route.path}").strip("_")


async def _on_faulty(request: Request, error: Exception) -> Response:
    assert isinstance(error, checking.Faulty)  # noqa: S101 registered for this type only
    return http.problem_response(http.faults([(found.field, told(found)) for found in error.found]))


async def _on_not_ready(request: Request, error: Exception) -> Response:
    problem = http.Problem(
        503, "the copy of the national catalogue is not complete yet; try again shortly", headers={"Retry-After": "5"}
    )
    return http.problem_response(problem)


async def _on_refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)  # noqa: S101 registered for this type only
    if error.field is not None:
        return http.problem_response(http.invalid(error.field, error.reason, status=error.status))
    return http.problem_response(http.Problem(error.status, error.reason))
