"""From rows to the index: whole documents with their revision; nothing is lost, nothing stops the rest."""

import asyncio

import pytest
from sqlalchemy import select, text, update
from structlog.testing import capture_logs

from engines import eventually
from search.index import mapping
from search.index.engine import Index
from search.service import following, indexes, indexing
from search.service.following import advance
from search.service.indexing import Indexer, looking_up
from search.store import followed
from search.store.tables import care_unit, refused_document
from upkeep.process import together

pytestmark = pytest.mark.engine

NOBODY_LISTENS = "http://127.0.0.1:9"


@pytest.fixture
async def other_index(world):
    """More clients of the same indexes: `other_index(shape="…")` has another mapping."""
    made = []

    def make(kind=Index, *, url=None, shape=None):
        index = kind(url or str(world.opensearch.base_url), world.name)
        if shape is not None:
            index.shape = shape
        made.append(index)
        return index

    yield make
    for index in made:
        await index.close()


async def refused(world):
    async with world.sessions() as session:
        rows = await session.execute(select(refused_document))
        return {f"{row.unit}|{row.code_key}": row.reason for row in rows}


async def searched(world):
    answer = await world.opensearch.get(f"/_alias/{world.name}")
    return list(answer.json()) if answer.status_code == 200 else []


async def own(world, connection):
    return (await indexes.to_follow(connection, world.index))[0]


async def running(*indexers):
    return asyncio.ensure_future(together(*(indexer.run for indexer in indexers)))


async def stopped(work):
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)


async def test_a_touch_while_its_document_is_written_is_followed_next(world, make, other_index):
    await world.settle()
    await world.tell(make.unit("A"), make.agreement("1", "01", ["A"]))

    class Slow(Index):
        told = False

        async def write(self, name, documents):
            if not self.told:
                self.told = True
                await world.tell(make.wait("A", 30))
            return await super().write(name, documents)

    async with looking_up(world.engine) as connection:
        await advance(connection, other_index(Slow), await own(world, connection))
    await world.settle()

    assert [wait["days"] for wait in (await world.hit(f"A|{make.katarakt}"))["waits"]] == [30]


async def test_while_changes_come_without_a_pause_they_are_shown_as_soon_as_single_ones(world, make, monkeypatch):
    async def never_done(*given, **named):
        one, _ = await advance(*given, **named)
        return one, False

    await world.tell(make.unit("A"), make.agreement("1", "01", ["A"]))
    await world.settle()
    monkeypatch.setattr(indexing, "_REFRESH_SECONDS", 0.01)
    monkeypatch.setattr(indexing, "_REFRESH_BEHIND_SECONDS", float("inf"))
    monkeypatch.setattr(indexing, "advance", never_done)
    indexer = Indexer(world.engine, world.index)
    async with looking_up(world.engine) as connection:
        for days in (10, 20, 30):
            await world.tell(make.wait("A", days, version=days))
            await indexer.round(connection)
            (wait,) = (await world.hit(f"A|{make.katarakt}"))["waits"]
            assert wait["days"] == days


async def test_after_a_crash_between_writing_and_moving_the_cursor_the_same_is_written_again(world, make, monkeypatch):
    await world.settle()
    await world.tell(make.unit("A"), make.unit("B"), make.agreement("1", "01", ["A", "B"]))

    class Crash(Exception):
        pass

    async def crash(*_):
        raise Crash

    async with looking_up(world.engine) as connection:
        before = await own(world, connection)
        with monkeypatch.context() as patch:
            patch.setattr(followed, "move", crash)
            with pytest.raises(Crash):
                await advance(connection, world.index, before)
        assert await own(world, connection) == before
        after, caught_up = await advance(connection, world.index, before)
    await world.settle()

    assert caught_up
    assert after.cursor > before.cursor
    assert (await world.ask())["total"] == 2
    assert await refused(world) == {}


