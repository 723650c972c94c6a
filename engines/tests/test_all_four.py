"""All four engines as real processes."""

import asyncio
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import UnknownTopicOrPartitionError

import engines
from engines import providers

pytestmark = [pytest.mark.engine, pytest.mark.timeout(180)]


def test_all_four_start_and_answer(running: engines.Engines) -> None:
    for name in engines.NAMES:
        providers.CHECKS[name](getattr(running.addresses, name))
    rows = running.status()
    assert [row.name for row in rows] == list(engines.NAMES)
    assert all(row.state == "up" and row.pid and row.memory > 10 for row in rows)


def test_two_sets_run_side_by_side(running: engines.Engines, home: Path) -> None:
    with engines.start(home=home) as second:
        ours, theirs = running.addresses, second.addresses
        assert not {ours.kafka, ours.opensearch, ours.postgres, ours.oidc} & {
            theirs.kafka,
            theirs.opensearch,
            theirs.postgres,
            theirs.oidc,
        }
        for name in engines.NAMES:
            providers.CHECKS[name](getattr(theirs, name))
    assert [row.state for row in second.status()] == ["down"] * 4
    assert [row.state for row in running.status()] == ["up"] * 4


async def test_a_kafka_record_outlives_kill_and_restart(running: engines.Engines) -> None:
    address, topic = str(running.addresses.kafka), f"kept-{uuid4()}"
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 1, 1)])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=address, enable_idempotence=True) as producer:
        await producer.send_and_wait(topic, b"kept")
    await asyncio.to_thread(running.kill, "kafka")
    assert running.status()[0].state == "down"
    await asyncio.to_thread(running.restart, "kafka")
    assert running.addresses.kafka == address
    async with AIOKafkaConsumer(bootstrap_servers=address) as consumer:
        consumer.assign([TopicPartition(topic, 0)])
        await consumer.seek_to_beginning()
        record = await asyncio.wait_for(consumer.getone(), 20)
    assert record.value == b"kept"


async def test_a_topic_is_never_created_by_accident(running: engines.Engines) -> None:
    async with AIOKafkaProducer(
        bootstrap_servers=str(running.addresses.kafka), request_timeout_ms=2000, retry_backoff_ms=100
    ) as producer:
        with pytest.raises(UnknownTopicOrPartitionError):
            await producer.send_and_wait(f"never-{uuid4()}", b"x")


def test_a_document_and_its_external_version_outlive_kill_and_restart(running: engines.Engines) -> None:
    address = str(running.addresses.opensearch)
    index = f"/kept-{uuid4()}"
    with httpx.Client(base_url=address, timeout=20, trust_env=False) as client:
        client.put(index, json={"settings": {"number_of_replicas": 0}}).raise_for_status()
        version: dict[str, str | int] = {"version": 7, "version_type": "external"}
        client.put(f"{index}/_doc/1", params=version, json={"text": "Ögonmottagning"}).raise_for_status()
        running.kill("opensearch")
        running.restart("opensearch")
        assert running.addresses.opensearch == address
        kept = client.get(f"{index}/_doc/1").raise_for_status().json()
        assert kept["_version"] == 7
        stale = client.put(f"{index}/_doc/1", params=version, json={"text": "again"})
    assert stale.status_code == httpx.codes.CONFLICT


def test_swedish_letters_survive_icu_folding_with_an_exception_set(running: engines.Engines) -> None:
    fold = {"type": "icu_folding", "unicode_set_filter": "[^åäöÅÄÖ]"}
    body = {"tokenizer": "icu_tokenizer", "filter": ["lowercase", fold], "text": "Ögon Café"}
    answer = httpx.post(f"{running.addresses.opensearch}/_analyze", json=body, trust_env=False).raise_for_status()
    assert [token["token"] for token in answer.json()["tokens"]] == ["ögon", "cafe"]


async def test_a_row_outlives_kill_and_restart(running: engines.Engines) -> None:
    address = str(running.addresses.postgres)
    connection = await asyncpg.connect(f"{address}/postgres")
    await connection.execute("create table if not exists kept (n int)")
    await connection.execute("insert into kept values (42)")
    connection.terminate()
    await asyncio.to_thread(running.kill, "postgres")
    await asyncio.to_thread(running.restart, "postgres")
    assert running.addresses.postgres == address
    connection = await asyncpg.connect(f"{address}/postgres")
    try:
        assert await connection.fetchval("select n from kept") == 42
        assert await connection.fetchval("show fsync") == "on"
        assert await connection.fetchval("show max_connections") == "200"
        assert await connection.fetchval("select lower('ÅÄÖ')") == "åäö"
    finally:
        await connection.close()


def test_logs_give_the_end_of_what_an_engine_wrote(running: engines.Engines) -> None:
    assert "database system" in running.logs("postgres", 30)
    assert len(running.logs("opensearch", 3).splitlines()) == 3


def test_an_address_in_the_environment_wins(
    running: engines.Engines, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, variable in providers.VARIABLES.items():
        monkeypatch.setenv(variable, getattr(running.addresses, name))
    with engines.start(home=home) as external:
        assert external.addresses == running.addresses
        assert [row.state for row in external.status()] == ["external"] * 4
        with pytest.raises(engines.EngineError, match="KAFKA_BOOTSTRAP"):
            external.kill("kafka")
    assert [row.state for row in running.status()] == ["up"] * 4
    assert not (home / "kafka").exists()
