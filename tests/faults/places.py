"""The places where a write leaves a trace: the writer's rows, the topic, search's rows, search's index."""

from contextlib import aclosing, suppress
from typing import Any

import httpx
import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from faults.checker import Recorded, Write
from faults.offerings import TOPIC, Offered, version_at
from upkeep import reading

FOREIGN = ("faults-foreign", b"1")
"""The header of every record that was put on the topic as part of a fault."""

_KEY = "content->>'unit' || '|' || (content->'care_service'->>'system') || '|' || (content->'care_service'->>'code')"
_WATCH = (
    "CREATE TABLE faults_effect (seq bigint GENERATED ALWAYS AS IDENTITY, key text, version bigint)",
    f"""
    CREATE FUNCTION faults_effect() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO faults_effect (key, version) VALUES ({_KEY.replace("content->", "new.content->")}, new.version);
        RETURN NULL;
    END $$
    """,
    "CREATE TRIGGER faults_effect AFTER INSERT OR UPDATE ON offering FOR EACH ROW EXECUTE FUNCTION faults_effect()",
)


async def rows(engine: AsyncEngine) -> dict[str, int]:
    """The writer's database: version by key."""
    async with engine.connect() as connection:
        found = await connection.execute(text("SELECT key, version FROM thing WHERE version > 0"))
        return {row.key: row.version for row in found}


async def waiting(engine: AsyncEngine) -> int:
    """How many rows the outbox holds."""
    async with engine.connect() as connection:
        return int(await connection.scalar(text("SELECT count(*) FROM outbox")) or 0)


async def records(bootstrap: str, things: Offered) -> list[Recorded]:
    """The whole topic, as far as it tells of these things."""
    known = {key.encode(): key for key in things.keys}
    found = []
    for record in await everything(bootstrap, TOPIC):
        if (key := known.get(record.key)) is not None:
            foreign = FOREIGN in record.headers
            with suppress(TypeError, KeyError, orjson.JSONDecodeError):
                version = orjson.loads(record.value)["version"]
                found.append(Recorded(key, version, record.partition, record.offset, foreign))
    return found


async def everything(bootstrap: str, topic: str) -> list[Any]:
    """Every record of a topic, in order within each partition."""
    async with aclosing(reading.everything(bootstrap, [topic])) as batches:
        return [record async for batch in batches for record in batch]


async def watch_effects(engine: AsyncEngine) -> None:
    """From now on search's database remembers each version it takes over, in a table beside its own."""
    async with engine.begin() as connection:
        for statement in _WATCH:
            await connection.execute(text(statement))


async def watch_effects_no_more(engine: AsyncEngine) -> None:
    """What is taken over from now on is not remembered."""
    async with engine.begin() as connection:
        await connection.execute(text("DROP TRIGGER faults_effect ON offering"))


async def effects(engine: AsyncEngine, things: Offered) -> list[Write]:
    """Each time a version was taken over, in order."""
    async with engine.connect() as connection:
        found = await connection.execute(text("SELECT key, version FROM faults_effect ORDER BY seq"))
        return [Write(key, version) for key, version in found if key.startswith(f"{things.unit}|")]


async def projection(engine: AsyncEngine, things: Offered) -> dict[str, int]:
    """Search's rows: version by key."""
    async with engine.connect() as connection:
        found = await connection.execute(text(f"SELECT {_KEY} AS key, version FROM offering"))
        return {key: version for key, version in found if key.startswith(f"{things.unit}|")}


async def documents(client: httpx.AsyncClient, alias: str, things: Offered, *, fresh: bool) -> list[Write]:
    """Every document that searches find; none while there is no index. `fresh`: also what was written just now."""
    if fresh:
        await client.post(f"/{alias}/_refresh")
    answer = await client.post(
        f"/{alias}/_search",
        json={"size": 10_000, "_source": ["care_unit.hsa_id", "care_service", "bases"]},
        params={"allow_partial_search_results": "false"},
    )
    if not answer.is_success:
        return []
    found = [row["_source"] for row in answer.json()["hits"]["hits"]]
    return [
        Write(f"{things.unit}|{one['care_service']}", max(version_at(basis["observed_at"]) for basis in one["bases"]))
        for one in found
        if one["care_unit"]["hsa_id"] == things.unit
    ]
