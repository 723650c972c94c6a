"""PostgreSQL: migrations, versions, transactions."""

import asyncio
import itertools
import re
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import BigInteger, Column, Date, MetaData, Table, Text, select, text
from sqlalchemy.dialects.postgresql import JSON, JSONB
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from kit import database, http
from kit.database import Transaction, next_version, upsert_newer
from upkeep.migrations import migrate

pytestmark = pytest.mark.engine


@pytest.fixture
def migrations(tmp_path: Path) -> Path:
    (tmp_path / "versions").mkdir()
    (tmp_path / "env.py").write_text(
        "from sqlalchemy import MetaData\nfrom upkeep.migrations import run_migrations\nrun_migrations(MetaData())\n"
    )
    (tmp_path / "versions" / "0001_first.py").write_text(
        "from alembic import op\nrevision, down_revision = '0001', None\n"
        "def upgrade():\n    op.execute('CREATE TABLE first (id int)')\n    op.execute('SELECT pg_sleep(0.2)')\n"
    )
    return tmp_path


async def test_migrating_twice_at_once_runs_each_migration_once(
    new_database: Callable[[str], Awaitable[str]], migrations: Path
) -> None:
    url = await new_database("")
    # Alembic keeps its state in globals: at once means in several processes, as pods of one deployment do.
    paths = f"{url!r}, Path({str(migrations)!r})"
    call = f"from pathlib import Path; from upkeep.migrations import migrate; migrate({paths})"
    runs = [await asyncio.create_subprocess_exec(sys.executable, "-c", call) for _ in range(3)]
    assert [await run.wait() for run in runs] == [0, 0, 0]
    (migrations / "versions" / "0002_second.py").write_text(
        "from alembic import op\nrevision, down_revision = '0002', '0001'\n"
        "def upgrade():\n    op.execute('ALTER TABLE first ADD name text')\n"
    )
    await asyncio.to_thread(migrate, url, migrations)
    engine = database.connect(url)
    async with engine.connect() as connection:
        assert (await connection.scalars(text("SELECT version_num FROM alembic_version"))).all() == ["0002"]
        await connection.execute(text("SELECT id, name FROM first"))
    await engine.dispose()


async def test_a_failed_migration_leaves_nothing_and_tells_its_own_fault(
    new_database: Callable[[str], Awaitable[str]], migrations: Path
) -> None:
    url = await new_database("")
    (migrations / "versions" / "0002_second.py").write_text(
        "from alembic import op\nrevision, down_revision = '0002', '0001'\n"
        "def upgrade():\n    op.execute('ALTER TABLE missing ADD name text')\n"
    )
    with pytest.raises(DBAPIError, match="missing"):
        await asyncio.to_thread(migrate, url, migrations)
    engine = database.connect(url)
    async with engine.connect() as connection:
        assert await connection.scalar(text("SELECT to_regclass('first')")) is None
    await engine.dispose()


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("postgresql://postgres@{silent}/any", "PostgreSQL is away"),
        ("{server}/there_is_none", "there is no such database: create it"),
    ],
)
async def test_migrating_a_database_that_cannot_be_reached_ends_in_one_line(
    where: str, words: str, silent_port: str, postgres_url: str, migrations: Path
) -> None:
    url = where.format(silent=silent_port, server=postgres_url)
    with pytest.raises(SystemExit) as ended:
        await asyncio.to_thread(migrate, url, migrations)
    # A text as the code means: printed to stderr, and exit code 1.
    assert re.fullmatch(rf"migrate: {words}.*", str(ended.value.code))


ROWS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 8)), max_size=25)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, cuts=st.lists(st.integers(0, 25), max_size=4), data=st.data())
async def test_in_any_order_the_highest_version_of_a_key_stays(
    engine: AsyncEngine, thing: Table, rows: list[tuple[str, int]], cuts: list[int], data: st.DataObject
) -> None:
    repeated = data.draw(st.permutations(rows + rows[::2]))
    held: dict[str, int] = {}
    async with database.sessions(engine)() as session:
        await session.execute(thing.delete())
        edges = [0, *sorted(cuts), len(repeated)]
        for begin, end in itertools.pairwise(edges):
            batch = repeated[begin:end]
            changed = await upsert_newer(
                session, thing, [{"id": key, "version": version, "value": f"{key}{version}"} for key, version in batch]
            )
            expected = {key for key, version in batch if version > held.get(key, 0)}
            assert sorted(row.id for row in changed) == sorted(expected)
            for key, version in batch:
                held[key] = max(held.get(key, 0), version)
        stored = (await session.execute(thing.select())).all()
    assert {row.id: row.version for row in stored} == held
    assert all(row.value == f"{row.id}{row.version}" for row in stored)


