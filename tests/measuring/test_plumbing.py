"""The measurement of the plumbing: what it prints, and that it leaves nothing behind."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A folder for temporary files of its own, which PostgreSQL's account may enter."""
    with tempfile.TemporaryDirectory(prefix="measuring-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


def begin(temporary: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "bench.plumbing", *arguments],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.engine
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_small_run_prints_each_figure_beside_its_ceiling_and_its_goal(temporary):
    process = begin(temporary, "--small", "--only", "relay,consumer")
    printed, progress = process.communicate()
    assert process.returncode == 0, progress
    found = json.loads(printed)
    for name in ("relay", "consumer"):
        entry = found[name]
        assert entry["ours"] > 0
        assert entry["ceiling"] > 0
        assert entry["ratio"] == pytest.approx(entry["ours"] / entry["ceiling"], abs=0.01)
        assert entry["ours_more"]["cpu_s"].keys() == {"ours", "kafka", "postgres", "others"}
    assert found["goals"]["relay beside aiokafka"]["value"] == found["relay"]["ratio"]
    assert {goal["reached"] for goal in found["goals"].values()} <= {True, False}


@pytest.mark.engine
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_an_interrupted_run_leaves_no_process_and_no_file(temporary):
    process = begin(temporary, "--small", "--only", "relay")
    for line in process.stderr:
        if line.startswith("[relay]"):
            break
    process.send_signal(signal.SIGINT)
    printed, _ = process.communicate()
    assert process.returncode == 130
    assert printed == ""
    assert [left for left in temporary.iterdir() if not left.name.startswith("vardformedling-ports-")] == []
    assert not [line for line in Path("/proc").glob("[0-9]*/cmdline") if str(temporary) in _read(line)], (
        "a process goes on"
    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--only", "speed"], "not known: speed"),
        (["--peer", "debezium", "--only", "memory"], "relay and latency only"),
    ],
)
def test_wrong_usage_is_told_before_anything_starts(temporary, arguments, told):
    process = begin(temporary, *arguments)
    _, said = process.communicate()
    assert process.returncode == 2
    assert told in said
    assert list(temporary.iterdir()) == []


def _read(file: Path) -> str:
    try:
        return file.read_text(errors="replace")
    except OSError:
        return ""
