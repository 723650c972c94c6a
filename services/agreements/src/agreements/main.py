"""Puts agreements together: the api process, the worker process, migrations, upkeep."""

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from fastapi import FastAPI, Request
from fastapi.responses import Response

from agreements import service
from agreements.api.routes import POLICY, router
from agreements.consumer import HANDLERS
from agreements.domain import Refused
from agreements.settings import Settings
from contracts import AgreementRegistered
from kit import auth, database, health, http, logging, process, settings
from kit.consumer import Consumer
from kit.outbox import Relay
from upkeep import parked_arguments, parked_command, reconcile_command
from upkeep.migrations import migrate
from upkeep.parked_count import ParkedCount

# Defaults are written out when an agreement is announced: twice this still fits in one Kafka record (1 MB).
_BODY_LIMIT = 512 * 1024


def api(given: Settings) -> FastAPI:
    """The HTTP application."""
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
    )
    app.include_router(router)
    app.add_exception_handler(service.Faulty, _on_faulty)
    app.add_exception_handler(service.NotReady, _on_not_ready)
    app.add_exception_handler(Refused, _on_refused)

    async def copied() -> str | None:
        async with database.sessions(engine)() as session:
            return None if await service.may_begin(session) else "the copy of the catalogue is not complete yet"

    health.add(app, alive=health.always, ready={"postgresql": health.database(engine), "catalogue": copied})
    return app


async def _on_faulty(request: Request, error: Exception) -> Response:
    assert isinstance(error, service.Faulty)  # noqa: S101 registered for this type only
    return http.problem_response(http.faults(error.rows))


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


async def work(given: Settings) -> None:
    """The worker: copies the catalogue and sends the outbox."""
    engine = database.connect(given.postgres_url)
    sessions = database.sessions(engine)
    consumer = Consumer("agreements", given.kafka_bootstrap, sessions, HANDLERS)
    relay = Relay(engine, given.kafka_bootstrap)
    parked = ParkedCount("agreements", given.kafka_bootstrap, HANDLERS)

    async def mark_copied() -> None:
        await consumer.caught_up.wait()
        async with sessions.begin() as session:
            await service.catalogue_copied(session, datetime.now(UTC))

    app = health.application(
        alive=health.beating(consumer, relay),
        ready={"postgresql": health.database(engine), "kafka": health.consuming(consumer)},
    )
    try:
        await process.together(
            consumer.run,
            relay.run,
            mark_copied,
            parked.run,
            process.serving(app, host=given.host, port=given.worker_port),
        )
    finally:
        await engine.dispose()


def main(argv: Sequence[str] | None = None) -> None:
    """`python -m agreements api|worker|all|migrate|parked|reconcile`."""
    asked = process.command(
        "agreements",
        "Agreements and own provision, from draft to published.",
        {
            "api": "Serve the HTTP API.",
            "worker": "Copy the catalogue and send what is announced.",
            "all": "Both in one process.",
            "migrate": "Bring the database up to date.",
            "parked": parked_arguments.SENTENCE,
            "reconcile": reconcile_command.SENTENCE,
        },
        argv,
        {"parked": parked_arguments.arguments, "reconcile": reconcile_command.arguments},
    )
    given = settings.read(Settings)
    logging.configure("agreements", given.log_level, sys.stderr if asked.command in ("parked", "reconcile") else None)

    async def worker() -> None:
        await work(given)

    match asked.command:
        case "api":
            process.run(process.serving(api(given), host=given.host, port=given.api_port))
        case "worker":
            process.run(worker)
        case "all":
            process.run(process.serving(api(given), host=given.host, port=given.api_port), worker)
        case "migrate":
            migrate(given.postgres_url, given.migrations)
        case "parked":
            sys.exit(parked_command.run(asked, "agreements", given.kafka_bootstrap, given.postgres_url, HANDLERS))
        case "reconcile":
            sys.exit(
                reconcile_command.run(
                    asked,
                    given.kafka_bootstrap,
                    given.postgres_url,
                    [AgreementRegistered.topic.name],
                    service.version_told,
                    service.versions_to_tell,
                    service.announce_anew,
                )
            )
