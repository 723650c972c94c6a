"""Rows of days: one a day whatever churns, none for what did not change, none lost when the historian is killed."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from search.service import historian, history_index, indexing
from search.service.historian import Historian
from search.service.indexing import Indexer, looking_up
from search.store import history

pytestmark = pytest.mark.engine

STOCKHOLM = ZoneInfo("Europe/Stockholm")


def at(day, clock):
    return datetime.combine(day, datetime.strptime(clock, "%H:%M").time(), STOCKHOLM)  # noqa: DTZ007 given below


async def test_however_often_an_offer_changes_within_a_day_it_has_one_row_of_that_day(past, make, ago):
    await past.on(ago(9), make.unit("A"), make.agreement("1", "01", ["A"]))
    for hour in range(8, 18):
        await past.on(at(ago(4), f"{hour}:30"), make.wait("A", hour, version=hour))
    await past.remember()

    assert await past.rows() == [("A", ago(9), ago(4), True), ("A", ago(4), None, True)]
    assert await past.waits(ago(5)) == {"A": []}
    assert await past.waits(ago(4)) == {"A": [17]}


async def test_the_same_content_again_writes_nothing(past, make, ago):
    await past.on(ago(9), make.unit("A"), make.agreement("1", "01", ["A"]))
    before = await past.revisions()

    await past.on(ago(4), make.unit("A", version=2), make.agreement("1", "01", ["A"], version=2))

    assert await past.revisions() == before


async def test_what_is_closed_is_not_shown_from_that_day_on_and_may_open_again(past, make, ago):
    await past.on(ago(9), make.unit("A"), make.agreement("1", "01", ["A"]))
    await past.on(ago(7), make.unit("A", version=2, status="closed"))
    await past.on(ago(4), make.unit("A", version=3))
    await past.remember()

    assert [len(await past.found(ago(day))) for day in (8, 7, 5, 4)] == [1, 0, 0, 1]
    assert await past.rows() == [("A", ago(9), ago(7), True), ("A", ago(4), None, True)]


async def test_what_opened_and_closed_within_a_day_was_shown_at_the_end_of_none(past, make, ago):
    await past.on(ago(9), make.unit("A"), make.unit("B"), make.agreement("1", "01", ["A"]))
    await past.on(at(ago(4), "09:00"), make.agreement("2", "01", ["B"]))
    await past.on(at(ago(4), "15:00"), make.agreement("2", "01", ["B"], version=2, status="terminated"))
    await past.remember()

    assert await past.rows() == [("A", ago(9), None, True), ("B", ago(4), ago(4), False)]
    assert [len(await past.found(ago(day))) for day in (5, 4, 3)] == [1, 1, 1]

    # Opened once more the same evening, it has its row back.
    await past.on(at(ago(4), "20:00"), make.agreement("2", "01", ["B"], version=3))
    await past.remember()
    assert [len(await past.found(ago(day))) for day in (5, 4)] == [1, 2]


@pytest.mark.parametrize("night", [date(2026, 3, 29), date(2026, 10, 25)])
async def test_a_day_ends_at_midnight_in_stockholm_when_clocks_are_changed(past, make, night):
    day_before = date.fromordinal(night.toordinal() - 1)
    agreement = {"valid_from": date(2026, 1, 1)}
    await past.on(at(day_before, "12:00"), make.unit("A"), make.agreement("1", "01", ["A"], **agreement))
    await past.on(at(day_before, "23:59"), make.wait("A", 1))
    await past.on(at(night, "00:00"), make.wait("A", 2, version=2))
    await past.on(at(night, "23:59"), make.wait("A", 3, version=3))
    await past.on(at(date.fromordinal(night.toordinal() + 1), "00:00"), make.wait("A", 4, version=4))
    await past.remember()

    assert [await past.waits(day) for day in (day_before, night)] == [{"A": [1]}, {"A": [3]}]


async def test_a_historian_that_lags_behind_writes_the_days_on_which_things_changed(past, make, ago):
    await past.on(ago(9), make.unit("A"), make.unit("B"), make.agreement("1", "01", ["A", "B"]))
    await past.tell(ago(6), make.wait("A", 40))
    await past.tell(ago(5), make.wait("B", 50))
    await past.world.settle()
    await past.remember()

    assert await past.waits(ago(7)) == {"A": [], "B": []}
    assert await past.waits(ago(6)) == {"A": [40], "B": []}
    assert await past.waits(ago(5)) == {"A": [40], "B": [50]}


async def test_a_historian_that_is_killed_between_rows_and_cursor_has_written_neither(past, make, ago, monkeypatch):
    await past.on(ago(9), make.unit("A"), make.agreement("1", "01", ["A"]))
    await past.tell(ago(4), make.wait("A", 40))
    before = await past.rows()

    class Killed(Exception):
        pass

    async def killed(*_):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(history, "move", killed)
        with pytest.raises(Killed):
            await past.remember(ago(4))
    assert await past.rows() == before

    await past.remember(ago(4))
    await past.remember(ago(4))
    await past.remember()
    assert await past.rows() == [("A", ago(9), ago(4), True), ("A", ago(4), None, True)]
    assert await past.waits(ago(4)) == {"A": [40]}


async def test_what_the_index_refused_or_nothing_can_be_built_from_leaves_what_was_shown_before(past, make, ago):
    await past.on(
        ago(9), make.unit("A"), make.unit("B"), make.agreement("1", "01", ["A"]), make.agreement("2", "01", ["B"])
    )
    too_old = make.service(["A"], [make.katarakt], target_group=make.group(age_max=1_000_000))
    await past.on(ago(6), make.agreement("1", "01", services=[too_old], version=2))
    await past.execute("UPDATE agreement SET content = '{\"status\": \"published\"}' WHERE id = 'id-2'")
    await past.on(ago(5), make.unit("B", version=2, name="Nytt namn"))
    await past.remember()

    assert await past.rows() == [("A", ago(9), None, True), ("B", ago(9), None, True)]
    names = [hit["care_unit"]["name"] for hit in (await past.ask(ago(4)))["items"]]
    assert (
        names == [hit["care_unit"]["name"] for hit in (await past.world.ask())["items"]] == ["Kliniken A", "Kliniken B"]
    )


async def test_days_longer_ago_than_are_kept_go_from_rows_and_index_and_the_refusal_says_so(remembered, ago):
    await remembered.remember(keep_days=5)

    assert await remembered.rows() == [("B", ago(20), None, True)]
    assert await remembered.found(ago(5)) == await remembered.found(ago(0))
    assert await remembered.refused(as_of=ago(6).isoformat()) == (
        400,
        "as_of",
        f"lies before the history: it can be asked from {ago(5)} on",
    )
    (name,) = await remembered.index_names()
    assert await remembered.index.count(name) == 1


async def test_a_steady_trickle_of_changes_lets_the_historian_keep_up(past, make, ago, monkeypatch):
    monkeypatch.setattr(historian, "_BATCH", 3)
    monkeypatch.setattr(indexing, "_BETWEEN_TURNS_SECONDS", 0.0)
    await past.on(ago(9), *(make.unit(f"U{number}") for number in range(4)))
    await past.tell(ago(8), make.agreement("1", "01", [f"U{number}" for number in range(4)]))
    advance, number = indexing.advance, iter(range(1000))

    async def never_done(*given, **named):
        """As if something came again just before each look."""
        followed, _ = await advance(*given, **named)
        version = next(number)
        await past.tell(ago(7), make.wait(f"U{version % 4}", version, version=version + 1))
        return followed, False

    monkeypatch.setattr(indexing, "advance", never_done)
    indexer = Indexer(past.world.engine, past.world.index, past.historian(ago(7)))
    async with looking_up(past.world.engine) as connection:
        for _ in range(6):
            await indexer.round(connection)
    assert {row[0] for row in await past.rows()} == {"0", "1", "2", "3"}

    # A backlog comes first: then the historian has no turn.
    monkeypatch.setattr(indexing, "_MOST_LEFT", 0)
    before = await past.revisions()
    async with looking_up(past.world.engine) as connection:
        for _ in range(3):
            assert await indexer.round(connection)
    assert await past.revisions() == before


async def test_a_history_index_that_cannot_be_written_stops_neither_rows_nor_searches(past, make, ago, monkeypatch):
    await past.on(ago(9), make.unit("A"), make.agreement("1", "01", ["A"]))
    away = type(past.index)("http://127.0.0.1:9", f"{past.world.name}-history")
    try:
        await past.tell(ago(4), make.wait("A", 40))
        indexer = Indexer(past.world.engine, past.world.index, Historian(away, 400, past.it_is(ago(4))))
        async with looking_up(past.world.engine) as connection:
            while await indexer.round(connection):
                pass
    finally:
        await away.close()
    past.it_is(None)

    assert indexer.waiting_for is None
    assert len(await past.rows()) == 2
    assert (await past.refused(as_of=ago(5).isoformat()))[0] == 503
    await past.remember()
    assert await past.waits(ago(4)) == {"A": [40]}


async def test_an_index_that_does_not_agree_with_the_rows_is_not_searched_but_made_anew(remembered, ago, monkeypatch):
    monkeypatch.setattr(history_index, "_AGAIN_SECONDS", 0.0)
    before, write, lost = await remembered.answers(ago(6)), type(remembered.index).write, []

    async def forgetful(index, name, documents):
        if "-history-" in name and documents and not lost:
            lost.append(name)
            documents = documents[1:]
        return await write(index, name, documents)

    monkeypatch.setattr(type(remembered.index), "write", forgetful)
    await remembered.lose_index()
    await remembered.remember()

    assert not {*lost} & await remembered.index_names()
    assert await remembered.answers(ago(6)) == before


async def test_another_mapping_is_filled_from_the_rows_while_the_old_index_answers(remembered, ago, monkeypatch):
    days = [ago(day) for day in (20, 10, 6, 5, 1)]
    before, (old,) = await remembered.answers(*days), await remembered.index_names()
    monkeypatch.setattr(history_index, "_BATCH", 1)
    write, seen = type(remembered.index).write, []

    async def watched(index, name, documents):
        if name != old and "-history-" in name and documents:
            seen.append(await remembered.answers(*days) == before)
        return await write(index, name, documents)

    monkeypatch.setattr(type(remembered.index), "write", watched)
    remembered.index.shape = "0123abcd"
    await remembered.remember()

    assert len(seen) == 3
    assert all(seen)
    (new,) = await remembered.index_names()
    assert new.startswith(f"{remembered.world.name}-history-0123abcd-")
    assert await remembered.answers(*days) == before
