"""`python -m upkeep create-topics`, seen from outside."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from upkeep.__main__ import main

pytestmark = pytest.mark.engine


def test_help_shows_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    assert stopped.value.code == 0
    assert "example: python -m upkeep create-topics topics.yaml" in " ".join(capsys.readouterr().out.split())


def _command(file: Path, bootstrap: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "upkeep", "create-topics", str(file), "--bootstrap", bootstrap]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_the_command_creates_the_topics_of_a_file(kafka_address: str, unique: str, tmp_path: Path) -> None:
    file = tmp_path / "topics.yaml"
    file.write_text(f"topics:\n- name: {unique}\n  partitions: 1\n  config: {{}}\n")
    answers = [_command(file, kafka_address) for _ in range(2)]
    assert [(answer.returncode, answer.stdout) for answer in answers] == [
        (0, "1 topics created\n"),
        (0, "0 topics created\n"),
    ]


def test_the_command_tells_in_one_line_that_no_broker_answers(silent_port: str, tmp_path: Path) -> None:
    file = tmp_path / "topics.yaml"
    file.write_text("topics: []\n")
    begun = time.monotonic()
    for answer in (_command(file, silent_port), _command(tmp_path / "missing.yaml", silent_port)):
        assert answer.returncode == 1
        assert answer.stdout == ""
        assert answer.stderr.startswith("create-topics: ")
        assert answer.stderr.count("\n") == 1, answer.stderr
    assert time.monotonic() - begun < 10
