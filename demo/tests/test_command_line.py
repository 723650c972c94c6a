"""The demo's commands where nothing can be started: told in a line, with an exit code that means something."""

from pathlib import Path

import pytest

from demo.cli import run, up


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
