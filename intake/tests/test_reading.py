"""What a region sends becomes agreements, whatever the format; one that is wrong holds up no other."""

import io
import json
from datetime import date
from typing import Any

import pytest
from sent_tables import SOUND, Book, as_csv, row

from intake import Finding, check, placed, read, told

TODAY = date(2026, 3, 1)
AGREEMENT: dict[str, Any] = {
    "region": "14",
    "number": "AVT-1",
    "name": "Kataraktkirurgi",
    "care_provider": {"hsa_id": "SE5561234567-0001", "name": "Kliniken AB"},
    "valid_from": "2026-01-01",
    "valid_to": "2027-12-31",
    "services": [{"care_services": [{"system": "kva", "code": "CJE20"}], "units": ["SE5561234567-A0017"]}],
}


def forms(file: io.BytesIO, **options: Any) -> list[dict[str, Any]]:
    """What is stored of each agreement; all must be right."""
    checked = [check(sent, region="14", today=TODAY) for sent in read(file, **options)]
    assert [finding for one in checked for finding in one.findings] == []
    return [one.form.as_json() for one in checked if one.form is not None]


def findings(file: io.BytesIO, region: str | None = "14", **options: Any) -> list[Finding]:
    return [finding for sent in read(file, **options) for finding in check(sent, region=region, today=TODAY).findings]


FILES = {
    "json lines": lambda: io.BytesIO(json.dumps(AGREEMENT).encode()),
    "json array": lambda: io.BytesIO(json.dumps([AGREEMENT], indent=2).encode()),
    "csv, semicolon": lambda: as_csv([row()]),
    "csv, comma, BOM": lambda: as_csv([row()], ",", "utf-8-sig"),
    "csv, tab, Windows-1252": lambda: as_csv([row()], "\t", "cp1252"),
    "csv, UTF-16": lambda: as_csv([row()], "\t", "utf-16"),
    "xlsx": lambda: Book([row(giltigt_från=date(2026, 1, 1))]).file(),
    "xlsx, dates from 1904": lambda: Book([row(giltigt_från=date(2026, 1, 1))], date_1904=True).file(),
}


@pytest.mark.parametrize("name", FILES)
def test_every_format_gives_the_same_agreement(name: str) -> None:
    assert forms(FILES[name]()) == forms(FILES["json lines"]())


def test_ids_in_lower_case_and_blanks_around_them_are_read_in_their_normal_form() -> None:
    sent = row(vårdenheter=" se5561234567-a0017\xa0", namn="  Kataraktkirurgi ", region="14 ")
    assert forms(as_csv([sent])) == forms(as_csv([row()]))


def test_rows_with_the_same_number_are_one_agreement_with_several_services() -> None:
    [found] = forms(as_csv([row(), {"avtalsnummer": "AVT-1", "KVÅ-koder": "AU124", "vårdenheter": "SE5561234567-A2"}]))
    assert [service["units"] for service in found["services"]] == [["SE5561234567-A0017"], ["SE5561234567-A2"]]


def test_a_cell_that_contradicts_another_row_of_its_agreement_is_told_with_both_rows() -> None:
    [finding] = findings(as_csv([row(), row(namn="Annat")]))
    assert (finding.field, finding.row, finding.column, finding.value) == ("name", 3, "namn", "Annat")
    assert finding.reason == "differs from row 2 of the same agreement"


def test_all_that_is_wrong_with_a_row_is_told_at_once() -> None:
    wrong = row(namn="", region="15", giltigt_till="2025-01-01", vårdenheter="SE5561234567-A1 A2")
    assert {finding.field for finding in findings(as_csv([wrong]))} == {
        "name", "region", "valid_to", "services.0.units.1"
    }  # fmt: skip


def test_a_wrong_row_holds_up_no_other() -> None:
    sents = list(read(as_csv([row(), row(avtalsnummer="AVT-2", vårdenheter=""), row(avtalsnummer="AVT-3")])))
    assert [bool(check(sent, region="14", today=TODAY).form) for sent in sents] == [True, False, True]


def test_a_fault_found_later_is_told_in_its_cell() -> None:
    codes = {**SOUND, "KVÅ-koder": "CJE20, CJC10", "ICD-koder": "H25,1; H26"}
    [sent] = read(as_csv([codes, {**codes, "KVÅ-koder": "", "ICD-koder": "H28"}]))
    assert placed(sent, "services.0.care_services.3.code").value == "H26"
    finding = told(sent, "services.1.care_services.0.code", "unknown code", "did you mean H25?")
    assert finding.as_json() == {
        "field": "services.1.care_services.0.code",
        "reason": "unknown code",
        "row": 3,
        "column": "ICD-koder",
        "value": "H28",
        "suggestion": "did you mean H25?",
    }


def test_a_fault_found_later_in_an_item_of_json_is_told_with_its_line() -> None:
    [sent] = read(io.BytesIO(b"\n" + json.dumps(AGREEMENT).encode()))
    place = placed(sent, "services.0.units.0")
    assert (place.row, place.column, place.value) == (2, None, "SE5561234567-A0017")


