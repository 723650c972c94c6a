"""Topics brought in line with tables: after a stalled relay, a topic made anew, a restored database, odd records."""

import argparse
import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from engines import eventually
from kit import database, outbox
from kit.consumer import Record
from kit.database import next_version
from kit.outbox import Relay
from upkeep import reconcile_command
from upkeep.reading import everything
from upkeep.reconcile import Finding, Told, compared

# A relay that is stopped, as if frozen, after it has read its rows and before it sends the first of them.
STALLING_RELAY = """
import asyncio, os, signal, sys
from kit import database, kafka
from kit.outbox import Relay

made = kafka.producer

def stalling(bootstrap, **more):
    producer = made(bootstrap, **more)
    send = producer.send

    async def stop_and_send(*given, **more):
        producer.send = send
        os.kill(os.getpid(), signal.SIGSTOP)
        return await send(*given, **more)

    producer.send = stop_and_send
    return producer

kafka.producer = stalling
asyncio.run(Relay(database.connect(sys.argv[1]), sys.argv[2]).run())
"""


@dataclass
class Event:
    """A thing's state as it is sent."""

    topic: str
    key: str
    version: int
    event_id: str = field(default_factory=lambda: str(uuid4()))

    @property
    def value(self) -> bytes:
        return json.dumps({"id": self.key, "version": self.version}).encode()

    @property
    def headers(self) -> dict[str, str]:
        return {"ce_type": "thing"}


@dataclass
class Announcer:
    """A service that announces things on one topic."""

    bootstrap: str
    url: str
    engine: AsyncEngine
    topic: str
    producer: AIOKafkaProducer
    capsys: pytest.CaptureFixture[str]
    thing: Any
    before_locking: Callable[[], Awaitable[None]] | None = None
    after_reading: Callable[[], Awaitable[None]] | None = None
    unfit: set[str] = field(default_factory=set)
    """Keys whose stored state makes no message any more."""

    async def write(self, **versions: int) -> None:
        """Store things at versions and announce them, as the service does in its daily work."""
        # With connections of its own: it may be called from another event loop.
        engine = database.connect(self.url, pool_size=1)
        async with database.sessions(engine).begin() as session:
            rows = [{"id": key, "version": version} for key, version in versions.items()]
            await database.upsert_newer(session, self.thing, rows)
            await outbox.add(session, [Event(self.topic, key, version) for key, version in versions.items()])
        await engine.dispose()

    async def put(self, key: str, value: bytes | int | None) -> None:
        """A record on the topic that did not come through the outbox."""
        body = Event(self.topic, key, value).value if isinstance(value, int) else value
        await self.producer.send_and_wait(self.topic, body, key=key.encode())

    async def rows(self) -> dict[str, int]:
        async with self.engine.connect() as connection:
            return {row.id: row.version for row in await connection.execute(select(self.thing))}

    async def newest(self) -> dict[str, Any]:
        """The last record of each key."""
        found = [record async for batch in everything(self.bootstrap, [self.topic]) for record in batch]
        return {record.key.decode(): json.loads(record.value)["version"] if record.value else None for record in found}

    async def sent(self) -> None:
        """Wait until the outbox is empty."""

        engine = database.connect(self.url, pool_size=1)

        async def empty() -> bool:
            async with engine.connect() as connection:
                return not await connection.scalar(text("SELECT count(*) FROM outbox"))

        await eventually(empty, within=30)
        await engine.dispose()

    @contextlib.asynccontextmanager
    async def relay(self) -> AsyncIterator[None]:
        running = asyncio.create_task(Relay(self.engine, self.bootstrap).run())
        yield
        running.cancel()
        await asyncio.wait([running])

    async def versions(self, session: AsyncSession, topic: str, keys: Collection[str] | None) -> dict[str, int]:
        query = select(self.thing.c.id, self.thing.c.version)
        if keys is not None:
            if self.before_locking is not None:
                act, self.before_locking = self.before_locking, None
                await act()
            query = query.where(self.thing.c.id.in_(keys)).order_by(self.thing.c.id).with_for_update()
        found = {row.id: row.version for row in await session.execute(query)}
        if keys is None and self.after_reading is not None:
            act, self.after_reading = self.after_reading, None
            await act()
        return found

    async def announce(self, session: AsyncSession, topic: str, versions: Mapping[str, int]) -> None:
        if self.unfit & versions.keys():
            raise ValueError("name: somebody's name")
        for key, version in versions.items():
            await session.execute(self.thing.update().where(self.thing.c.id == key).values(version=version))
        await outbox.add(session, [Event(topic, key, version) for key, version in versions.items()])

    async def reconcile(self, *argv: str, bootstrap: str | None = None) -> tuple[int, str, str]:
        """`python -m things reconcile …`: exit code, output, error output."""
        parser = argparse.ArgumentParser(prog="python -m things reconcile")
        reconcile_command.arguments(parser)
        self.capsys.readouterr()
        code = await asyncio.to_thread(
            reconcile_command.run,
            parser.parse_args(argv),
            bootstrap or self.bootstrap,
            self.url,
            [self.topic],
            _version,
            self.versions,
            self.announce,
        )
        written = self.capsys.readouterr()
        return code, written.out, written.err

    async def counted(self, *argv: str) -> dict[str, Any]:
        """What it counted, without what is zero, and its exit code."""
        code, out, _ = await self.reconcile("--json", *argv)
        (row,) = json.loads(out)["topics"]
        assert row.pop("topic") == self.topic
        return {"exit": code, **{name: number for name, number in row.items() if number}}


