"""Puts gateway together: one api process."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from fastapi import FastAPI

from gateway.api import POLICY, router
from gateway.settings import Settings
from gateway.source import Services
from kit import auth, health, http, logging, process, settings


def api(given: Settings) -> FastAPI:
    """The HTTP application."""
    client = http.client()
    services = Services({"search": http.client(given.search_url), "agreements": http.client(given.agreements_url)})

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.services = services
        yield
        await services.close()
        await client.aclose()

    verifier = auth.Verifier(given.oidc_issuer, given.oidc_audience, client)
    app = http.application(
        "gateway",
        summary="The one door for connected systems.",
        lifespan=lifespan,
        authorise=auth.authorise(POLICY, verifier),
    )
    app.include_router(router)
    health.add(app, alive=health.always, ready={"services": services.ready})
    return app


def main(argv: Sequence[str] | None = None) -> None:
    """`python -m gateway api`."""
    process.command(
        "gateway", "The one door for connected systems.", {"api": "Serve the HTTP API.", "all": "The same."}, argv
    )
    given = settings.read(Settings)
    logging.configure("gateway", given.log_level)
    process.run(process.serving(api(given), host=given.host, port=given.api_port))
