"""The access lists of docs/operations on a broker that enforces them: what a region may do, and nobody else."""

import asyncio
import os
import shlex
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import GroupAuthorizationFailedError, KafkaError, TopicAuthorizationFailedError
from confluent_kafka import KafkaException
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)
from confluent_kafka.cimpl import NewTopic
from sent_tables import as_csv, row

from contracts import AgreementAnswered, encode
from contracts.agreements import SUBMITTED
from engines import eventually, kafka, ports
from region_cli import kafka_push
from region_cli.terminal import Cannot, Shown

pytestmark = [pytest.mark.engine, pytest.mark.slow]

PAGE = Path(__file__).parents[3] / "docs/operations/agreement-submissions.md"
SENT, ANSWERED = SUBMITTED.of_region("14"), AgreementAnswered.topic.of_region("14")
PARKED = f"{SENT}-parked-agreements"
PRINCIPALS = ("admin", "agreements", "region-14", "region-01")
ENFORCED = """
inter.broker.listener.name=SASL_PLAINTEXT
sasl.enabled.mechanisms=PLAIN
sasl.mechanism.inter.broker.protocol=PLAIN
listener.name.sasl_plaintext.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \
username="admin" password="secret" {users};
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:admin;User:ANONYMOUS
"""
"""Between broker and controller nobody logs in, on this one machine."""


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Kafka on which each principal logs in, and may do what a list allows it."""
    home = tmp_path_factory.mktemp("access")
    claims = [ports.claim(range_) for range_ in kafka.PORTS]
    told = kafka.plan(home, [claim.port for claim in claims], durable=False, say=lambda _: None)
    settings = home / "server.properties"
    users = " ".join(f'user_{name}="secret"' for name in PRINCIPALS)
    lines = settings.read_text().replace("PLAINTEXT://127.0.0.1:", "SASL_PLAINTEXT://127.0.0.1:")
    lines = lines.replace("map=PLAINTEXT:PLAINTEXT,", "map=SASL_PLAINTEXT:SASL_PLAINTEXT,")
    settings.write_text(lines + ENFORCED.format(users=users))
    with (home / "log.txt").open("wb") as log:
        process = subprocess.Popen(told.argv, env={**os.environ, **told.env}, stdout=log, stderr=log)
    yield told.address
    process.send_signal(signal.SIGKILL)
    process.wait()
    for claim in claims:
        claim.release()


def login(principal: str) -> dict[str, Any]:
    return {
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "PLAIN",
        "sasl_plain_username": principal,
        "sasl_plain_password": "secret",
    }


def bindings(page: str) -> list[AclBinding]:
    """The lists that the page's commands would make."""
    made = []
    for line in page.splitlines():
        if "kafka-acls.sh" not in line or "--add" not in line:
            continue
        words = shlex.split(line)
        given = [(words[at], words[at + 1]) for at in range(len(words) - 1)]
        principal = next(value for name, value in given if name == "--allow-principal")
        kind, name = next((ResourceType[name[2:].upper()], v) for name, v in given if name in ("--topic", "--group"))
        pattern = next((value.upper() for name, value in given if name == "--resource-pattern-type"), "LITERAL")
        made += [
            AclBinding(
                kind, name, ResourcePatternType[pattern], principal, "*", AclOperation[value.upper()],
                AclPermissionType.ALLOW,
            )
            for option, value in given
            if option == "--operation"
        ]  # fmt: skip
    return made


@pytest.fixture(scope="module")
async def lists(broker: str) -> None:
    """The topics of region 14, and the page's lists."""
    admin = AdminClient(
        {
            "bootstrap.servers": broker,
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": "PLAIN",
            "sasl.username": "admin",
            "sasl.password": "secret",
            "log_level": 0,
        }
    )

    async def up() -> bool:
        try:
            return bool((await asyncio.to_thread(admin.list_topics, timeout=2)).brokers)
        except KafkaException:
            return False

    await eventually(up, within=40)
    for future in admin.create_topics([NewTopic(name, 1, 1) for name in (SENT, ANSWERED, PARKED)]).values():
        await asyncio.to_thread(future.result, 20)
    wanted = bindings(PAGE.read_text("utf-8"))
    assert {one.principal for one in wanted} == {"User:region-14", "User:agreements"}
    for future in admin.create_acls(wanted).values():
        await asyncio.to_thread(future.result, 20)

    # The controller has them; the broker that enforces them follows.
    async def enforced() -> bool:
        every = AclBindingFilter(
            ResourceType.ANY, None, ResourcePatternType.ANY, None, None, AclOperation.ANY, AclPermissionType.ANY
        )
        return len(await asyncio.to_thread(admin.describe_acls(every).result, 20)) == len(wanted)

    await eventually(enforced, within=20)


