"""Real engines for every test that asks for one: each started once, databases made from a migrated template."""

import asyncio
import importlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
import structlog
from sqlalchemy import text

# Members whose folder has their package's name must be imported before pytest takes the folder itself for that package.
import contracts
import demo
import engines
import intake
import kit
import rules
import upkeep
from kit import database
from upkeep.migrations import migrate

MEMBERS = (contracts, demo, engines, intake, kit, rules, upkeep)

NewDatabase = Callable[[str], Awaitable[str]]


def _engine(name: str, folder: pytest.TempPathFactory) -> Iterator[engines.Addresses]:
    running = engines.start([name], home=folder.mktemp(name))
    yield running.addresses
    running.stop()


@pytest.fixture(scope="session")
def _kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[engines.Addresses]:
    yield from _engine("kafka", tmp_path_factory)


@pytest.fixture(scope="session")
def kafka_address(_kafka: engines.Addresses) -> str:
    """host:port of a real Kafka. Name topics with `unique`."""
    return _kafka.kafka or ""


@pytest.fixture(scope="session")
def _opensearch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[engines.Addresses]:
    yield from _engine("opensearch", tmp_path_factory)


@pytest.fixture(scope="session")
def opensearch_url(_opensearch: engines.Addresses) -> str:
    """Address of a real OpenSearch. Name indexes with `unique`."""
    return _opensearch.opensearch or ""


@pytest.fixture(scope="session")
def _postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[engines.Addresses]:
    yield from _engine("postgres", tmp_path_factory)


@pytest.fixture(scope="session")
def postgres_url(_postgres: engines.Addresses) -> str:
    """Address of a real PostgreSQL, without a database name."""
    return _postgres.postgres or ""


@pytest.fixture(scope="session")
def _oidc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[engines.Addresses]:
    yield from _engine("oidc", tmp_path_factory)


@pytest.fixture(scope="session")
def oidc_issuer(_oidc: engines.Addresses) -> str:
    """A real OpenID provider's issuer; `engines.token` gives its tokens."""
    return _oidc.oidc or ""


@pytest.fixture(autouse=True)
def _the_log_is_as_it_was() -> Iterator[None]:
    """A command that a test calls sets up its own log, to a stream that ends with it: the next gets none."""
    root, asked = logging.getLogger(), structlog.get_config()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.configure(**asked)
    structlog.contextvars.clear_contextvars()


@pytest.fixture
def unique() -> str:
    """A name of this test's own: a prefix for topics, groups and indexes."""
    return f"t{uuid4().hex[:12]}"


@pytest.fixture
async def new_database(postgres_url: str, _templates: dict[str, str]) -> AsyncIterator[NewDatabase]:
    """Makes databases for this test: `await new_database("agreements")` has that service's tables, "" has none."""
    made: list[str] = []

    async def make(service: str) -> str:
        if service not in _templates:
            # Names of this session's own: an external server may hold an earlier session's.
            _templates[service] = f"t{uuid4().hex[:12]}_{service}"
            await _run(postgres_url, f'CREATE DATABASE "{_templates[service]}"')
            package = Path(importlib.import_module(f"{service}.settings").__file__ or "")
            await asyncio.to_thread(migrate, f"{postgres_url}/{_templates[service]}", package.parents[2] / "migrations")
        name = f"t{uuid4().hex[:12]}"
        made.append(name)
        await _run(postgres_url, f'CREATE DATABASE "{name}" TEMPLATE "{_templates[service]}"')
        return f"{postgres_url}/{name}"

    yield make
    for name in made:
        await _run(postgres_url, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
async def _templates(postgres_url: str) -> AsyncIterator[dict[str, str]]:
    """Migrated databases to copy, by service; "" is one without tables."""
    made = {"": "template0"}
    yield made
    for name in made.values():
        if name != "template0":
            await _run(postgres_url, f'DROP DATABASE "{name}" WITH (FORCE)')


async def _run(postgres_url: str, statement: str) -> None:
    engine = database.connect(f"{postgres_url}/postgres", pool_size=1)
    try:
        async with engine.connect() as connection:
            # Databases cannot be created inside a transaction.
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            await connection.execute(text(statement))
    finally:
        await engine.dispose()
