"""How a command ends: faults are told by their name, a closed pipe is no fault, and Ctrl-C ends it at once."""

import asyncio
import io
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from kit import database
from upkeep import terminal

TALKING = """
import sys
from upkeep import terminal

async def work():
    for number in range(int(sys.argv[1])):
        terminal.out("a line")
    return 0

sys.exit(terminal.run("talk", work))
"""

ASKING = """
import sys
from upkeep import terminal

async def work():
    terminal.agreed("Everything goes.", yes=False)
    terminal.out("done")
    return 0

sys.exit(terminal.run("ask", work))
"""


@pytest.mark.parametrize("lines", [1, 100_000])
def test_output_that_nobody_reads_ends_the_command_quietly(lines: int):
    with subprocess.Popen(
        [sys.executable, "-c", TALKING, str(lines)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as talking:
        assert talking.stdout is not None
        assert talking.stderr is not None
        talking.stdout.close()
        assert talking.stderr.read() == b""
        assert talking.wait(20) == 141


def test_ctrl_c_at_the_question_ends_at_once_and_nothing_is_done():
    control, child = pty.openpty()
    command = [sys.executable, "-c", ASKING]
    with subprocess.Popen(command, stdin=child, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as asking:
        assert asking.stderr is not None
        assert asking.stdout is not None
        question = b"Everything goes. Proceed? [y/N] "
        assert os.read(asking.stderr.fileno(), 200) == question
        asking.send_signal(signal.SIGINT)
        assert asking.wait(20) == 130
        assert asking.stdout.read() == b""
        assert asking.stderr.read() == b"\nask: interrupted: what is done stays done, the rest is as it was\n"
    os.close(control)
    os.close(child)


@pytest.mark.parametrize("module", ["agreements", "catalog_sync", "gateway", "search"])
def test_ctrl_c_while_a_service_is_still_being_loaded_ends_quietly(module: str, tmp_path: Path):
    # Stands before the real one: what it imports first is interrupted.
    (tmp_path / "upkeep.py").write_text("import signal\nsignal.raise_signal(signal.SIGINT)\n")
    ended = subprocess.run(
        [sys.executable, "-m", module, "--help"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        check=False,
        timeout=30,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, b"", b"")


async def _answer(url: str, question: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    async def work() -> int:
        engine = database.connect(url, pool_size=1)
        try:
            async with engine.connect() as connection:
                await connection.execute(text(question))
        finally:
            await engine.dispose()
        return terminal.DONE

    code = await asyncio.to_thread(terminal.run, "things", work)
    return code, capsys.readouterr().err


@pytest.mark.engine
async def test_a_database_that_cannot_be_used_is_told_by_what_is_wrong_with_it(
    postgres_url: str,
    new_database: Callable[[str], Awaitable[str]],
    silent_port: str,
    capsys: pytest.CaptureFixture[str],
):
    empty = await new_database("")
    for url, question, words in (
        (f"{postgres_url}/there_is_none", "SELECT 1", "there is no such database: create it and run `migrate`"),
        (
            empty,
            "SELECT * FROM outbox",
            "its tables are not there: run `migrate`, or POSTGRES_URL is another service's",
        ),
        (empty, "SELECT nothing FROM pg_class", "its tables are not as they should be: run `migrate`"),
        ("postgresql://x@there-is-none.invalid/x", "SELECT 1", "PostgreSQL's host cannot be found: check POSTGRES_URL"),
        (f"postgresql://x@{silent_port}/x", "SELECT 1", "PostgreSQL is away (ConnectionRefusedError); run it again"),
        (empty.replace("//postgres@", "//nobody-known@"), "SELECT 1", "PostgreSQL refuses the user or the password"),
    ):
        code, told = await _answer(url, question, capsys)
        assert code == terminal.FAILED
        assert told.startswith(f"things: {words}")
        assert told.count("\n") == 1


async def test_a_file_that_cannot_be_read_is_not_blamed_on_the_database(tmp_path: Path, capsys):
    async def work() -> int:
        return len((tmp_path / "absent.csv").read_bytes())

    assert await asyncio.to_thread(terminal.run, "things", work) == terminal.FAILED
    assert capsys.readouterr().err == f"things: {tmp_path}/absent.csv: No such file or directory\n"


async def test_a_mistake_of_the_code_is_not_hidden(postgres_url: str, capsys):
    with pytest.raises(Exception, match="syntax error"):
        await _answer(f"{postgres_url}/postgres", "SELEKT", capsys)


class _Stderr(io.StringIO):
    def __init__(self, *, watched: bool) -> None:
        super().__init__()
        self._watched = watched

    def isatty(self) -> bool:
        return self._watched


def test_where_somebody_watches_a_bar_moves_and_elsewhere_lines_are_written(monkeypatch: pytest.MonkeyPatch):
    seen = {}
    for watched in (True, False):
        monkeypatch.setattr(sys, "stderr", _Stderr(watched=watched))
        tell = terminal.telling()
        tell("rows", 500, 1000)
        tell("rows", 501, 1000)
        tell("rows", 1000, 1000)
        seen[watched] = sys.stderr.getvalue()

    assert seen[False] == "rows: 500 of 1000\nrows: 1000 of 1000\n"
    assert seen[True] == (
        "\rrows: 500 of 1000  [############............] 50 %\x1b[K"
        "\rrows: 1000 of 1000  [########################] 100 %\x1b[K\n"
    )


@pytest.mark.parametrize(("done", "of", "percent"), [(0, 0, 100), (0, 3, 0), (1, 3, 33), (3, 3, 100), (5, 3, 100)])
def test_a_bar_is_never_longer_than_itself(done: int, of: int, percent: int):
    drawn = terminal.bar(done, of)

    assert drawn.endswith(f" {percent} %")
    assert drawn.index("]") == 25
