"""Kafka push: every record of a region's topic gets its receipt, and nothing of what is refused is kept anywhere."""

import asyncio
import contextlib
import copy
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from sqlalchemy import select

import contracts
from agreements.consumer import HANDLERS, PUSHED
from agreements.service import intake
from agreements.store.tables import agreement, known_unit, refusal, tables
from contracts import AgreementAnswered, CareUnitUpdated, encode
from contracts.agreements import SUBMITTED
from contracts.envelope import decode
from engines import eventually
from kit import kafka, parking
from kit.consumer import Consumer, Record
from rules.regions import REGIONS

pytestmark = pytest.mark.engine

EXAMPLES = Path(contracts.__file__).parents[2] / "examples"
TOPIC = SUBMITTED.of_region("14")
PERSON = "19121212-1212"

Push = Callable[..., Awaitable[None]]


def value(content: Any) -> bytes:
    return json.dumps(content, ensure_ascii=False).encode()


def record(content: bytes, key: bytes | None = b"ref-1", offset: int = 0, **more: Any) -> Record:
    headers = more.pop("headers", {})
    return Record(TOPIC, 0, offset, key, content, headers, more.pop("timestamp", 0))


def like(body: dict[str, Any], **changed: Any) -> dict[str, Any]:
    return {**copy.deepcopy(body), **changed}


@pytest.fixture
def pushed(office) -> Callable[..., Awaitable[list[AgreementAnswered]]]:
    """Gives records to the handler of region 14's topic, as the consumer does, and returns the new receipts."""
    handler = PUSHED[TOPIC]

    async def push(*records: Record) -> list[AgreementAnswered]:
        before = len(await receipts(office))
        async with office.sessions.begin() as session:
            await handler.apply(session, [handler.decode(one) for one in records])
        return (await receipts(office))[before:]

    return push


async def receipts(office) -> list[AgreementAnswered]:
    async with office.sessions() as session:
        outbox = tables.tables["outbox"]
        rows = await session.execute(
            select(outbox).where(outbox.c.aggregatetype.like("agreement-answered-%")).order_by(outbox.c.seq)
        )
        return [decode(AgreementAnswered, row.headers, row.aggregateid.encode(), bytes(row.payload)) for row in rows]


def answers(found: list[AgreementAnswered]) -> list[str]:
    return [one.answer for one in found]


async def test_every_record_gets_a_receipt_with_its_reference_and_place(office, pushed, body):
    wrong = like(body, number="VGR 2", valid_to="2025-01-01")
    wrong["services"][0]["care_services"][0]["code"] = "CJE02"
    good, bad = await pushed(
        record(value(like(body, revision=3)), b"VGR 2026-00042", 7), record(value(wrong), b"VGR 2", 8)
    )
    assert (good.answer, good.reference, good.region, good.revision, good.reasons) == (
        "accepted", "VGR 2026-00042", "14", 3, (),
    )  # fmt: skip
    assert (good.submitted_partition, good.submitted_offset) == (0, 7)
    assert (bad.answer, bad.reference, bad.agreement_id) == ("rejected", "VGR 2", None)
    assert [(one.field, one.reason, one.suggestion) for one in bad.reasons][:1] == [
        ("valid_to", "the period ends before it starts", None)
    ]
    async with office.sessions() as session:
        (kept,) = (await session.execute(select(agreement))).all()
    assert (kept.id, kept.way, kept.state, kept.author) == (good.agreement_id, "kafka", "submitted", TOPIC)


async def test_a_repeated_record_changes_nothing_and_is_told_so(office, pushed, body):
    one = record(value(like(body, revision=1)))
    first = await pushed(one, one)
    counts = await office.counts()
    again = await pushed(one)
    assert answers([*first, *again]) == ["accepted", "unchanged", "unchanged"]
    assert {receipt.agreement_id for receipt in [*first, *again]} == {first[0].agreement_id}
    assert {name: number for name, number in (await office.counts()).items() if name != "outbox"} == {
        name: number for name, number in counts.items() if name != "outbox"
    }


