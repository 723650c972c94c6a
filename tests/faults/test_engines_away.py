"""Engines killed -9, restarted and away, while the writer goes on."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import httpx
import pytest

import engines
from faults import topics
from faults.checker import Report
from faults.laboratory import Laboratory

pytestmark = [pytest.mark.engine, pytest.mark.slow]

MakeLaboratory = Callable[..., Awaitable[Laboratory]]
OwnEngine = Callable[[str], engines.Engines]
Costs = Callable[[str, Report, float], None]

_OUTAGE_SECONDS = 60


@pytest.mark.timeout(180)
async def test_a_broker_killed_under_load_and_restarted_has_lost_nothing(
    laboratory: MakeLaboratory, broker: engines.Engines, costs: Costs
) -> None:
    lab = await laboratory()
    await lab.start()
    for _ in range(2):
        await lab.writer.wrote(100)
        await asyncio.to_thread(broker.kill, "kafka")
        await lab.writer.wrote(100)
        await asyncio.to_thread(broker.restart, "kafka")
    await lab.recovered(since=time.monotonic())
    costs("broker killed -9 and restarted under load", await lab.report(), lab.seconds)


@pytest.mark.timeout(180)
async def test_postgresql_killed_and_restarted_under_load_keeps_what_it_acknowledged(
    laboratory: MakeLaboratory, own_engine: OwnEngine, costs: Costs
) -> None:
    own = await asyncio.to_thread(own_engine, "postgres")
    lab = await laboratory(postgres=own.addresses.postgres)
    await lab.start()
    await lab.writer.wrote(100)
    await asyncio.to_thread(own.kill, "postgres")
    await asyncio.to_thread(own.restart, "postgres")
    await lab.writer.wrote(100)
    await asyncio.to_thread(own.restart, "postgres")
    await lab.recovered(since=time.monotonic())
    report = await lab.report()
    costs("postgresql killed -9, then restarted, under load", report, lab.seconds)


@pytest.mark.timeout(300)
async def test_a_minute_without_broker_and_a_minute_without_opensearch_cost_time_only(
    laboratory: MakeLaboratory, own_engine: OwnEngine, costs: Costs
) -> None:
    # Side by side: each with an engine of its own that goes away, and writers that go on.
    for error in await asyncio.gather(
        _without_broker(laboratory, own_engine, costs),
        _without_opensearch(laboratory, own_engine, costs),
        return_exceptions=True,
    ):
        if error is not None:
            raise error


async def _without_broker(laboratory: MakeLaboratory, own_engine: OwnEngine, costs: Costs) -> None:
    own = await asyncio.to_thread(own_engine, "kafka")
    await topics.create(own.addresses.kafka or "")
    lab = await laboratory(bootstrap=own.addresses.kafka, pause=0.1)
    await lab.start()
    await asyncio.to_thread(own.kill, "kafka")
    before = len(lab.writer.acknowledged)
    await asyncio.gather(asyncio.sleep(_OUTAGE_SECONDS), lab.says("kafka", "waiting for kafka"))
    assert len(lab.writer.acknowledged) > before + _OUTAGE_SECONDS
    await asyncio.to_thread(own.restart, "kafka")
    await lab.recovered(since=time.monotonic())
    await lab.ready()
    costs("broker away for 60 s", await lab.report(), lab.seconds)


async def _without_opensearch(laboratory: MakeLaboratory, own_engine: OwnEngine, costs: Costs) -> None:
    own = await asyncio.to_thread(own_engine, "opensearch")
    lab = await laboratory(opensearch=own.addresses.opensearch, pause=0.1)
    await lab.start()
    await asyncio.to_thread(own.kill, "opensearch")
    await asyncio.gather(asyncio.sleep(_OUTAGE_SECONDS), lab.says("opensearch", "waiting for opensearch"))
    await asyncio.to_thread(own.restart, "opensearch")
    await lab.recovered(since=time.monotonic())
    away = lab.seconds
    # As a node does whose disk is full: every write is answered with 429, reads go on.
    await _refuse_writes(lab, True)
    await lab.writer.wrote(20)
    await lab.says("opensearch", "waiting for opensearch")
    await _refuse_writes(lab, None)
    await lab.recovered(since=time.monotonic())
    await lab.ready()
    costs("opensearch away for 60 s, then 429s", await lab.report(), max(away, lab.seconds))


async def _refuse_writes(lab: Laboratory, refused: bool | None) -> None:
    async with httpx.AsyncClient(base_url=lab.at.opensearch, timeout=30, trust_env=False) as client:
        body = {"index.blocks.read_only_allow_delete": refused}
        (await client.put(f"/{lab.alias}/_settings", json=body)).raise_for_status()
        index = next(iter((await client.get(f"/{lab.alias}")).json()))
        answer = await client.post(f"/{index}/_doc", json={"deleted": True}) if refused else None
    assert answer is None or answer.status_code == httpx.codes.TOO_MANY_REQUESTS
