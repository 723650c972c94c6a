"""The history is still there after a rebuild, and after a restore of the database from a backup."""

from dataclasses import replace

import pytest
from sqlalchemy import text

from contracts.agreements import purged
from kit import database
from search.service.refill import refill

pytestmark = pytest.mark.engine


class Backup:
    """A copy of a world's database as it is now, and the world living on it, beside the same OpenSearch."""

    def __init__(self, url):
        self._admin = database.connect(f"{url}/postgres", pool_size=1).execution_options(isolation_level="AUTOCOMMIT")
        self._url = url
        self._engines = []
        self._names = []

    async def take(self, world):
        await world.engine.dispose()
        name = world.engine.url.database
        self._names.append(f"{name}_copy{len(self._names)}")
        async with self._admin.connect() as connection:
            await connection.execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"), {"name": name}
            )
            await connection.execute(text(f"CREATE DATABASE {self._names[-1]} TEMPLATE {name}"))
        # The application notices that its connections are gone, as after any restart of PostgreSQL.
        await world.http.get("/offers")
        return self._names[-1]

    def restore(self, past, name):
        """The same application and indexes on the copy."""
        engine = database.connect(f"{self._url}/{name}")
        self._engines.append(engine)
        sessions = database.sessions(engine)
        past.world.app.state.sessions = sessions
        past.world = replace(past.world, engine=engine, sessions=sessions)

    async def close(self):
        for engine in self._engines:
            await engine.dispose()
        async with self._admin.connect() as connection:
            for name in self._names:
                await connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        await self._admin.dispose()


@pytest.fixture
async def backup(postgres_url):
    made = Backup(postgres_url)
    yield made
    await made.close()


async def test_a_rebuild_of_the_offers_index_from_rows_leaves_the_history_as_it_is(remembered, ago):
    days = [ago(day) for day in (20, 10, 6, 5, 1)]
    before, revisions = await remembered.answers(*days), await remembered.revisions()

    await refill(remembered.world.engine, remembered.world.index, lambda *_: None)
    await remembered.remember()

    assert await remembered.answers(*days) == before
    assert await remembered.revisions() == revisions


async def test_a_database_restored_from_a_backup_answers_as_it_did_and_nothing_later_is_mixed_in(
    remembered, make, ago, backup
):
    days = [ago(day) for day in (20, 10, 6, 5)]
    before = await remembered.answers(*days)
    copy = await backup.take(remembered.world)
    await remembered.on(ago(4), make.wait("B", 70), make.unit("C"), make.agreement("3", "01", ["C"]))
    await remembered.on(ago(3), make.agreement("2", "12", ["B"], ["kva|CJE20"], version=2, status="terminated"))
    await remembered.remember()
    assert await remembered.waits(ago(4)) == {"B": [70], "C": []}
    (ahead,) = await remembered.index_names()

    backup.restore(remembered, copy)
    await refill(remembered.world.engine, remembered.world.index, lambda *_: None)
    await remembered.remember()

    # The index knew of rows that the restored table does not: it was made anew from the table.
    (made,) = await remembered.index_names()
    assert made != ahead
    assert await remembered.answers(*days) == before
    assert await remembered.waits(ago(2)) == {"B": []}


async def test_a_purge_that_a_restored_database_is_told_again_cleans_its_history(remembered, make, ago, backup):
    copy = await backup.take(remembered.world)
    gone = purged("id-1", "01", 9, make.now)
    await remembered.world.tell(gone)
    await remembered.remember()
    assert (await remembered.proof("id-1")).holds

    backup.restore(remembered, copy)
    assert not (await remembered.proof("id-1")).holds
    # As `rebuild --from topics` does: the topic still holds the agreement's last state.
    await remembered.world.tell(gone)
    await refill(remembered.world.engine, remembered.world.index, lambda *_: None)
    await remembered.remember()

    proof = await remembered.proof("id-1")
    assert [trace.place for trace in proof.traces if "-history-" in trace.place or "table" in trace.place] == []
    assert await remembered.found(ago(10)) == [f"B|{make.katarakt}"]
