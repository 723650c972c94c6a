"""Which column is which: ours in any spelling, the form's paths, the region's own by a mapping; nothing is lost."""

from typing import Any

import pytest
from sent_tables import SOUND, as_csv, row
from test_reading import TODAY, findings, forms

from intake import UnreadableFile, check, read
from intake.columns import BY_HEADING, COLUMNS, plain


def refused(rows: list[dict[str, Any]], **options: Any) -> list[str]:
    with pytest.raises(UnreadableFile) as error:
        read(as_csv(rows), **options)
    return [str(finding) for finding in error.value.findings]


def test_capitals_hyphens_line_breaks_and_a_mark_for_required_do_not_matter() -> None:
    spelt = {"avtals-\nNUMMER *": "avtalsnummer", "Kva koder:": "KVÅ-koder", "Giltigt\nfrån": "giltigt från"}
    sent = {next((ours for ours in spelt if spelt[ours] == name), name): value for name, value in SOUND.items()}
    sent["KVÅ koder"] = sent.pop("KVÅ-koder", sent.pop("Kva koder:", None))
    assert forms(as_csv([sent])) == forms(as_csv([row()]))


def test_the_forms_own_paths_are_headings_too() -> None:
    paths = {column.heading: column.field for column in COLUMNS}
    assert forms(as_csv([{paths[name]: value for name, value in SOUND.items()}])) == forms(as_csv([row()]))


def test_no_two_columns_have_the_same_heading_and_every_heading_finds_its_column() -> None:
    assert len({plain(column.heading) for column in COLUMNS}) == len(COLUMNS)
    assert all(BY_HEADING[plain(column.heading)] is column for column in COLUMNS)


def test_all_that_is_wrong_with_the_headings_is_told_at_once() -> None:
    sent = {name: value for name, value in SOUND.items() if name not in ("namn", "KVÅ-koder")}
    assert refused([{**sent, "giltigt tilll": "x", "": "y", "Avtalsnummer:": "z"}]) == [
        "row 1, column giltigt tilll: is not a heading we know: its values would be lost (did you mean giltigt till?)",
        "row 1: column I holds values but has no heading",
        "row 1, column Avtalsnummer:: has the same meaning as avtalsnummer: leave one of them",
        "row 1, name: the column namn is missing",
        (
            "row 1, services.care_services: a column of codes is missing: one of "
            "KVÅ-koder, ICD-koder, vårdtjänster, andra koder"
        ),
    ]


def test_an_unknown_heading_over_an_empty_column_does_not_matter() -> None:
    assert len(forms(as_csv([row(handläggare="")]))) == 1


MAPPING = {
    "headings": {"Dnr": "avtalsnummer", "Handläggare": None, "Slut": "valid_to"},
    "constants": {"region": "14", "typ": "avtal", "vårdenheter": "SE5561234567-A9"},
    "values": {"typ": {"Ramavtal": "avtal"}, "giltigt till": {"tv": ""}},
}


def test_a_regions_own_headings_words_and_constants_are_read_by_its_mapping() -> None:
    sent = row(Dnr="AVT-1", Handläggare="någon", typ="ramavtal", vårdenheter="", Slut="2027-12-31")
    for name in ("avtalsnummer", "region", "giltigt till"):
        del sent[name]
    [found] = forms(as_csv([sent]), mapping=MAPPING)
    assert (found["number"], found["region"], found["kind"]) == ("AVT-1", "14", "agreement")
    assert found["services"][0]["units"] == ["SE5561234567-A9"]
    assert found["valid_to"] == "2027-12-31"


def test_a_regions_own_words_are_translated_in_lists_too_and_a_word_may_mean_nothing() -> None:
    words = {"ingår": {"läkarbesök": "bedömning"}, "KVÅ-koder": {"katarakt": "CJE20"}, "giltigt till": {"tv": ""}}
    sent = {**row(giltigt_till="TV"), "KVÅ-koder": "Katarakt; CJC10", "ingår": "Läkarbesök, åtgärd"}
    [found] = forms(as_csv([sent]), mapping={"values": words})
    assert found["valid_to"] is None
    assert [code["code"] for code in found["services"][0]["care_services"]] == ["CJE20", "CJC10"]
    assert found["services"][0]["included"] == ["assessment", "procedure"]


def test_a_mapping_that_means_nothing_is_told_entry_by_entry() -> None:
    wrong = {"headings": {"Dnr": "avtalsnumer"}, "constants": {"färg": "röd"}, "values": {"typ": "x"}, "rubriker": {}}
    told = refused([row()], mapping=wrong)
    assert "mapping.headings.Dnr: names no column of ours (did you mean avtalsnummer?)" in told
    assert len(told) == 4


def test_a_finding_tells_the_heading_as_the_region_wrote_it() -> None:
    sent = row(Dnr="AVT-1", Slut="nästa år", Handläggare="x")
    for name in ("avtalsnummer", "giltigt till"):
        del sent[name]
    [finding] = findings(as_csv([sent]), mapping=MAPPING)
    assert (finding.field, finding.column) == ("valid_to", "Slut")


def test_a_constant_that_cannot_be_read_is_told_and_one_that_marks_secrecy_refuses_all() -> None:
    [told] = refused([row()], mapping={"constants": {"lag": "LOUU"}})
    assert told.startswith("mapping.constants.lag: must be one of LOU")
    [sent] = read(as_csv([row()]), mapping={"constants": {"sekretess": "ja"}})
    assert check(sent, region="14", today=TODAY).confidential


def test_a_remembered_mapping_is_for_files_with_the_regions_own_headings_alone() -> None:
    mapping = {"headings": {"Dnr": "avtalsnummer"}, "constants": {"beskrivning": "från kartan"}}
    [ours] = forms(as_csv([row()]), mapping=mapping, remembered=True)
    assert ours["description"] is None
    sent = row(Dnr="AVT-1")
    del sent["avtalsnummer"]
    [theirs] = forms(as_csv([sent]), mapping=mapping, remembered=True)
    assert (theirs["number"], theirs["description"]) == ("AVT-1", "från kartan")
    [given] = forms(as_csv([row()]), mapping=mapping)
    assert given["description"] == "från kartan", "one that comes with the file is meant"
