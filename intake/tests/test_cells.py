"""What people and Excel write in a cell: read as it is meant, or refused with what to write instead; never guessed."""

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake import cells
from intake.cells import Unclear
from intake.columns import COLUMNS, KINDS
from intake.contact_cells import CONTACTS
from intake.days import day


@pytest.mark.parametrize(
    "written",
    ["2026-01-31", " 2026-01-31 ", "2026-01-31 00:00", "2026-01-31 00:00:00", "2026-01-31T00:00:00", "20260131",
     "2026-1-31",
     20260131.0, date(2026, 1, 31), datetime.combine(date(2026, 1, 31), time()), "2026-01-31\xa0"],
)  # fmt: skip
def test_a_day_is_read_as_it_is_usually_written(written: Any) -> None:
    assert day(written) == "2026-01-31"


@pytest.mark.parametrize(
    ("written", "suggestion"),
    [
        ("31/1 2026", "did you mean 2026-01-31?"),
        ("31.1.2026", "did you mean 2026-01-31?"),
        ("1/2/2026", "did you mean 2026-01-02 or 2026-02-01?"),
        ("01-02-26", "did you mean 2026-01-02 or 2026-02-01?"),
        ("2026/01/31", "did you mean 2026-01-31?"),
        ("31 januari 2026", "did you mean 2026-01-31?"),
        ("26-01-01", "did you mean 2026-01-01 or 2001-01-26?"),
        ("01/02/26", "did you mean 2026-01-02 or 2026-02-01?"),
        ("1/1", "write the year, the month and the day"),
        (46023.0, "is it Excel's number for 2026-01-01? Format the cell as a date"),
        ("2027-02-29", "the last day of that month is 2027-02-28"),
        ("20270229", "the last day of that month is 2027-02-28"),
        (datetime.combine(date(2026, 1, 31), time(13, 5)), "write 2026-01-31"),
        ("tills vidare", None),
        ("2026-13-01", None),
        (time(1, 2), None),
        (True, None),
    ],
)
def test_a_day_that_could_be_another_is_refused_with_what_it_may_be(written: Any, suggestion: str | None) -> None:
    with pytest.raises(Unclear) as error:
        day(written)
    assert error.value.suggestion == suggestion


@given(st.dates())
def test_every_day_is_read_from_its_own_text_and_from_excels_date(any_day: date) -> None:
    assert day(any_day.isoformat()) == day(any_day) == any_day.isoformat()


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("14", 14),
        ("14.0", 14),
        ("14,0", 14),
        (14.0, 14),
        ("1 000", 1000),
        ("1\xa0000", 1000),
        ("-3", -3),
        ("7 850 kr", 7850),
    ],
)
def test_a_whole_number_may_have_gaps_and_noughts_behind_the_point(written: Any, read: int) -> None:
    assert cells.whole(written) == read


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("7850,50", "7850.5"),
        ("7 850,50 kr", "7850.5"),
        ("7.850,50", "7850.5"),
        ("7,850.50", "7850.5"),
        (0.1 + 0.2, "0.3"),
        (7850.0, "7850"),
        ("100", "100"),
        ("1000000", "1000000"),
    ],
)
def test_an_amount_is_read_with_decimal_comma_or_point(written: Any, read: str) -> None:
    assert cells.amount(written) == read


@pytest.mark.parametrize("written", ["ca 400", "4-5", "1e9", "", date(2026, 1, 1), True, "0x10", "١٢٣x"])
def test_what_is_no_number_is_refused(written: Any) -> None:
    with pytest.raises(Unclear, match="must be a number"):
        cells.amount(written)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (1.0, "01"),
        ("1", "01"),
        ("1.0", "01"),
        (14.0, "14"),
        ("14.0", "14"),
        ("Region Skåne", "12"),
        ("skåne", "12"),
        ("99", "99"),
    ],
)
def test_a_region_without_its_nought_or_by_its_name_is_its_code(written: Any, read: str) -> None:
    assert cells.region(written) == read


def test_several_regions_stand_in_one_cell_but_not_as_a_decimal_number() -> None:
    assert cells.regions("1, 3;14 25\n9") == ["01", "03", "14", "25", "09"]
    assert cells.regions("Stockholm; Region Jönköpings län") == ["01", "06"]
    with pytest.raises(Unclear, match="Excel has read the comma"):
        cells.regions(1.3)


def test_ids_and_codes_are_separated_by_whatever_people_use() -> None:
    assert cells.identifiers("A,B; C D\nE") == ["A", "B", "C", "D", "E"]
    assert cells.codes("H25,1; H26, H27,H28") == ["H25,1", "H26", "H27", "H28"]


@pytest.mark.parametrize(
    ("written", "read"), [("ja", True), ("X", True), (True, True), (1.0, True), ("Nej", False), (0.0, False)]
)
def test_yes_and_no_are_read_in_their_usual_forms(written: Any, read: bool) -> None:
    assert cells.yes_no(written) is read
    with pytest.raises(Unclear, match="must be ja or nej"):
        cells.yes_no("kanske")


def test_a_word_of_a_list_is_known_in_swedish_and_in_the_forms_own_and_another_gets_a_suggestion() -> None:
    read = cells.one_of(KINDS)
    assert [read(word) for word in ("Avtal", "agreement", " ÖVERENSKOMMELSE ")] == [
        "agreement",
        "agreement",
        "arrangement",
    ]
    with pytest.raises(Unclear) as error:
        read("överenskomelse")
    assert error.value.suggestion == "did you mean överenskommelse?"


def test_a_number_of_which_excel_has_lost_digits_is_refused() -> None:
    assert cells.text(2026001.0) == "2026001"
    with pytest.raises(Unclear, match="more than 15 digits"):
        cells.text(1234567890123456.0)


@pytest.mark.parametrize("written", ["#REF!", "#VÄRDEFEL!", "#saknas!"])
def test_an_error_of_a_spreadsheet_is_no_text(written: str) -> None:
    with pytest.raises(Unclear, match="error of the spreadsheet"):
        cells.text(written)


def test_a_contact_says_what_for_how_and_where() -> None:
    assert CONTACTS.read("remiss | telefon | 08-123\nfaktura|post|Box 1|märk AVT") == [
        {"purpose": "referral", "channel": "phone", "value": "08-123"},
        {"purpose": "invoice", "channel": "post", "value": "Box 1", "note": "märk AVT"},
    ]
    for wrong in ("08-123", "remis | telefon | 1"):
        with pytest.raises(Unclear, match="must be purpose"):
            CONTACTS.read(wrong)


anything = (
    st.text(max_size=30)
    | st.floats(allow_nan=True)
    | st.booleans()
    | st.dates()
    | st.datetimes()
    | st.times()
    | st.timedeltas()
    | st.decimals(allow_nan=False, allow_infinity=False, places=2)
)


@given(cell=anything)
def test_no_cell_of_any_column_raises_anything_but_that_it_is_unclear(cell: Any) -> None:
    for column in COLUMNS:
        if not cells.is_blank(cell):
            try:
                column.kind.read(cell)
            except Unclear as unclear:
                told = unclear.reason
                assert told


def test_noise_of_excels_arithmetic_is_no_part_of_a_number() -> None:
    assert cells.text(7850.1) == "7850.1"
    assert cells.text(Decimal("7850.50")) == "7850.50"
