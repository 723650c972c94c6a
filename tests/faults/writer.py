"""The writer: transactions that change a versioned row and announce it, and the memory of what became of each."""

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable, Sequence
from enum import Enum, auto

import asyncpg
from sqlalchemy import BigInteger, Column, MetaData, Table, Text, bindparam
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from engines import eventually
from faults.checker import Write
from faults.offerings import Offered
from kit import database, outbox

TABLES = MetaData()
THING = Table(
    "thing",
    TABLES,
    Column("key", Text, primary_key=True),
    Column("version", BigInteger, nullable=False, comment="0: never written"),
)
outbox.table(TABLES)

_AT_ONCE = 6
_HOT = 3
_FAULTS = (SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError)

Announce = Callable[[AsyncSession, Sequence[outbox.Outgoing]], Awaitable[None]]


class Ending(Enum):
    """How a transaction ends. A late one commits after others that began later."""

    COMMIT = auto()
    LATE = auto()
    ROLLBACK = auto()


class Writer:
    """Writes until stopped: half of it to a few hot keys. `pause` is the time between one task's transactions."""

    def __init__(self, url: str, things: Offered, *, pause: float = 0.02, announce: Announce = outbox.add) -> None:
        self._engine = database.connect(url, pool_size=_AT_ONCE)
        self._sessions = database.sessions(self._engine)
        self._things = things
        self._pause = pause
        self._announce = announce
        self._stopping = False
        self._tasks: list[asyncio.Task[None]] = []
        # Which keys, in which order: the same in every run.
        self._dice = random.Random(1)  # noqa: S311
        self.acknowledged: list[Write] = []
        self.ambiguous: list[Write] = []
        self.rolled_back: list[Write] = []

    async def prepare(self) -> None:
        """Make the tables, and a row for each key."""
        async with self._engine.begin() as connection:
            await connection.run_sync(TABLES.create_all)
            await connection.execute(THING.insert(), [{"key": key, "version": 0} for key in self._things.keys])

    def start(self) -> None:
        """Begin, or begin again."""
        self._stopping = False
        self._tasks = [asyncio.create_task(self._write_for_ever()) for _ in range(_AT_ONCE)]

    async def wrote(self, more: int, within: float = 60.0) -> None:
        """Wait until so many more writes are acknowledged."""
        wanted = len(self.acknowledged) + more
        await eventually(lambda: len(self.acknowledged) >= wanted, within=within)

    async def stop(self) -> None:
        """Finish the transactions under way, and write no more."""
        self._stopping = True
        await asyncio.gather(*self._tasks)
        self._tasks = []

    async def backlog(self, count: int, *, of: int = 1000, large_at: int | None = None) -> None:
        """So many versions in one transaction, of the first `of` keys in turn; one of them may be large."""
        versions: dict[str, int] = {}
        writes = []
        async with self._sessions.begin() as session:
            for row in await session.execute(THING.select().order_by(THING.c.key).with_for_update()):
                versions[row.key] = row.version
            for number, key in zip(range(count), itertools.cycle(sorted(versions)[:of]), strict=False):
                versions[key] = database.next_version(versions[key])
                writes.append(Write(key, versions[key]))
                event = self._things.event(key, versions[key], large=number == large_at)
                await self._announce(session, [event])
            new = [{"of": key, "version": version} for key, version in versions.items()]
            await session.execute(THING.update().where(THING.c.key == bindparam("of")), new)
        self.acknowledged += writes

    async def close(self) -> None:
        """Stop and disconnect."""
        await self.stop()
        await self._engine.dispose()

    async def _write_for_ever(self) -> None:
        while not self._stopping:
            keys = self._things.keys
            key = self._dice.choice(keys[:_HOT] if self._dice.random() < 0.5 else keys)
            try:
                await self.write(key, self._dice.choices(list(Ending), [8, 1, 1])[0])
            except _FAULTS:
                await asyncio.sleep(0.1)
            await asyncio.sleep(self._pause)

    async def write(self, key: str, ending: Ending = Ending.COMMIT) -> None:
        """One transaction. What it raises before the commit has changed nothing."""
        async with self._sessions() as session:
            row = (await session.execute(THING.select().where(THING.c.key == key).with_for_update())).one()
            write = Write(key, database.next_version(row.version))
            await session.execute(THING.update().where(THING.c.key == key).values(version=write.version))
            await self._announce(session, [self._things.event(*write)])
            if ending is Ending.ROLLBACK:
                self.rolled_back.append(write)
                await session.rollback()
                return
            if ending is Ending.LATE:
                await asyncio.sleep(self._dice.uniform(0.05, 0.3))
            try:
                await session.commit()
            except BaseException:
                # It may have come through all the same: only the answer is missing.
                self.ambiguous.append(write)
                raise
            self.acknowledged.append(write)
