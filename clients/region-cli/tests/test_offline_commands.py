"""`vf-region check`, `convert` and `schema`: what a region can do on its own machine, without a network."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from rich.console import Console
from sent_tables import SOUND, Book, as_csv, row

from region_cli import terminal
from region_cli.main import main

FAR_LONGER_THAN_A_LINE = "x" * 500


def ran(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = main([str(word) for word in words])
    out, err = capsys.readouterr()
    return code, out, err


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "right.csv").write_bytes(as_csv([row(), row(avtalsnummer="AVT-2")]).getvalue())
    (tmp_path / "wrong.csv").write_bytes(
        as_csv([row(), row(avtalsnummer="AVT-2", giltigt_från="1/2 2026", region="13")]).getvalue()
    )
    return tmp_path


def test_a_right_file_is_told_in_one_line_and_gives_exit_code_0(capsys: Any, folder: Path) -> None:
    assert ran(capsys, "check", "right.csv", "--region", "14") == (0, "", "right.csv: 2 rätt, på 2 rader\n")


def test_a_period_that_is_over_is_wrong_here_as_it_is_there(capsys: Any, folder: Path) -> None:
    over = row(giltigt_från="2020-01-01", giltigt_till="2021-12-31")
    (folder / "over.csv").write_bytes(as_csv([over]).getvalue())
    code, out, err = ran(capsys, "check", "over.csv", "--region", "14")
    assert code == 1
    assert "AVT-1 avvisat: giltigt till: perioden är slut: det finns inget att publicera" in out
    assert err == "over.csv: 1 fel, på 1 rader\n"


def test_a_file_that_cannot_be_read_at_all_is_json_too(capsys: Any, folder: Path) -> None:
    (folder / "headless.csv").write_text("a;b\n1;2\n")
    code, out, err = ran(capsys, "check", "headless.csv", "--json")
    assert code == 2
    told = json.loads(out)
    assert told["status"] == "failed"
    assert told["findings"][0]["reason"].startswith("is not a table of agreements")
    assert err.startswith("vf-region: headless.csv: ")


def test_a_mapping_that_means_nothing_names_its_own_words_in_swedish(capsys: Any, folder: Path) -> None:
    (folder / "map.toml").write_text(
        '[headings]\nAvtalsnr = "avtalsnumer"\n[constants]\nfoo = "x"\n[values.typ]\nX = "kontrakt"\n'
    )
    _, _, err = ran(capsys, "check", "right.csv", "--mapping", "map.toml")
    assert err.splitlines() == [
        (
            "vf-region: right.csv: mapping.headings.Avtalsnr = avtalsnumer: är ingen av våra kolumner "
            "(menas avtalsnummer?)"
        ),
        "vf-region: right.csv: mapping.constants.foo: är ingen av våra kolumner",
        "vf-region: right.csv: mapping.values.typ.X = kontrakt: ska vara ett av avtal, överenskommelse, uppdrag",
    ]


def test_a_swedish_key_without_quotes_in_a_mapping_is_told_with_what_to_do(capsys: Any, folder: Path) -> None:
    (folder / "map.toml").write_text('[headings]\nVårdgivare = "vårdgivare namn"\n')
    _, _, err = ran(capsys, "check", "right.csv", "--mapping", "map.toml")
    assert 'a key with å, ä, ö or a blank stands in quotation marks: "Vårdgivare" = "vårdgivare namn"' in err


def test_wrong_rows_are_told_one_a_line_that_grep_can_find_and_give_exit_code_1(capsys: Any, folder: Path) -> None:
    code, out, err = ran(capsys, "check", "wrong.csv", "--region", "14")
    assert code == 1
    assert out.splitlines() == [
        (
            "wrong.csv:3: AVT-2 avvisat: giltigt från: ska vara en dag, skriven 2026-01-31 "
            "(menas 2026-01-02 eller 2026-02-01?)"
        ),
        "wrong.csv:3: AVT-2 avvisat: region: är en annan regions: en region skickar sina egna avtal",
    ]
    assert err == "wrong.csv: 1 rätt, 1 fel, på 2 rader\n"


def test_json_tells_machines_the_same(capsys: Any, folder: Path) -> None:
    code, out, err = ran(capsys, "check", "wrong.csv", "--region", "14", "--json")
    told = json.loads(out)
    assert (code, err, told["counts"]) == (1, "", {"right": 1, "wrong": 1})
    [verdict] = told["verdicts"]
    assert (verdict["number"], verdict["rows"], verdict["verdict"]) == ("AVT-2", [3], "rejected")
    assert set(verdict["findings"][0]) == {"field", "reason", "row", "column", "value", "suggestion"}


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["check", "missing.csv"], "missing.csv: No such file or directory"),
        (["check", "."], ".: Is a directory"),
        (["check", "no.xlsx"], "no.xlsx: är skadad, eller ingen Excelarbetsbok"),
        (["check", "none.json"], "none.json: har inga avtal"),
        (["check", "headless.csv"], "headless.csv: är ingen tabell över avtal: ingen av rubrikerna är någon av våra"),
        (["check", "right.csv", "--mapping", "bad.toml"], "bad.toml: is no TOML"),
        (["check", "right.csv", "--codes", "bad.txt"], "bad.txt:2: must look like CJE20"),
        (["convert", "right.csv", "--mapping", "empty.toml", "--to", "out.pdf"], "out.pdf: must end in"),
        (["convert", "right.csv", "--mapping", "empty.toml", "--to", "right.csv"], "right.csv: is there already"),
        (["convert", "right.csv", "--mapping", "empty.toml", "--to", "no/out.csv"], "no/out.csv: No such file"),
        (["push", "right.csv", "--kafka", "127.0.0.1:1"], "--kafka needs --region"),
        (["push", "right.csv", "--http", "ftp://x"], "--http must be a web address"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line_with_exit_code_2(
    capsys: Any, folder: Path, words: list[str], reason: str
) -> None:
    (folder / "no.xlsx").write_bytes(b"PK\x03\x04 nothing")
    (folder / "none.json").write_text("[]")
    (folder / "headless.csv").write_text("a;b\n1;2\n")
    (folder / "bad.toml").write_text("[headings")
    (folder / "bad.txt").write_text("kva|CJE20\nkva|CJE2\n")
    (folder / "empty.toml").write_text("")
    code, out, err = ran(capsys, *words)
    assert (code, out) == (2, "")
    assert f"vf-region: {reason}" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("words", [[], ["check"], ["push", "x"], ["check", "x", "--region", "99"]])
def test_wrong_usage_gives_exit_code_2_too(capsys: Any, words: list[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(words)
    assert left.value.code == 2


@pytest.mark.parametrize("command", ["check", "convert", "push", "watch", "schema"])
def test_the_help_of_every_command_has_an_example(capsys: Any, command: str) -> None:
    with pytest.raises(SystemExit) as left:
        main([command, "--help"])
    assert left.value.code == 0
    assert f"example: vf-region {command}" in capsys.readouterr().out


def test_known_codes_are_looked_up_in_a_list_the_region_has(capsys: Any, folder: Path) -> None:
    (folder / "codes.txt").write_text("# KVÅ 2026\nkva|CJC10\nkva|CJE99 # the rest\n")
    code, out, _ = ran(capsys, "check", "right.csv", "--codes", "codes.txt")
    assert code == 1
    assert "right.csv:2: AVT-1 avvisat: KVÅ-koder: finns inte i din lista över koder (menas CJE99?)" in out


def test_what_is_under_secrecy_is_told_by_its_row_alone(capsys: Any, folder: Path) -> None:
    (folder / "secret.csv").write_bytes(as_csv([row(sekretess="ja")]).getvalue())
    code, out, _ = ran(capsys, "check", "secret.csv", "--json")
    assert code == 1
    assert "AVT-1" not in out
    assert "SE5561234567" not in out


MAPPING = """
[headings]
"Dnr" = "avtalsnummer"
"Handläggare" = ""

