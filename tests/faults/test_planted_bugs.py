"""The checker finds what it is there for: the same laboratory, with a bug planted in one of its parts."""

import random
from collections.abc import Awaitable, Callable, Sequence

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

import engines
from faults import places
from faults.checker import Kind, Report
from faults.laboratory import Laboratory
from faults.offerings import TOPIC
from kit import kafka, outbox

pytestmark = [pytest.mark.engine, pytest.mark.slow, pytest.mark.timeout(120)]

MakeLaboratory = Callable[..., Awaitable[Laboratory]]
Caught = Callable[[str, Report], None]

_QUIET_SECONDS = 3.0


async def _with_a_killed_projection(lab: Laboratory, name: str) -> Report:
    """Each key is written once more while the projection is killed at its worst moment, and started again."""
    lab.start_relay()
    lab.start_planted(name, "--die", str(lab.armed))
    lab.writer.start()
    await lab.writer.wrote(50)
    await lab.writer.stop()
    await lab.everywhere()
    lab.arm()
    for key in lab.things.keys:
        await lab.writer.write(key)
    await lab.processes.ended(name)
    lab.start_planted(name)
    return await lab.report(quiet=_QUIET_SECONDS)


async def test_offsets_committed_before_processing_lose_what_a_kill_finds_in_between(
    laboratory: MakeLaboratory, caught: Caught
) -> None:
    lab = await laboratory(projection="planted", indexed=False)
    report = await _with_a_killed_projection(lab, "commits-first")
    caught("offsets committed before processing, killed", report)
    assert report.kinds == {Kind.LOST, Kind.DIFFERS}
    assert {one.where for one in report.violations} == {"projection"}


async def test_the_same_kill_of_the_same_part_without_the_bug_loses_nothing(
    laboratory: MakeLaboratory, caught: Caught
) -> None:
    lab = await laboratory(projection="planted", indexed=False)
    report = await _with_a_killed_projection(lab, "as-it-should-be")
    caught("none: the same part without a bug, killed", report)
    assert report.violations == [], str(report)


async def test_a_projection_without_a_version_gate_goes_backwards_and_takes_effect_twice(
    laboratory: MakeLaboratory, caught: Caught
) -> None:
    lab = await laboratory(projection="planted", indexed=False)
    lab.start_relay()
    lab.start_planted("no-gate")
    lab.writer.start()
    await lab.writer.wrote(100)
    await lab.everywhere()
    keys = {key.encode() for key in lab.things.keys}
    again = [
        (record.key, record.value, record.headers)
        for record in await places.everything(lab.at.kafka, TOPIC)
        if record.key in keys
    ]
    random.Random(1).shuffle(again)  # noqa: S311
    await lab.put(*again)
    report = await lab.report(quiet=_QUIET_SECONDS)
    caught("no version gate, under reordered events", report)
    assert {Kind.BACKWARDS, Kind.DUPLICATED} <= report.kinds
    assert not report.kinds & {Kind.INVENTED, Kind.OUT_OF_ORDER}
    assert report.duplicated_in_effect > 0


async def _with_a_relay(lab: Laboratory, name: str, *, killed: bool = False) -> Report:
    lab.start_planted("as-it-should-be")
    lab.start_planted(name, "--die", str(lab.armed), relay=True)
    lab.writer.start()
    await lab.writer.wrote(150)
    if killed:
        lab.arm()
        await lab.processes.ended(name)
        lab.start_planted(name, relay=True)
        await lab.writer.wrote(50)
    return await lab.report(quiet=_QUIET_SECONDS)


async def test_a_relay_that_deletes_before_the_acknowledgement_loses_what_a_kill_finds_in_between(
    laboratory: MakeLaboratory, caught: Caught
) -> None:
    report = await _with_a_relay(await laboratory(projection="planted", indexed=False), "deletes-first", killed=True)
    caught("relay deletes before the acknowledgement, killed", report)
    assert Kind.LOST in report.kinds
    assert "topic, every version" in {one.where for one in report.violations}
    assert not report.kinds & {Kind.INVENTED, Kind.BACKWARDS, Kind.DUPLICATED}


async def test_a_relay_of_several_workers_breaks_the_order_of_keys(laboratory: MakeLaboratory, caught: Caught) -> None:
    report = await _with_a_relay(await laboratory(projection="planted", indexed=False), "several-workers")
    caught("relay of several workers, not in order", report)
    assert Kind.OUT_OF_ORDER in report.kinds
    # The reader's version gate keeps it from harm; nothing but the topic is wrong.
    assert {one.where for one in report.violations} == {"topic"}, str(report)


async def test_a_relay_with_a_cursor_never_sends_what_committed_late(
    laboratory: MakeLaboratory, caught: Caught
) -> None:
    report = await _with_a_relay(await laboratory(projection="planted", indexed=False), "cursor")
    caught("relay with a cursor that skips late commits", report)
    assert Kind.LOST in report.kinds
    assert not report.kinds & {Kind.INVENTED, Kind.OUT_OF_ORDER, Kind.BACKWARDS, Kind.DUPLICATED}


async def test_what_is_announced_before_the_commit_is_told_even_when_the_change_is_rolled_back(
    laboratory: MakeLaboratory, broker: engines.Engines, caught: Caught
) -> None:
    producer = kafka.producer(broker.addresses.kafka or "")

    async def at_once(_: AsyncSession, events: Sequence[outbox.Outgoing]) -> None:
        for event in events:
            await producer.send_and_wait(event.topic, event.value, key=event.key.encode())

    lab = await laboratory(projection="planted", indexed=False, announce=at_once)
    await producer.start()
    try:
        lab.start_planted("as-it-should-be")
        lab.writer.start()
        await lab.writer.wrote(100)
        report = await lab.report(quiet=_QUIET_SECONDS)
    finally:
        await producer.stop()
    caught("announced although rolled back", report)
    assert Kind.INVENTED in report.kinds
    told = {one.versions[0] for one in report.violations if one.kind is Kind.INVENTED}
    assert told <= {write.version for write in lab.writer.rolled_back}