async def test_two_indexers_at_once_leave_what_one_would(world, make, monkeypatch):
    monkeypatch.setattr(following, "_BATCH", 7)
    units = [f"U{number}" for number in range(40)]
    await world.tell(*(make.unit(unit) for unit in units), make.agreement("1", "01", units))
    await world.settle()

    async def touch():
        for number in range(8):
            await world.tell(make.wait("U1", number, version=number + 1), make.unit("U2", version=number + 2))

    async def follow():
        async with looking_up(world.engine) as connection:
            one = await own(world, connection)
            for _ in range(20):
                one, _ = await advance(connection, world.index, one)

    await asyncio.gather(follow(), follow(), touch())
    await world.settle()

    assert (await world.ask(limit=1))["total"] == 40
    assert [wait["days"] for wait in (await world.hit(f"U1|{make.katarakt}", limit=100))["waits"]] == [7]


async def test_one_indexer_is_active_and_another_takes_over_when_it_ends(world, make):
    first, second = Indexer(world.engine, world.index), Indexer(world.engine, world.index)
    working = await running(first)
    try:
        await eventually(lambda: searched(world), within=30)
        standing_by = await running(second)
        await world.tell(make.unit("A"), make.agreement("1", "01", ["A"]))
        first.wake()
        await eventually(lambda: _total(world, 1), within=30)
        assert second._own is None
        await stopped(working)
        await world.tell(make.unit("B"), make.agreement("2", "01", ["B"]))
        await eventually(lambda: _total(world, 2), within=30)
    finally:
        await stopped(working)
        await stopped(standing_by)


async def _total(world, number):
    answer = await world.http.get("/offers")
    return answer.status_code == 200 and answer.json()["total"] == number


async def test_an_older_document_never_overwrites_a_newer_one(world, make):
    await world.tell(make.unit("A"), make.agreement("1", "01", ["A"]))
    await world.settle()
    before = await world.ask()
    (name,) = await searched(world)

    written = await world.index.write(name, [(f"{make.hsa('A')}|{make.katarakt}", 1, None)])
    await world.settle()

    assert written == {}
    assert await world.ask() == before


async def test_a_document_the_index_refuses_is_remembered_until_a_later_one_succeeds_and_stops_no_other(world, make):
    too_old = make.service(["A"], [make.katarakt], target_group=make.group(age_max=1_000_000))
    offer = f"{make.hsa('A')}|{make.katarakt}"

    found = await world.found(
        make.unit("A"),
        make.unit("B"),
        make.agreement("1", "01", services=[too_old]),
        make.agreement("2", "01", ["B"]),
    )

    assert found == [f"B|{make.katarakt}"]
    assert list(await refused(world)) == [offer]
    assert "age_max" in (await refused(world))[offer]

    mended = await world.found(make.agreement("1", "01", ["A"], version=2))

    assert sorted(mended) == [f"A|{make.katarakt}", f"B|{make.katarakt}"]
    assert await refused(world) == {}


async def test_a_row_no_document_can_be_built_from_is_remembered_and_does_not_stop_the_others(world, make):
    await world.tell(make.unit("A"), make.unit("B"), make.agreement("1", "01", ["A", "B"]))
    async with world.sessions.begin() as session:
        changed = update(care_unit).where(care_unit.c.hsa_id == make.hsa("A"))
        await session.execute(changed.values(content=text("""(content::jsonb - 'contacts')::json""")))

    assert await world.found() == [f"B|{make.katarakt}"]
    assert await refused(world) == {f"{make.hsa('A')}|{make.katarakt}": "cannot be built: KeyError: 'contacts'"}


async def test_an_index_that_vanishes_is_made_and_filled_again_by_the_running_indexer(world, make):
    indexer = Indexer(world.engine, world.index)
    working = await running(indexer)
    try:
        await world.tell(make.unit("A"), make.agreement("1", "01", ["A"]))
        await eventually(lambda: _total(world, 1), within=30)
        (await world.opensearch.delete(f"/{world.name}-*")).raise_for_status()
        await eventually(lambda: _total(world, 1), within=30)
        # And when there is something to write before anybody has looked.
        (await world.opensearch.delete(f"/{world.name}-*")).raise_for_status()
        await world.tell(make.unit("B"), make.agreement("2", "01", ["B"]))
        indexer.wake()
        await eventually(lambda: _total(world, 2), within=30)
    finally:
        await stopped(working)


