"""Real engines for every test that asks for one: each started once, databases made from a migrated template.

Two workers (`pytest -n 2`) share PostgreSQL, OpenSearch and the OpenID provider, where every test has names of its own.
Each has a Kafka of its own: tests make topics anew whose names are fixed.
"""

import asyncio
import importlib
import logging
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import structlog
from sqlalchemy import text
from xdist.scheduler import LoadScopeScheduling

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


_SHARED = ("opensearch", "postgres", "oidc")
_FOR_WORKERS: pytest.StashKey[engines.Engines] = pytest.StashKey()
_TOGETHER = ("engines/tests/", "services/search/tests/engine/rebuild/", "tests/faults/", "tests/flow/")
"""Folders with engines of their own, started once: one worker does all of such a folder."""


class _ByFile(LoadScopeScheduling):
    """A file's tests, which may share what is slow to make, are done by one worker, in their order."""

    def _split_scope(self, nodeid: str) -> str:
        return next((folder for folder in _TOGETHER if nodeid.startswith(folder)), nodeid.partition("::")[0])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """How tests are shared out among workers."""
    return _ByFile(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Start what workers share before the first of them, and tell each where it is."""
    if _FOR_WORKERS not in node.config.stash:
        home = tempfile.TemporaryDirectory(prefix="vf-engines-", ignore_cleanup_errors=True)
        running = node.config.stash[_FOR_WORKERS] = engines.start(_SHARED, home=Path(home.name))
        node.config.add_cleanup(home.cleanup)
        node.config.add_cleanup(running.stop)
    node.workerinput["engines"] = {name: getattr(node.config.stash[_FOR_WORKERS].addresses, name) for name in _SHARED}


def _engine(name: str, request: pytest.FixtureRequest, folder: pytest.TempPathFactory) -> Iterator[engines.Addresses]:
    shared = getattr(request.config, "workerinput", {}).get("engines", {})
    if name in shared:
        yield engines.Addresses(**{name: shared[name]})
        return
    running = engines.start([name], home=folder.mktemp(name))
    yield running.addresses
    running.stop()


@pytest.fixture(scope="session")
def _kafka(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[engines.Addresses]:
    yield from _engine("kafka", request, tmp_path_factory)


@pytest.fixture(scope="session")
def kafka_address(_kafka: engines.Addresses) -> str:
    """host:port of a real Kafka. Name topics with `unique`."""
    return _kafka.kafka or ""


@pytest.fixture(scope="session")
def _opensearch(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[engines.Addresses]:
    yield from _engine("opensearch", request, tmp_path_factory)


@pytest.fixture(scope="session")
def opensearch_url(_opensearch: engines.Addresses) -> str:
    """Address of a real OpenSearch. Name indexes with `unique`."""
    return _opensearch.opensearch or ""


@pytest.fixture(scope="session")
def _postgres(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[engines.Addresses]:
    yield from _engine("postgres", request, tmp_path_factory)


@pytest.fixture(scope="session")
def postgres_url(_postgres: engines.Addresses) -> str:
    """Address of a real PostgreSQL, without a database name."""
    return _postgres.postgres or ""


@pytest.fixture(scope="session")
def _oidc(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[engines.Addresses]:
    yield from _engine("oidc", request, tmp_path_factory)


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


_AT_ONCE = 3


class Databases:
    """Makes databases by copying one migrated template for each service, and drops them.

    Copying takes PostgreSQL longer than most tests take: the next copy is made while a test works with its own.
    """

    def __init__(self, postgres_url: str) -> None:
        self._at = postgres_url
        self._engine = database.connect(f"{postgres_url}/postgres", pool_size=_AT_ONCE)
        # Waited for here, for as long as it takes: the pool counts on while a test holds up the loop.
        self._free = asyncio.Semaphore(_AT_ONCE)
        self._templates = {"": "template0"}
        self._spare: dict[str, asyncio.Task[str]] = {}
        self._dropping: set[asyncio.Task[None]] = set()

    async def make(self, service: str) -> str:
        """The address of a new database with that service's tables; "" has none."""
        if service not in self._templates:
            # Names of this session's own: an external server may hold an earlier session's.
            name = f"t{uuid4().hex[:12]}_{service}"
            await self._run(f'CREATE DATABASE "{name}"')
            package = Path(importlib.import_module(f"{service}.settings").__file__ or "")
            await asyncio.to_thread(migrate, f"{self._at}/{name}", package.parents[2] / "migrations")
            self._templates[service] = name
        spare = self._spare.pop(service, None)
        made = await (spare or self._copied(service))
        self._spare[service] = asyncio.create_task(self._copied(service))
        return f"{self._at}/{made}"

    def drop(self, *addresses: str) -> None:
        """Drop databases, whoever is connected, in a while."""
        for address in addresses:
            task = asyncio.create_task(self._run(f'DROP DATABASE "{address.rpartition("/")[2]}" WITH (FORCE)'))
            self._dropping.add(task)
            task.add_done_callback(self._dropping.discard)

    async def close(self) -> None:
        """Drop what is left, the templates too."""
        self.drop(*await asyncio.gather(*self._spare.values()))
        self.drop(*(name for name in self._templates.values() if name != "template0"))
        await asyncio.gather(*self._dropping)
        await self._engine.dispose()

    async def _copied(self, service: str) -> str:
        name = f"t{uuid4().hex[:12]}"
        await self._run(f'CREATE DATABASE "{name}" TEMPLATE "{self._templates[service]}"')
        return name

    async def _run(self, statement: str) -> None:
        async with self._free, self._engine.connect() as connection:
            # Databases cannot be created inside a transaction.
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            await connection.execute(text(statement))


@pytest.fixture(scope="session")
async def databases(postgres_url: str) -> AsyncIterator[Databases]:
    """For fixtures whose database outlives a test; a test takes `new_database`."""
    made = Databases(postgres_url)
    yield made
    await made.close()


@pytest.fixture
async def new_database(databases: Databases) -> AsyncIterator[NewDatabase]:
    """Makes databases for this test: `await new_database("agreements")` has that service's tables, "" has none."""
    made: list[str] = []

    async def make(service: str) -> str:
        made.append(await databases.make(service))
        return made[-1]

    yield make
    databases.drop(*made)