def _version(record: Record) -> int:
    found = json.loads(record.value)
    if found["id"].encode() != record.key:
        raise ValueError("the record key is not its own")
    return int(found["version"])


@pytest.fixture
async def announcer(service: Any, topic: Any, thing: Any) -> Announcer:
    name = await topic("state", partitions=3)
    return Announcer(service.bootstrap, service.url, service.engine, name, service.producer, service.capsys, thing)


@pytest.mark.engine
async def test_what_a_stalled_relay_sent_after_its_successor_is_announced_anew(announcer):
    await announcer.write(a=1, b=1)
    command = [sys.executable, "-c", STALLING_RELAY, announcer.url, announcer.bootstrap]
    stalled = await asyncio.create_subprocess_exec(*command)
    try:
        await eventually(lambda: _state(stalled.pid) == "T", within=30)
        async with announcer.engine.begin() as connection:
            # To PostgreSQL it is gone, as after a network partition; its lock is free.
            lost = await connection.scalars(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
                    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
                )
            )
            assert list(lost) == [True]
        async with announcer.relay():
            await announcer.sent()
            await announcer.write(a=2)
            await announcer.write(a=3)
            await announcer.sent()
            assert await announcer.newest() == {"a": 3, "b": 1}
            stalled.send_signal(signal.SIGCONT)

            async def stale() -> bool:
                return (await announcer.newest())["a"] == 1

            await eventually(stale, within=30)
            assert await announcer.counted("--dry-run") == {"exit": 1, "compared": 2, "agreeing": 1, "older": 1}
            assert await announcer.rows() == {"a": 3, "b": 1}
            assert await announcer.counted() == {
                "exit": 0,
                "compared": 2,
                "agreeing": 1,
                "older": 1,
                "announced": 1,
            }
            await announcer.sent()
            assert await announcer.newest() == await announcer.rows()
            assert (await announcer.rows())["a"] > 3
            assert await announcer.counted() == {"exit": 0, "compared": 2, "agreeing": 2}
    finally:
        stalled.kill()
        await stalled.wait()


@pytest.mark.engine
async def test_a_topic_made_anew_gets_everything_again(announcer, kafka_address):
    things = {f"n{number}": number + 1 for number in range(450)}
    await announcer.write(**things)
    async with announcer.relay():
        await announcer.sent()
        await _make_anew(kafka_address, announcer.topic)
        assert await announcer.counted() == {"exit": 0, "compared": 450, "missing": 450, "announced": 450}
        await announcer.sent()
        assert await announcer.newest() == await announcer.rows()
        assert await announcer.counted() == {"exit": 0, "compared": 450, "agreeing": 450}
    rows = await announcer.rows()
    assert all(rows[key] > version for key, version in things.items()), "whoever has the old state takes the new one"


