"""A rebuild while the worker runs and searches are answered; interrupted, doubled, and as a command."""

import asyncio
from collections import Counter

import pytest

from engines import eventually
from kit.consumer import Consumer
from search.consumer import HANDLERS
from search.index.engine import Index
from search.service import following
from search.service.indexing import Indexer
from search.service.rebuild import Refused, alone
from search.service.refill import refill
from upkeep.process import together

pytestmark = [pytest.mark.engine, pytest.mark.slow]


async def test_while_it_runs_searches_are_answered_with_no_hit_less_and_the_worker_goes_on(
    land, make, unique, monkeypatch
):
    monkeypatch.setattr(following, "_BATCH", 20)
    units = [f"U{number}" for number in range(300)]
    await land.announce(*land.some(make), *(make.unit(unit) for unit in units), make.agreement("3", "01", units))
    indexer = Indexer(land.world.engine, land.world.index)
    consumer = Consumer(unique, land.address, land.world.sessions, HANDLERS, after_batch=indexer.wake)
    working = asyncio.ensure_future(together(consumer.run, indexer.run))
    totals, statuses = [], Counter()

    async def total(number):
        answer = await land.world.http.get("/offers", params={"limit": 1})
        return answer.status_code == 200 and answer.json()["total"] == number

    async def search():
        while True:
            answer = await land.world.http.get("/offers", params={"limit": 1})
            statuses[answer.status_code] += 1
            totals.append(answer.json()["total"])
            await asyncio.sleep(0)

    try:
        await eventually(lambda: total(304), within=60)
        (before,) = await land.searched()
        searching = asyncio.ensure_future(search())
        rebuilding = asyncio.ensure_future(land.rebuild())
        await eventually(lambda: any(what == "records read" and done for what, done, _ in land.progress), within=30)
        await land.announce(make.unit("NEW"), make.agreement("4", "01", ["NEW"]))
        report = await rebuilding
        await eventually(lambda: total(305), within=30)
        await land.announce(make.agreement("5", "01", ["NEW"], [make.brack]))
        await eventually(lambda: total(306), within=30)
    finally:
        searching.cancel()
        working.cancel()
        await asyncio.gather(working, searching, return_exceptions=True)

    assert set(statuses) == {200}
    assert min(totals) == 304
    assert await land.searched() == [report.found.index] != [before]
    assert any(what == "documents indexed" for what, _, _ in land.progress)


async def test_an_interrupted_rebuild_is_run_again_and_leaves_no_index_behind(land, make, monkeypatch):
    await land.announce_and_tell(*land.some(make))
    before, searched = await land.answer(), await land.searched()
    write, reached = Index.write, asyncio.Event()

    async def hang(*_):
        reached.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(Index, "write", hang)
    interrupted = asyncio.ensure_future(land.rebuild())
    await asyncio.wait_for(reached.wait(), 30)
    interrupted.cancel()
    await asyncio.gather(interrupted, return_exceptions=True)
    assert await land.searched() == searched
    monkeypatch.setattr(Index, "write", write)

    report = await land.rebuild()

    assert await land.answer() == before
    names = set((await land.world.opensearch.get(f"/{land.world.name}-*")).json())
    assert names == {*searched, report.found.index}


async def test_two_at_once_are_refused(land):
    async with alone(land.world.engine):
        with pytest.raises(Refused, match="another rebuild is running"):
            await land.rebuild()
    await land.rebuild("rows")


async def test_an_index_that_does_not_agree_with_the_rows_is_not_searched(land, make):
    await land.announce_and_tell(*land.some(make))
    searched = await land.searched()

    class Forgetful(Index):
        async def write(self, name, documents):
            return await super().write(name, documents[1:])

    class Careless(Index):
        async def write(self, name, documents):
            return await super().write(name, [(one, revision, None) for one, revision, _ in documents])

    for kind, told in ((Forgetful, "3 documents in the index, 4 to 4 offers"), (Careless, "4 documents differ")):
        index = kind(str(land.world.opensearch.base_url), land.world.name)
        try:
            with pytest.raises(Refused, match=told):
                await refill(land.world.engine, index, lambda *_: None)
        finally:
            await index.close()
        assert await land.searched() == searched


async def test_from_rows_needs_no_topic_and_makes_a_new_index(land, make):
    await land.announce_and_tell(*land.some(make))
    before, searched = await land.answer(), await land.searched()
    land.settings.kafka_bootstrap = "127.0.0.1:9"

    report = await land.rebuild("rows")

    assert await land.answer() == before
    assert await land.searched() == [report.found.index] != searched


async def test_the_command_tells_what_it_did_or_in_one_line_why_not(land, make):
    await land.announce_and_tell(*land.some(make))

    code, out, error = await land.command("--from", "topics")
    assert code == 0, error
    read, counts, beside, verdict = out.splitlines()
    assert read == "records read 9, empty 0, unreadable 0; rows removed 0"
    assert counts.endswith(" shows 4 offers, hides 0, refuses 0; the rows hold 4")
    assert beside.endswith(": 0 appear, 0 disappear; of 4 looked at, 0 changed")
    assert verdict.endswith(" is searched")
    assert "records read: 9 of 9\n" in error
    assert "documents indexed: 4 of 4\n" in error

    code, out, error = await land.command("--from", "topics", KAFKA_BOOTSTRAP="127.0.0.1:9")
    assert (code, out) == (1, "")
    assert error.splitlines()[-1].startswith("rebuild: ")

    assert (await land.command("--from", "nowhere"))[0] == 2
    code, out, _ = await land.command("--help")
    assert code == 0
    assert "example: python -m search rebuild --from topics" in out
