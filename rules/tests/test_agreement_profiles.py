"""What is demanded of agreements from a day on, and what is said of a file that cannot be used."""

from datetime import date, timedelta
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.agreement_profiles import BadProfiles, Profiles, parse, profile_on, read, shipped

TEXT = (files("rules") / "agreement_profiles.toml").read_text(encoding="utf-8")
ONE = """
[[profile]]
name = "{name}"
text = "Rapportering"
valid_from = {day}
mandatory = ["document_url"]
[profile.reviews]
region = true
another_person = true
region_may_switch_off = false
agency = true
"""


def several(days: list[date]) -> str:
    return "".join(ONE.format(name=f"p{number}", day=day) for number, day in enumerate(days))


def told(text: str) -> list[str]:
    with pytest.raises(BadProfiles) as error:
        parse(text, "file.toml")
    assert all(part.startswith("file.toml: ") for part in str(error.value).split("; file")[:1])
    return list(error.value.faults)


def test_now_reporting_is_voluntary_demands_no_more_than_the_form_and_both_review():
    profile = profile_on(date(2026, 3, 2))
    assert (profile.name, profile.mandatory) == ("voluntary", ())
    assert profile.reviews.region
    assert profile.reviews.another_person
    assert profile.reviews.agency
    assert [one.name for one in shipped().all] == ["voluntary"]


def test_the_statutory_example_is_right_as_soon_as_its_signs_are_taken_away():
    lines = [line.removeprefix("#:").removeprefix(" ") for line in TEXT.splitlines()]
    profiles = parse("\n".join(line for line in lines if not line.startswith("#")), "x")
    today, later = profiles.on(date(2026, 3, 2)), profiles.on(date(2028, 1, 1))
    assert (today.name, later.name) == ("voluntary", "statutory")
    assert "document_url" in later.mandatory
    assert "services.*.target_group" in later.mandatory
    assert not later.reviews.region_may_switch_off
    assert later.reviews.agency


@given(st.lists(st.dates(date(2000, 1, 1), date(2100, 1, 1)), min_size=1, max_size=6, unique=True), st.data())
def test_the_profile_that_holds_is_the_last_whose_day_has_come(days: list[date], data: st.DataObject):
    days = sorted(days)
    profiles = parse(several(days), "x")
    for number, day in enumerate(days):
        assert profiles.on(day).name == f"p{number}"
        assert profiles.on(day - timedelta(days=1)).name == f"p{max(0, number - 1)}"
    day = data.draw(st.dates(date(2000, 1, 1), date(2100, 1, 1)))
    assert profiles.on(day).valid_from == max([one for one in days if one <= day], default=days[0])


@pytest.mark.parametrize(("may", "region"), [("true", False), ("false", True)])
def test_a_region_switches_off_its_own_review_only_where_the_profile_lets_it(may: str, region: bool):
    text = ONE.format(name="a", day="2026-01-01").replace("switch_off = false", f"switch_off = {may}")
    reviews = parse(text, "x").all[0].reviews
    assert reviews.of_region(switched_off=False) == reviews
    off = reviews.of_region(switched_off=True)
    assert (off.region, off.another_person) == (region, region)
    assert off.agency


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ('name = "a"', 'name = "Å 1"', "name: must be a short word in small letters, such as voluntary"),
        ('name = "a"', "", "name: is missing"),
        ('text = "Rapportering"', "text = 1", "text: must be a text for people"),
        ("2026-01-01", '"2026-01-01"', "valid_from: must be a day without quotation marks, such as 2027-01-01"),
        ("2026-01-01", "2026-01-01T00:00:00", "valid_from: must be a day without quotation marks, such as 2027-01-01"),
        ('["document_url"]', '"document_url"', "mandatory: must be a list of field paths"),
        ('["document_url"]', '["Dokument"]', "mandatory.0: must be a field path, such as services.*.reimbursement"),
        ('["document_url"]', '["a", "b", "a"]', "mandatory.2: is named twice"),
        ("agency = true", "", "reviews.agency: must be true or false"),
        ("agency = true", 'agency = "yes"', "reviews.agency: must be true or false"),
        ("agency = true", "agency = true\nministry = true", "reviews.ministry: is not a known field"),
        ("region = true", "region = false", "reviews.another_person: needs the region's review"),
        ('name = "a"', 'name = "a"\ngates = 1', "gates: is not a known field"),
    ],
)
def test_what_is_wrong_in_a_file_is_told_with_its_profile_and_field(before: str, after: str, fault: str):
    right = ONE.format(name="a", day="2026-01-01")
    assert before in right
    assert told(right.replace(before, after)) == [f"profile 1: {fault}"]


def test_everything_that_is_wrong_is_told_at_once():
    bad = several([date(2026, 1, 1), date(2027, 1, 1)]).replace("agency = true", "agency = 1")
    assert [fault[:9] for fault in told(bad.replace('text = "Rapportering"', ""))] == ["profile 1"] * 2 + [
        "profile 2"
    ] * 2


@pytest.mark.parametrize("second", [date(2026, 1, 1), date(2025, 12, 31)])
def test_profiles_stand_in_the_order_of_their_days(second: date):
    bad = several([date(2026, 1, 1), second])
    assert told(bad) == ["profile 2: valid_from: must be later than that of the profile before it"]


@pytest.mark.parametrize("text", ["", "profile = 1", "profile = []", "profile = [1]", "[profile]\nname = 'a'"])
def test_a_file_without_profiles_is_told_so(text: str):
    assert told(text) == ["must hold at least one [[profile]]"]


def test_a_file_that_is_no_toml_is_told_with_the_line():
    (fault,) = told("a = 1\nb =\n")
    assert fault.startswith("is not TOML: ")
    assert "line 2" in fault


def test_an_operators_own_file_is_read_and_a_misspelt_field_is_told(tmp_path: Path):
    file = tmp_path / "own.toml"
    file.write_text(ONE.format(name="own", day="2026-01-01"), encoding="utf-8")
    assert isinstance(read(file, {"document_url"}), Profiles)
    with pytest.raises(BadProfiles, match=r"^own\.toml: profile 1: mandatory\.0: there is no field document_url$"):
        read(file, {"name"})


def test_a_file_that_cannot_be_read_is_told_without_its_folder(tmp_path: Path):
    with pytest.raises(BadProfiles, match=r"^gone\.toml: cannot be read: No such file or directory$"):
        read(tmp_path / "gone.toml")
    (tmp_path / "latin.toml").write_bytes(b'text = "\xe5"')
    with pytest.raises(BadProfiles, match=r"^latin\.toml: is not UTF-8$"):
        read(tmp_path / "latin.toml")


@given(st.text(max_size=60) | st.just(ONE.format(name="a", day="2026-01-01")).map(lambda text: text[::-1]))
def test_whatever_a_file_holds_it_is_read_or_told(text: str):
    with pytest.raises(BadProfiles):
        parse(text, "x")
