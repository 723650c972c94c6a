"""A code is found again from any one slip of the finger, and from nothing further away."""

from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import OSA

from catalog_sync.service.code_slips import Slips

CODES = st.text(alphabet="ABC12.", min_size=1, max_size=6)


def test_of_several_the_one_whose_signs_have_changed_places_comes_first():
    slips = Slips([("kva", "CJE00"), ("kva", "CJE20"), ("icd", "CJE02")])
    assert slips.near("kva", "CJE02") == [1, 0]
    assert slips.near("kva", "CJE20") == [0], "itself is no slip"
    assert slips.near("kva", "JCE2") == slips.near("x", "CJE02") == slips.near("kva", "") == []


@given(st.lists(CODES, unique=True, max_size=12), CODES)
def test_exactly_the_codes_one_slip_away_are_near(codes, typed):
    slips = Slips([("kva", code) for code in codes] + [("icd", code) for code in codes])
    expected = {row for row, code in enumerate(codes) if OSA.distance(typed, code) == 1}
    assert set(slips.near("kva", typed)) == expected
