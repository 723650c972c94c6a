"""Puts gateway together: one api process."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from fastapi import FastAPI

from gateway.api import POLICY, router, speak_fhir
from gateway.domain import STREAMED
from gateway.settings import Settings
from gateway.source import Services
from kit import auth, health, http, logging, settings
from upkeep import process


def api(given: Settings) -> FastAPI:
    """The HTTP application."""
    client = http.client()
    addresses = {
        "search": given.search_url,
        "agreements": given.agreements_url,
        "catalog-sync": given.catalog_sync_url,
    }

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.services = Services(addresses, timeout_seconds=given.timeout_seconds)
        yield
        await app.state.services.close()
        await client.aclose()

    verifier = auth.Verifier(given.oidc_issuer, given.oidc_audience, client)
    app = http.application(
        "gateway",
        summary="The one door for connected systems.",
        lifespan=lifespan,
        authorise=auth.authorise(POLICY, verifier),
        streamed=STREAMED,
    )
    app.include_router(router)
    speak_fhir(app)

    async def services() -> str | None:
        behind: Services = app.state.services
        return await behind.ready()

    health.add(app, alive=health.always, ready={"services": services})
    return app


def main(argv: Sequence[str] | None = None) -> None:
    """`python -m gateway api`."""
    process.command(
        "gateway", "The one door for connected systems.", {"api": "Serve the HTTP API.", "all": "The same."}, argv
    )
    given = settings.read(Settings)
    logging.configure("gateway", given.log_level)
    process.run(process.serving(api(given), host=given.host, port=given.api_port))