async def test_an_index_of_the_same_name_that_is_another_one_is_not_taken_for_it(world, make):
    assert len(await world.found(make.unit("A"), make.agreement("1", "01", ["A"]))) == 1
    (name,) = await searched(world)
    (await world.opensearch.delete(f"/{name}")).raise_for_status()
    again = {**mapping.body(world.index.words), "aliases": {world.name: {}}}
    (await world.opensearch.put(f"/{name}", json=again)).raise_for_status()

    assert len(await world.found()) == 1
    assert await searched(world) != [name]


async def test_a_changed_mapping_fills_an_index_of_its_own_while_searches_find_all_and_what_is_new(
    world, make, other_index, monkeypatch
):
    monkeypatch.setattr(following, "_BATCH", 5)
    units = [f"U{number}" for number in range(60)]
    await world.tell(*(make.unit(unit) for unit in units), make.agreement("1", "01", units))
    await world.settle()
    (before,) = await searched(world)

    seen = []

    class Watched(Index):
        """Each write to the new index is preceded by a search, and once by a message."""

        async def write(self, name, documents):
            if name != before:
                if not seen:
                    await world.tell(make.unit("NEW"), make.agreement("2", "01", ["NEW"]))
                seen.append((await world.ask(limit=1))["total"])
            return await super().write(name, documents)

    later = other_index(Watched, shape="0123abcd")
    indexer = Indexer(world.engine, later)
    working = await running(indexer)
    try:

        async def switched():
            found = await searched(world)
            return found != [before] and found

        (after,) = await eventually(switched, within=30)
        await eventually(lambda: _total(world, 61), within=30)
    finally:
        await stopped(working)

    assert after.startswith(f"{world.name}-0123abcd-")
    assert min(seen) == 60
    assert (await world.opensearch.head(f"/{before}")).status_code == 200


async def test_of_the_indexes_that_were_searched_the_one_before_is_kept_and_older_ones_go(world, make, other_index):
    await world.found(make.unit("A"), make.agreement("1", "01", ["A"]))
    names = [*await searched(world)]
    for shape in ("0000000a", "0000000b"):
        async with looking_up(world.engine) as connection:
            index = other_index(shape=shape)
            indexer = Indexer(world.engine, index)
            while await indexer.round(connection):
                pass
        names += await searched(world)

    kept = [name for name in names if (await world.opensearch.head(f"/{name}")).status_code == 200]
    assert kept == names[1:]

    # A release that is taken back goes on with its index from where that one was.
    await world.tell(make.unit("B"), make.agreement("2", "01", ["B"]))
    async with looking_up(world.engine) as connection:
        indexer = Indexer(world.engine, other_index(shape="0000000a"))
        while await indexer.round(connection):
            pass
    assert await searched(world) == [names[1]]
    assert (await world.ask())["total"] == 2


async def test_an_index_that_holds_too_little_is_not_searched(world, make, other_index):
    class Forgetful(Index):
        async def write(self, name, documents):
            return await super().write(name, documents[1:])

    await world.tell(make.unit("A"), make.unit("B"), make.agreement("1", "01", ["A", "B"]))
    indexer = Indexer(world.engine, other_index(Forgetful))
    async with looking_up(world.engine) as connection:
        while await indexer.round(connection):
            pass

    assert indexer.waiting_for == "an index that holds every offer"
    assert (await world.http.get("/offers")).status_code == 503


async def test_while_the_search_engine_is_away_the_indexer_waits_with_growing_pauses(world, make, other_index):
    await world.tell(make.unit("A"), make.agreement("1", "01", ["A"]))
    indexer = Indexer(world.engine, other_index(url=NOBODY_LISTENS))
    with capture_logs() as lines:
        working = await running(indexer)
        try:
            await eventually(lambda: sum(line["event"] == "indexing waits" for line in lines) >= 4, within=30)
        finally:
            await stopped(working)

    assert [line["pause_seconds"] for line in lines if line["event"] == "indexing waits"][:4] == [0.1, 0.2, 0.4, 0.8]
    assert indexer.waiting_for == "opensearch"


async def test_changes_of_another_process_are_seen_without_a_wake(world, make):
    working = await running(Indexer(world.engine, world.index))
    try:
        await eventually(lambda: searched(world), within=30)
        await world.tell(make.unit("A"), make.agreement("1", "01", ["A"]))
        await eventually(lambda: _total(world, 1), within=30)
    finally:
        await stopped(working)
    assert working.cancelled()