async def test_two_writers_of_the_same_keys_in_opposite_order_do_not_lock_each_other_out(
    engine: AsyncEngine, thing: Table
) -> None:
    keys = [f"{number:03}" for number in range(300)]

    async def write(order: list[str], version: int) -> None:
        async with database.sessions(engine).begin() as session:
            await upsert_newer(session, thing, [{"id": key, "version": version, "value": ""} for key in order])

    await asyncio.gather(*(write(keys if number % 2 else keys[::-1], number) for number in range(1, 13)))
    async with engine.connect() as connection:
        assert set((await connection.scalars(text("SELECT version FROM thing"))).all()) == {12}


async def test_json_is_taken_as_text_or_as_a_value_and_an_equal_version_is_mended_only_when_asked(
    engine: AsyncEngine,
) -> None:
    told = Table(
        "told",
        MetaData(),
        Column("id", Text, primary_key=True),
        Column("version", BigInteger, nullable=False),
        Column("on", Date),
        Column("content", JSONB),
        Column("raw", JSON),
    )
    day = date(2026, 3, 1)
    rows: list[dict[str, Any]] = [
        {"id": "a", "version": 1, "on": day, "content": {"å": [1, None]}, "raw": '{"b":  1}'},
        {"id": "b", "version": 1, "on": None, "content": '{"text": true}', "raw": None},
    ]
    async with engine.begin() as connection:
        await connection.run_sync(told.create)
    async with database.sessions(engine).begin() as session:
        await upsert_newer(session, told, rows)
        stored = [tuple(row) for row in await session.execute(told.select().order_by(told.c.id))]
        assert stored == [("a", 1, day, {"å": [1, None]}, {"b": 1}), ("b", 1, None, {"text": True}, None)]
        mended = {**rows[0], "content": '"right"'}
        assert await upsert_newer(session, told, [mended]) == []
        assert [row.id for row in await upsert_newer(session, told, [mended], mend=True)] == ["a"]
        assert await session.scalar(select(told.c.content).where(told.c.id == "a")) == "right"
        assert await upsert_newer(session, told, [{**mended, "version": 0}], mend=True) == []


@given(clock=st.lists(st.integers(0, 2**62), min_size=1, max_size=20))
def test_versions_rise_even_when_the_clock_goes_back(clock: list[int]) -> None:
    seen: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        for now in clock:
            patch.setattr(time, "time_ns", lambda now=now: now * 1000)
            seen.append(next_version(seen[-1] if seen else None))
            assert seen[-1] >= now
    assert all(later > earlier for earlier, later in itertools.pairwise(seen))


@pytest.fixture
async def api(engine: AsyncEngine) -> AsyncIterator[httpx.AsyncClient]:
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE parent (id text PRIMARY KEY)"))
        await connection.execute(
            text("CREATE TABLE child (id text, parent text REFERENCES parent DEFERRABLE INITIALLY DEFERRED)")
        )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield

    async def open_to_all() -> None: ...

    app = http.application("test", lifespan=lifespan, authorise=open_to_all)
    app.state.sessions = database.sessions(engine)

    @app.post("/children/{parent}", status_code=201)
    async def add(parent: str, session: Transaction) -> dict[str, str]:
        await session.execute(text("INSERT INTO child VALUES ('c', :parent)"), {"parent": parent})
        return {"id": "c"}

    @app.post("/broken")
    async def broken(session: Transaction) -> None:
        await session.execute(text("INSERT INTO parent VALUES ('half done')"))
        raise http.Problem(409, "no")

    @app.post("/wrong/{value}")
    async def wrong(value: str, session: Transaction) -> None:
        await session.execute(text("INSERT INTO parent VALUES (:value), (:value)"), {"value": value})

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client


async def test_a_failed_commit_is_a_failed_response(api: httpx.AsyncClient, engine: AsyncEngine) -> None:
    answer = await api.post("/children/nobody")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    async with engine.begin() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM child")) == 0
        await connection.execute(text("INSERT INTO parent VALUES ('p')"))
    assert (await api.post("/children/p")).status_code == 201


async def test_a_refused_request_leaves_nothing_behind(api: httpx.AsyncClient, engine: AsyncEngine) -> None:
    assert (await api.post("/broken")).status_code == 409
    async with engine.connect() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM parent")) == 0


async def test_the_values_of_a_failed_statement_are_neither_logged_nor_told(
    api: httpx.AsyncClient, log_lines: Callable[[], list[dict[str, Any]]]
) -> None:
    answer = await api.post("/wrong/secret-name")
    assert answer.status_code == 500
    (line,) = [line for line in log_lines() if line["event"] == "request failed"]
    assert line["where"].startswith("IntegrityError")
    assert "secret-name" not in str([{**line, "path": ""} for line in log_lines()])
    assert "secret-name" not in answer.text.replace("/wrong/secret-name", "")


async def test_a_database_that_is_away_is_a_503_to_try_again(api: httpx.AsyncClient, silent_port: str) -> None:
    away = database.connect(f"postgresql://postgres@{silent_port}/any")
    transport = api._transport
    assert isinstance(transport, httpx.ASGITransport)
    transport.app.state.sessions = database.sessions(away)
    answer = await api.post("/broken")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    await away.dispose()
