"""Words lead to the rows that hold them in some form."""

from hypothesis import given
from hypothesis import strategies as st

from catalog_sync.service.code_words import Words, words_of

ROWS = [
    (["Katarakt (grå starr)"], []),
    (["Kataraktoperation"], ["Katarakt (grå starr)"]),
    (["Fakoemulsifikation med implantation av linsprotes"], ["Kataraktoperation", "grå starr"]),
    (["Ljumskbråck"], ["bråck i ljumsken"]),
    (["Öppen operation av ljumskbråck"], ["Ljumskbråck"]),
    (["Gråsten"], []),
]
WORDS = Words(ROWS)


def best_first(question: str) -> list[int]:
    return [row for row, _ in sorted(WORDS.find(question).items(), key=lambda one: (-one[1], one[0]))]


def test_every_word_must_be_there_in_some_form():
    assert best_first("grå starr") == [0, 1, 2]
    assert best_first("grå ljumskbråck") == []
    assert best_first("linsprotes starr") == [2]
    assert best_first("") == best_first("!?") == []


def test_a_rows_own_words_weigh_more_than_lent_ones():
    assert best_first("ljumskbråck") == [3, 4]
    assert best_first("katarakt")[0] == 0


def test_parts_and_halves_of_compounds_are_found():
    assert best_first("operation") == [4, 1, 2]
    assert best_first("starroperation") == [1, 2]
    assert best_first("bråck") == [3, 4]


def test_words_that_tell_nothing_are_left_out_unless_they_are_all_there_is():
    assert best_first("operation av ljumskbråck") == [4]
    assert best_first("av") == [4, 2] or best_first("av") == [2, 4]


def test_a_slip_of_the_finger_counts_only_where_nothing_is_found_as_written():
    assert best_first("katrakt") == best_first("karatakt")
    assert 0 in best_first("katrakt")
    assert best_first("gråstem") == [5]
    assert best_first("xyz") == []


def test_swedish_letters_are_letters_of_their_own():
    assert words_of("Öppen Å-knapp, a\u0308ven") == ["öppen", "å", "knapp", "även"]
    assert 3 not in Words([(["rå"], []), (["ra"], [])]).find("rå")
    assert Words([(["rå"], []), (["ra"], [])]).find("rå").keys() == {0}


@given(
    st.lists(
        st.lists(st.text(alphabet="abcåäö", min_size=1, max_size=9), min_size=1, max_size=4), min_size=1, max_size=9
    )
)
def test_each_row_is_found_by_any_of_its_own_words(rows):
    words = Words((row, []) for row in rows)
    for number, row in enumerate(rows):
        for word in row:
            assert number in words.find(word)
        assert number in words.find(" ".join(row))


@given(st.text(max_size=60))
def test_no_question_is_too_odd(question):
    assert all(0 <= row < len(ROWS) and score > 0 for row, score in WORDS.find(question).items())
