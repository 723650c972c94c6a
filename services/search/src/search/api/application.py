"""Puts the HTTP side together: routes, access, problems, health."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from kit import auth, database, health, http
from rules import guarantee
from rules.calendar import swedish_day
from search.api import offers, refusals, suggest
from search.index import history
from search.index.engine import EngineAway, Index
from search.service.answer import Unanswerable
from search.service.as_of import NotYet
from search.service.suggest import Names
from search.settings import Settings

POLICY: auth.Policy = {**offers.POLICY, **suggest.POLICY}
ROUTERS = (offers.router, suggest.router)

_Told = Callable[[Request, Exception], Awaitable[Response]]


def application(given: Settings) -> FastAPI:
    """The HTTP application of this service. Raises BadRules for an operator's guarantee rules that cannot be used."""
    rules = _rules(given.guarantee_rules)
    engine = database.connect(given.postgres_url)
    client = http.client()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.guarantee_rules = rules
        # It only reads, one row or a few at a time: to begin and end a transaction would be more than the reading.
        app.state.sessions = database.sessions(engine.execution_options(isolation_level="AUTOCOMMIT"))
        app.state.index = index = Index(given.opensearch_url, given.index_name, given.word_files)
        app.state.history = past = history.index(given.opensearch_url, given.index_name, given.word_files)
        app.state.names = Names(app.state.sessions, index)
        yield
        await index.close()
        await past.close()
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
    for router in ROUTERS:
        app.include_router(router)
    told = cast("_Told", app.exception_handlers[RequestValidationError])

    async def on_refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101 registered for this type only
        return await told(request, refusals.suggesting(request, error))

    app.add_exception_handler(RequestValidationError, on_refused)
    app.add_exception_handler(HTTPException, refusals.on_unread)
    app.add_exception_handler(EngineAway, _on_engine_away)
    app.add_exception_handler(Unanswerable, _on_unanswerable)
    app.add_exception_handler(NotYet, _on_not_yet)
    health.add(app, alive=health.always, ready={"postgresql": health.database(engine), "opensearch": searchable})
    return app


def _rules(own: Path | None) -> guarantee.Rules:
    rules = guarantee.read(own) if own is not None else guarantee.shipped()
    for one in guarantee.Guarantee:
        try:
            rules.on(one, swedish_day(datetime.now(UTC)))
        except guarantee.NoRule as error:
            raise guarantee.BadRules(own.name if own is not None else "guarantee.toml", [f"{one}: {error}"]) from None
    return rules


async def _on_engine_away(request: Request, error: Exception) -> Response:
    assert isinstance(error, EngineAway)  # noqa: S101 registered for this type only
    problem = http.Problem(503, f"{error.told}; try again shortly", headers={"Retry-After": "2"})
    return http.problem_response(problem)


async def _on_unanswerable(request: Request, error: Exception) -> Response:
    assert isinstance(error, Unanswerable)  # noqa: S101 registered for this type only
    return http.problem_response(http.invalid(error.field, error.reason, status=400))


async def _on_not_yet(request: Request, error: Exception) -> Response:
    return http.problem_response(http.Problem(503, str(error), headers={"Retry-After": "30"}))
