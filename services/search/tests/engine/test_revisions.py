"""The order of changes: revisions rise and commit in order, so that who follows them misses nothing."""

import asyncio

import pytest
from sqlalchemy import select, update

from kit import database
from search.service import project
from search.service.indexing import looking_up
from search.store import offers, sweep
from search.store.tables import offer

pytestmark = pytest.mark.engine


@pytest.fixture
async def sessions(new_database):
    """A database of search."""
    engine = database.connect(await new_database("search"))
    yield database.sessions(engine)
    await engine.dispose()


async def test_revisions_never_go_back_even_when_the_clock_does(sessions, make):
    pair = [(make.hsa("A"), make.katarakt)]
    async with sessions.begin() as session:
        await offers.touch(session, await offers.begin(session), pair)
        ahead = (await session.scalar(select(offer.c.revision))) + 3_600_000_000
        await session.execute(update(offer).values(revision=ahead))

    seen = []
    touches = (
        lambda session, revision: offers.touch(session, revision, pair),
        lambda session, revision: offers.touch_existing(session, revision, pair),
        lambda session, revision: offers.touch_units(session, revision, [make.hsa("A")]),
        lambda session, revision: offers.touch_services(session, revision, [make.katarakt]),
    )
    for touch in touches:
        async with sessions.begin() as session:
            await touch(session, await offers.begin(session))
            seen.append(await session.scalar(select(offer.c.revision)))
    await sweep.touch_below(sessions, seen[-1] + 1)
    async with sessions() as session:
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


async def test_who_follows_while_many_workers_touch_sees_every_last_revision(sessions, make):
    units = [make.hsa(suffix) for suffix in ("A", "A1", "A10", "A1B", "B")]
    pairs = [(unit, make.katarakt) for unit in units]
    followed = {}
    done = asyncio.Event()

    async def touch(some):
        for _ in range(15):
            async with sessions.begin() as session:
                await offers.touch(session, await offers.begin(session), some)

    async def touch_units(some):
        for _ in range(15):
            async with sessions.begin() as session:
                await offers.touch_units(session, await offers.begin(session), some)

    async def follow():
        cursor = offers.BEGINNING
        async with looking_up(sessions.kw["bind"]) as connection:
            while True:
                last = done.is_set()
                batch = await offers.after(connection, cursor, 2)
                followed.update({(one.unit, one.code_key): one.revision for one in batch})
                if batch:
                    cursor = batch[-1]
                elif last:
                    return
                await asyncio.sleep(0)

    following = asyncio.ensure_future(follow())
    await asyncio.gather(touch(pairs), touch(pairs[::-1]), touch_units(units[::-1]), touch(pairs[1:3]))
    done.set()
    await following

    async with sessions() as session:
        assert followed == {(row.unit, row.code_key): row.revision for row in await session.execute(select(offer))}