[constants]
region = "14"

[values.typ]
"Ramavtal" = "avtal"
"""


@pytest.mark.parametrize("ending", ["jsonl", "csv", "xlsx"])
def test_a_regions_own_spreadsheet_is_converted_and_what_it_became_is_right(
    capsys: Any, folder: Path, ending: str
) -> None:
    own = [{**SOUND, "Dnr": f"AVT-{number}", "Handläggare": "någon", "typ": "Ramavtal"} for number in range(3)]
    own[2]["giltigt från"] = "i vår"
    for one in own:
        del one["avtalsnummer"], one["region"]
    (folder / "own.xlsx").write_bytes(Book(own).file().getvalue())
    (folder / "map.toml").write_text(MAPPING)
    code, out, err = ran(capsys, "convert", "own.xlsx", "--mapping", "map.toml", "--to", f"out.{ending}")
    assert (code, err) == (1, f"out.{ending}: 2 omgjorda, 1 utelämnat\n")
    assert "own.xlsx:4: AVT-2 avvisat: giltigt från: ska vara en dag" in out
    assert ran(capsys, "check", f"out.{ending}", "--region", "14")[0] == 0
    assert ran(capsys, "convert", "own.xlsx", "--mapping", "map.toml", "--to", f"out.{ending}")[0] == 2
    assert ran(capsys, "convert", "own.xlsx", "--mapping", "map.toml", "--to", f"out.{ending}", "--force")[0] == 1


def test_the_printed_schema_takes_what_convert_writes(capsys: Any, folder: Path) -> None:
    code, out, _ = ran(capsys, "schema")
    assert code == 0
    schema = json.loads(out)
    (folder / "map.toml").write_text("")
    ran(capsys, "convert", "right.csv", "--mapping", "map.toml", "--to", "out.jsonl")
    for line in (folder / "out.jsonl").read_text().splitlines():
        jsonschema.validate(json.loads(line), schema)


def test_on_a_terminal_the_findings_are_a_table_and_signs_that_steer_it_are_taken_out(
    capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal, "Console", lambda: Console(force_terminal=True, no_color=True, width=150))
    finding = {"row": 3, "column": "namn", "value": "[red]\x1b[31mx", "reason": "is wrong", "suggestion": None}
    terminal.tell_verdicts("a.csv", [{"rows": [3], "number": "A", "verdict": "rejected", "findings": [finding]}])
    out = capsys.readouterr().out
    assert "vad som är fel" in out
    assert "[red] [31mx" in out


def test_the_command_is_installed_and_runs_without_a_terminal_and_without_colours(folder: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "region_cli", "check", "wrong.csv"],
        capture_output=True,
        env={**os.environ, "NO_COLOR": "1"},
        check=False,
    )
    assert ran.returncode == 1
    assert b"\x1b" not in ran.stdout + ran.stderr
    assert "wrong.csv:3: AVT-2 avvisat" in ran.stdout.decode()


@pytest.mark.parametrize("file", ["- < right.csv", "<(cat right.csv)"])
def test_a_file_may_come_by_a_pipe(folder: Path, file: str) -> None:
    piped = f"{sys.executable} -m region_cli check --region 14 {file}"
    ran = subprocess.run(["bash", "-c", piped], capture_output=True, check=False)
    assert (ran.returncode, ran.stdout) == (0, b"")
    assert "2 rätt, på 2 rader" in ran.stderr.decode()


def test_the_version_is_told(capsys: Any) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--version"])
    assert left.value.code == 0
    assert capsys.readouterr().out.startswith("vf-region 0.")


def test_whoever_stops_reading_the_output_gets_no_stack_trace(folder: Path) -> None:
    many = [row(avtalsnummer=f"AVT-{number}", namn=FAR_LONGER_THAN_A_LINE) for number in range(2_000)]
    (folder / "many.csv").write_bytes(as_csv(many).getvalue())
    piped = f"{sys.executable} -m region_cli check many.csv | head -1"
    ran = subprocess.run(["bash", "-c", piped], capture_output=True, check=False)
    assert "Traceback" not in ran.stderr.decode()
    assert "BrokenPipe" not in ran.stderr.decode()


def test_a_file_without_a_region_is_checked_and_that_is_told_once(folder: Path, capsys: Any) -> None:
    (folder / "none.csv").write_bytes(as_csv([row(region=""), row(region="", avtalsnummer="2")]).getvalue())
    assert main(["check", "none.csv"]) == 0
    err = capsys.readouterr().err
    assert err.count("--region NN") == 1
    assert "2 rätt" in err
    (folder / "map.toml").write_text("", "utf-8")
    assert main(["convert", "none.csv", "--mapping", "map.toml", "--to", "to.jsonl"]) == 2
    assert "say --region NN" in capsys.readouterr().err


def test_a_file_is_never_converted_into_itself(folder: Path, capsys: Any) -> None:
    (folder / "map.toml").write_text("", "utf-8")
    words = ["convert", "right.csv", "--mapping", "map.toml", "--to", "./right.csv", "--force"]
    before = (folder / "right.csv").read_bytes()
    assert main(words) == 2
    assert "is the file that is read" in capsys.readouterr().err
    assert (folder / "right.csv").read_bytes() == before


def test_a_file_larger_than_the_service_takes_is_told(folder: Path, capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("region_cli.checking.UPLOAD_BYTES", 10)
    main(["check", "right.csv", "--region", "14"])
    assert "tjänsten tar emot högst" in capsys.readouterr().err


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_a_terminal_that_lacks_a_sign_stops_nothing(folder: Path, more: list[str]) -> None:
    (folder / "pl.csv").write_bytes(as_csv([row(avtalsnummer="Łódź-1", namn="")]).getvalue())
    ran = subprocess.run(
        [sys.executable, "-m", "region_cli", "check", "pl.csv", "--region", "14", *more],
        cwd=folder,
        env={**os.environ, "PYTHONIOENCODING": "cp1252"},
        capture_output=True,
        check=False,
    )
    assert ran.returncode == 1
    assert b"Traceback" not in ran.stderr
    if more:
        assert json.loads(ran.stdout.decode("cp1252"))["verdicts"][0]["number"] == "Łódź-1"


def test_columns_prints_the_page_that_explains_them(capsys: Any) -> None:
    assert main(["columns"]) == 0
    assert "| avtalsnummer | `number` |" in capsys.readouterr().out
