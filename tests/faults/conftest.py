"""Laboratories for tests, and the table of what each fault cost, printed at the end of the run."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

import engines
import search.settings
from faults import planted, topics
from faults.checker import Report
from faults.laboratory import At, Laboratory
from kit import database
from upkeep.migrations import migrate

MakeLaboratory = Callable[..., Awaitable[Laboratory]]
NewDatabase = Callable[[str], Awaitable[str]]
OwnEngine = Callable[[str], engines.Engines]

_FAULTS: pytest.StashKey[list[dict[str, Any]]] = pytest.StashKey()
_PLANTED: pytest.StashKey[list[dict[str, Any]]] = pytest.StashKey()
_PROJECTIONS = {"search": "search", "planted": ""}
_FAULT_HEAD = {
    "fault": "fault",
    "acknowledged": "writes acknowledged",
    "lost": "lost",
    "duplicated_in_effect": "duplicated in effect",
    "records_twice": "records twice on the topic",
    "seconds_to_recover": "seconds to recover",
}
_PLANTED_HEAD = {"planted": "planted bug", "found": "what the checker finds", "lost": "lost", "key": "for example"}


@pytest.fixture(scope="session")
def own_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnEngine]:
    """Starts an engine that may be killed: never one that somebody else runs."""
    made: list[engines.Engines] = []

    def start(name: str) -> engines.Engines:
        with pytest.MonkeyPatch.context() as patch:
            for variable in ("KAFKA_BOOTSTRAP", "OPENSEARCH_URL", "POSTGRES_URL", "ENGINES_PROVIDER"):
                patch.delenv(variable, raising=False)
            # PostgreSQL shall keep what it has acknowledged; the others do so anyway.
            durable = name == "postgres"
            made.append(engines.start([name], home=tmp_path_factory.mktemp(f"own-{name}"), durable=durable))
        return made[-1]

    yield start
    for one in made:
        one.stop()


@pytest.fixture(scope="session")
async def broker(own_engine: OwnEngine) -> engines.Engines:
    """A Kafka with search's topics, for laboratories one after the other."""
    started = own_engine("kafka")
    await topics.create(started.addresses.kafka or "")
    return started


@pytest.fixture
async def laboratory(
    broker: engines.Engines, opensearch_url: str, new_database: NewDatabase, unique: str, tmp_path: Path
) -> AsyncIterator[MakeLaboratory]:
    """Makes laboratories: `await laboratory()`; with other engines, name their addresses. Closed when the test ends.

    `projection="planted"` makes the tables for a planted projection instead of search's.
    """
    made: list[Laboratory] = []
    one_at_a_time = asyncio.Lock()

    async def make(
        *, bootstrap: str = "", opensearch: str = "", postgres: str = "", projection: str = "search", **more: Any
    ) -> Laboratory:
        async with one_at_a_time:
            at = At(
                kafka=bootstrap or broker.addresses.kafka or "",
                opensearch=opensearch or opensearch_url,
                source=await _create(postgres, "source") if postgres else await new_database(""),
                search=await _create(postgres, "search") if postgres else await new_database(_PROJECTIONS[projection]),
            )
            if projection == "planted":
                await _run(at.search, planted.TABLE)
        home = tmp_path / f"{unique}-{len(made)}"
        home.mkdir()
        lab = Laboratory(at, home, **more)
        made.append(lab)
        await lab.open()
        return lab

    yield make
    for one in made:
        await one.close()


async def _create(postgres: str, name: str) -> str:
    await _run(f"{postgres}/postgres", f"CREATE DATABASE {name}")
    if name == "search":
        folder = Path(search.settings.__file__).parents[2] / "migrations"
        await asyncio.to_thread(migrate, f"{postgres}/{name}", folder)
    return f"{postgres}/{name}"


async def _run(url: str, statement: str) -> None:
    engine = database.connect(url, pool_size=1)
    async with engine.connect() as connection:
        # Databases cannot be created inside a transaction.
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text(statement))
    await engine.dispose()


@pytest.fixture
def costs(request: pytest.FixtureRequest) -> Callable[[str, Report, float], None]:
    """Note what a fault cost, for the table, and fail where it cost anything."""
    table = request.config.stash.setdefault(_FAULTS, [])

    def note(fault: str, report: Report, seconds: float) -> None:
        row = {name: getattr(report, name) for name in _FAULT_HEAD if hasattr(report, name)}
        table.append({"fault": fault, **row, "seconds_to_recover": round(seconds, 1)})
        assert not report.violations, f"{fault}: {report}"
        assert report.acknowledged > 0

    return note


@pytest.fixture
def caught(request: pytest.FixtureRequest) -> Callable[[str, Report], None]:
    """Note what the checker found of a planted bug, for the table."""
    table = request.config.stash.setdefault(_PLANTED, [])

    def note(planted: str, report: Report) -> None:
        first = report.violations[0].key if report.violations else ""
        found = "; ".join(sorted(report.kinds))
        table.append({"planted": planted, "found": found, "lost": report.lost, "key": first})

    return note


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print both tables; write them to the file that FAULTS_JSON names."""
    faults, planted = config.stash.get(_FAULTS, []), config.stash.get(_PLANTED, [])
    for title, head, rows in (("faults", _FAULT_HEAD, faults), ("planted bugs", _PLANTED_HEAD, planted)):
        if rows:
            terminalreporter.section(title)
            for line in _aligned(head, rows):
                terminalreporter.write_line(line)
    if (file := os.environ.get("FAULTS_JSON")) and (faults or planted):
        Path(file).write_text(json.dumps({"faults": faults, "planted": planted}, indent=2) + "\n")


def _aligned(head: dict[str, str], rows: list[dict[str, Any]]) -> Iterator[str]:
    table = [list(head.values()), *([str(row[name]) for name in head] for row in rows)]
    widths = [max(len(row[number]) for row in table) for number in range(len(head))]
    numeric = [all(isinstance(row[name], int | float) for row in rows) for name in head]
    for row in table:
        cells = zip(row, widths, numeric, strict=True)
        yield "  ".join(cell.rjust(width) if right else cell.ljust(width) for cell, width, right in cells).rstrip()
