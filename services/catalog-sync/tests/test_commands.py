"""The command line with a served catalogue, the schedule, and the migrations."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import uvicorn
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from catalog_sync.domain.reading import Reading
from catalog_sync.main import main
from catalog_sync.schedule import Clockwork
from catalog_sync.settings import Settings
from catalog_sync.store import tables
from demo import national_catalogue as simulated
from engines import eventually
from kit import database


@pytest.fixture
async def served(sweden) -> AsyncIterator[str]:
    """The address of the simulated catalogue on a port of its own."""
    server = uvicorn.Server(uvicorn.Config(simulated.app(sweden), port=0, log_config=None, lifespan="off"))
    running = asyncio.create_task(server.serve())
    await eventually(lambda: server.started)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/fhir"
    server.should_exit = True
    await running


async def command(name: str, **environment: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of `python -m catalog_sync NAME`."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "catalog_sync", name),
        env={**os.environ, "KAFKA_BOOTSTRAP": "127.0.0.1:1", **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await child.communicate()
    return child.returncode or 0, out.decode(), err.decode()


@pytest.mark.engine
async def test_sync_reads_everything_once_and_its_exit_code_tells_how_it_went(ledger, served, sweden):
    code, _, err = await command("sync", POSTGRES_URL=ledger.url, CATALOGUE_URL=served)
    assert (code, err) == (0, "")
    assert len(await ledger.announced()) == len(sweden.units) + len(sweden.offerings)
    code, out, _ = await command("sync", POSTGRES_URL=ledger.url, CATALOGUE_URL=served.replace("fhir", "nowhere"))
    assert (code, "HTTP 404" in out) == (1, True)
    assert await ledger.announced() == []


@pytest.mark.engine
async def test_a_held_sync_says_so_and_exits_with_three(ledger, served, unit):
    await ledger.sync(Reading([unit(number) for number in range(30)]))
    await ledger.announced()
    code, _, err = await command("sync", POSTGRES_URL=ledger.url, CATALOGUE_URL=served)
    assert code == 3
    assert err == (
        "held: nationell-katalog: 30 of 30 units would end, more than 10%: nothing changed"
        " (python -m catalog_sync runs show 2)\n"
    )
    assert await ledger.announced() == []


@pytest.mark.engine
async def test_a_source_that_is_away_changes_nothing_and_the_other_one_is_still_read(ledger, reach, tmp_path):
    missing = tmp_path / "missing"
    given = Settings(postgres_url=ledger.url, kafka_bootstrap="x", catalogue_url="http://x", code_files=missing)
    empty = {"resourceType": "Bundle"}
    fine = httpx.AsyncClient(
        transport=httpx.MockTransport(lambda _: httpx.Response(200, json=empty)), base_url="http://x"
    )
    refusing = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(403)), base_url="http://x")
    assert await Clockwork(given, ledger.sessions, fine).read_all() is False
    assert await ledger.count("run") == 1, "the catalogue is read although the code files are not there"
    given.code_files = tmp_path
    assert await Clockwork(given, ledger.sessions, refusing).read_all() is False
    assert await Clockwork(given, ledger.sessions, fine).read_all() is True
    await fine.aclose()
    await refusing.aclose()


@pytest.mark.engine
async def test_a_slow_source_does_not_look_like_a_stuck_process(ledger):
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def slow(_: httpx.Request) -> httpx.Response:
        asked.set()
        await go_on.wait()
        return httpx.Response(200, json={"resourceType": "Bundle"})

    given = Settings(postgres_url=ledger.url, kafka_bootstrap="x", catalogue_url="http://x")
    async with httpx.AsyncClient(transport=httpx.MockTransport(slow), base_url="http://x") as client:
        clockwork = Clockwork(given, ledger.sessions, client)
        running = asyncio.create_task(clockwork.run())
        await asked.wait()
        before = clockwork.beat
        await eventually(lambda: clockwork.beat > before)
        assert not clockwork.has_read
        go_on.set()
        await eventually(lambda: clockwork.has_read)
        running.cancel()
        await asyncio.wait([running])


@pytest.mark.engine
async def test_a_database_that_is_away_is_waited_for(reach):
    engine = database.connect("postgresql://nobody@127.0.0.1:1/x")
    given = Settings(postgres_url="postgresql://x", kafka_bootstrap="x", catalogue_url="http://x", retry_seconds=0)
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json={"resourceType": "Bundle"}))
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        clockwork = Clockwork(given, database.sessions(engine), client)
        running = asyncio.create_task(clockwork.run())
        before = clockwork.beat
        await eventually(lambda: clockwork.beat > before)
        assert not running.done()
        running.cancel()
        await asyncio.wait([running])
    await engine.dispose()


@pytest.mark.engine
async def test_the_migrations_make_exactly_the_tables_of_the_store(ledger):
    async with ledger.engine.connect() as connection:

        def differences(sync) -> list[object]:
            options = {"compare_type": True, "compare_server_default": True}
            return compare_metadata(MigrationContext.configure(sync, opts=options), tables.tables)

        assert await connection.run_sync(differences) == []


def test_help_lists_every_command_with_a_sentence(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    assert stopped.value.code == 0
    shown = capsys.readouterr().out
    for word in ("worker", "sync", "Exit code 1", "runs", "migrate", "example: python -m catalog_sync"):
        assert word in " ".join(shown.split())


def test_a_missing_setting_is_told_in_one_line_each(monkeypatch, capsys):
    names = ("POSTGRES_URL", "KAFKA_BOOTSTRAP", "CATALOGUE_URL")
    for name in names:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SystemExit) as stopped:
        main(["sync"])
    assert stopped.value.code == 2
    assert [row.split(":")[0] for row in capsys.readouterr().err.splitlines()] == [f"setting {name}" for name in names]


def test_the_migrations_of_the_settings_are_this_services_own(tmp_path: Path):
    given = Settings(postgres_url="postgresql://x", kafka_bootstrap="x", catalogue_url="http://x")
    assert (given.migrations / "env.py").is_file()
