"""`vf-region push --kafka`: one record per agreement on the region's own topic, and the receipt for each.

Records are sent in order by an idempotent producer; receipts are matched by the place of their record in the topic.
What is wrong already offline is told and not sent. Nor is what is under secrecy, not even its number: by itself that is
often telling, and a record lies on the topic for days. What is to be done about an earlier version is told loudly.
"""

import asyncio
import json
import logging
import os
import ssl
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaConnectionError, KafkaError, UnsupportedCodecError

from contracts import AgreementAnswered, Unreadable, decode
from contracts.agreement_form import AgreementForm
from contracts.agreements import SUBMITTED
from contracts.envelope import CONTENT_TYPE
from intake import told
from region_cli.judging import STAYS, Judged, judged, secret_rows
from region_cli.sources import mapping_in, opened, reading_of
from region_cli.terminal import (
    DONE,
    SOME_WRONG,
    TAKEN,
    Cannot,
    Shown,
    noted,
    progress,
    say,
    summed_up,
    tell_json,
    tell_verdicts,
    worth_telling,
)

_PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_SSL", "SASL_PLAINTEXT")
_BATCH = 200
_START_SECONDS = 30.0

Place = tuple[int, int]
"""Partition and offset of a record on the region's topic."""


async def push(path: Path, bootstrap: str, region: str, mapping: Path | None, wait: float, shown: Shown) -> int:
    """Send the agreements of a file, then tell each one's verdict."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # its reasons come as exceptions too, and are told once
    verdicts: list[dict[str, Any]] = []
    secret: list[int] = []
    try:
        with opened(path) as file:
            reading = reading_of(file, path, mapping_in(mapping))
            async with _clients(bootstrap, region) as (producer, consumer):
                sent: dict[Place, Judged] = {}
                with progress("skickar", reading.rows) as advance:
                    waiting: list[Judged] = []
                    for one in judged(reading, region, None, advance):
                        if one.sent.confidential:
                            secret += one.sent.rows[:1]
                        if one.form is None:
                            verdicts.append(one.verdict("rejected"))
                            continue
                        waiting.append(one)
                        if len(waiting) == _BATCH:
                            sent |= await _sent(producer, SUBMITTED.of_region(region), waiting)
                            waiting = []
                    sent |= await _sent(producer, SUBMITTED.of_region(region), waiting)
                verdicts += await _receipts(consumer, sent, wait)
    except (KafkaError, OSError, TimeoutError) as error:
        raise Cannot(f"{bootstrap}: {_why(error)}; what was sent stays sent, sending again changes nothing") from None
    return _told(path, region, reading.rows, verdicts, secret, shown)


def _told(path: Path, region: str, rows: int, verdicts: list[dict[str, Any]], secret: list[int], shown: Shown) -> int:
    words = ("accepted", "unchanged", "conflict", "rejected", "no receipt")
    counts = {word: sum(one["verdict"] == word for one in verdicts) for word in words}
    stays = STAYS.format(path, len(secret), secret_rows(secret))
    if shown is Shown.JSON:
        told = {"file": str(path), "region": region, "rows": rows, "counts": counts, "confidential_not_sent": secret}
        tell_json({**told, "verdicts": verdicts})
    else:
        tell_verdicts(str(path), worth_telling(verdicts, shown is Shown.ALL))
        say(f"{path}: {summed_up(counts)}{noted(verdicts)}")
    if secret:
        say(f"VARNING: {stays}")
    return SOME_WRONG if any(one["verdict"] not in TAKEN for one in verdicts) else DONE


@asynccontextmanager
async def _clients(bootstrap: str, region: str) -> AsyncIterator[tuple[AIOKafkaProducer, AIOKafkaConsumer]]:
    options = _options(os.environ)
    answered = AgreementAnswered.topic.of_region(region)
    await asyncio.wait_for(_check_topics(bootstrap, (SUBMITTED.of_region(region), answered), options), _START_SECONDS)
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        enable_idempotence=True,
        acks="all",
        linger_ms=5,
        max_request_size=2 * 1024 * 1024,
        compression_type="gzip",
        **options,
    )
    consumer = AIOKafkaConsumer(answered, bootstrap_servers=bootstrap, enable_auto_commit=False, **options)
    try:
        await asyncio.wait_for(producer.start(), _START_SECONDS)
        await asyncio.wait_for(consumer.start(), _START_SECONDS)
        # Before anything is sent: a receipt is later than its record.
        await consumer.seek_to_end()
        for partition in consumer.assignment():
            await consumer.position(partition)
        yield producer, consumer
    finally:
        for leaving in (consumer, producer):
            # An idempotent producer flushes for ever while its broker is away.
            await asyncio.wait({asyncio.ensure_future(leaving.stop())}, timeout=5.0)


async def _check_topics(bootstrap: str, topics: Iterable[str], options: Mapping[str, Any]) -> None:
    """Raises Cannot; the clients would ask for a topic that does not exist until their deadline."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, **options)
    try:
        await admin.start()
        known = await admin.list_topics()
    finally:
        await admin.close()
    if missing := [topic for topic in topics if topic not in known]:
        raise Cannot(f"{bootstrap}: there is no topic {' or '.join(missing)}, or you may not see it")


