"""Puts the HTTP side together: routes, access, problems, health, and the codes in memory."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.responses import Response

from catalog_sync.api import codes, region_profiles
from catalog_sync.api.fhir import routes as fhir
from catalog_sync.api.fhir.outcomes import InFhirsWords
from catalog_sync.domain.profiles import Refused
from catalog_sync.service.following import Following
from catalog_sync.settings import ApiSettings
from kit import auth, database, health, http

POLICY: auth.Policy = {**codes.POLICY, **region_profiles.POLICY, **fhir.POLICY}
ROUTERS = (codes.router, region_profiles.router, fhir.router)


def application(given: ApiSettings) -> FastAPI:
    """The HTTP application of this service."""
    engine = database.connect(given.postgres_url)
    client = http.client()
    following = Following(database.sessions(engine))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.sessions = database.sessions(engine)
        app.state.following = following
        app.state.fhir_base = given.fhir_base.rstrip("/")
        running = asyncio.create_task(following.run())
        yield
        running.cancel()
        await asyncio.wait([running])
        await client.aclose()
        await engine.dispose()

    verifier = auth.Verifier(given.oidc_issuer, given.oidc_audience, client)
    app = http.application(
        "catalog-sync",
        summary="Codes, a FHIR terminology service, and the regions' profiles.",
        lifespan=lifespan,
        authorise=auth.authorise(POLICY, verifier),
    )
    for router in ROUTERS:
        app.include_router(router)
    app.add_exception_handler(Refused, _on_refused)
    app.add_middleware(InFhirsWords)
    health.add(
        app,
        alive=health.beating(following),
        ready={"postgresql": health.database(engine), "codes": following.ready},
    )
    return app


async def _on_refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)  # noqa: S101 registered for this type only
    return http.problem_response(http.Problem(error.status, error.reason))
