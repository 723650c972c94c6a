"""The command line: what is measured, on engines of this run alone, and the result as JSON."""

import argparse
import asyncio
import json
import os
import platform
import re
import resource
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import asyncpg
import httpx
from aiokafka import AIOKafkaConsumer, TopicPartition

import catalog_sync
from bench.catalogue.synthetic import PER_UNIT, TYPES
from bench.plumbing import apart
from bench.plumbing.apart import Ready
from bench.plumbing.failed import BenchError
from bench.plumbing.ground import Ground, Service, opened
from bench.plumbing.meter import Meter, Pids
from bench.plumbing.rounds import say
from engines import EngineError, eventually, ports
from engines.process import launch
from kit import http, kafka
from upkeep.migrations import migrate
from upkeep.topics import create_topics

_EPILOG = """\
measurements, each in processes of its own:
  whole        an empty service reads everything and announces it: start of the worker to the last record on the topics;
               the ceiling reads the same pages with httpx and orjson and sends as many records with aiokafka alone
  again        the same whole reading with nothing changed: nothing is announced; the ceiling reads the same pages
  part         so many units renamed: `sync` to the last record on the topics; the ceiling reads the changed pages
  memory       the most that the worker ever held, in MB; the ceiling is the goal
example: python -m bench.catalogue --units 20000 > figures.json
Exit code 0: all was measured, whether or not goals are reached; 1: something could not be; 2: wrong usage."""

_UNIT_TOPIC, _OFFERING_TOPIC = "care-unit-updated", "care-offering-updated"
_CHANGES = 100
_GOAL_MB = 250


@dataclass(frozen=True)
class _Catalogue:
    url: str
    pid: int