@pytest.fixture
async def service(broker: str, lists: None) -> AsyncIterator[None]:
    """The service as far as its access goes: reads with its group, and answers."""
    consumer = AIOKafkaConsumer(
        SENT, bootstrap_servers=broker, group_id="agreements", auto_offset_reset="earliest", **login("agreements")
    )
    producer = AIOKafkaProducer(bootstrap_servers=broker, enable_idempotence=True, **login("agreements"))

    async def work() -> None:
        async for record in consumer:
            answer = AgreementAnswered(
                version=1, reference=record.key.decode(), region="14", answer="accepted", agreement_id="a-1",
                revision=None, reasons=(), submitted_partition=record.partition, submitted_offset=record.offset,
                answered_at=datetime(2026, 3, 1, tzinfo=UTC),
            )  # fmt: skip
            told = encode(answer, at=answer.answered_at)
            headers = [(name, value.encode()) for name, value in told.headers.items()]
            await producer.send_and_wait(told.topic, told.value, key=told.key.encode(), headers=headers)
            await consumer.commit()

    await consumer.start()
    await producer.start()
    working = asyncio.create_task(work())
    yield
    working.cancel()
    await asyncio.wait([working])
    await consumer.stop()
    await producer.stop()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "avtal.csv"
    path.write_bytes(as_csv([row(), row(avtalsnummer="AVT-2")]).getvalue())
    return path


def log_in(monkeypatch: pytest.MonkeyPatch, principal: str, password: str) -> None:
    monkeypatch.setenv("VF_KAFKA_PROTOCOL", "SASL_PLAINTEXT")
    monkeypatch.setenv("VF_KAFKA_SASL_MECHANISM", "PLAIN")
    monkeypatch.setenv("VF_KAFKA_USERNAME", principal)
    monkeypatch.setenv("VF_KAFKA_PASSWORD", password)


async def test_with_the_pages_lists_a_region_pushes_and_reads_its_receipts(
    broker: str, service: None, file: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    log_in(monkeypatch, "region-14", "secret")
    assert await kafka_push.push(file, broker, "14", None, 30.0, Shown.FINDINGS) == 0
    assert "2 mottagna" in capsys.readouterr().err


async def test_another_region_can_neither_send_for_it_nor_see_its_topics(
    broker: str, lists: None, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in(monkeypatch, "region-01", "secret")
    with pytest.raises(Cannot) as told:
        await kafka_push.push(file, broker, "14", None, 30.0, Shown.FINDINGS)
    assert len(str(told.value).splitlines()) == 1
    assert "may not" in str(told.value)
    async with AIOKafkaProducer(bootstrap_servers=broker, **login("region-01")) as producer:
        with pytest.raises(TopicAuthorizationFailedError):
            await producer.send_and_wait(SENT, b"{}", key=b"AVT-1")


async def test_a_region_reads_its_answers_with_its_own_groups_and_nothing_else_of_the_services(
    broker: str, lists: None
) -> None:
    async with AIOKafkaProducer(bootstrap_servers=broker, **login("region-14")) as producer:
        with pytest.raises(TopicAuthorizationFailedError):
            await producer.send_and_wait(ANSWERED, b"{}", key=b"AVT-1")
    for topic, group, refusal in (
        (ANSWERED, "region-14-mine", None),
        (ANSWERED, "agreements", GroupAuthorizationFailedError),
        (SENT, "region-14-mine", TopicAuthorizationFailedError),
    ):
        consumer = AIOKafkaConsumer(topic, bootstrap_servers=broker, group_id=group, **login("region-14"))
        found: type[KafkaError] | None = None
        try:
            await consumer.start()
            await consumer.getmany(timeout_ms=1000)
        except KafkaError as error:
            found = type(error)
        finally:
            await consumer.stop()
        assert found is refusal, (topic, group)


async def test_a_wrong_password_is_told_in_one_line(
    broker: str, lists: None, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in(monkeypatch, "region-14", "wrong")
    with pytest.raises(Cannot, match="VF_KAFKA_USERNAME and VF_KAFKA_PASSWORD"):
        await kafka_push.push(file, broker, "14", None, 30.0, Shown.FINDINGS)
