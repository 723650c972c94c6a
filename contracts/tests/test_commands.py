"""`python -m contracts`: what it prints and its exit codes, in a copy of the contracts folder."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from contracts.__main__ import main

SCHEMA = "schema/care-unit-updated.json"


def without_field(folder: Path, path: str, field: str) -> None:
    """Take a field out of an older schema, as if the class had got it since."""
    schema = json.loads((folder / path).read_text(encoding="utf-8"))
    del schema["properties"][field]
    if field in schema["required"]:
        schema["required"].remove(field)
    (folder / path).write_text(json.dumps(schema), encoding="utf-8")


def test_the_committed_folder_passes_the_check_in_one_line_and_less_than_three_seconds():
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-m", "contracts", "check"], capture_output=True, text=True, check=False)
    assert time.monotonic() - started < 3
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"contracts: \d+ contracts and \d+ examples are as they should be\n", done.stdout)


def test_check_says_nothing_good_beside_a_problem(folder: Path, capsys: pytest.CaptureFixture[str]):
    (folder / "asyncapi.yaml").write_text("")
    assert main(["check"], folder) == 1
    assert capsys.readouterr().out == "asyncapi.yaml is stale: run `python -m contracts generate`\n"


def test_generate_check_names_each_stale_file_and_generate_puts_it_right(
    folder: Path, capsys: pytest.CaptureFixture[str]
):
    without_field(folder, SCHEMA, "name")
    assert main(["generate", "--check"], folder) == 1
    assert capsys.readouterr().out == f"{SCHEMA} is stale: run `python -m contracts generate`\n"
    assert main(["generate"], folder) == 0
    assert capsys.readouterr().out == f"wrote {SCHEMA}\n"
    assert main(["generate", "--check"], folder) == 0


def test_check_fails_on_a_stale_file_and_on_an_edited_example(folder: Path, capsys: pytest.CaptureFixture[str]):
    (folder / "asyncapi.yaml").write_text("")
    example = min((folder / "examples" / "care-unit-updated" / "v1").glob("*.json"))
    example.write_text(
        example.read_text(encoding="utf-8").replace("active", "open").replace("closed", "open"), encoding="utf-8"
    )
    assert main(["check"], folder) == 1
    out = capsys.readouterr().out
    assert "asyncapi.yaml is stale" in out
    assert f"examples/care-unit-updated/v1/{example.name} was edited or deleted" in out


def test_check_names_the_break_of_a_frozen_contract(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["freeze", "care-unit-updated"], folder) == 0
    assert main(["check"], folder) == 0
    without_field(folder, "frozen/care-unit-updated.v1.json", "name")
    capsys.readouterr()
    assert main(["check"], folder) == 1
    assert capsys.readouterr().out.startswith("care-unit-updated: name: new readers refuse old messages")
    assert main(["freeze", "care-unit-updated"], folder) == 2
    assert "is frozen and would break" in capsys.readouterr().err


def test_a_frozen_contract_that_grew_is_frozen_again(folder: Path, capsys: pytest.CaptureFixture[str]):
    main(["freeze", "care-unit-updated"], folder)
    frozen = folder / "frozen" / "care-unit-updated.v1.json"
    frozen.write_text(frozen.read_text(encoding="utf-8").replace("vårdenhet", "enhet"), encoding="utf-8")
    capsys.readouterr()
    assert main(["check"], folder) == 1
    assert "record it with `python -m contracts freeze care-unit-updated`" in capsys.readouterr().out
    assert main(["freeze", "care-unit-updated"], folder) == 0
    assert main(["check"], folder) == 0


def test_a_frozen_topic_without_a_class_is_a_break(folder: Path, capsys: pytest.CaptureFixture[str]):
    (folder / "frozen").mkdir()
    (folder / "frozen" / "gone-updated.v1.json").write_text("{}")
    assert main(["check"], folder) == 1
    assert "gone-updated: (message): new readers refuse old messages" in capsys.readouterr().out


def test_an_unknown_topic_is_one_line_and_code_2(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["freeze", "care-unit"], folder) == 2
    assert capsys.readouterr().err.startswith("contracts: care-unit is no topic; known are care-unit-updated,")


def test_outside_a_checkout_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["check"], tmp_path) == 2
    assert "source checkout" in capsys.readouterr().err


def test_help_shows_an_example(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    assert "Example: python -m contracts compare --base main" in capsys.readouterr().out