def main(arguments: list[str] | None = None) -> int:
    """Start engines and the catalogue, measure one thing after the other, print JSON, stop everything."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.catalogue",
        description="Measure the sync of a large synthetic catalogue, beside the bare reading and sending.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--units", type=int, default=20_000, help="units, each with three offerings (default 20000)")
    asked = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, _end)
    begun = time.monotonic()
    try:
        with opened(["kafka", "postgres"], logical=False) as ground:
            results = asyncio.run(_measure(ground, asked.units))
    except (BenchError, EngineError, AssertionError, httpx.HTTPError, OSError) as error:
        sys.stderr.write(f"could not be measured: {str(error) or type(error).__name__}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    run = {
        "units": asked.units,
        "offerings": asked.units * PER_UNIT,
        "minutes": round((time.monotonic() - begun) / 60, 1),
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    print(json.dumps({**results, "run": run}, indent=2))
    return 0


def _end(_: int, __: FrameType | None) -> NoReturn:
    raise SystemExit(143)


async def _measure(ground: Ground, units: int) -> dict[str, dict[str, Any]]:
    async with _served(ground, units) as catalogue:
        for name in (_UNIT_TOPIC, _OFFERING_TOPIC, "code-updated", "bare"):
            await create_topics(ground.kafka, [{"name": name, "partitions": 6, "config": {}}])
        everything = units * (1 + PER_UNIT)
        say("[whole] measuring the ceiling")
        bare = await _apart(ground, catalogue, since="", send=everything)
        url = await ground.database("catalog_sync")
        await asyncio.to_thread(migrate, url, Path(catalog_sync.__file__).parents[2] / "migrations")
        environment = {"POSTGRES_URL": url, "CATALOGUE_URL": catalogue.url, "SYNC_SECONDS": "86400"}
        say("[whole] measuring ours")
        async with ground.service("catalog_sync", "worker", **environment) as worker:
            meter = Meter({"ours": [worker.child.pid], "catalogue": [catalogue.pid], **ground.pids()})
            await _until(ground, worker, url, everything, 600)
            spent = meter.stop()
            whole = _entry(spent.seconds, bare["seconds"], cpu_s=spent.cpu, records=everything)
            await _checked(url, everything)
            say(f"[whole] {spent.seconds:.1f} s, {_peak_mb(worker.child.pid)} MB")
            memory = _peak_mb(worker.child.pid)

            say("[again] measuring")
            bare = await _apart(ground, catalogue, since="", send=0)
            took, cpu, peak = await _sync(ground, environment, catalogue, "--whole")
            await _until(ground, worker, url, everything, 30)
            again = _entry(
                took, bare["seconds"], cpu_s=cpu, announced=await _records(ground) - everything, peak_mb=peak
            )

            say("[part] measuring")
            async with http.client(catalogue.url) as client:
                since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
                await client.post(f"{catalogue.url.removesuffix('/fhir/')}/rename?count={_CHANGES}")
            bare = await _apart(ground, catalogue, since=since, send=0)
            meter = Meter({"ours": [worker.child.pid], **ground.pids()})
            _, cpu, peak = await _sync(ground, environment, catalogue)
            await _until(ground, worker, url, everything + _CHANGES, 60)
            part = _entry(meter.stop().seconds, bare["seconds"], cpu_s=cpu, changes=_CHANGES, peak_mb=peak)
            memory = max(memory, _peak_mb(worker.child.pid))
    held = {"ours": memory, "ceiling": _GOAL_MB, "ratio": round(_GOAL_MB / memory, 2), "unit": "MB"}
    return {"whole": whole, "again": again, "part": part, "memory": held}


def _entry(ours: float, ceiling: float, **facts: Any) -> dict[str, Any]:
    ratio = round(ceiling / ours, 3)
    return {"ours": round(ours, 2), "ceiling": round(ceiling, 2), "ratio": ratio, "unit": "s", **facts}


@asynccontextmanager
async def _served(ground: Ground, units: int) -> AsyncIterator[_Catalogue]:
    claim = ports.claim(ports.GENERAL)
    argv = [sys.executable, "-m", "bench.catalogue.server", str(units), str(claim.port)]
    child = launch(
        argv,
        log=ground.home / "catalogue.log",
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
        death_signal=signal.SIGKILL,
    )
    url = f"http://127.0.0.1:{claim.port}/fhir/"

    async def answers() -> bool:
        try:
            async with http.client(url) as client:
                return (await client.get("Organization?_count=1")).is_success
        except httpx.HTTPError:
            return False

    try:
        await eventually(answers, 120)
        yield _Catalogue(url, child.pid)
    finally:
        await asyncio.to_thread(child.end, signal.SIGTERM)
        claim.release()


async def _sync(
    ground: Ground, environment: Mapping[str, str], catalogue: _Catalogue, *arguments: str
) -> tuple[float, dict[str, float], int]:
    """`python -m catalog_sync sync`: its seconds, CPU seconds, and the most memory it held, in MB."""
    argv = [sys.executable, "-m", "catalog_sync", "sync", *arguments]
    log = ground.home / "sync.log"
    child = launch(argv, log=log, env={**environment, "KAFKA_BOOTSTRAP": ground.kafka}, death_signal=signal.SIGKILL)
    meter = Meter({"catalogue": [catalogue.pid], **ground.pids()})
    own = resource.getrusage(resource.RUSAGE_CHILDREN)
    peak = 0
    while child.alive():
        peak = max(peak, _peak_mb(child.pid))
        await asyncio.sleep(0.02)
    spent = meter.stop()
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent.cpu["ours"] = round(now.ru_utime + now.ru_stime - own.ru_utime - own.ru_stime, 2)
    if "synced" not in log.read_text():
        raise BenchError(f"sync has failed: {log.read_text()[-500:]}")
    return spent.seconds, spent.cpu, peak


async def _until(ground: Ground, worker: Service, url: str, records: int, within: float) -> None:
    connection = await asyncpg.connect(url, ssl=None)

    async def sent() -> bool:
        # Cheap first: the topics are asked only once nothing waits to be sent.
        waiting = await connection.fetchval("SELECT EXISTS (SELECT 1 FROM outbox)")
        return not waiting and await _records(ground) >= records

    try:
        await ground.until(worker, within, f"done: {records} records on the topics", sent)
    finally:
        await connection.close()


async def _records(ground: Ground) -> int:
    consumer = AIOKafkaConsumer(bootstrap_servers=ground.kafka, enable_auto_commit=False)
    await consumer.start()
    try:
        parts = [TopicPartition(topic, number) for topic in (_UNIT_TOPIC, _OFFERING_TOPIC) for number in range(6)]
        return sum((await consumer.end_offsets(parts)).values())
    finally:
        await consumer.stop()


async def _checked(url: str, facts: int) -> None:
    connection = await asyncpg.connect(url, ssl=None)
    found = await connection.fetchval("SELECT count(*) FROM fact")
    rejected = await connection.fetchval("SELECT count(*) FROM rejected")
    await connection.close()
    if (found, rejected) != (facts, 0):
        raise BenchError(f"{found} facts and {rejected} rejected rows, {facts} and 0 were to be")


def _peak_mb(pid: int) -> int:
    try:
        found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    except OSError:  # it has ended
        return 0
    return int(found[1]) // 1024 if found else 0


async def _apart(ground: Ground, catalogue: _Catalogue, since: str, send: int) -> Any:
    return await apart.done(
        ground.home, bare, url=catalogue.url, since=since, send=send, bootstrap=ground.kafka, pids=ground.pids()
    )


async def bare(_: Ready, url: str, since: str, send: int, bootstrap: str, pids: Pids) -> dict[str, Any]:
    """Apart: read the pages with httpx alone, and send so many records of a message's size with aiokafka alone."""
    meter = Meter({"ours": [os.getpid()], **pids})
    more = f"&_lastUpdated=ge{since}" if since else ""
    async with http.client(url) as client:
        for kind in TYPES:
            address: str | None = f"{kind}?_count=200{more}"
            while address is not None:
                links = json.loads((await client.get(address)).content)["link"]
                address = next((link["url"] for link in links if link["relation"] == "next"), None)
    if send:
        producer = kafka.producer(bootstrap)
        await producer.start()
        value = b"x" * 700
        for number in range(send):
            await producer.send("bare", value, key=b"%d" % number)
        await producer.flush()
        await producer.stop()
    return asdict(meter.stop())
