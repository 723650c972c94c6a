"""What a text from outside may hold."""

import pytest

from rules.texts import impersonal, may_be_repeated, readable


def test_signs_that_nobody_can_see_are_refused_and_line_breaks_are_not():
    assert readable("rad ett\n\trad två åäö") == "rad ett\n\trad två åäö"
    for sign in ("\x00", "\x07", "\x1b", "\x7f", "\x85"):
        with pytest.raises(ValueError, match="control characters"):
            readable(f"a{sign}b")


def test_a_personal_number_is_refused_without_being_repeated():
    assert impersonal("ring 031-390 06 01") == "ring 031-390 06 01"
    with pytest.raises(ValueError, match="personal number") as refused:
        impersonal("gäller 19121212-1212")
    assert "1212" not in str(refused.value)


def test_an_error_repeats_a_fields_name_only_when_it_looks_like_one():
    assert all(map(may_be_repeated, ("name", "valid_from", "exclude-system", "kontaktväg")))
    assert not any(map(may_be_repeated, ("191212121212", "a b", "", "x" * 61, 5, None)))


def test_half_a_sign_is_no_text():
    with pytest.raises(ValueError, match="control"):
        readable("\ud800")