@pytest.mark.engine
async def test_after_a_restore_older_rows_win_with_a_higher_version_and_lost_ones_are_told(announcer):
    ahead = next_version(None) + 10**12  # a clock that was wrong for a while: even now it is behind the topic
    await announcer.write(a=ahead, b=7, lost=8)
    async with announcer.relay():
        await announcer.sent()
        async with announcer.engine.begin() as connection:
            await connection.execute(text("UPDATE thing SET version = 5 WHERE id = 'a'"))
            await connection.execute(text("DELETE FROM thing WHERE id = 'lost'"))
        code, out, _ = await announcer.reconcile()
        assert code == 1
        assert f"unknown to the tables: {announcer.topic} lost" in out.splitlines()
        await announcer.sent()
        rows = await announcer.rows()
        assert rows == {"a": ahead + 1, "b": 7}
        assert await announcer.newest() == {**rows, "lost": 8}
        assert await announcer.counted() == {"exit": 1, "compared": 2, "agreeing": 2, "unknown": ["lost"]}


@pytest.mark.engine
async def test_keys_that_wait_in_the_outbox_are_in_flight_and_left_alone(announcer):
    await announcer.write(a=1)
    async with announcer.relay():
        await announcer.sent()
    await announcer.write(a=2, b=1, c=1)
    await announcer.put("c", 9)

    async def send() -> None:
        engine = database.connect(announcer.url)
        running = asyncio.create_task(Relay(engine, announcer.bootstrap).run())
        await announcer.sent()
        running.cancel()
        await asyncio.wait([running])
        await engine.dispose()

    # Sent as soon as the topic has been read.
    announcer.before_locking = send
    assert await announcer.counted() == {"exit": 0, "compared": 3, "in_flight": 3}
    assert await announcer.rows() == {"a": 2, "b": 1, "c": 1}


@pytest.mark.engine
async def test_what_changes_while_it_is_compared_is_left_to_its_own_announcement(announcer):
    await announcer.write(a=1, b=1)
    async with announcer.relay():
        await announcer.sent()
        await announcer.put("a", 9)
        await announcer.put("b", 9)

        async def change() -> None:
            await announcer.write(a=10, c=1)

        announcer.before_locking = change
        assert await announcer.counted() == {"exit": 0, "compared": 2, "in_flight": 1, "newer": 1, "announced": 1}
        await announcer.sent()
        assert (await announcer.rows())["a"] == 10
        assert await announcer.newest() == await announcer.rows()


@pytest.mark.engine
async def test_what_is_announced_between_reading_the_tables_and_the_topic_is_no_difference(announcer):
    await announcer.write(a=1, b=1)
    async with announcer.relay():
        await announcer.sent()

        async def change() -> None:
            await announcer.write(a=2, new=1)
            await announcer.sent()

        announcer.after_reading = change
        assert await announcer.counted() == {"exit": 0, "compared": 3, "agreeing": 1, "in_flight": 2}
        assert await announcer.newest() == await announcer.rows() == {"a": 2, "b": 1, "new": 1}


@pytest.mark.engine
async def test_unreadable_records_and_tombstones_are_differences(announcer):
    await announcer.write(a=1, b=2, c=3, d=4)
    async with announcer.relay():
        await announcer.sent()
        await announcer.put("a", b"\xff\x00")
        await announcer.put("b", None)
        await announcer.put("c", 2**70)
        await announcer.put("gone", None)
        await announcer.put("x\0y\x1b", b"strange")
        assert await announcer.counted("--dry-run") == {
            "exit": 1,
            "compared": 4,
            "agreeing": 1,
            "missing": 1,
            "unreadable": 2,
            "unknown": ["x\\x00y\x1b"],
        }
        code, out, _ = await announcer.reconcile()
        assert code == 1
        assert f"unknown to the tables: {announcer.topic} x\\x00y\\x1b" in out.splitlines()
        await announcer.sent()
        assert await announcer.counted() == {
            "exit": 1,
            "compared": 4,
            "agreeing": 4,
            "unknown": ["x\\x00y\x1b"],
        }


