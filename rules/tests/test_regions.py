"""The 21 regions and the six collaboration regions."""

import pytest

from rules.identifiers import organisation_number
from rules.regions import REGIONS, collaboration_region, collaboration_regions

MEMBERS = {
    "Stockholm–Gotland": {"01", "09"},
    "Mellansverige": {"03", "04", "17", "18", "19", "20", "21"},
    "Sydöstra": {"05", "06", "08"},
    "Södra": {"07", "10", "12", "13"},
    "Västra": {"13", "14"},
    "Norra": {"22", "23", "24", "25"},
}


def test_there_are_21_regions_with_two_digit_codes_and_four_codes_are_not_in_use():
    assert len(REGIONS) == 21
    assert {f"{number:02}" for number in range(1, 26)} - set(REGIONS) == {"02", "11", "15", "16"}
    assert all(code == region.code for code, region in REGIONS.items())


def test_names_and_organisation_numbers_are_unique_and_valid():
    assert len({region.name for region in REGIONS.values()}) == 21
    assert len({organisation_number(region.organisation_number) for region in REGIONS.values()}) == 21


@pytest.mark.parametrize("code", sorted(REGIONS))
def test_every_region_belongs_to_the_collaboration_regions_that_the_law_lists(code: str):
    assert collaboration_regions(code) == {name for name, members in MEMBERS.items() if code in members}
    assert REGIONS[code].collaboration_region in collaboration_regions(code)


@pytest.mark.parametrize(
    ("municipality", "expected"),
    [
        ("1382", "Västra"),
        ("1384", "Västra"),
        ("1383", "Västra"),
        ("1380", "Södra"),
        ("1315", "Södra"),
        ("1381", "Södra"),
        ("0180", "Stockholm–Gotland"),
        ("0980", "Stockholm–Gotland"),
        ("1480", "Västra"),
        ("2580", "Norra"),
    ],
)
def test_halland_is_split_by_municipality_and_no_other_region_is(municipality: str, expected: str):
    assert collaboration_region(municipality) == expected
    assert expected in collaboration_regions(municipality[:2])


def test_an_unknown_region_is_a_key_error():
    with pytest.raises(KeyError):
        collaboration_regions("02")
    with pytest.raises(KeyError):
        collaboration_region("0280")
