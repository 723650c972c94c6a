"""Offers that several workers touch, build and mark at once."""

import asyncio

import pytest
from sqlalchemy import select, text, update

from kit import database
from search.service import project
from search.store import offers
from search.store.tables import offer

pytestmark = pytest.mark.engine


@pytest.fixture
async def sessions(new_database):
    """A database of search."""
    engine = database.connect(await new_database("search"))
    yield database.sessions(engine)
    await engine.dispose()


async def test_an_offers_revision_never_goes_back_even_when_the_clock_does(sessions, make):
    pair = [(make.hsa("A"), make.katarakt)]
    seen = []
    async with sessions.begin() as session:
        await offers.touch(session, pair)
        ahead = (await session.scalar(select(offer.c.revision))) + 3_600_000_000
        await session.execute(update(offer).values(revision=ahead))
        for touch in (
            offers.touch(session, pair),
            offers.touch_existing(session, pair),
            offers.touch_units(session, [make.hsa("A")]),
            offers.touch_services(session, [make.katarakt]),
            offers.touch_all(session),
        ):
            await touch
            seen.append(await session.scalar(select(offer.c.revision)))

    assert seen == [ahead + step for step in range(1, 6)]


async def test_two_workers_that_project_at_once_do_not_miss_each_others_rows(sessions, shown_in, make):
    async def agreement_arrives():
        async with sessions.begin() as other:
            await project.agreements(other, [make.agreement("1", "01", ["A"], ["kva|CJE20"])])

    async with sessions.begin() as session:
        await project.units(session, [make.unit("A")])
        await project.codes(session, [make.code("kva|CJE20")])
        second = asyncio.ensure_future(agreement_arrives())
        await asyncio.wait([second], timeout=0.5)
        async with sessions.begin() as third:
            await shown_in(third).index()
    await second

    async with sessions.begin() as session:
        assert list((await shown_in(session).index()).found) == [f"A|{make.katarakt}"]


async def test_touching_and_marking_the_same_offers_at_once_never_ends_in_a_deadlock(sessions, make):
    # HSA-ids where one begins with another: their order differs between pairs and ids.
    units = [make.hsa(suffix) for suffix in ("A", "A1", "A10", "A1B", "B")]
    pairs = [(unit, make.katarakt) for unit in units]

    async def touch(some):
        for _ in range(15):
            async with sessions.begin() as session:
                await offers.touch(session, some)

    async def touch_units(some):
        for _ in range(15):
            async with sessions.begin() as session:
                await offers.touch_units(session, some)

    async def mark():
        for _ in range(15):
            async with sessions.begin() as session:
                await offers.mark_indexed(session, await offers.dirty(session, 100), {})

    await asyncio.gather(touch(pairs), touch(pairs[::-1]), touch_units(units[::-1]), mark(), mark())

    async with sessions() as session:
        assert await session.scalar(text("SELECT count(*) FROM offer")) == 5