def test_another_regions_agreement_is_refused_and_ones_own_needs_no_region() -> None:
    assert [finding.field for finding in findings(as_csv([row()]), region="13")] == ["region"]
    assert forms(as_csv([{name: value for name, value in SOUND.items() if name != "region"}]))[0]["region"] == "14"


@pytest.mark.parametrize("mark", ["ja", "x", "kanske", "1"])
def test_of_an_agreement_under_secrecy_only_the_row_is_told(mark: str) -> None:
    [sent] = read(as_csv([row(sekretess=mark, namn="", giltigt_från="fel")]))
    assert (sent.number, dict(sent.content), sent.origin) == (None, {}, None)
    [finding] = check(sent, region="14", today=TODAY).findings
    assert (finding.field, finding.row, finding.column, finding.value) == ("confidential", 2, "sekretess", None)


def test_what_rests_on_a_cell_that_cannot_be_read_is_not_told_too() -> None:
    [finding] = findings(as_csv([row(lag="LOUU", direktupphandling="ja", vårdval="ja")]))
    assert (finding.field, finding.suggestion) == ("law", "did you mean LOU?")
    [finding] = findings(as_csv([{**row(grund="egen regii"), "vårdgivare HSA-id": "", "vårdgivare namn": ""}]))
    assert (finding.field, finding.suggestion) == ("basis", "did you mean egen regi?")


def test_what_the_rules_say_is_told_together_with_what_cannot_be_read() -> None:
    sent = {**row(giltigt_från="1/1", lag="LOV", direktupphandling="ja"), "ålder från": "90", "ålder till": "18"}
    assert {finding.field for finding in findings(as_csv([sent]))} == {
        "valid_from", "direct_award", "choice_of_care", "services.0.target_group.age_max"
    }  # fmt: skip


def test_what_the_profile_of_the_day_demands_is_told() -> None:
    [sent] = read(as_csv([row()]))
    found = check(sent, region="14", today=TODAY, mandatory=["services.*.reimbursement", "law"]).findings
    assert [(finding.field, finding.row) for finding in found] == [("services.0.reimbursement", 2), ("law", 2)]


DIGITS = "write it with digits alone, such as 7850 or 7850,50"
WRONG: dict[str, tuple[dict[str, Any], str, str | None]] = {
    "a day in two ways": ({"giltigt från": "1/2 2026"}, "valid_from", "did you mean 2026-01-02 or 2026-02-01?"),
    "no day": ({"giltigt till": "2027-02-29"}, "valid_to", "the last day of that month is 2027-02-28"),
    "an end before the start": ({"giltigt till": "2025-12-31"}, "valid_to", None),
    "a year far ahead": ({"giltigt från": "2035-01-01", "giltigt till": ""}, "valid_from", None),
    "another region": ({"region": "13"}, "region", None),
    "no region": ({"region": "99"}, "region", None),
    "no name": ({"namn": ""}, "name", None),
    "a word with a slip": ({"typ": "upppdrag"}, "kind", "did you mean uppdrag?"),
    "a unit with a slip": ({"vårdenheter": "SE5561234568-A0017"}, "services.0.units.0", None),
    "a code of no shape": ({"KVÅ-koder": "CJE2"}, "services.0.care_services.0.code", None),
    "no unit": ({"vårdenheter": ""}, "services.0.units", None),
    "no counterpart": ({"vårdgivare HSA-id": "", "vårdgivare namn": ""}, "care_provider", None),
    "no number": (
        {"ålder från": "vuxna"},
        "services.0.target_group.age_min",
        "write it with digits alone, such as 7850 or 7850,50",
    ),
    "somebody's number": ({"beskrivning": "Gäller 19121212-1212"}, "description", None),
    "under secrecy": ({"sekretess": "ja"}, "confidential", None),
}


def test_of_2000_rows_the_137_that_are_wrong_in_15_ways_are_told_each_in_its_cell_and_the_others_are_taken() -> None:
    ways = list(WRONG.values())
    wrong = {14 * number + 5: ways[number % len(ways)] for number in range(137)}
    blank = {"typ": "", "ålder från": "", "beskrivning": "", "sekretess": ""}
    rows = [
        {**blank, **row(avtalsnummer=f"AVT-{number}"), **(wrong[number][0] if number in wrong else {})}
        for number in range(2_000)
    ]
    found = {}
    for sent in read(Book(rows).file()):
        checked = check(sent, region="14", today=TODAY)
        if checked.form is None:
            [found[sent.rows[0]]] = checked.findings
    assert len(found) == 137
    for number, (_, field, suggestion) in wrong.items():
        finding = found[number + 2]
        assert (finding.field, finding.row, finding.suggestion) == (field, number + 2, suggestion)


def test_a_row_without_codes_is_told_once_and_of_all_the_columns_that_give_them() -> None:
    [finding] = findings(as_csv([{**row(), "KVÅ-koder": ""}]))
    assert finding.reason == "no code: fill in one of KVÅ-koder, ICD-koder, vårdtjänster, andra koder"


def test_a_letter_for_a_digit_in_a_code_is_told_with_what_is_meant() -> None:
    [finding] = findings(as_csv([{**row(), "KVÅ-koder": "CJE2O"}]))
    assert "CJE20" in f"{finding.reason} {finding.suggestion}"
