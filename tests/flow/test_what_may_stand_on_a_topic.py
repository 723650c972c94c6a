"""Whatever comes on a topic, the readers go on: bad records are parked with their bytes, empty ones are ignored."""

from typing import Any

import httpx
import orjson
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

import demo.sweden
from contracts import encode
from engines import eventually
from kit import kafka

pytestmark = [pytest.mark.flow, pytest.mark.engine]

_TOPIC = "waittime-updated"


async def _parked(bootstrap: str, topic: str, key: bytes) -> list[Any]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False)
    await consumer.start()
    try:
        part = TopicPartition(topic, 0)
        consumer.assign([part])
        end = (await consumer.end_offsets([part]))[part]
        found: list[Any] = []
        while await consumer.position(part) < end:
            found += [row for rows in (await consumer.getmany(timeout_ms=500)).values() for row in rows]
        return [row for row in found if row.key == key]
    finally:
        await consumer.stop()


async def test_garbage_tombstones_null_headers_and_unknown_fields_do_not_stop_search(
    system: Any, client: httpx.AsyncClient, navigator: dict[str, str], unique: str
):
    wait = next(one for one in demo.sweden.build().waits if one.measure == "treatment_median" and one.value)
    offer = f"{wait.subject.id}|{wait.care_service.key}"
    changed = wait.model_copy(update={"version": wait.version + 10_000_000_000, "value": wait.value + 1000})
    event = encode(changed, at=wait.source.observed_at)
    headers = [(name, value.encode()) for name, value in event.headers.items()]
    grown = orjson.dumps({**orjson.loads(event.value), "a_field_of_tomorrow": {"any": 1}})
    bad = unique.encode()
    producer = kafka.producer(system.kafka)
    await producer.start()
    try:
        await producer.send_and_wait(_TOPIC, b"\x00\xff garbage", key=bad, headers=headers)
        await producer.send_and_wait(_TOPIC, b"{}", key=bad, headers=[("ce_type", None), ("x", b"\xff\xfe")])
        await producer.send_and_wait(_TOPIC, b"", key=bad, headers=headers)
        await producer.send_and_wait(_TOPIC, None, key=bad)
        await producer.send_and_wait(_TOPIC, grown, key=event.key.encode(), headers=headers)
    finally:
        await producer.stop()

    async def shown() -> bool:
        answer = await client.get(f"/offers/{offer}", headers=navigator)
        return any(one["days"] == float(changed.value or 0) for one in answer.json().get("waits", []))

    await eventually(shown, within=15)
    parked = await eventually(lambda: _three(system.kafka, bad), within=15)
    assert {row.value for row in parked} == {b"\x00\xff garbage", b"{}", b""}
    context = dict(parked[0].headers)
    assert context["parked-topic"] == _TOPIC.encode()
    assert context["parked-group"] == b"search"
    assert context["parked-reason"]


async def _three(bootstrap: str, key: bytes) -> list[Any]:
    found = await _parked(bootstrap, f"{_TOPIC}-parked-search", key)
    return found if len(found) == 3 else []
