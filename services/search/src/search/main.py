"""Puts search together: the api process, the worker process, migrations."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.responses import Response

from kit import auth, database, health, http, logging, process, settings
from kit.consumer import Consumer
from search.api import POLICY, router
from search.consumer import HANDLERS
from search.index.engine import EngineAway, Index
from search.service.answer import Unanswerable
from search.service.indexing import Indexer
from search.settings import Settings


def api(given: Settings) -> FastAPI:
    """The HTTP application."""
    engine = database.connect(given.postgres_url)
    client = http.client()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.sessions = database.sessions(engine)
        app.state.index = index = Index(given.opensearch_url, given.index_name)
        yield
        await index.close()
        await client.aclose()
        await engine.dispose()

    async def searchable() -> str | None:
        index: Index = app.state.index
        return await index.ping()

    verifier = auth.Verifier(given.oidc_issuer, given.oidc_audience, client)
    app = http.application(
        "search",
        summary="One explained search over agreement, place and wait.",
        lifespan=lifespan,
        authorise=auth.authorise(POLICY, verifier),
    )
    app.include_router(router)
    app.add_exception_handler(EngineAway, _on_engine_away)
    app.add_exception_handler(Unanswerable, _on_unanswerable)
    health.add(app, alive=health.always, ready={"postgresql": health.database(engine), "opensearch": searchable})
    return app


async def _on_engine_away(request: Request, error: Exception) -> Response:
    problem = http.Problem(503, "the search engine cannot be reached; try again shortly", headers={"Retry-After": "2"})
    return http.problem_response(problem)


async def _on_unanswerable(request: Request, error: Exception) -> Response:
    assert isinstance(error, Unanswerable)  # noqa: S101 registered for this type only
    return http.problem_response(http.invalid(error.field, error.reason, status=400))


async def work(given: Settings) -> None:
    """The worker: projects messages into rows and rows into the index."""
    engine = database.connect(given.postgres_url)
    sessions = database.sessions(engine)
    index = Index(given.opensearch_url, given.index_name)
    indexer = Indexer(sessions, index)
    consumer = Consumer("search", given.kafka_bootstrap, sessions, HANDLERS, after_batch=indexer.wake)

    async def indexing() -> str | None:
        return f"waiting for {indexer.waiting_for}" if indexer.waiting_for is not None else None

    app = health.application(
        alive=health.beating(consumer, indexer),
        ready={"postgresql": health.database(engine), "kafka": health.consuming(consumer), "opensearch": indexing},
    )
    try:
        await process.together(consumer.run, indexer.run, process.serving(app, host=given.host, port=given.worker_port))
    finally:
        await index.close()
        await engine.dispose()


def main(argv: Sequence[str] | None = None) -> None:
    """`python -m search api|worker|all|migrate`."""
    chosen = process.command(
        "search",
        "One explained search over agreement, place and wait.",
        {
            "api": "Serve the HTTP API.",
            "worker": "Project what is announced into the index.",
            "all": "Both in one process.",
            "migrate": "Bring the database up to date.",
        },
        argv,
    )
    given = settings.read(Settings)
    logging.configure("search", given.log_level)

    async def worker() -> None:
        await work(given)

    match chosen:
        case "api":
            process.run(process.serving(api(given), host=given.host, port=given.api_port))
        case "worker":
            process.run(worker)
        case "all":
            process.run(process.serving(api(given), host=given.host, port=given.api_port), worker)
        case "migrate":
            database.migrate(given.postgres_url, given.migrations)
