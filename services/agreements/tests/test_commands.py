"""The command line, the migrations, and the worker as one process with real engines."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from agreements.main import main
from agreements.store.tables import tables
from kit import database


@pytest.mark.engine
async def test_the_migrations_make_exactly_the_tables_of_the_store(new_database):
    engine = database.connect(await new_database("agreements"))
    async with engine.connect() as connection:

        def differences(sync) -> list[object]:
            options = {"compare_type": True, "compare_server_default": True}
            return compare_metadata(MigrationContext.configure(sync, opts=options), tables)

        assert await connection.run_sync(differences) == []
    await engine.dispose()


def test_help_lists_every_command_with_a_sentence(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    assert stopped.value.code == 0
    shown = capsys.readouterr().out
    for word in ("api", "worker", "all", "migrate", "example: python -m agreements"):
        assert word in shown


def test_a_missing_setting_is_told_in_one_line_each(monkeypatch, capsys):
    for name in ("POSTGRES_URL", "KAFKA_BOOTSTRAP", "OIDC_ISSUER"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SystemExit) as stopped:
        main(["api"])
    assert stopped.value.code == 2
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "setting POSTGRES_URL",
        "setting KAFKA_BOOTSTRAP",
        "setting OIDC_ISSUER",
    ]


@pytest.mark.engine
async def test_migrate_may_be_repeated(new_database, tmp_path: Path):
    url = await new_database("")
    environment = {**os.environ, "POSTGRES_URL": url, "KAFKA_BOOTSTRAP": "127.0.0.1:1", "OIDC_ISSUER": "http://x"}
    for _ in range(2):
        command = [sys.executable, "-m", "agreements", "migrate"]
        done = await asyncio.to_thread(subprocess.run, command, env=environment, cwd=tmp_path, capture_output=True)
        assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("name", "bad"),
    [("POSTGRES_URL", "foo"), ("POSTGRES_URL", ""), ("KAFKA_BOOTSTRAP", "foo:bar"), ("OIDC_ISSUER", "")],
)
@pytest.mark.parametrize("command", [["reconcile"], ["parked", "list"], ["migrate"], ["worker"], ["api"]], ids=" ".join)
def test_a_malformed_setting_stops_every_command_with_one_line(name, bad, command, monkeypatch, capsys):
    fine = {"POSTGRES_URL": "postgresql://x/x", "KAFKA_BOOTSTRAP": "x:1", "OIDC_ISSUER": "http://x"}
    for setting, value in {**fine, name: bad}.items():
        monkeypatch.setenv(setting, value)
    with pytest.raises(SystemExit) as stopped:
        main(command)
    assert stopped.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"setting {name}: must be ")
    assert "foo" not in line
