"""The empty table to download, and tables we write: they suggest, explain, and never hold a formula of somebody's."""

import csv
import io
import re
import tomllib
import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, get_args

import pytest
import python_calamine
from pydantic import BaseModel
from python_calamine import SheetVisibleEnum

import intake
from contracts.agreement_form import AgreementForm
from intake import Mapped, template_csv, template_xlsx
from intake.columns import COLUMNS, EXAMPLE
from intake.explaining import SAMPLE, explanation
from intake.writing import write_csv, write_xlsx

TODAY = date(2026, 3, 1)


@pytest.mark.parametrize("made", [template_xlsx(region="13"), template_csv(region="13")], ids=["xlsx", "csv"])
def test_the_example_row_is_not_read_and_is_right_once_it_has_a_number(made: bytes) -> None:
    with pytest.raises(intake.UnreadableFile, match="example row and no agreement"):
        intake.read(io.BytesIO(made))
    if made.startswith(b"PK"):
        rows = python_calamine.load_workbook(io.BytesIO(made)).get_sheet_by_index(0).to_python()
    else:
        rows = [*csv.reader(io.StringIO(made.decode("utf-8-sig")), delimiter=";")]
    assert rows[1][0] == EXAMPLE
    file = io.BytesIO()
    write_xlsx([["AVT-1", *[cell if cell != "" else None for cell in rows[1][1:]]]], file)
    [sent] = intake.read(file)
    assert intake.check(sent, region="13", today=TODAY).findings == ()


def test_the_workbook_offers_the_words_the_codes_and_the_regions_units() -> None:
    codes = {"kva": {"CJE20": "Operation av grå starr", "CJC10": "Annat"}, "icd": {}, "vt": {}}
    made = template_xlsx(codes=codes, units={"SE5561234567-A0017": "Ögonkliniken"})
    book = python_calamine.load_workbook(io.BytesIO(made))
    assert [(sheet.name, sheet.visible == SheetVisibleEnum.Visible) for sheet in book.sheets_metadata] == [
        ("Avtal", True), ("Förklaringar", True), ("Enhetslista", True), ("Kodlista", True), ("Listor", False),
    ]  # fmt: skip
    listed = {cell for row in book.get_sheet_by_name("Listor").iter_rows() for cell in row}
    assert {"överenskommelse", "Riksavtalet", "fast pris"} <= listed
    # Who chooses among ids sees what they are called.
    assert book.get_sheet_by_name("Enhetslista").to_python()[1:] == [["SE5561234567-A0017", "Ögonkliniken"]]
    assert book.get_sheet_by_name("Kodlista").to_python()[1:] == [
        ["KVÅ-koder", "CJE20", "Operation av grå starr"],
        ["KVÅ-koder", "CJC10", "Annat"],
    ]
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
    assert sheet.count("<dataValidation ") == sum(
        bool(column.kind.words) or column.heading in ("KVÅ-koder", "vårdenheter") for column in COLUMNS
    )
    assert {"Enhetslista!$A$2:$A$2", "Kodlista!$B$2:$B$3"} <= set(re.findall(r"<formula1>([^<]+)</formula1>", sheet))


def test_a_text_that_looks_like_a_formula_is_never_written_as_one() -> None:
    evil = ["=1+1", "+1", "-1", "@SUM(A1)", "'x"]
    rows = [[text, *[None] * (len(COLUMNS) - 1)] for text in evil]
    table, book = io.BytesIO(), io.BytesIO()
    write_csv(rows, table)
    write_xlsx(rows, book)
    assert [line[0] for line in csv.reader(io.StringIO(table.getvalue().decode("utf-8-sig")), delimiter=";")][1:] == [
        f"'{text}" for text in evil
    ]
    with zipfile.ZipFile(book) as archive:
        assert b"<f>" not in archive.read("xl/worksheets/sheet1.xml")
    assert [
        row[0] for row in python_calamine.load_workbook(io.BytesIO(book.getvalue())).get_sheet_by_index(0).to_python()
    ][1:] == evil


def _paths(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        inner = next(_models(field.annotation), None)
        yield from [name] if inner is None or name in WHOLE else (f"{name}.{path}" for path in _paths(inner))


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)


WHOLE = {"care_services", "contacts"}
"""One cell holds the whole list."""


def test_every_field_of_the_form_has_a_column() -> None:
    assert {column.field for column in COLUMNS} == set(_paths(AgreementForm))


def test_the_page_that_explains_the_columns_is_made_from_them() -> None:
    assert Mapped.of(tomllib.loads(SAMPLE)).headings, "the sample on the page can be used as it stands"
    page = Path(intake.__file__).parents[2] / "COLUMNS.md"
    assert page.read_text("utf-8") == explanation(), "write it anew: python -m intake > intake/COLUMNS.md"
