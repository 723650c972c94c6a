"""Bad input through the service: each has a plain answer, and the good rows beside it are taken."""

import copy
import io
import json
import zipfile
from typing import Any

import pytest
import xlsxwriter

from agreements.service.working_off import WorkingOff
from demo.submission_file import Clinic, Known, content
from intake import COLUMNS
from intake.writing import rows_of, write_csv, write_xlsx

pytestmark = pytest.mark.engine

KNOWN = Known(
    "14",
    [Clinic("SE5561234567-A0017", "SE5561234567-0001", "Exempel AB", "5561234567")],
    "SE5561234567-A0099",
    ("CJE20",),
)
AT = {column.heading: index for index, column in enumerate(COLUMNS)}


def row(number: str, **cells: Any) -> list[Any]:
    """A right row, but for the cells that are told (`_` for a blank in a heading)."""
    (made,) = (list(one) for one in rows_of({**content(KNOWN, number, 0, 1), "commissioning_regions": ["14"]}))
    for heading, cell in cells.items():
        made[AT[heading.replace("_", " ")]] = cell
    return made


def workbook(*rows: list[Any]) -> bytes:
    file = io.BytesIO()
    write_xlsx(rows, file)
    return file.getvalue()


def table(*rows: list[Any]) -> bytes:
    file = io.BytesIO()
    write_csv(rows, file)
    return file.getvalue()


@pytest.fixture
def judged(office):
    async def work(upload: bytes) -> dict[str, Any]:
        answer = await office.call("anna", "POST", "/agreement-submissions", content=upload)
        assert answer.status_code == 202, answer.text
        assert await WorkingOff(office.sessions.kw["bind"]).work_one()
        every = "&".join(f"verdict={one}" for one in ("accepted", "unchanged", "conflict", "rejected"))
        return dict((await office.call("anna", "GET", f"{answer.headers['location']}?{every}&limit=100")).json())

    return work


def told(found: dict[str, Any]) -> list[tuple[str, str]]:
    """Verdict and first reason of each agreement."""
    return [(one["verdict"], (one["findings"] or [{"reason": ""}])[0]["reason"]) for one in found["verdicts"]]


async def test_habits_of_excel_are_read_and_do_not_hurt(judged):
    found = await judged(
        workbook(
            row("1 ", **{"KVÅ-koder": " cje20 "}),
            row("2", vårdenheter=" se5561234567-a0017 "),
            row("3", giltigt_till="2028-02-29"),
        )
    )
    assert [verdict for verdict, _ in told(found)] == ["accepted"] * 3
    assert [one["number"] for one in found["verdicts"]] == ["1", "2", "3"]


async def test_days_that_are_none_or_far_away_and_codes_that_have_ended_are_told(judged):
    found = await judged(
        workbook(
            row("1", giltigt_till="2027-02-29"),
            row("2", giltigt_från="2041-01-01", giltigt_till="2042-01-01"),
            row("3", **{"KVÅ-koder": "CJE99"}),
            row("4", **{"KVÅ-koder": "CJE98"}),
            row("5", giltigt_från="2035-01-01", giltigt_till="2036-01-01"),
        )
    )
    verdicts = told(found)
    assert [verdict for verdict, _ in verdicts] == ["rejected"] * 5
    assert "is more than 5 years ahead" in verdicts[4][1]
    assert "retired" in verdicts[2][1]
    assert "retired after" in verdicts[3][1]


async def test_formulas_merged_cells_and_hidden_sheets_are_told(judged):
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as book:
        hidden = book.add_worksheet("Gammalt")
        hidden.write_string(0, 0, "Hemligt")
        hidden.hide()
        sheet = book.add_worksheet("Avtal")
        for index, column in enumerate(COLUMNS):
            sheet.write_string(0, index, column.heading)
        for number, cells in enumerate((row("1"), row("2"), row("3")), start=1):
            for index, cell in enumerate(cells):
                if cell is not None:
                    sheet.write(number, index, str(cell))
        sheet.write_formula(2, AT["namn"], "=A1&B1", None, "")
        sheet.activate()
    found = await judged(file.getvalue())
    assert [verdict for verdict, _ in told(found)] == ["accepted", "rejected", "accepted"]
    assert "=A1" not in json.dumps(found)
    assert "Hemligt" not in json.dumps(found)
    assert found["findings"], "the hidden sheet is told of"


async def test_the_same_row_twice_is_one_agreement(judged, office):
    found = await judged(workbook(row("1"), row("1"), row("2")))
    assert told(found) == [("accepted", "is the same as row 2: read once"), ("accepted", "")]
    assert found["verdicts"][0]["findings"][0]["note"] is True, "it refuses nothing"
    assert (await office.counts())["agreement"] == 2


async def test_a_zip_bomb_ends_as_a_file_that_cannot_be_read(judged):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        with zipfile.ZipFile(io.BytesIO(workbook(row("1")))) as real:
            for name in real.namelist():
                if name != "xl/worksheets/sheet1.xml":
                    packed.writestr(name, real.read(name))
        packed.writestr("xl/worksheets/sheet1.xml", b" " * (400 * 1024 * 1024))
    assert len(file.getvalue()) < 1024 * 1024
    found = await judged(file.getvalue())
    assert (found["status"], found["verdicts"]) == ("failed", [])
    assert found["findings"][0]["reason"]


async def test_nul_bytes_in_a_table_and_a_line_of_10_mb_hold_nobody_up(judged, body):
    rotten = table(row("1"), row("2")).replace(b"Syntetiska", b"Synt\x00etiska", 1)
    found = await judged(rotten)
    assert told(found) == [("rejected", "must not hold control characters"), ("accepted", "")]
    long = json.dumps({**body, "number": "lång", "description": "x" * (10 * 1024 * 1024)})
    lines = "\n".join([json.dumps({**body, "number": "1"}), long, json.dumps({**body, "number": "3"})])
    verdicts = told(await judged(lines.encode()))
    assert [verdict for verdict, _ in verdicts] == ["accepted", "rejected", "accepted"]
    assert "longer than" in verdicts[1][1]


async def test_a_file_of_200_mb_is_refused_before_it_is_kept(office):
    async def pieces():
        for _ in range(200):
            yield b"x" * (1024 * 1024)

    answer = await office.call("anna", "POST", "/agreement-submissions", content=pieces())
    assert (answer.status_code, "larger than 20 MiB" in answer.json()["detail"]) == (413, True)
    assert (await office.call("anna", "GET", "/agreement-submissions")).json()["total"] == 0


async def test_5000_errors_in_one_file_are_all_there_page_by_page(office, judged, body):
    body["services"][0]["units"] = ["SE5561234567-FINNS1INTE"]
    wrong = [json.dumps({**copy.deepcopy(body), "number": f"N {place}"}) for place in range(5000)]
    found = await judged("\n".join(wrong).encode())
    assert (found["status"], found["counts"]["rejected"], found["total"]) == ("done", 5000, 5000)
    last = (await office.call("anna", "GET", f"/agreement-submissions/{found['id']}?limit=100&page=50")).json()
    assert [one["rows"] for one in last["verdicts"]] == [[place] for place in range(4901, 5001)]
