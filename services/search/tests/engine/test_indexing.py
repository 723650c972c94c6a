"""From rows to the index: whole documents with their revision; nothing is lost, nothing stops the rest."""

import asyncio

import pytest
from sqlalchemy import select, text, update
from structlog.testing import capture_logs

from engines import eventually
from kit.process import together
from search.index.engine import EngineAway, Index
from search.service.indexing import Indexer
from search.store import offers
from search.store.tables import care_unit, offer

pytestmark = pytest.mark.engine

NOBODY_LISTENS = "http://127.0.0.1:9"


async def dirty(sessions):
    async with sessions() as session:
        return [one.id for one in await offers.dirty(session, 1000)]


async def faults(sessions):
    async with sessions() as session:
        rows = await session.execute(select(offer.c.id, offer.c.fault).where(offer.c.fault.is_not(None)))
        return {row.id: row.fault for row in rows}


async def test_a_touch_while_its_document_is_written_keeps_the_offer_dirty(world, make):
    await world.tell(make.unit("A"), make.agreement("1", "01", ["A"]))
    await world.indexer.prepare()

    class Slow(Index):
        async def write(self, documents):
            await world.tell(make.wait("A", 30))
            return await super().write(documents)

    slow = Slow(str(world.opensearch.base_url), world.name)
    try:
        assert await Indexer(world.sessions, slow).index_some() == 1
    finally:
        await slow.close()

    assert await dirty(world.sessions) == [f"{make.hsa('A')}|{make.katarakt}"]
    await world.settle()
    assert [wait["days"] for wait in (await world.hit(f"A|{make.katarakt}"))["waits"]] == [30]


async def test_two_indexers_at_once_leave_what_one_would(world, make):
    await world.tell(
        *(make.unit(f"U{number}") for number in range(40)),
        make.agreement("1", "01", [f"U{number}" for number in range(40)]),
    )
    second = Indexer(world.sessions, world.index)
    await world.indexer.prepare()

    async def touch():
        for number in range(8):
            await world.tell(make.wait("U1", number, version=number + 1))

    await asyncio.gather(world.indexer.index_some(), second.index_some(), touch(), second.index_some())
    await world.settle()

    assert (await world.ask())["total"] == 40
    assert [wait["days"] for wait in (await world.hit(f"U1|{make.katarakt}"))["waits"]] == [7]
    assert await dirty(world.sessions) == []


async def test_a_late_mark_of_an_older_revision_leaves_the_newer_one(world, make):
    await world.tell(make.unit("A"), make.agreement("1", "01", ["A"]))
    async with world.sessions.begin() as session:
        old = await offers.dirty(session, 10)
        await offers.touch_all(session)
    async with world.sessions.begin() as session:
        await offers.mark_indexed(session, await offers.dirty(session, 10), {})
    async with world.sessions.begin() as session:
        await offers.mark_indexed(session, old, {})

    assert await dirty(world.sessions) == []


async def test_an_older_document_never_overwrites_a_newer_one(world, make):
    await world.tell(make.unit("A"), make.agreement("1", "01", ["A"]))
    await world.settle()
    before = await world.ask()

    written = await world.index.write([(f"{make.hsa('A')}|{make.katarakt}", 1, None)])
    await world.settle()

    assert written == {}
    assert await world.ask() == before


async def test_a_document_the_index_refuses_is_marked_with_its_fault_and_does_not_stop_the_others(world, make):
    too_old = make.service(["A"], [make.katarakt], target_group=make.group(age_max=1_000_000))
    refused = f"{make.hsa('A')}|{make.katarakt}"

    found = await world.found(
        make.unit("A"),
        make.unit("B"),
        make.agreement("1", "01", services=[too_old]),
        make.agreement("2", "01", ["B"]),
    )

    assert found == [f"B|{make.katarakt}"]
    assert list(await faults(world.sessions)) == [refused]
    assert "age_max" in (await faults(world.sessions))[refused]
    assert await dirty(world.sessions) == []

    mended = await world.found(make.agreement("1", "01", ["A"], version=2))

    assert sorted(mended) == [f"A|{make.katarakt}", f"B|{make.katarakt}"]
    assert await faults(world.sessions) == {}


async def test_a_row_no_document_can_be_built_from_is_marked_and_does_not_stop_the_others(world, make):
    await world.tell(make.unit("A"), make.unit("B"), make.agreement("1", "01", ["A", "B"]))
    async with world.sessions.begin() as session:
        changed = update(care_unit).where(care_unit.c.hsa_id == make.hsa("A"))
        await session.execute(changed.values(content=text("""content - 'contacts'""")))

    assert await world.found() == [f"B|{make.katarakt}"]
    assert await faults(world.sessions) == {f"{make.hsa('A')}|{make.katarakt}": "cannot be built: KeyError: 'contacts'"}


async def test_a_lost_index_is_made_anew_and_filled_again(world, make):
    assert len(await world.found(make.unit("A"), make.agreement("1", "01", ["A"]))) == 1
    (await world.opensearch.delete(f"/{world.name}-*")).raise_for_status()
    async with world.sessions.begin() as session:
        await offers.touch_all(session)

    with pytest.raises(EngineAway):
        await world.indexer.index_some()

    assert len(await world.found()) == 1


async def test_an_empty_engine_is_filled_from_the_rows_when_the_worker_starts(world, make):
    assert len(await world.found(make.unit("A"), make.agreement("1", "01", ["A"]))) == 1
    (await world.opensearch.delete(f"/{world.name}-*")).raise_for_status()

    index = Index(str(world.opensearch.base_url), world.name)
    try:
        await Indexer(world.sessions, index).prepare()
    finally:
        await index.close()

    assert len(await world.found()) == 1


async def test_an_index_of_another_shape_is_replaced_behind_the_same_name_and_kept(world, make, monkeypatch):
    await world.found(make.unit("A"), make.agreement("1", "01", ["A"]))
    other = Index(str(world.opensearch.base_url), world.name)
    monkeypatch.setattr(other, "_name", f"{world.name}-later")
    later = Indexer(world.sessions, other)
    try:
        await later.prepare()
        while await later.index_some():
            pass
    finally:
        await other.close()
    await world.opensearch.post(f"/{world.name}-*/_refresh")

    searched = (await world.opensearch.get(f"/_alias/{world.name}")).json()
    assert list(searched) == [f"{world.name}-later"]
    assert (await world.ask())["total"] == 1
    assert (await world.opensearch.head(f"/{world.index._name}")).status_code == 200


async def test_while_the_search_engine_is_away_the_indexer_waits_with_growing_pauses(world, make):
    await world.tell(make.unit("A"), make.agreement("1", "01", ["A"]))
    index = Index(NOBODY_LISTENS, world.name)
    indexer = Indexer(world.sessions, index)
    with capture_logs() as lines:
        running = asyncio.ensure_future(indexer.run())
        try:
            await eventually(lambda: sum(line["event"] == "indexing waits" for line in lines) >= 4)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await index.close()

    assert [line["pause_seconds"] for line in lines if line["event"] == "indexing waits"][:4] == [0.1, 0.2, 0.4, 0.8]
    assert indexer.waiting_for == "opensearch"
    assert len(await dirty(world.sessions)) == 1


async def test_a_running_indexer_is_woken_and_stops_when_cancelled(world, make):
    running = asyncio.ensure_future(together(world.indexer.run))
    try:
        await eventually(world.index.ready)
        await world.tell(make.unit("A"), make.agreement("1", "01", ["A"]))
        world.indexer.wake()

        async def marked():
            return await dirty(world.sessions) == []

        await eventually(marked, within=1.0)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert running.cancelled()
