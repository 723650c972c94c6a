"""The commands as a person runs them."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engines import state


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "engines", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)


@pytest.mark.engine
@pytest.mark.timeout(180)
def test_up_status_logs_token_and_down(home: Path) -> None:
    up = run("up", "postgres", "oidc", "--home", home, "--json")
    assert (up.returncode, up.stderr) == (0, "")
    addresses = json.loads(up.stdout)
    assert set(addresses) == {"postgres", "oidc"}
    try:
        again = run("up", "postgres", "oidc", "--home", home)
        assert again.returncode == 0
        assert f"[postgres] already runs at {addresses['postgres']}" in again.stderr

        rows = json.loads(run("status", "--home", home, "--json").stdout)
        assert {row["name"]: (row["state"], row["address"]) for row in rows} == {
            name: ("up", address) for name, address in addresses.items()
        }
        assert "database system is ready" in run("logs", "postgres", "--home", home).stdout
        token = run("token", "--role", "navigator", "--region", "01", "--home", home)
        assert (token.returncode, token.stdout.count(".")) == (0, 2)

        os.kill(next(row["pid"] for row in rows if row["name"] == "oidc"), signal.SIGKILL)
        status = run("status", "--home", home)
        assert status.returncode == 1
        assert [line.split()[:2] for line in status.stdout.splitlines()] == [
            ["name", "state"],
            ["postgres", "up"],
            ["oidc", "down"],
        ]
    finally:
        down = run("down", "--home", home)
        if (note := state.read(home / "postgres")) and note.outside:
            shutil.rmtree(note.outside)
    assert (down.returncode, down.stdout) == (0, "stopped postgres\n")
    assert run("down", "--home", home).stdout == "nothing was running\n"


def test_nothing_started_is_said_and_counts_as_down(home: Path) -> None:
    status = run("status", "--home", home)
    assert (status.returncode, status.stdout) == (1, f"no engines were started in {home}\n")


def test_an_unknown_engine_is_one_line_and_exit_code_one(home: Path) -> None:
    up = run("up", "redis", "--home", home)
    assert (up.returncode, up.stderr) == (1, "no such engine: redis (there are kafka, opensearch, postgres, oidc)\n")


def test_wrong_usage_is_exit_code_two() -> None:
    assert run("fly").returncode == 2


def test_help_shows_examples() -> None:
    assert "python -m engines token --role navigator" in run("--help").stdout
