"""Each reader works off every frozen example of its topics, in any order and grouping, and ends in the same rows."""

import importlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts import MESSAGES, CodeUpdated, Message, Unreadable, decode
from kit import database
from kit.consumer import Handler, Record

pytestmark = pytest.mark.engine

EXAMPLES = Path(__file__).parents[2] / "contracts" / "examples"
READERS = sorted({reader for message in MESSAGES for reader in message.topic.consumers})


class Rows(NamedTuple):
    """Rows by table. A ledger is a table with revisions: it also names what was, and that depends on the order."""

    tables: dict[str, list[str]]
    ledgers: dict[str, set[str]]


def _records(reader: str) -> list[Record]:
    """Every example of every version on the reader's topics, each after an older, poorer state of the same thing."""
    found: list[Record] = []
    for message in [message for message in MESSAGES if reader in message.topic.consumers]:
        files = sorted((EXAMPLES / message.topic.name).rglob("*.json"))
        examples = [json.loads(file.read_text(encoding="utf-8")) for file in files]
        # Some are states of the same thing: the later one is the newer one.
        for example in sorted(examples, key=lambda example: int(example["value"]["version"])):
            for value in (_poorer(message, example), example["value"]):
                body, headers = (
                    json.dumps(value).encode(),
                    {**example["headers"], "ce_dataversion": str(value["version"])},
                )
                found.append(Record(message.topic.name, 0, len(found), example["key"].encode(), body, headers))
    return found


def _poorer(message: type[Message], example: dict[str, Any]) -> dict[str, Any]:
    """The version before the example: without its lists and whatever may be null."""
    value = {**example["value"], "version": max(1, example["value"]["version"] - 1)}
    for name in value if value["version"] < example["value"]["version"] else ():
        less = {**value, name: [] if isinstance(value[name], list) else None}
        try:
            decode(message, example["headers"], example["key"].encode(), json.dumps(less).encode())
        except Unreadable:
            continue
        value = less
    return value


def _last(records: Sequence[Record]) -> list[Record]:
    """The newest state of each thing, in the order the things came."""
    newest: dict[tuple[str, bytes | None], Record] = {}
    for record in records:
        known = newest.setdefault((record.topic, record.key), record)
        if int(record.headers["ce_dataversion"]) > int(known.headers["ce_dataversion"]):
            newest[record.topic, record.key] = record
    return list(newest.values())


async def _rows_after(url: str, reader: str, batches: Sequence[Sequence[Record]]) -> Rows:
    """What is in the reader's database after these batches, each in a transaction of its own."""
    handlers: Mapping[str, Handler] = importlib.import_module(f"{reader}.consumer").HANDLERS
    engine = database.connect(url, pool_size=1)
    try:
        for batch in batches:
            async with database.sessions(engine).begin() as session:
                # As the consumer does: topics in one order, the records of each in theirs.
                for topic in sorted({record.topic for record in batch}):
                    events = [handlers[topic].decode(record) for record in batch if record.topic == topic]
                    await handlers[topic].apply(session, events)
        async with engine.connect() as connection:
            return await _rows(connection)
    finally:
        await engine.dispose()


async def _rows(connection: AsyncConnection) -> Rows:
    columns = await connection.execute(
        text(
            "SELECT table_name, column_name, coalesce(column_default, '') ~ 'now\\(|nextval\\(' AS is_clock"
            " FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'alembic_version'"
            " ORDER BY table_name, ordinal_position"
        )
    )
    names: dict[str, list[str]] = {}
    ledgers = set()
    for column in columns:
        if column.column_name == "revision":
            ledgers.add(column.table_name)
        elif not column.is_clock:
            names.setdefault(column.table_name, []).append(f'"{column.column_name}"')
    found: dict[str, list[str]] = {}
    for table, wanted in names.items():
        rows = await connection.execute(text(f'SELECT {", ".join(wanted)} FROM "{table}"'))
        found[table] = sorted(str(tuple(row)) for row in rows)
    return Rows(
        {table: rows for table, rows in found.items() if table not in ledgers},
        {table: set(found[table]) for table in ledgers},
    )


@pytest.mark.parametrize("reader", READERS)
async def test_whatever_the_order_and_the_grouping_the_examples_leave_the_same_rows(reader: str, new_database: Any):
    forwards = _records(reader)
    backwards = forwards[::-1]
    codes = [record for record in forwards if record.topic == CodeUpdated.topic.name]
    others = [record for record in forwards if record.topic != CodeUpdated.topic.name]
    ways = {
        "the last states alone, codes first": [_last(codes), *([record] for record in _last(others))],
        "codes first": [codes, *([record] for record in others)],
        "codes first, all backwards": [codes[::-1], *([record] for record in reversed(others))],
        "one by one": [[record] for record in forwards],
        "one by one, backwards": [[record] for record in backwards],
        "in one batch": [forwards],
        "in one batch, backwards": [backwards],
        "everything again, backwards": [forwards, *([record] for record in backwards)],
    }
    left = {way: await _rows_after(await new_database(reader), reader, batches) for way, batches in ways.items()}
    expected = left["the last states alone, codes first"]
    assert any(expected.tables.values())
    for way, rows in left.items():
        assert rows.tables == expected.tables, way
        # Older states name offers too, and what a code maps to was not known yet in some orders.
        assert all(rows.ledgers[table] >= expected.ledgers[table] for table in expected.ledgers), way
    assert left["codes first, all backwards"].ledgers == expected.ledgers
