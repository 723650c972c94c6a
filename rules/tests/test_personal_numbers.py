"""The scan of free text: numbers of persons are found however they are written, everyday numbers are left alone."""

from datetime import date, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.identifiers import passes_luhn
from rules.personal_numbers import holds_personal_number

DASHES = "-‐‑‒–—―−﹣－﹘⸺"
INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u034f\ufe0f\x00"
SPACES = " \u00a0\u2009\u202f\u3000\t\n"
FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")
ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")


@st.composite
def personal_numbers(draw: st.DrawFn) -> str:
    """Twelve digits of a synthetic person, born on a day that exists; every other one is a coordination number."""
    born = draw(st.dates(date(1900, 1, 1), date(2026, 12, 31)))
    day = born.day + draw(st.sampled_from([0, 60]))
    nine = f"{born:%y%m}{day:02}{draw(st.integers(0, 999)):03}"
    check = next(sign for sign in "0123456789" if passes_luhn(nine + sign))
    return f"{born.year // 100}{nine}{check}"


@given(
    personal_numbers(), st.sampled_from(DASHES), st.text("abcåäö .,", max_size=10), st.text("abcåäö .,", max_size=10)
)
def test_a_number_is_found_with_any_dash_and_inside_any_text(number: str, dash: str, before: str, after: str):
    for form in (number, number[2:], f"{number[:8]}{dash}{number[8:]}", f"{number[2:8]}{dash}{number[8:]}"):
        assert holds_personal_number(f"{before}{form}{after}")


@given(personal_numbers())
def test_a_number_of_somebody_over_a_hundred_is_found_with_its_plus_sign(number: str):
    assert holds_personal_number(f"{number[2:8]}+{number[8:]}")


@given(personal_numbers(), st.sampled_from([FULL_WIDTH, ARABIC]))
def test_a_number_in_other_digits_is_found(number: str, digits: dict[int, int]):
    assert holds_personal_number(number.translate(digits))
    assert holds_personal_number(f"{number[2:8]}–{number[8:]}".translate(digits))


@given(personal_numbers(), st.sampled_from(INVISIBLE), st.integers(0, 12))
def test_invisible_marks_do_not_hide_a_number(number: str, mark: str, place: int):
    assert holds_personal_number(number[:place] + mark + number[place:])
    assert holds_personal_number(mark.join(number))


@given(personal_numbers(), st.sampled_from(SPACES))
def test_spaces_of_any_kind_do_not_hide_a_number(number: str, space: str):
    assert holds_personal_number(f"{number[:8]}{space}{number[8:]}")
    assert holds_personal_number(f"{number[:8]}{space}-{space}{number[8:]}")
    parts = (number[:4], number[4:6], number[6:8], number[8:])
    assert holds_personal_number(space.join(parts))


@given(personal_numbers(), st.sampled_from("./:_"))
def test_points_and_slashes_do_not_hide_a_number(number: str, sign: str):
    assert holds_personal_number(f"{number[:8]}{sign}{number[8:]}")


@given(personal_numbers(), st.sampled_from("0123456789"))
def test_a_slip_of_the_pen_in_the_check_digit_does_not_hide_a_number_written_as_one(number: str, check: str):
    assert holds_personal_number(number[:11] + check)
    assert holds_personal_number(f"{number[2:8]}-{number[8:11]}{check}")


@pytest.mark.parametrize(
    "text",
    [
        "191212121212",
        "19121212-1212",
        "121212-1212",
        "1212121212",
        "19701063-2391",
        "pnr191212121212",
        "Patienten (121212-1212) vill ha tid",
        "1912-12-12-1212",
        "Ring 08-123 456 78 om 121212-1212",
        "Period 2025-01-01 - 2025-12-31, pat 121212-1212",
    ],
)
def test_published_test_persons_are_found(text: str):
    assert holds_personal_number(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "08-123 456 78",
        "070-123 45 67",
        "0701234567",
        "+46 70 123 45 67",
        "+46701234567",
        "010-123 45 67",
        "HSN 2023-0456",
        "HSN 2023-0456-12",
        "Dnr RS 2024-1234",
        "S2023/02117",
        "2025-01-01 - 2025-12-31",
        "2025-01-01–2025-12-31",
        "2026-04-10 2026-04-10",
        "2025/01/01 - 2025/12/31",
        "2025-01-01 till 2025-12-31",
        "20250101-20251231",
        "2025-01-01T10:00:00Z",
        "2026-03-02T12:00:00.123456Z",
        "556123-4567",
        "5561234567",
        "232100-0016",
        "SE2321000016-A001",
        "114 28 Stockholm",
        "1 234 567 kr",
        "12 500,00 kr",
        "7850.00",
        "CJE20, H25.1 och AU124",
        "Bankgiro 123-4567",
        "1774414800000000",
        "7c9d3b0e-1f62-4a55-8a57-0f2c5f3d1a01",
        "394579002",
        "143591000052106",
    ],
)
def test_everyday_numbers_are_left_alone(text: str):
    assert not holds_personal_number(text)


@given(
    st.dates(date(1950, 1, 1)), st.dates(date(2000, 1, 1), date(2099, 12, 31)), st.sampled_from([" - ", "–", " ", "--"])
)
def test_a_period_of_two_dates_is_left_alone(start: date, end: date, between: str):
    assert not holds_personal_number(f"{start}{between}{end}")


@given(personal_numbers())
def test_a_number_dictated_in_pairs_is_found(number: str):
    pairs = [number[at : at + 2] for at in range(0, 12, 2)]
    for form in (" ".join(pairs), f"{number[:8]} {pairs[4]} {pairs[5]}", f"{number[2:8]} {pairs[4]} {pairs[5]}"):
        assert holds_personal_number(f"Patient {form} väntar")


GROUPS = st.sampled_from(["0## ### ## ##", "0##-### ## ##", "08-### ## ##", "+46 8 ### ## ##", "+46 70 ### ## ##"])
AMOUNTS = st.sampled_from(
    ["## ### ### kr", "### ### ###,## kr", "# ### ### ### kr", "HSN ####-####-##", "RS 20##/####"]
)


@given(st.one_of(GROUPS, AMOUNTS), st.integers(0, 10**12 - 1))
def test_telephone_numbers_diary_numbers_and_amounts_in_groups_are_left_alone(form: str, digits: int):
    left = iter(f"{digits:012}")
    assert not holds_personal_number("".join(next(left) if sign == "#" else sign for sign in form))


@given(st.dates(date(2000, 1, 1), date(2099, 12, 31)), st.times())
def test_a_moment_is_left_alone(day: date, time: time):
    assert not holds_personal_number(f"{day} {time:%H:%M}")
    assert not holds_personal_number(f"{day} kl. {time:%H.%M}")


@given(st.text())
def test_the_scan_never_fails(text: str):
    assert holds_personal_number(text) in (True, False)


@given(st.text(st.characters(exclude_categories=["Nd", "No", "Nl"])))
def test_text_without_digits_is_left_alone(text: str):
    assert not holds_personal_number(text)


@pytest.mark.parametrize(
    "text",
    [
        "https://x.example/19121212%2D1212",
        "https://x.example/?pnr=1%391212121212",
        "https://x.example/19121212%252D1212",
        "121212(1212)",
        "121212,1212",
        "19121212=1212",
    ],
)
def test_escapes_and_other_signs_do_not_hide_a_number(text: str):
    assert holds_personal_number(text)
