"""The rows all relays are given: made once, kept beside the outbox, and committed into it for each turn."""

import time

import asyncpg
import orjson
from sqlalchemy import MetaData

from bench.plumbing import facts
from bench.plumbing.ground import Ground
from bench.plumbing.rounds import say
from kit import database, outbox

DATABASE = "relay"
VALUE_BYTES = 430
_CODES = 50
# What the writers of a backlog would have done: many commits, so that no reader meets one huge transaction.
_A_COMMIT = 1000
_COLUMNS = ["n", "aggregateid", "type", "payload", "headers"]
_COMMIT = """
INSERT INTO outbox (id, aggregatetype, aggregateid, type, payload, headers)
SELECT gen_random_uuid(), $1, aggregateid, type, payload, headers FROM backlog WHERE n >= $2 AND n < $3 ORDER BY n"""


async def make(ground: Ground, rows: int) -> str:
    """A database with an empty outbox and so many rows to put into it; its address."""
    url = await ground.database(DATABASE)
    tables = MetaData()
    outbox.table(tables)
    engine = database.connect(url, pool_size=1)
    try:
        async with engine.begin() as transaction:
            await transaction.run_sync(tables.create_all)
    finally:
        await engine.dispose()
    say(f"[backlog] making {rows:,} rows of {VALUE_BYTES} bytes")
    connection = await asyncpg.connect(url, ssl=None)
    try:
        await connection.execute(
            "CREATE UNLOGGED TABLE backlog"
            " (n bigint PRIMARY KEY, aggregateid text, type text, payload bytea, headers jsonb)"
        )
        events = facts.offerings(range(-(-rows // _CODES)), _CODES, VALUE_BYTES)
        chunk: list[tuple[object, ...]] = []
        for number, event in zip(range(rows), events, strict=False):
            headers = orjson.dumps(event.headers).decode()
            chunk.append((number, event.key, event.headers["ce_type"], event.value, headers))
            if len(chunk) == _A_COMMIT or number == rows - 1:
                await connection.copy_records_to_table("backlog", records=chunk, columns=_COLUMNS)
                chunk = []
        await connection.execute("VACUUM ANALYZE backlog")
    finally:
        await connection.close()
    return url


async def commit(ground: Ground, topic: str, rows: int, times: int = 1) -> None:
    """Empty the outbox and put the rows into it, 1,000 a transaction, so many times over."""
    connection = await asyncpg.connect(ground.database_url(DATABASE), ssl=None)
    begun = time.monotonic()
    try:
        await connection.execute("TRUNCATE outbox; SET synchronous_commit = off")
        statement = await connection.prepare(_COMMIT)
        for _ in range(times):
            for begin in range(0, rows, _A_COMMIT):
                await statement.fetch(topic, begin, min(begin + _A_COMMIT, rows))
        await connection.execute("ANALYZE outbox")
        # What is written to the disk for this is not to be paid for by whoever is measured next.
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()
    if times > 1:
        say(f"[backlog] {rows * times:,} rows committed in {time.monotonic() - begun:.0f} s")