def _options(environment: Mapping[str, str]) -> dict[str, Any]:
    """The clients' security settings from VF_KAFKA_*. Raises Cannot."""
    protocol = environment.get("VF_KAFKA_PROTOCOL", "PLAINTEXT").upper()
    if protocol not in _PROTOCOLS:
        raise Cannot(f"VF_KAFKA_PROTOCOL must be one of {', '.join(_PROTOCOLS)}")
    options: dict[str, Any] = {"security_protocol": protocol}
    if protocol.endswith("SSL"):
        try:
            context = ssl.create_default_context(cafile=environment.get("VF_KAFKA_CA") or None)
            if certificate := environment.get("VF_KAFKA_CERTIFICATE"):
                context.load_cert_chain(certificate, environment.get("VF_KAFKA_KEY") or None)
        except (OSError, ssl.SSLError):
            raise Cannot("VF_KAFKA_CA, VF_KAFKA_CERTIFICATE and VF_KAFKA_KEY must name PEM files") from None
        options["ssl_context"] = context
    if protocol.startswith("SASL"):
        names = ("VF_KAFKA_USERNAME", "VF_KAFKA_PASSWORD")
        if missing := [name for name in names if not environment.get(name)]:
            raise Cannot(f"{protocol} needs {' and '.join(missing)}")
        options["sasl_mechanism"] = environment.get("VF_KAFKA_SASL_MECHANISM", "SCRAM-SHA-512")
        options["sasl_plain_username"], options["sasl_plain_password"] = (environment[name] for name in names)
    return options


async def _sent(producer: AIOKafkaProducer, topic: str, batch: list[Judged]) -> dict[Place, Judged]:
    """Send some agreements; where each record stands in the topic."""
    futures = []
    for one in batch:
        if one.form is not None:
            value, key = _value(one.form), one.form.number.encode()
            futures.append((one, await producer.send(topic, value, key=key, headers=_headers(topic))))
    places = [(sent, await future) for sent, future in futures]
    return {(place.partition, place.offset): sent for sent, place in places}


def _headers(topic: str) -> list[tuple[str, bytes]]:
    """CloudEvents 1.0 as everything here: by `ce_time` an old record that is sent again is known as old."""
    told = {
        "ce_specversion": "1.0",
        "ce_id": str(uuid4()),
        "ce_source": f"/{topic.removeprefix(SUBMITTED.name).replace('-', 'region-')}",
        "ce_type": f"se.vardformedling.{SUBMITTED.name}.v1",
        "ce_time": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        "content-type": CONTENT_TYPE,
    }
    return [(name, value.encode()) for name, value in told.items()]


def _value(form: AgreementForm) -> bytes:
    content = form.model_dump(mode="json", exclude_none=True, exclude={"confidential"})
    return json.dumps(content, ensure_ascii=False).encode()


async def _receipts(consumer: AIOKafkaConsumer, sent: dict[Place, Judged], wait: float) -> list[dict[str, Any]]:
    """A verdict for each record: from its receipt, or that none came for as long as `wait` seconds."""
    verdicts: list[dict[str, Any]] = []
    left = dict(sent)
    last = time.monotonic()
    with progress("kvittenser", len(sent)) as advance:
        while left and time.monotonic() - last < wait:
            for records in (await consumer.getmany(timeout_ms=500)).values():
                for record in records:
                    answer = _read(record)
                    place = (answer.submitted_partition, answer.submitted_offset) if answer else (-1, -1)
                    if answer is not None and place in left:
                        verdicts.append(_verdict(left.pop(place), answer))
                        last = time.monotonic()
            advance(len(sent) - len(left))
    for one in left.values():
        finding = told(
            one.sent, "", f"no receipt came within {wait:.0f} s", "send the file again: nothing is taken twice"
        )
        verdicts.append(_shaped(one, "no receipt", None, [finding.as_json()]))
    return verdicts


def _read(record: Any) -> AgreementAnswered | None:
    headers = {name: value.decode("utf-8", "replace") for name, value in record.headers if value is not None}
    try:
        return decode(AgreementAnswered, headers, record.key, record.value or b"")
    except Unreadable:
        return None


def _verdict(one: Judged, answer: AgreementAnswered) -> dict[str, Any]:
    findings = [told(one.sent, why.field, why.reason, why.suggestion).as_json() for why in answer.reasons]
    return _shaped(one, answer.answer, answer.agreement_id, findings)


def _shaped(one: Judged, verdict: str, agreement_id: str | None, findings: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "rows": list(one.sent.rows),
        "number": one.sent.number,
        "verdict": verdict,
        "agreement_id": agreement_id,
        "findings": [*findings, *one.noted],
    }


def _why(error: Exception) -> str:
    match error:
        case TimeoutError():
            return "does not answer in time"
        case UnsupportedCodecError():
            return "holds records in a compression that this Python cannot read: pip install cramjam"
        case KafkaConnectionError() if os.environ.get("VF_KAFKA_PROTOCOL", "").upper().startswith("SASL"):
            # To a client that may not log in, the broker only closes the connection.
            return "is away, or does not take VF_KAFKA_USERNAME and VF_KAFKA_PASSWORD"
        case KafkaError():
            return f"refuses or is away ({type(error).__name__})"
        case _:
            return "cannot be reached"
