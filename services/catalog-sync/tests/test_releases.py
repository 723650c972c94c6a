"""Releases of a code system: what each ends, begins and leaves alone, on which day, and whatever is read again."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from catalog_sync.domain.releases import Entry, Known, Release, read_releases

DAY = date(2026, 3, 15)
TOMORROW = DAY + timedelta(days=1)


def release(begins: date, *codes: str, **more) -> Release:
    entries = {code: Entry(f"{code} {begins}") for code in codes}
    return Release("kva", "KVÅ", f"KVÅ {begins}", begins, f"kva/{begins}", entries=entries, **more)


def after(*releases: Release, known: Known | None = None, day: date = DAY) -> Known:
    found, refused = read_releases(known or Known(), releases, day)
    assert refused == []
    return found


def test_a_code_retired_tomorrow_is_valid_today_and_not_tomorrow():
    known = after(release(date(2025, 1, 1), "CJE20", "CJE25"), release(TOMORROW, "CJE20"))
    assert known.codes["CJE25"].valid_to == DAY
    assert known.codes["CJE25"].valid_on(DAY)
    assert not known.codes["CJE25"].valid_on(TOMORROW)
    assert known.codes["CJE20"].valid_to is None


def test_a_release_of_tomorrow_is_read_today_and_takes_effect_by_itself():
    known = after(release(date(2025, 1, 1), "CJE20"), release(TOMORROW, "CJE20", "CJE30"))
    assert not known.codes["CJE30"].valid_on(DAY)
    assert known.codes["CJE30"].valid_on(TOMORROW)
    assert known.codes["CJE20"].text == "CJE20 2025-01-01", "tomorrow's wording is tomorrow's"
    assert (
        after(release(TOMORROW, "CJE20", "CJE30"), known=known, day=TOMORROW)
        .codes["CJE20"]
        .text.endswith(str(TOMORROW))
    )


def test_a_release_that_replaces_the_one_before_in_the_folder_does_not_begin_its_codes_anew():
    before = after(release(date(2025, 1, 1), "CJE20", "CJE25"))
    known = after(release(TOMORROW, "CJE20"), known=before)
    assert known.codes["CJE20"].valid_on(DAY)
    assert known.codes["CJE25"].valid_to == DAY


def test_an_older_release_read_again_never_revives_a_code_and_says_so():
    old, new = release(date(2025, 1, 1), "CJE20", "CJE25"), release(date(2026, 1, 1), "CJE20")
    known = after(old, new)
    again, refused = read_releases(known, [old], DAY)
    assert again == known
    assert [place for place, _ in refused] == [old.place]
    assert after(old, new, known=known) == known, "together with its successor it is simply history"


def test_a_release_read_again_may_give_back_what_it_lacked_by_mistake():
    known = after(release(date(2025, 1, 1), "CJE20", "CJE25"), release(date(2026, 1, 1), "CJE20"))
    mended = after(release(date(2026, 1, 1), "CJE20", "CJE25"), known=known)
    assert (mended.codes["CJE25"].valid_from, mended.codes["CJE25"].valid_to) == (date(2025, 1, 1), None)


def test_a_code_that_comes_back_years_later_begins_anew():
    known = after(
        release(date(2020, 1, 1), "CJE20", "CJE25"),
        release(date(2022, 1, 1), "CJE20"),
        release(date(2026, 1, 1), "CJE20", "CJE25"),
    )
    assert (known.codes["CJE25"].valid_from, known.codes["CJE25"].valid_to) == (date(2026, 1, 1), None)


def test_a_code_that_a_release_lists_as_ended_keeps_the_day_it_says():
    listed = release(date(2026, 1, 1), "CJE20")
    listed.entries["CJE25"] = Entry("Gammal", valid_to=date(2024, 12, 31))
    known = after(listed)
    assert (known.codes["CJE25"].valid_from, known.codes["CJE25"].valid_to) == (None, date(2024, 12, 31))
    assert after(listed, known=known) == known


def test_a_line_that_cannot_be_read_ends_no_code():
    first = release(date(2025, 1, 1), "CJE20", "CJE25", "JAB30")
    slip = release(date(2026, 1, 1), "CJE20", unread={"CJE2O"})
    assert after(first, slip).codes["CJE25"].valid_to is None
    assert after(first, slip).codes["JAB30"].valid_to == date(2025, 12, 31)
    torn = release(date(2026, 1, 1), "CJE20", whole=False)
    assert after(first, torn).codes["JAB30"].valid_to is None


def test_a_release_that_lacks_a_tenth_of_the_codes_is_refused_until_somebody_says_how_many():
    codes = [f"AAA{number:02}" for number in range(40)]
    first, half = release(date(2025, 1, 1), *codes), release(date(2026, 1, 1), *codes[:20])
    known, refused = read_releases(Known(), [first, half], DAY)
    assert known == after(first)
    ((place, reason),) = refused
    assert (place, "lacks 20 of 40 codes" in reason, "retires = 20" in reason) == (half.place, True, True)
    half.retires = 20
    assert sum(one.valid_to is not None for one in after(first, half).codes.values()) == 20


def test_an_empty_release_and_two_of_the_same_day_are_refused():
    first = release(date(2025, 1, 1), "CJE20")
    empty, twin = release(date(2026, 1, 1)), release(date(2025, 1, 1), "CJE20")
    twin.place = "kva/twin"
    known, refused = read_releases(Known(), [first, empty, twin], DAY)
    assert known == after(first)
    assert refused == [
        ("kva/twin", "begins on the same day as kva/2025-01-01"),
        ("kva/2026-01-01", "holds no code that can be read"),
    ]


_CODES = st.sets(st.sampled_from("abcdef"), min_size=1)
_HISTORY = st.dictionaries(st.dates(date(2020, 1, 1), date(2020, 3, 1)), _CODES, min_size=1, max_size=6)
_DAYS = st.dates(date(2019, 12, 1), date(2020, 4, 1))


def _holds(history: dict[date, set[str]], code: str, day: date) -> bool:
    begun = [begins for begins in history if begins <= day]
    return bool(begun) and code in history[max(begun)]


def _without_gaps(history: dict[date, set[str]], code: str) -> bool:
    told = "".join("x" if code in history[begins] else "-" for begins in sorted(history))
    return "-" not in told.strip("-")


@given(_HISTORY, _DAYS)
def test_on_the_day_it_is_read_a_code_is_valid_exactly_when_the_release_of_that_day_holds_it(history, day):
    known = after(*(release(begins, *codes) for begins, codes in history.items()), day=day)
    for code in "abcdef":
        found = known.codes.get(code)
        assert (found is not None and found.valid_on(day)) == _holds(history, code, day)


@given(_HISTORY, _DAYS, _DAYS)
def test_without_gaps_what_is_read_on_one_day_is_right_on_every_day(history, read_on, day):
    known = after(*(release(begins, *codes) for begins, codes in history.items()), day=read_on)
    for code in "abcdef":
        if _without_gaps(history, code):
            found = known.codes.get(code)
            assert (found is not None and found.valid_on(day)) == _holds(history, code, day)


@given(_HISTORY, st.lists(_DAYS, min_size=1, max_size=4))
def test_releases_that_arrive_one_by_one_give_what_they_give_together(history, days):
    releases = [release(begins, *history[begins]) for begins in sorted(history)]
    day = max(days)
    known = Known()
    for number in range(len(releases)):
        # Only the newest lies in the folder each time, as an operator would have it.
        known = after(releases[number], known=known, day=day)
    together = after(*releases, day=day)
    assert known == together
    assert after(*releases, known=known, day=day) == together, "read again, nothing changes"
