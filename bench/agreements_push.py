"""How fast agreements pushed on Kafka come in, into the real worker of `agreements`.

Records with five care services each, beside a bare consumer that puts the same bytes into a bare table.
"""

import argparse
import asyncio
import json
import os
import re
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer

import engines
from agreements.consumer import HANDLERS, PUSHED
from agreements.service import catalogue as copies
from agreements.settings import MIGRATIONS
from contracts.agreements import SUBMITTED, AgreementAnswered
from contracts.topics import parked
from demo.submission_file import Clinic, Known, content
from engines import ports
from engines.process import Child, launch
from kit import database, kafka, logging
from upkeep.migrations import migrate
from upkeep.topics import create_topics

_REGION = "14"
_TOPIC = SUBMITTED.of_region(_REGION)
_KNOWN = Known(
    _REGION,
    [Clinic(f"SE5561234567-A{1000 + n}", "SE5561234567-0001", "Exempelkliniken AB", "5561234567") for n in range(50)],
    "SE5561234567-A9999",
    ("CJE20", "JAB30", "NGB49"),
)
_PATIENCE_SECONDS = 300.0


def main() -> int:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, epilog="Example: make bench-agreements-push")
    parser.add_argument("--agreements", type=int, default=6000, help="how many (%(default)s)")
    parser.add_argument("--services", type=int, default=5, help="care services in each (%(default)s)")
    asked = parser.parse_args()
    logging.configure("bench", "ERROR", sys.stderr)
    with tempfile.TemporaryDirectory() as home:
        running = engines.start(["postgres", "kafka"], home=Path(home), say=_say)
        try:
            found = asyncio.run(_push(running.addresses, Path(home), asked.agreements, asked.services))
        finally:
            running.stop()
    sys.stdout.write(json.dumps(found, indent=2) + "\n")
    return 0


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


async def _push(at: engines.Addresses, home: Path, number: int, services: int) -> dict[str, Any]:
    url = await _database(at, "push")
    await create_topics(at.kafka or "", _topics())
    values = [json.dumps(content(_KNOWN, f"P {place}", place, services)).encode() for place in range(number)]
    _say(f"{number} records of {len(values[0])} bytes")
    await _send(at.kafka or "", values)
    with _worker(url, at, home) as worker:
        # From the first receipts on: joining the group and the first copies are not what is measured.
        count = "SELECT count(*) FROM agreement"
        begun = await _until(url, count, 1)
        started, spent = time.monotonic(), _cpu(worker)
        await _until(url, count, number)
        seconds, spent = time.monotonic() - started, _cpu(worker) - spent
        ours, memory = round((number - begun) / seconds), _highest(worker)
    bare = await _bare(at, number)
    return {
        "push": {
            "ours": ours,
            "ceiling": bare,
            "ratio": round(ours / bare, 2),
            "unit": "agreements/s",
            "agreements": number,
            "services": services,
            "memory_mb": memory,
            "worker_cpu_ms_per_agreement": round(1000 * spent / (number - begun), 2),
            "ours_is": "the real worker: read, validated, compared, taken with history, receipts sent by its relay",
            "ceiling_is": "aiokafka alone and one insert of the bytes per batch, committed before the offsets",
            "goal": "500 agreements/s sustained",
        }
    }


async def _bare(at: engines.Addresses, number: int) -> int:
    connection = await asyncpg.connect(f"{at.postgres}/push")
    await connection.execute("CREATE TABLE bare (key text, value jsonb)")
    consumer = AIOKafkaConsumer(
        _TOPIC, bootstrap_servers=at.kafka, group_id="bare", enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await consumer.start()
    done, started, counted = 0, 0.0, 0
    try:
        while done < number:
            batches = await consumer.getmany(timeout_ms=200, max_records=4000)
            rows = [(record.key.decode(), record.value.decode()) for part in batches.values() for record in part]
            if rows:
                keys, values = zip(*rows, strict=True)
                await connection.execute("INSERT INTO bare SELECT * FROM unnest($1::text[], $2::jsonb[])", keys, values)
                await consumer.commit()
            done += len(rows)
            if rows and not started:
                started = time.monotonic()
            elif started:
                counted += len(rows)
    finally:
        await consumer.stop()
        await connection.close()
    return round(counted / (time.monotonic() - started))


def _topics() -> list[dict[str, Any]]:
    read = [*HANDLERS, *PUSHED]
    names = [*read, *(parked(name, "agreements") for name in read), *AgreementAnswered.topic.names()]
    return [{"name": name, "partitions": 1, "config": {}} for name in [*names, "agreement-registered"]]


async def _database(at: engines.Addresses, name: str) -> str:
    """A migrated database whose copy of the catalogue is complete."""
    connection = await asyncpg.connect(f"{at.postgres}/postgres")
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    url = f"{at.postgres}/{name}"
    await asyncio.to_thread(migrate, url, MIGRATIONS)
    engine = database.connect(url)
    unit = {"version": 1, "status": "active", "name": "Enhet", "care_provider": "SE5561234567-0001", "closed_on": None}
    code = {"version": 1, "status": "active", "text": "Kod", "valid_from": None, "valid_to": None}
    async with database.sessions(engine).begin() as session:
        await copies.copy_units(session, [{**unit, "hsa_id": clinic.unit} for clinic in _KNOWN.clinics])
        await copies.copy_codes(session, [{**code, "key": f"kva|{one}"} for one in _KNOWN.codes])
        await copies.catalogue_copied(session, datetime.now(UTC))
    await engine.dispose()
    return url


async def _send(bootstrap: str, values: Sequence[bytes]) -> None:
    producer = kafka.producer(bootstrap)
    await producer.start()
    try:
        sent = [await producer.send(_TOPIC, value, key=b"P %d" % place) for place, value in enumerate(values)]
        await asyncio.gather(*sent)
    finally:
        await producer.stop()


async def _until(url: str, count: str, wanted: int) -> int:
    connection = await asyncpg.connect(url)
    try:
        until = time.monotonic() + _PATIENCE_SECONDS
        while (there := await connection.fetchval(count)) < wanted:
            if time.monotonic() > until:
                raise SystemExit(f"only {there} of {wanted} came in: see the worker's log")
            await asyncio.sleep(0.02)
        return int(there)
    finally:
        await connection.close()


@contextmanager
def _worker(url: str, at: engines.Addresses, home: Path) -> Iterator[Child]:
    """`python -m agreements worker`."""
    claim = ports.claim(ports.GENERAL)
    environment = {
        **os.environ,
        "POSTGRES_URL": url,
        "KAFKA_BOOTSTRAP": at.kafka or "",
        "OIDC_ISSUER": "http://127.0.0.1:1",
        "WORKER_PORT": str(claim.port),
    }
    asked = [sys.executable, "-m", "agreements", "worker"]
    child = launch(asked, log=home / "worker.log", env=environment, death_signal=signal.SIGKILL)
    try:
        yield child
    finally:
        child.end(signal.SIGTERM)
        claim.release()


def _cpu(child: Child) -> float:
    """The processor time a process has used, in seconds: what a machine that others use too does not blur."""
    fields = Path(f"/proc/{child.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _highest(child: Child) -> int:
    """The most memory a process has had, in MB."""
    status = Path(f"/proc/{child.pid}/status").read_text(encoding="utf-8")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) // 1024 if found else 0


if __name__ == "__main__":
    sys.exit(main())
