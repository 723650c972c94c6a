"""What was shown on earlier days is shown again after a rebuild from topics."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import delete, text

from search.index import history
from search.index.word_files import SHIPPED
from search.service import history_index
from search.service.historian import Historian
from search.service.indexing import Indexer, looking_up
from search.store.tables import offer, wait

pytestmark = [pytest.mark.engine, pytest.mark.slow]


@pytest.fixture
async def remember(land, monkeypatch):
    """Messages arrive so many days ago, and an indexer with its historian shows and remembers them then."""
    monkeypatch.setattr(history_index, "_REFRESH_SECONDS", 0.0)
    index = history.index(str(land.world.opensearch.base_url), land.world.name, SHIPPED)

    async def remember(days, *events):
        at = datetime.now(UTC) - timedelta(days=days)
        with monkeypatch.context() as patch:
            patch.setattr("kit.database.time", SimpleNamespace(time_ns=lambda: int(at.timestamp() * 1e9)))
            await land.announce(*events)
            await land.world.tell(*events)
            indexer = Indexer(land.world.engine, land.world.index, Historian(index, 400, lambda: at))
            async with looking_up(land.world.engine) as connection:
                for _ in range(3):
                    while await indexer.round(connection):
                        pass

    yield remember
    await index.close()


async def test_rows_of_the_history_outlive_a_rebuild_from_topics_and_answer_as_before(land, make, remember):
    async def answers():
        days = [(make.today - timedelta(days=number)).isoformat() for number in (9, 5, 4, 1)]
        return [(await land.world.ask(as_of=day, limit=100))["items"] for day in days]

    async def rows():
        async with land.world.sessions() as session:
            return (await session.execute(text("SELECT * FROM shown_document ORDER BY revision"))).all()

    await remember(9, *land.some(make))
    await remember(4, make.wait("A", 70, "kva|CJE20", version=2))
    await remember(0)
    before, kept = await answers(), await rows()
    assert [len(items) for items in before] == [4, 4, 4, 4]
    assert before[1] != before[2]
    async with land.world.sessions.begin() as session:
        await session.execute(delete(wait))
        await session.execute(delete(offer))

    await land.rebuild()
    await remember(0)

    assert await answers() == before
    assert [row[:3] for row in await rows()] == [row[:3] for row in kept]
