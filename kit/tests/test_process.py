"""A process: started, stopped in order, its settings and its log, each seen from outside."""

import asyncio
import json
import logging as standard_logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import structlog
from pydantic import field_validator
from pydantic_settings import BaseSettings

from engines import eventually
from kit import logging, process, settings

SERVICE = """
import asyncio, sys
from contextlib import asynccontextmanager
from fastapi import FastAPI
from kit import logging, process

logging.configure("test")
port = int(sys.argv[1])

@asynccontextmanager
async def lifespan(app):
    yield
    print("closed", flush=True)

app = FastAPI(lifespan=lifespan)

@app.get("/slow")
async def slow() -> str:
    print("under way", flush=True)
    await asyncio.sleep(0.7)
    return "done"

async def work():
    try:
        await asyncio.Event().wait()
    finally:
        print("work ended", flush=True)

async def fail():
    await asyncio.sleep(0.2)
    raise ValueError("Anna Andersson")

async def broken_lifespan():
    @asynccontextmanager
    async def lifespan(app):
        raise OSError("no database")
        yield
    await process.serving(FastAPI(lifespan=lifespan), host="127.0.0.1", port=port)()

parts = {
    "serve": [process.serving(app, host="127.0.0.1", port=port), work],
    "fail": [process.serving(app, host="127.0.0.1", port=port), work, fail],
    "lifespan": [broken_lifespan, work],
    "done": [lambda: asyncio.sleep(0)],
}
process.run(*parts[sys.argv[2]])
"""


def _start(port: int, mode: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", SERVICE, str(port), mode]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_requests_under_way_are_finished_when_the_process_is_told_to_stop(
    unused_port: int, number: signal.Signals
) -> None:
    child = _start(unused_port, "serve")
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{unused_port}") as client:

        async def up() -> bool:
            try:
                return (await client.get("/nothing")).status_code == 404
            except httpx.TransportError as error:
                raise AssertionError(error) from None

        await eventually(up, within=20)
        asked = asyncio.create_task(client.get("/slow"))
        assert child.stdout is not None
        assert await asyncio.to_thread(child.stdout.readline) == "under way\n"
        child.send_signal(number)
        answer = await asked
    assert (answer.status_code, answer.json()) == (200, "done")
    rest, _ = await asyncio.to_thread(child.communicate, timeout=10)
    assert sorted(rest.split("\n")) == ["", "closed", "work ended"]
    assert child.returncode == 0


def test_a_part_that_fails_ends_the_process_with_code_1_and_the_others_in_order(unused_port: int) -> None:
    output, _ = (child := _start(unused_port, "fail")).communicate(timeout=20)
    assert child.returncode == 1
    assert "work ended" in output
    assert "closed" in output
    (line,) = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    assert line["event"] == "stopped by a fault"
    assert line["where"].startswith("ValueError < fail ")
    assert "Anna" not in output


def test_an_application_that_cannot_start_ends_the_process_with_an_error(unused_port: int) -> None:
    output, _ = (child := _start(unused_port, "lifespan")).communicate(timeout=20)
    assert child.returncode == 3
    assert "work ended" in output


def test_a_process_whose_parts_are_done_ends_with_code_0(unused_port: int) -> None:
    child = _start(unused_port, "done")
    child.communicate(timeout=20)
    assert child.returncode == 0


def test_help_names_every_command_and_shows_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    commands = {"api": "Serve the HTTP API.", "worker": "Work."}
    assert process.command("things", "Things.", commands, ["worker"]).command == "worker"
    with pytest.raises(SystemExit) as ended:
        process.command("things", "Things.", commands, ["--help"])
    shown = capsys.readouterr().out
    assert ended.value.code == 0
    assert "example: python -m things api" in shown
    assert "Serve the HTTP API." in shown
    for wrong in ([], ["other"], ["api", "--since", "today"]):
        with pytest.raises(SystemExit) as ended:
            process.command("things", "Things.", commands, wrong)
        assert ended.value.code == 2
    asked = process.command(
        "things",
        "Things.",
        commands,
        ["worker", "--since", "today"],
        {"worker": lambda worker: worker.add_argument("--since") and None},
    )
    assert (asked.command, asked.since) == ("worker", "today")


class Settings(BaseSettings):
    a_url: str
    a_count: int
    a_list: list[str] = []
    a_level: str = "INFO"

    @field_validator("a_level")
    @classmethod
    def _known(cls, level: str) -> str:
        if level not in {"INFO", "DEBUG"}:
            raise ValueError("must be INFO or DEBUG")
        return level


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({}, ["A_URL: field required", "A_COUNT: field required"]),
        ({"A_URL": "secret", "A_COUNT": "secret"}, ["A_COUNT: input should be a valid integer"]),
        ({"A_URL": "secret", "A_COUNT": "1", "A_LEVEL": "secret"}, ["A_LEVEL: value error, must be info or debug"]),
        ({"A_URL": "secret", "A_COUNT": "1", "A_LIST": "secret"}, ['error parsing value for field "a_list"']),
    ],
)
def test_a_bad_setting_is_one_line_without_its_value_and_exit_code_2(
    environment: dict[str, str],
    told: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in list(os.environ):
        if name.startswith("A_"):
            monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        settings.read(Settings)
    assert ended.value.code == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == len(told)
    assert all(line.startswith(f"setting {start}") for line, start in zip(lines, told, strict=True))
    assert "secret" not in str(lines)


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_URL", "here")
    monkeypatch.setenv("A_COUNT", "3")
    assert settings.read(Settings).a_count == 3


def test_log_records_are_json_lines_with_service_level_time_and_fields(
    log_lines: Callable[[], list[dict[str, Any]]],
) -> None:
    structlog.get_logger("things").info("made", name="Åsa\nÖst", number=3)
    standard_logging.getLogger("library").warning("told %s", "so")
    ours, theirs = log_lines()
    assert (ours["event"], ours["name"], ours["number"]) == ("made", "Åsa\nÖst", 3)
    assert (ours["service"], ours["level"], ours["logger"]) == ("kit-tests", "info", "things")
    assert ours["at"].startswith(time.strftime("%Y-", time.gmtime()))
    assert ours["at"].endswith("Z")
    assert (theirs["event"], theirs["level"], theirs["logger"]) == ("told so", "warning", "library")


def test_libraries_that_would_log_addresses_and_queries_are_kept_quiet(
    log_lines: Callable[[], list[dict[str, Any]]],
) -> None:
    standard_logging.getLogger("httpx").info("HTTP Request: GET http://x/?q=secret")
    standard_logging.getLogger("uvicorn.access").info("GET /?q=secret")
    assert log_lines() == []


def _fail(value: str) -> None:
    raise ValueError(f"bad value {value}")


def test_an_exception_is_logged_as_its_kind_and_place_never_its_message(
    log_lines: Callable[[], list[dict[str, Any]]],
) -> None:
    log = structlog.get_logger("things")
    try:
        _fail("secret")
    except ValueError as error:
        log.exception("by us")
        log.error("by us", exc_info=error)
        log.error("by us", where=logging.where(error))
        standard_logging.getLogger("library").exception("by a library")
    lines = log_lines()
    assert len(lines) == 4
    for line in lines:
        assert line["where"].startswith("ValueError < _fail ")
        assert "secret" not in str(line)
