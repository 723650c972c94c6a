"""Search as it runs: its own database and index, the real application, real tokens."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest
from asgi_lifespan import LifespanManager
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

import engines
from contracts import Message
from kit import database
from search.consumer import HANDLERS
from search.domain.document import offer_id
from search.index.engine import Index
from search.main import api
from search.service.following import documents
from search.service.indexing import Indexer, looking_up
from search.settings import Settings
from search.store import offers


@dataclass(frozen=True)
class World:
    """Search with a database and an index of its own, and its HTTP API."""

    engine: AsyncEngine
    sessions: database.Sessions
    index: Index
    app: FastAPI
    http: httpx.AsyncClient
    opensearch: httpx.AsyncClient
    name: str

    async def tell(self, *events: Message) -> None:
        """The messages arrive, each in a transaction of its own, in this order."""
        for event in events:
            async with self.sessions.begin() as session:
                await HANDLERS[event.topic.name].apply(session, [event])

    async def settle(self) -> None:
        """Everything that has changed is indexed and can be searched."""
        await settled(self.engine, self.index)
        (await self.opensearch.post(f"/{self.name}*/_refresh")).raise_for_status()

    async def found(self, *events: Message, **question: Any) -> list[str]:
        """After these messages: the ids that a search finds, without the HSA-ids' common beginning."""
        await self.tell(*events)
        await self.settle()
        return [hit["id"].removeprefix("SE5561234567-") for hit in (await self.ask(**question))["items"]]

    async def ask(self, **question: Any) -> dict[str, Any]:
        """The answer of GET /offers."""
        answer = await self.http.get("/offers", params=question)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def hit(self, offer: str, **question: Any) -> dict[str, Any]:
        """One hit of a search, by its id without the HSA-ids' common beginning."""
        return next(hit for hit in (await self.ask(**question))["items"] if hit["id"].endswith(f"-{offer}"))


async def settled(engine: AsyncEngine, index: Index) -> None:
    """An indexer begins, and goes on until nothing is left to do."""
    indexer = Indexer(engine, index)
    async with looking_up(engine) as connection:
        while await indexer.round(connection):
            pass


@asynccontextmanager
async def living(postgres: str, opensearch: str, issuer: str, name: str, headers: dict[str, str]):
    engine = database.connect(postgres)
    index = Index(opensearch, name)
    given = Settings(
        postgres_url=postgres,
        kafka_bootstrap="unused:1",
        opensearch_url=opensearch,
        oidc_issuer=issuer,
        index_name=name,
    )
    app = api(given)
    transport = httpx.ASGITransport(app=app)
    async with (
        LifespanManager(app),
        httpx.AsyncClient(transport=transport, base_url="http://search", headers=headers) as http,
        httpx.AsyncClient(base_url=opensearch, timeout=30, trust_env=False) as raw,
    ):
        try:
            yield World(engine, database.sessions(engine), index, app, http, raw, name)
        finally:
            await raw.delete(f"/{name}-*")
            await index.close()
            await engine.dispose()


class Shown:
    """What the index would hold: documents of touched offers, built as the indexer builds them."""

    def __init__(self, session):
        self._session = session
        self._cursor = offers.BEGINNING
        self.documents = {}

    async def tell(self, *events):
        by_topic = {}
        for event in events:
            by_topic.setdefault(event.topic.name, []).append(event)
        for topic in sorted(by_topic):
            await HANDLERS[topic].apply(self._session, by_topic[topic])
        return await self.index()

    async def index(self):
        connection = (await (await self._session.connection()).get_raw_connection()).driver_connection
        while batch := await offers.after(connection, self._cursor, 1000):
            built, faults = await documents(connection, batch)
            assert faults == {}
            self._cursor = batch[-1]
            self.documents.update({offer_id(one.unit, one.code_key): document for one, document in built.items()})
        return self

    @property
    def found(self):
        return {
            offer.removeprefix("SE5561234567-"): document
            for offer, document in self.documents.items()
            if document is not None
        }


@pytest.fixture(scope="session")
def bearer(oidc_issuer: str) -> Callable[..., dict[str, str]]:
    """`bearer("navigator", region="14")`: the header of such a caller."""

    def header(role: str, **claims: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {engines.token(oidc_issuer, role=role, **claims)}"}

    return header


@pytest.fixture(scope="session")
def navigator(bearer: Callable[..., dict[str, str]]) -> dict[str, str]:
    """A navigator's header."""
    return bearer("navigator", region="14")


@pytest.fixture
async def world(new_database, opensearch_url, oidc_issuer, unique, navigator) -> AsyncIterator[World]:
    """Search, empty, for this test alone; called by a navigator."""
    async with living(await new_database("search"), opensearch_url, oidc_issuer, unique, navigator) as made:
        yield made


@pytest.fixture(scope="module")
async def shared_database(databases) -> AsyncIterator[str]:
    """A database for the tests of one module that only read it, or roll back what they write."""
    made = await databases.make("search")
    yield made
    databases.drop(made)


@pytest.fixture(scope="module")
async def shared_world(shared_database, opensearch_url, oidc_issuer, navigator) -> AsyncIterator[World]:
    """Search, empty, for the read-only tests of one module, which fill it once."""
    name = f"t{uuid4().hex[:12]}"
    async with living(shared_database, opensearch_url, oidc_issuer, name, navigator) as made:
        yield made


@pytest.fixture(scope="session")
def shown_in() -> type[Shown]:
    """What the index would hold, for one session."""
    return Shown
