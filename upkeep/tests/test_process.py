"""A process: started, stopped in order, and its command line, each seen from outside."""

import asyncio
import json
import signal
import subprocess
import sys

import httpx
import pytest

from engines import eventually
from upkeep import process

REPEATING = """
import logging as standard_logging
from kit import logging
from upkeep import process

logging.configure("test")

async def work():
    for number in range(1000):
        standard_logging.getLogger("aiokafka").error("Unable connect to node with id %s", number)
        standard_logging.getLogger("aiokafka.producer").error("Unable to update metadata from [%s]", number)
    for _ in range(3):
        standard_logging.getLogger("things").error("ours")

process.run(work)
"""

SERVICE = """
import asyncio, sys
from contextlib import asynccontextmanager
from fastapi import FastAPI
from kit import logging
from upkeep import process

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


def test_a_library_that_repeats_itself_while_a_broker_is_away_does_not_flood_the_log():
    ended = subprocess.run([sys.executable, "-c", REPEATING], capture_output=True, check=True, timeout=30)
    told = [json.loads(line)["event"] for line in ended.stdout.splitlines()]
    assert told == ["Unable connect to node with id 0", "Unable to update metadata from [0]", "ours", "ours", "ours"]
