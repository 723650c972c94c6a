"""Child processes, with small scripts in the place of engines."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engines import observe, ports, process, state
from engines.errors import EngineError, NotReadyError


def never() -> None:
    raise NotReadyError("it does not answer")


def test_an_early_end_names_engine_exit_code_and_last_lines(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    child = process.launch(["sh", "-c", "seq 30; echo broken setting; exit 3"], log=log, env={})
    with pytest.raises(EngineError) as seen:
        process.await_ready("kafka", child, never, patience=10, log=log)
    first, *lines = str(seen.value).splitlines()
    assert first == f"kafka ended with exit code 3; the last lines of {log}:"
    assert lines == [*map(str, range(12, 31)), "broken setting"]


def test_the_exit_code_is_named_although_it_can_be_had_only_a_moment_after_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What a process of many threads looks like while the last of them end.
    monkeypatch.setattr(process, "start_time", lambda _: None)
    log = tmp_path / "log.txt"
    child = process.launch(["sh", "-c", "sleep 0.3; exit 3"], log=log, env={})
    with pytest.raises(EngineError, match="kafka ended with exit code 3"):
        process.await_ready("kafka", child, never, patience=10, log=log)


def test_a_signal_that_ended_it_is_named(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    child = process.launch(["sh", "-c", "kill -9 $$"], log=log, env={})
    with pytest.raises(EngineError, match="kafka was ended by SIGKILL"):
        process.await_ready("kafka", child, never, patience=10, log=log)


def test_waiting_ends_at_the_deadline_with_the_latest_reason(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    child = process.launch(["sleep", "60"], log=log, env={})
    with pytest.raises(EngineError, match=r"not ready after 0 s \(it does not answer\)"):
        process.await_ready("oidc", child, never, patience=0.2, log=log)
    child.end(signal.SIGTERM)
    assert not child.alive()


def test_a_process_deaf_to_the_polite_signal_is_killed_with_its_children(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    child = process.launch(["sh", "-c", "trap '' TERM; sleep 60 & echo $!; wait"], log=log, env={})
    while not log.read_text():
        time.sleep(0.01)
    grandchild = int(log.read_text())
    child.end(signal.SIGTERM, patience=0.2)
    assert not child.alive()
    assert observe.start_time(grandchild) is None


def test_a_reused_process_id_is_not_taken_for_ours(tmp_path: Path) -> None:
    note = state.State(os.getpid(), "1", (20000,), "127.0.0.1:20000", "log.txt", int(signal.SIGTERM), False)
    state.write(tmp_path, note)
    read = state.read(tmp_path)
    assert read == note
    assert not read.child.alive()
    read.child.kill()


def test_a_damaged_note_counts_as_none(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text('{"pid": 1')
    assert state.read(tmp_path) is None


@pytest.mark.skipif(sys.platform != "linux", reason="the death signal is a Linux feature")
def test_a_child_does_not_outlive_a_killed_starter(tmp_path: Path) -> None:
    script = (
        "import os, signal, time; from pathlib import Path; from engines import process\n"
        f"child = process.launch(['sleep', '60'], log=Path({str(tmp_path / 'log.txt')!r}), env={{}},"
        " death_signal=signal.SIGTERM)\n"
        "time.sleep(0.3); print(child.pid, child.started, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    pid, started = answer.stdout.split()
    assert process.Child(int(pid), started).wait(5)


def test_a_claimed_port_is_not_given_twice() -> None:
    first = ports.claim(range(21000, 21002))
    second = ports.claim(range(21000, 21002))
    assert {first.port, second.port} == {21000, 21001}
    with pytest.raises(EngineError, match="no free port between 21000 and 21001"):
        ports.claim(range(21000, 21002))
    first.release()
    again = ports.claim(range(21000, 21002), previous=first.port)
    assert again.port == first.port
    again.release()
    second.release()
