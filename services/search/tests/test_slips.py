"""A word that no text holds is read as the one that was meant, or left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.domain import slips

WORDS = st.text("abcåäöé", min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("asked", "known", "between"),
    [
        ("malmo", "malmö", 0),
        ("ornskoldsvik", "örnsköldsvik", 0),
        ("kna", "knä", 0),
        ("katarkt", "katarakt", 1),
        ("kataratk", "katarakt", 1),
        ("lund", "sund", 1),
        ("ktarakkt", "katarakt", 2),
        # Too short for a slip, or too far away.
        ("kne", "knä", None),
        ("starrkörning", "starroperation", None),
        ("malmö", "kalmar", None),
    ],
)
def test_slips_are_counted_as_far_as_a_word_is_long_enough_for_them(asked, known, between):
    assert slips.slips(asked, known) == between


def test_of_words_as_near_the_reviewed_one_is_meant_then_the_one_that_most_offers_hold():
    assert slips.meant("lind", set(), {"lund": 3, "lins": 9}) == "lins"
    assert slips.meant("lind", {"land"}, {"lund": 3, "lins": 9}) == "land"
    assert slips.meant("lind", {"land"}, {"lind": 1}) == "lind"
    assert slips.meant("xyz", {"land"}, {"lund": 3}) is None


@pytest.mark.parametrize(
    ("word", "made_of"),
    [
        ("kataraktmottagning", ["katarakt", "mottagning"]),
        ("knäledsoperationerna", ["knäled", "operation"]),
        ("ljumskbråcksoperation", ["ljumskbråck", "operation"]),
        ("katarakt", None),
        ("katarakter", None),
        ("kataraktfest", None),
        ("operationknä", ["operation", "knä"]),
    ],
)
def test_a_compound_is_taken_apart_only_where_all_of_it_is_known(word, made_of):
    parts = {"katarakt", "mottagning", "knä", "knäled", "led", "operation", "ljumskbråck", "ljumsk", "bråck"}

    assert slips.parts(word, parts) == made_of


def test_a_long_word_is_not_taken_apart():
    assert slips.parts("knä" * 10_000, {"knä"}) is None


@given(WORDS)
def test_a_word_is_itself_and_leaving_out_its_dots_is_no_slip(word):
    assert slips.slips(word, word) == 0
    assert slips.slips(slips.folded(word), word) == 0


@given(st.text(max_size=60))
def test_a_text_whose_words_stay_as_they_are_stays_as_it_is(text):
    assert slips.put_right(slips.put_right(text, {}), {}) == slips.put_right(text, {})
    assert all(word == word.casefold() for word in slips.words_of(text))


def test_only_the_words_that_are_meant_otherwise_change():
    text = "Katarkt, CJE20 i MALMO!"

    assert slips.put_right(text, {"katarkt": "katarakt", "malmo": "malmö"}) == "katarakt, CJE20 i malmö!"
