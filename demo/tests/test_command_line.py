"""The demo's commands where nothing can be started: told in a line, with an exit code that means something."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from demo import cli
from demo.cli import main, run, up


@pytest.mark.parametrize("port", ["", "abc", "0", "65536"])
def test_a_port_that_is_none_is_told_in_one_line(
    port: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("GATEWAY_PORT", port)
    assert run(tmp_path) == 2
    assert capsys.readouterr().out == "GATEWAY_PORT must be a number from 1 to 65535.\n"


def test_in_the_background_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setenv("GATEWAY_PORT", "abc")
    assert up(tmp_path) == 2
    assert capsys.readouterr().out == "GATEWAY_PORT must be a number from 1 to 65535.\n"


@pytest.fixture
def ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of a demo that seems to run."""
    monkeypatch.setattr(cli, "_running", lambda _: os.getpid())
    told = {
        "postgres": "postgresql://postgres@127.0.0.1:5",
        "environment": {"KAFKA_BOOTSTRAP": "127.0.0.1:9", "CODE_FILES": "/a folder/with $HOME"},
        "ports": {"catalog-sync": 1, "catalog-sync-api": 2, "search-worker": 3},
    }
    (tmp_path / "ready.json").write_text(json.dumps(told))
    return tmp_path


def test_a_shell_learns_what_a_services_commands_need(ready: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["env", "--service", "catalog_sync", "--home", str(ready)]) == 0
    told = capsys.readouterr().out
    shown = 'echo "$POSTGRES_URL $KAFKA_BOOTSTRAP $CODE_FILES"'
    found = subprocess.run(["sh", "-c", f'eval "$1"; {shown}', "sh", told], capture_output=True, text=True, check=True)
    assert found.stdout == "postgresql://postgres@127.0.0.1:5/catalog_sync 127.0.0.1:9 /a folder/with $HOME\n"
    assert told.splitlines()[-2:] == [
        "# catalog-sync: http://127.0.0.1:1/metrics, /readyz, /livez",
        "# catalog-sync-api: http://127.0.0.1:2/metrics, /readyz, /livez",
    ]


def test_without_a_running_demo_there_is_nothing_to_learn(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["env", "--service", "search", "--home", str(tmp_path)]) == 1
    assert capsys.readouterr() == ("", "the demo is not running: `make up` starts it\n")
