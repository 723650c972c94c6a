"""Who writes an index says when it is refreshed: a lone change at once, a backlog now and then."""

import asyncio

import pytest

from engines import eventually
from search.index.engine import Index
from search.service import following, indexing
from search.service.indexing import Indexer, looking_up
from search.store import joined, offers
from upkeep.process import together

pytestmark = pytest.mark.engine


async def test_a_change_is_found_without_the_engines_own_refresh(world, make):
    index = Index(str(world.opensearch.base_url), world.name)
    indexer = Indexer(world.engine, index)
    work = asyncio.ensure_future(together(indexer.run))
    try:
        await world.tell(make.unit("A"), make.agreement("1", "01", ["A"]))

        async def found() -> bool:
            answer = await world.http.get("/offers")
            return answer.status_code == 200 and answer.json()["total"] == 1

        await eventually(found, within=10)
        await world.tell(make.unit("A", version=2, name="Annat namn"))

        async def renamed() -> bool:
            return (await world.ask())["items"][0]["care_unit"]["name"] == "Annat namn"

        await eventually(renamed, within=10)
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        await index.close()


async def test_what_an_earlier_process_wrote_and_never_refreshed_is_found_too(world, make, monkeypatch):
    monkeypatch.setattr(indexing, "_REFRESH_SECONDS", 3600.0)
    await world.settle()
    await world.tell(make.unit("A"), make.agreement("1", "01", ["A"]))
    before = Indexer(world.engine, world.index)
    async with looking_up(world.engine) as connection:
        await before.round(connection)
        await world.tell(make.unit("B"), make.agreement("2", "01", ["B"]))
        # It writes and is gone before its next refresh is due.
        await before.round(connection)
        assert (await world.ask())["total"] == 1
        await Indexer(world.engine, world.index).round(connection)
    assert (await world.ask())["total"] == 2


async def test_a_backlog_is_refreshed_seldom_and_found_whole_at_its_end(world, make, monkeypatch):
    monkeypatch.setattr(following, "_BATCH", 5)
    units = [f"U{number}" for number in range(60)]
    await world.settle()
    await world.tell(*(make.unit(unit) for unit in units), make.agreement("1", "01", units))
    refreshed = []

    class Watched(Index):
        async def refresh(self, name):
            refreshed.append(name)
            await super().refresh(name)

    index = Watched(str(world.opensearch.base_url), world.name)
    indexer = Indexer(world.engine, index)
    try:
        async with looking_up(world.engine) as connection:
            while await indexer.round(connection):
                pass
    finally:
        await index.close()
    assert (await world.ask(limit=1))["total"] == 60
    # At its first look, which may be in the midst of it, and at the end.
    assert len(refreshed) <= 2


async def test_a_batchs_waits_are_looked_up_pair_by_pair_however_few_the_planner_expects(world, make):
    units = [f"U{number}" for number in range(50)]
    await world.tell(*(make.unit(unit) for unit in units), make.agreement("1", "01", units))
    await world.tell(*(make.wait(unit, 30) for unit in units))
    async with looking_up(world.engine) as connection:
        batch = await offers.after(connection, offers.BEGINNING, 1000)
        plan = await connection.fetch(
            f"EXPLAIN (ANALYZE) {joined._LED}", [one.unit for one in batch], [one.code_key for one in batch]
        )
    text = "\n".join(row[0] for row in plan)
    # A pass over all waits for every pair would be told as rows that a join filter takes away.
    assert "Join Filter" not in text
    assert text.count("Index") >= 3
