"""A search engine of its own is killed and comes back."""

import asyncio

import pytest

import engines
from engines import eventually
from kit import database
from search.consumer import HANDLERS
from search.index.engine import EngineAway, Index
from search.service.indexing import Indexer

pytestmark = [pytest.mark.engine, pytest.mark.slow]


@pytest.fixture
def opensearch(tmp_path, monkeypatch):
    """An OpenSearch that this test may kill, whatever address the environment gives."""
    monkeypatch.setenv("ENGINES_PROVIDER", "local")
    with engines.start(["opensearch"], home=tmp_path) as running:
        yield running


async def test_nothing_is_lost_when_the_search_engine_is_killed_and_comes_back(new_database, opensearch, make):
    engine = database.connect(await new_database("search"))
    sessions = database.sessions(engine)
    index = Index(opensearch.addresses.opensearch, "offers")
    indexer = Indexer(engine, index)
    working = asyncio.ensure_future(indexer.run())

    async def tell(*events):
        async with sessions.begin() as session:
            for event in events:
                await HANDLERS[event.topic.name].apply(session, [event])
        indexer.wake()

    async def found():
        try:
            answer = await index.search({"query": {"match_all": {}}})
        except EngineAway:
            return set()
        return {row["_id"] for row in answer["hits"]["hits"]}

    async def both_found():
        return await found() == {f"{make.hsa(suffix)}|{make.katarakt}" for suffix in "AB"}

    try:
        await tell(make.unit("A"), make.agreement("1", "01", ["A"]))
        await eventually(found, within=20)
        await asyncio.to_thread(opensearch.kill, "opensearch")
        await tell(make.unit("B"), make.agreement("2", "01", ["B"]))
        await eventually(lambda: indexer.waiting_for == "opensearch")

        await asyncio.to_thread(opensearch.restart, "opensearch")

        await eventually(both_found, within=30)
        await eventually(lambda: indexer.waiting_for is None)
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        await index.close()
        await engine.dispose()
