"""`vf-region push --kafka` on a real Kafka: one record per agreement, and a receipt for each."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from sent_tables import as_csv, row

from contracts import AgreementAnswered, encode
from contracts.agreement_form import AgreementForm
from contracts.agreements import SUBMITTED, Reason
from region_cli import kafka_push
from region_cli.main import main
from region_cli.terminal import Cannot, Shown
from upkeep.topics import create_topics

pytestmark = pytest.mark.engine
# One that no other test sends for.
REGION = "09"
ANSWERED = AgreementAnswered.topic.of_region(REGION)
NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
async def file(kafka_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    names = (SUBMITTED.of_region(REGION), ANSWERED)
    await create_topics(kafka_address, [{"name": name, "partitions": 1, "config": {}} for name in names])
    for name in ("VF_KAFKA_PROTOCOL", "VF_KAFKA_CA", "VF_KAFKA_USERNAME"):
        monkeypatch.delenv(name, raising=False)
    sent = [row(avtalsnummer=f"AVT-{number}", region=REGION) for number in range(4)]
    sent[2]["giltigt från"] = "i vår"
    sent.append(row(avtalsnummer="HEMLIGT", region=REGION, sekretess="ja"))
    path = tmp_path / "avtal.csv"
    path.write_bytes(as_csv(sent).getvalue())
    return path


WITHDRAWN = "the same has been taken before, and the agreement is withdrawn since"
ANSWERS: dict[str, tuple[str, tuple[Reason, ...]]] = {
    "AVT-0": ("accepted", ()),
    "AVT-1": ("unchanged", (Reason(field="number", reason=WITHDRAWN, suggestion=None),)),
    "AVT-3": (
        "rejected",
        (Reason(field="services.0.care_services.0.code", reason="unknown code", suggestion="did you mean CJE25?"),),
    ),
}


@asynccontextmanager
async def region_answered(address: str, answers: dict[str, Any]) -> AsyncIterator[list[Any]]:
    """The service as far as the command sees it: takes each record and writes its receipt."""
    consumer = AIOKafkaConsumer(SUBMITTED.of_region(REGION), bootstrap_servers=address, auto_offset_reset="latest")
    producer = AIOKafkaProducer(bootstrap_servers=address)
    taken: list[Any] = []

    async def work() -> None:
        async for record in consumer:
            taken.append(record)
            number = record.key.decode()
            if number not in answers:
                continue
            word, reasons = answers[number]
            answer = AgreementAnswered(
                version=1,
                reference=number,
                region=REGION,
                answer=word,
                agreement_id="a-1" if word != "rejected" else None,
                revision=None,
                reasons=reasons,
                submitted_partition=record.partition,
                submitted_offset=record.offset,
                answered_at=NOW,
            )
            envelope = encode(answer, at=NOW)
            headers = [(name, value.encode()) for name, value in envelope.headers.items()]
            await producer.send(envelope.topic, envelope.value, key=envelope.key.encode(), headers=headers)

    await consumer.start()
    await consumer.seek_to_end()
    await consumer.position(next(iter(consumer.assignment())))
    await producer.start()
    working = asyncio.create_task(work())
    try:
        yield taken
    finally:
        working.cancel()
        await asyncio.wait([working])
        await consumer.stop()
        await producer.stop()


async def test_each_right_agreement_is_sent_and_each_receipt_told_in_its_row(
    kafka_address: str, file: Path, capsys: Any
) -> None:
    async with region_answered(kafka_address, ANSWERS) as taken:
        code = await kafka_push.push(file, kafka_address, REGION, None, 30.0, Shown.FINDINGS)
    out, err = capsys.readouterr()
    assert code == 1
    assert [record.key.decode() for record in taken] == ["AVT-0", "AVT-1", "AVT-3"]
    assert AgreementForm.model_validate_json(taken[0].value).region == REGION
    assert b"confidential" not in taken[0].value
    headers = dict(taken[0].headers)
    assert headers["ce_type"] == b"se.vardformedling.agreement-submitted.v1"
    assert headers["ce_source"] == b"/region-09"
    assert datetime.fromisoformat(headers["ce_time"].decode()).tzinfo is UTC
    assert sorted(line.partition(": ")[2] for line in out.splitlines()) == [
        "AVT-1 oförändrat, obs: avtalsnummer: detsamma har tagits emot förut, och avtalet är tillbakadraget sedan dess",
        "AVT-2 avvisat: giltigt från: ska vara en dag, skriven 2026-01-31",
        "AVT-3 avvisat: KVÅ-koder: okänd kod (menas CJE25?)",
        "avvisat: sekretess: omfattas av sekretess: det tas inte emot, och inget av det sparas",
    ]
    assert "1 mottaget, 1 oförändrat, 3 avvisade, varav 1 med obs\n" in err
    assert "HEMLIGT" not in out + err


async def test_of_what_is_under_secrecy_nothing_lies_on_the_topic_and_what_to_do_is_told_loudly(
    kafka_address: str, file: Path, capsys: Any
) -> None:
    async with region_answered(kafka_address, ANSWERS) as taken:
        code = await kafka_push.push(file, kafka_address, REGION, None, 30.0, Shown.JSON)
    out, err = capsys.readouterr()
    assert code == 1
    assert not any(b"HEMLIGT" in (record.key or b"") + record.value for record in taken)
    assert json.loads(out)["confidential_not_sent"] == [6]
    assert "VARNING: " in err
    assert "1 avtal är märkta med sekretess (rad 6) och skickades inte" in err
    assert "skicka raden oförändrad i en fil med --http, då rensas den" in err
    verdicts = {one["number"]: one for one in json.loads(out)["verdicts"]}
    assert verdicts["AVT-0"]["agreement_id"] == "a-1"


async def test_a_record_without_a_receipt_is_told_as_such(kafka_address: str, file: Path, capsys: Any) -> None:
    async with region_answered(kafka_address, {"AVT-0": ("accepted", ())}):
        code = await kafka_push.push(file, kafka_address, REGION, None, 2.0, Shown.JSON)
    told = json.loads(capsys.readouterr().out)
    assert code == 1
    assert told["counts"] == {"accepted": 1, "unchanged": 0, "conflict": 0, "rejected": 2, "no receipt": 2}


async def test_a_region_without_topics_is_told(kafka_address: str, file: Path, tmp_path: Path) -> None:
    with pytest.raises(Cannot, match="there is no topic agreement-submitted-25 or agreement-answered-25"):
        await kafka_push.push(file, kafka_address, "25", None, 2.0, Shown.FINDINGS)


def test_brokers_that_are_away_are_told_in_one_line(file: Path, capsys: Any) -> None:
    assert main(["push", str(file), "--kafka", "127.0.0.1:1", "--region", REGION]) == 2
    err = capsys.readouterr().err
    assert "127.0.0.1:1: refuses or is away (KafkaConnectionError)" in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({"VF_KAFKA_PROTOCOL": "TLS"}, "VF_KAFKA_PROTOCOL must be one of PLAINTEXT, SSL"),
        ({"VF_KAFKA_PROTOCOL": "SASL_SSL"}, "SASL_SSL needs VF_KAFKA_USERNAME and VF_KAFKA_PASSWORD"),
        ({"VF_KAFKA_PROTOCOL": "SSL", "VF_KAFKA_CA": "/no/file"}, "must name PEM files"),
    ],
)
def test_settings_that_cannot_be_used_are_told(environment: dict[str, str], reason: str) -> None:
    with pytest.raises(Cannot, match=reason):
        kafka_push._options(environment)


def test_settings_from_the_environment_reach_the_client() -> None:
    names = {"PROTOCOL": "sasl_ssl", "USERNAME": "region14", "PASSWORD": "hemlig", "SASL_MECHANISM": "SCRAM-SHA-256"}
    options = kafka_push._options({f"VF_KAFKA_{name}": value for name, value in names.items()})
    assert options.pop("ssl_context") is not None
    assert options == {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-256",
        "sasl_plain_username": "region14",
        "sasl_plain_password": "hemlig",
    }