async def test_an_unknown_code_comes_with_the_one_that_may_be_meant(pushed, body):
    body["services"][0]["care_services"][0]["code"] = "CJE02"
    (receipt,) = await pushed(record(value(body)))
    assert [one.suggestion for one in receipt.reasons] == ["did you mean CJE20?"]


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe", b"null", b"[]", b'"x"', b"3", b"{}", b"[" * 100_000, b'{"a": NaN}', b'{"a": 1, "a": 2}',
     b'{"number": "\\ud800"}', b'{"number": "\\u0000"}', b'{"name": {"a": [[[[]]]]}}', b"{" + b'"a":' * 9, b"\x00",
     b'{"revision": 99999999999999999999999999}', b'{"revision": 1e400}', b'{"number": "' + b"x" * 900_000 + b'"}'],
)  # fmt: skip
async def test_what_cannot_be_read_is_rejected_and_never_parked(office, pushed, body, content):
    bad, good = await pushed(record(content), record(value(body)))
    assert (bad.answer, bad.reference, good.answer) == ("rejected", "ref-1", "accepted")
    assert bad.reasons
    assert "fault of ours" not in bad.reasons[0].reason


async def test_the_topics_region_must_be_the_agreements(office, pushed, body):
    (receipt,) = await pushed(record(value(like(body, region="01", commissioning_regions=["01"]))))
    assert (receipt.answer, receipt.region) == ("rejected", "14")
    assert "another region's" in receipt.reasons[0].reason
    assert (await office.counts())["agreement"] == 0


async def test_of_a_confidential_record_only_the_audit_line_and_the_receipt_are_left(office, pushed, body, spoken):
    (receipt,) = await pushed(record(value(like(body, name="Hemligt", number="H-1", confidential=True)), b"nyckel"))
    assert (receipt.answer, receipt.reference, receipt.agreement_id, receipt.revision) == (
        "rejected", "nyckel", None, None,
    )  # fmt: skip
    assert [one.field for one in receipt.reasons] == ["confidential"]
    kept = await office.everything()
    for word in ("Hemligt", "H-1"):
        assert word not in kept + receipt.model_dump_json() + spoken()
    async with office.sessions() as session:
        (line,) = (await session.execute(select(refusal))).all()
    assert (line.region, line.way, line.actor) == ("14", "kafka", TOPIC)


async def test_a_personal_number_is_repeated_neither_from_the_record_nor_from_its_key(office, pushed, body, spoken):
    found = await pushed(
        record(value(like(body, description=f"Gäller {PERSON}")), PERSON.encode(), 4),
        record(b'{"x": "' + PERSON.encode(), PERSON.encode(), 5),
        record(value(like(body, number=PERSON)), None, 6),
        record(value(body), b"\xff", 7),
    )
    assert [one.reference for one in found] == ["0/4", "0/5", "0/6", "0/7"]
    assert answers(found) == ["rejected", "rejected", "rejected", "accepted"]
    told = "".join(one.model_dump_json() for one in found)
    assert "1212-1212" not in told + spoken() + await office.everything()


async def test_a_record_given_out_again_keeps_its_old_time_and_never_overwrites_an_edit(office, pushed, body):
    one = (await office.register(body)).json()
    assert one["number"] == body["number"]
    before, after = datetime.now(UTC) - timedelta(hours=1), datetime.now(UTC) + timedelta(seconds=1)
    newer = value(like(body, name="Gammalt", revision=2))
    for told in (
        {"headers": {"ce_time": before.isoformat()}},
        {"headers": {"ce_time": before.isoformat()}, "timestamp": int(after.timestamp() * 1000)},
        {"timestamp": int(before.timestamp() * 1000), "headers": {"ce_time": "i går"}},
        {"timestamp": int(before.timestamp() * 1000), "headers": {"ce_time": "2026-01-01T00:00:00"}},
    ):
        (receipt,) = await pushed(record(newer, **told))
        assert (receipt.answer, "was changed here" in receipt.reasons[0].reason) == ("conflict", True), told
    (receipt,) = await pushed(record(newer, timestamp=10**18, headers={"ce_time": after.isoformat()}))
    assert receipt.answer == "accepted"


async def test_a_fault_of_ours_meets_one_record_and_the_others_are_answered(office, pushed, body, monkeypatch, spoken):
    real = intake.sent_form.read

    def trips(content, *more):
        if content.get("number") == "N 13":
            raise KeyError("x")
        return real(content, *more)

    monkeypatch.setattr(intake.sent_form, "read", trips)
    found = await pushed(*[record(value(like(body, number=f"N {place}")), offset=place) for place in range(20)])
    assert Counter(answers(found)) == {"accepted": 19, "rejected": 1}
    assert [one.submitted_offset for one in found] == list(range(20)), "in the order of the records"
    (bad,) = [one for one in found if one.answer == "rejected"]
    assert (bad.submitted_offset, "fault of ours" in bad.reasons[0].reason) == (13, True)
    assert "pushed agreement not judged" in spoken()


