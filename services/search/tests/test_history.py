"""What was shown on which days: rows of days out of changes at moments, and what a purge leaves of a document."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from search.domain import history
from search.domain.history import Standing, change, day_of

STOCKHOLM = ZoneInfo("Europe/Stockholm")
# Around the nights on which clocks are changed, where a day has 23 and 25 hours, and a new year.
NIGHTS = [datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)]
changes = st.tuples(
    st.sampled_from(NIGHTS),
    st.lists(st.tuples(st.integers(-72 * 3600, 72 * 3600), st.sampled_from([None, "a", "b", "c"])), max_size=12),
)


def revision(at):
    return round((at - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1))


def rows_after(told):
    """The rows that one offer has after (moment, digest) changes in their order: first day to digest and last day."""
    rows = {}
    for at, digest in told:
        open_row = next(((begun, row[0]) for begun, row in rows.items() if row[1] is None), None)
        found = change(Standing(*open_row) if open_row is not None else None, day_of(revision(at)), digest)
        if found is None:
            continue
        if found.ends is not None:
            rows[open_row[0]] = (open_row[1], found.ends)
        if found.begins is not None:
            rows[found.begins] = (digest, None)
    return rows


@given(changes)
@example((NIGHTS[0], [(-3600, "a"), (-3601 + 3600, "b")]))
@example((NIGHTS[1], [(-7200, "a"), (-7201, "b"), (23 * 3600 - 1, "c")]))
def test_the_rows_tell_for_each_day_what_was_shown_last_before_midnight_in_stockholm(told):
    night, marks = told
    moments = sorted(((night + timedelta(seconds=second), digest) for second, digest in marks), key=lambda one: one[0])
    rows = rows_after(moments)

    first = night.date() - timedelta(days=4)
    for number in range(9):
        day = first + timedelta(days=number)
        midnight = datetime(day.year, day.month, day.day, tzinfo=STOCKHOLM) + timedelta(days=1)
        wanted = next((digest for at, digest in reversed(moments) if at < midnight.astimezone(UTC)), None)
        shown = [digest for begun, (digest, to) in rows.items() if begun <= day and (to is None or day < to)]
        assert shown == ([] if wanted is None else [wanted])


@given(changes)
def test_however_often_an_offer_changes_it_has_one_row_a_day(told):
    night, marks = told
    moments = sorted(((night + timedelta(seconds=second), digest) for second, digest in marks), key=lambda one: one[0])
    rows = rows_after(moments)

    assert len(rows) <= len({day_of(revision(at)) for at, _ in moments})


@pytest.mark.parametrize(
    ("at", "day"),
    [
        ("2026-03-28T22:59:59.999999+00:00", date(2026, 3, 28)),
        ("2026-03-28T23:00:00+00:00", date(2026, 3, 29)),
        ("2026-03-29T21:59:59.999999+00:00", date(2026, 3, 29)),
        ("2026-03-29T22:00:00+00:00", date(2026, 3, 30)),
        ("2026-10-25T22:59:59.999999+00:00", date(2026, 10, 25)),
        ("2026-10-25T23:00:00+00:00", date(2026, 10, 26)),
    ],
)
def test_a_day_begins_at_midnight_in_stockholm_also_when_clocks_are_changed(at, day):
    assert day_of(revision(datetime.fromisoformat(at))) == day


def test_a_clock_that_went_back_never_makes_a_document_end_before_it_began():
    monday = Standing(date(2026, 11, 23), "a")

    assert change(monday, date(2026, 11, 20), "b") == history.Change(None, date(2026, 11, 23))
    assert change(monday, date(2026, 11, 20), None) == history.Change(date(2026, 11, 23), None)


DOCUMENT = {
    "care_service": "vt-demo|x",
    "care_service_text": "Operation X",
    "codes": ["kva|A", "kva|B", "vt-demo|x"],
    "care_service_words": ["Operation X", "Kod A", "Kod B", "vardagsord"],
    "text": ["Operation X", "Kod A", "Kod B", "vardagsord", "Kliniken", "Umeå"],
    "bases": [{"agreement_id": "1", "kind": "agreement"}, {"kind": "catalogue"}, {"agreement_id": "2", "kind": "own"}],
}


def test_a_document_without_an_agreement_has_what_others_gave_and_nothing_that_only_it_may_have_given():
    present = {"codes": ["kva|A", "vt-demo|x"], "care_service_words": ["Operation X", "Kod A"]}

    left = history.without(DOCUMENT, {"1"}, present)

    assert [basis["kind"] for basis in left["bases"]] == ["catalogue", "own"]
    assert left["codes"] == ["kva|A", "vt-demo|x"]
    assert left["care_service_words"] == ["Operation X", "Kod A"]
    assert left["text"] == ["Operation X", "Kod A", "Kliniken", "Umeå"]
    assert history.agreements_of(left) == {"2"}


def test_where_nothing_is_shown_now_only_the_care_service_itself_is_known_to_come_from_elsewhere():
    left = history.without(DOCUMENT, {"1"}, None)

    assert (left["codes"], left["care_service_words"]) == (["vt-demo|x"], ["Operation X"])
    assert left["text"] == ["Operation X", "Kliniken", "Umeå"]


def test_a_document_without_any_basis_left_is_nothing():
    only = {**DOCUMENT, "bases": DOCUMENT["bases"][:1]}

    assert history.without(only, {"1"}, DOCUMENT) is None
