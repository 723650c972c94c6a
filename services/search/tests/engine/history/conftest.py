"""A search whose changes happened on days gone by."""

from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, time, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from search.index import history
from search.index.word_files import SHIPPED
from search.service import history_index
from search.service.historian import Historian
from search.service.indexing import Indexer, looking_up
from search.service.purging import prove

STOCKHOLM = ZoneInfo("Europe/Stockholm")
KEEP_DAYS = 400


class Past:
    """A world with a history. Revisions take their time from its clock, as they take it from the machine's."""

    def __init__(self, world, index, patch):
        self.world = world
        self.index = index
        self._patch = patch

    def it_is(self, at):
        """The clock stands at a moment; a day means noon in Stockholm, None the real time."""
        if isinstance(at, date) and not isinstance(at, datetime):
            at = datetime.combine(at, time(12), STOCKHOLM)
        now = (lambda: datetime.now(UTC)) if at is None else (lambda: at)
        self._patch.setattr("kit.database.time", SimpleNamespace(time_ns=lambda: int(now().timestamp() * 1e9)))
        return now

    async def tell(self, at, *events):
        """The messages arrive at a moment, one after another."""
        self.it_is(at)
        await self.world.tell(*events)
        self.it_is(None)

    def historian(self, at=None, keep_days=KEEP_DAYS):
        return Historian(self.index, keep_days, self.it_is(at))

    async def remember(self, at=None, keep_days=KEEP_DAYS, index=None):
        """An indexer with its historian begins, and goes on until nothing is left to do."""
        indexer = Indexer(self.world.engine, index or self.world.index, self.historian(at, keep_days))
        async with looking_up(self.world.engine) as connection:
            while await indexer.round(connection) or indexer._own is None or not indexer._own.searched:
                pass
            await indexer.round(connection)
        self.it_is(None)
        (await self.world.opensearch.post(f"/{self.world.name}/_refresh")).raise_for_status()

    async def on(self, at, *events):
        """The messages arrive at a moment, and are shown and remembered then."""
        await self.tell(at, *events)
        await self.remember(at)

    async def ask(self, day, **question):
        return await self.world.ask(as_of=day.isoformat(), **question)

    async def found(self, day, **question):
        """The ids that a search as of a day finds, best first, without the HSA-ids' common beginning."""
        return [hit["id"].removeprefix("SE5561234567-") for hit in (await self.ask(day, **question))["items"]]

    async def waits(self, day):
        """The days of the waits of each unit's first hit, as of a day."""
        hits = (await self.ask(day))["items"]
        return {hit["care_unit"]["hsa_id"][-1]: [wait["days"] for wait in hit["waits"]] for hit in hits}

    async def answers(self, *days):
        """What a search shows as of each of these days."""
        return [(await self.ask(day, limit=100))["items"] for day in days]

    async def refused(self, **question):
        answer = await self.world.http.get("/offers", params=question)
        assert answer.status_code in (400, 503), answer.text
        body = answer.json()
        (fault,) = body.get("errors", [{"field": None, "reason": body["detail"]}])
        return answer.status_code, fault["field"], fault["reason"]

    async def rows(self):
        """Every row: unit's last letter, shown from and to, and whether it has content."""
        async with self.world.sessions() as session:
            query = "SELECT right(unit, 1), shown_from, shown_to, content IS NOT NULL FROM shown_document"
            return [tuple(row) for row in await session.execute(text(f"{query} ORDER BY unit, code_key, shown_from"))]

    async def revisions(self):
        async with self.world.sessions() as session:
            return list(await session.scalars(text("SELECT revision FROM shown_document ORDER BY revision")))

    async def execute(self, statement, **values):
        async with self.world.sessions.begin() as session:
            return await session.execute(text(statement), values)

    async def index_names(self):
        return set(await self.index.existing())

    async def lose_index(self):
        (await self.world.opensearch.delete(f"/{self.world.name}-history-*")).raise_for_status()

    async def proof(self, agreement, words=()):
        async with self.world.sessions() as session:
            return await prove(session, (self.world.index, self.index), agreement, words, lambda *_: None)


@asynccontextmanager
async def with_history(world):
    """The world with a history."""
    index = history.index(str(world.opensearch.base_url), world.name, SHIPPED)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(history_index, "_REFRESH_SECONDS", 0.0)
        yield Past(world, index, patch)
    await index.close()


@pytest.fixture
async def past(world):
    """An empty search with a history."""
    async with with_history(world) as made:
        yield made


@pytest.fixture(scope="session")
def ago(make):
    """`ago(3)`: the day three days ago."""
    return lambda days: make.today - timedelta(days=days)


@pytest.fixture
async def remembered(past, make, ago):
    """Two units since twenty days; ten days ago A's wait was told, five days ago A's agreement ended."""
    return await filled(past, make, ago)


@pytest.fixture(scope="module")
async def shared(shared_world, make, ago):
    """The same for the tests of one module that only ask."""
    async with with_history(shared_world) as made:
        yield await filled(made, make, ago)


async def filled(past, make, ago):
    await past.on(
        ago(20),
        make.unit("A"),
        make.unit("B", "1280"),
        make.code(make.katarakt),
        make.code("kva|CJE20"),
        make.municipality("0180"),
        make.agreement("1", "01", ["A"], ["kva|CJE20"]),
        make.agreement("2", "12", ["B"], ["kva|CJE20"], use="yes"),
    )
    await past.on(ago(10), make.wait("A", 40))
    await past.on(ago(5), make.agreement("1", "01", ["A"], ["kva|CJE20"], version=2, status="terminated"))
    await past.remember()
    return past