@pytest.mark.engine
async def test_what_can_no_longer_be_announced_is_named_and_does_not_hold_up_the_others(announcer, log_lines):
    await announcer.write(a=1, b=2, c=3)
    async with announcer.relay():
        await announcer.sent()
        for key in "abc":
            await announcer.put(key, 9)
        announcer.unfit = {"b"}
        code, out, _ = await announcer.reconcile()
        assert (code, out.splitlines()[-1]) == (
            1,
            "2 of 3 differing keys announced anew; the log names those that could not be",
        )
        await announcer.sent()
        assert (await announcer.rows())["b"] == 2
        assert await announcer.counted("--dry-run") == {"exit": 1, "compared": 3, "agreeing": 2, "newer": 1}
    (line,) = [line for line in log_lines() if line["event"] == "cannot be announced"]
    assert (line["key"], line["why"].split()[0]) == ("b", "ValueError")
    assert "somebody" not in str(log_lines())


@pytest.mark.engine
async def test_the_table_has_a_line_per_topic_whose_numbers_stand_under_their_heads(announcer):
    await announcer.write(a=1)
    async with announcer.relay():
        await announcer.sent()
    await announcer.put("a", 1)
    await announcer.put("b", 2)
    code, out, err = await announcer.reconcile("--dry-run")
    assert (code, err) == (1, "")
    head, row, unknown, last = out.splitlines()
    assert head.split("  ")[0] == "topic"
    for name, number in {"keys": "1", "agreeing": "1", "in flight": "0", "older": "0", "unknown": "1"}.items():
        assert row[: head.index(name) + len(name)].split()[-1] == number, name
    assert unknown == f"unknown to the tables: {announcer.topic} b"
    assert last == "dry run, nothing was changed: 0 keys differ"


@pytest.mark.engine
async def test_an_engine_that_is_away_is_told_in_one_line_and_nothing_changes(announcer, silent_port):
    await announcer.write(a=1)
    code, out, err = await announcer.reconcile(bootstrap=silent_port)
    assert (code, out) == (1, "")
    assert err == f"reconcile: Kafka at {silent_port} cannot be reached\n"
    announcer.url = f"postgresql://nobody@{silent_port}/x"
    code, out, err = await announcer.reconcile()
    assert (code, out) == (1, "")
    assert err.startswith("reconcile: PostgreSQL is away (")
    assert err.count("\n") == 1


def test_help_shows_an_example_and_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m things reconcile")
    reconcile_command.arguments(parser)
    with pytest.raises(SystemExit) as ended:
        parser.parse_args(["--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert "example: python -m things reconcile --dry-run" in shown
    assert "exit codes: 0 topics and tables agree" in shown


RECORDS = st.lists(st.one_of(st.none(), st.integers(0, 6)), max_size=6)
"""Records of one key on a topic: a version, 0 for a tombstone, None for an unreadable one."""


@given(st.integers(1, 6), RECORDS)
def test_agreement_means_that_readers_of_the_whole_and_of_the_compacted_topic_have_what_the_table_has(
    version: int, records: list[int | None]
) -> None:
    told = Told(records[-1] if records else 0, max((one or 0 for one in records), default=0))
    right = _reader(records) == version and _reader(records[-1:]) == version
    assert (compared(version, told) is Finding.AGREEING) == right
    new = max(version, told.highest) + 1
    mended = [*records, new]
    assert _reader(mended) == new == _reader(mended[-1:])


def _reader(records: list[int | None]) -> int:
    """The version a reader has in the end: the highest; it leaves alone what it cannot read, and tombstones."""
    return max((one for one in records if one), default=0)


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


async def _make_anew(bootstrap: str, name: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.delete_topics([name])

    async def created() -> bool:
        if name not in await admin.list_topics():
            await admin.create_topics([NewTopic(name, 3, 1)])
        return name in await admin.list_topics()

    await eventually(created, within=20)
    await admin.close()