async def test_without_the_catalogue_the_batch_waits_as_for_an_engine_that_is_away(empty_office, body):
    handler = PUSHED[TOPIC]
    with pytest.raises(OSError, match="catalogue"):
        async with empty_office.sessions.begin() as session:
            await handler.apply(session, [handler.decode(record(value(body)))])


async def test_thousands_of_reasons_still_fit_in_a_receipt(pushed, body):
    service = {**body["services"][0], "units": ["SE5561234567-A0017"] * 2, "target_group": {"age_min": 9, "age_max": 1}}
    (receipt,) = await pushed(record(value(like(body, services=[service] * 99, valid_to="2025-01-01"))))
    assert len(receipt.reasons) == 101
    assert receipt.reasons[-1].reason.startswith("and ")


def test_every_region_has_its_topic_and_each_is_read():
    assert set(PUSHED) == {f"agreement-submitted-{region}" for region in REGIONS} == set(SUBMITTED.names())
    assert SUBMITTED.consumers == ("agreements",)
    assert set(PUSHED).isdisjoint(HANDLERS)


@pytest.fixture
async def running(kafka_address, office, unique) -> AsyncIterator[dict[str, Any]]:
    """The service's two subscriptions in one group, on topics of this test's own."""
    names = {name: f"{unique}-{name}" for name in (*HANDLERS, TOPIC, SUBMITTED.of_region("01"))}
    every = [*names.values(), *(parking.name(name, unique) for name in names.values())]
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_address)
    await admin.start()
    await admin.create_topics([NewTopic(name, 2, 1) for name in every])
    producer = kafka.producer(kafka_address)
    await producer.start()
    tasks = []

    def start(handlers: dict[str, Any]) -> Consumer:
        mine = {names[name]: handler for name, handler in handlers.items() if name in names}
        consumer = Consumer(unique, kafka_address, office.sessions, mine)
        tasks.append(asyncio.create_task(consumer.run()))
        return consumer

    yield {"names": names, "start": start, "producer": producer, "tasks": tasks}
    for task in tasks:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    await producer.stop()
    await admin.close()


async def test_two_subscriptions_in_one_group_each_get_their_own_topics(office, running, body, catalogue):
    """The catalogue goes on while pushes are read, in this process and when a second worker comes and goes."""
    names, start, producer = running["names"], running["start"], running["producer"]
    first, second = start(HANDLERS), None
    await asyncio.wait_for(first.caught_up.wait(), 30)
    second = start(PUSHED)
    await asyncio.wait_for(second.caught_up.wait(), 30)

    async def push(begin: int, number: int) -> None:
        for place in range(begin, begin + number):
            await producer.send(names[TOPIC], value(like(body, number=f"N {place}")), key=b"%d" % place)
        await producer.send(names[SUBMITTED.of_region("01")], value(body), key=b"other")
        await producer.send(names[TOPIC], b"{", key=b"broken")
        await producer.flush()

    async def announce(number: int) -> None:
        unit = {
            "hsa_id": f"SE5561234567-N{number}",
            "version": 1,
            "status": "active",
        }
        example = json.loads((EXAMPLES / "care-unit-updated" / "v1" / "full.json").read_text(encoding="utf-8"))["value"]
        event = encode(CareUnitUpdated.model_validate({**example, **unit}), at=datetime.now(UTC))
        headers = [(name, told.encode()) for name, told in event.headers.items()]
        await producer.send_and_wait(names[event.topic], event.value, key=event.key.encode(), headers=headers)

    async def both_did(pushes: int, unit: int) -> bool:
        async with office.sessions() as session:
            there = await session.scalar(select(known_unit.c.hsa_id).where(known_unit.c.hsa_id.endswith(f"-N{unit}")))
        return len(await receipts(office)) == pushes and there is not None

    await push(0, 50)
    await announce(1)
    await eventually(lambda: both_did(52, 1), within=20)
    third, fourth = start(HANDLERS), start(PUSHED)
    await push(50, 50)
    await announce(2)
    await eventually(lambda: both_did(104, 2), within=20)
    await eventually(_assigned(third, fourth), within=20)
    for task in running["tasks"][2:]:
        task.cancel()
    await push(100, 50)
    await announce(3)
    await eventually(lambda: both_did(156, 3), within=30)
    found = Counter(answers(await receipts(office)))
    assert found == {"accepted": 150, "rejected": 6}
    assert (await office.counts())["agreement"] == 150


def _assigned(*consumers: Consumer) -> Callable[[], Awaitable[bool]]:
    async def ready() -> bool:
        return all([await one.ready() is None for one in consumers])

    return ready
