"""What may stand on a topic, and who else may write to it."""

import os
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from faults import places, topics
from faults.checker import Report
from faults.laboratory import Laboratory
from faults.offerings import PARKED, TOPIC

pytestmark = [pytest.mark.engine, pytest.mark.slow, pytest.mark.timeout(180)]

MakeLaboratory = Callable[..., Awaitable[Laboratory]]
Costs = Callable[[str, Report, float], None]


async def _copies(lab: Laboratory) -> list[Any]:
    """The laboratory's records as they stand on the topic, to be put there again."""
    keys = {key.encode() for key in lab.things.keys}
    found = await places.everything(lab.at.kafka, TOPIC)
    return [record for record in found if record.key in keys and places.FOREIGN not in record.headers]


async def test_duplicate_reordered_and_late_events_of_somebody_else_change_nothing(
    laboratory: MakeLaboratory, costs: Costs
) -> None:
    lab = await laboratory()
    await lab.start()
    for _ in range(3):
        await lab.writer.wrote(100)
        again = [(record.key, record.value, record.headers) for record in await _copies(lab)]
        random.Random(1).shuffle(again)  # noqa: S311
        await lab.put(*again)
    ended = time.monotonic()
    await lab.writer.stop()
    # The very first ones arrive last of all.
    late = [(record.key, record.value, record.headers) for record in await _copies(lab)]
    await lab.put(*late[:50])
    await lab.recovered(since=ended)
    await _read_to_the_end(lab)
    costs("duplicate, reordered and late events", await lab.report(), lab.seconds)


async def _read_to_the_end(lab: Laboratory) -> None:
    """Until search's worker has taken over a write that comes after all that was put there, in every partition."""
    for key in lab.things.keys:
        await lab.writer.write(key)
    await lab.everywhere()


async def test_what_cannot_be_used_is_parked_with_its_context_and_what_follows_goes_on(
    laboratory: MakeLaboratory, costs: Costs
) -> None:
    lab = await laboratory()
    await lab.start()
    await lab.writer.wrote(50)
    record = (await _copies(lab))[0]
    key, value, headers = record.key, record.value, list(record.headers)
    another = [(name, b"se.vardformedling.of-tomorrow.v1" if name == "ce_type" else text) for name, text in headers]
    large = os.urandom(5_000_000)
    bad = {
        "garbage": (key, b"\x00\xff garbage", headers),
        "empty": (key, b"", headers),
        "large": (key, large, headers),
        "unknown type": (key, value, another),
        "null and unreadable headers": (key, value, [("ce_type", None), ("x", b"\xff\xfe")]),
    }
    await lab.put(
        *bad.values(),
        (key, None, headers),
        (key, None, []),
        # Beside what is needed, nobody is hurt by a header that cannot be read.
        (key, value, [*headers, ("note", None), ("other", b"\xff\xfe")]),
    )
    since = time.monotonic()
    await lab.recovered(since=since)
    await _read_to_the_end(lab)
    parked = [one for one in await places.everything(lab.at.kafka, PARKED) if one.key == key]
    assert [one.value for one in parked] == [b"\x00\xff garbage", b"", b"", value, value]
    for one, (_, original, given) in zip(parked, bad.values(), strict=True):
        assert list(one.headers)[: len(given) + 1] == [*given, places.FOREIGN]
        context = dict(one.headers[len(given) + 1 :])
        assert context["parked-topic"] == TOPIC.encode()
        assert int(context["parked-partition"]) == record.partition
        assert int(context["parked-offset"]) > record.offset
        assert context["parked-group"] == b"search"
        assert context["parked-reason"]
        assert context["parked-at"]
        assert ("parked-value" in context) == (original is large)
    costs("unusable records: parked, ignored or read", await lab.report(), lab.seconds)


async def test_a_parked_topic_that_refuses_stops_the_worker_and_loses_nothing(
    laboratory: MakeLaboratory, costs: Costs
) -> None:
    lab = await laboratory()
    await lab.start()
    key = lab.things.keys[0].encode()
    async with topics.limited(lab.at.kafka, PARKED, largest=50):
        await lab.put((key, b"garbage", []))
        await lab.says("kafka", "waiting for kafka")
        await lab.writer.wrote(100)
    since = time.monotonic()
    await lab.recovered(since=since)
    await lab.ready()
    await topics.delete(lab.at.kafka, PARKED)
    await lab.put((key, b"more garbage", []))
    await lab.writer.wrote(100)
    await topics.create(lab.at.kafka)
    await lab.recovered(since=time.monotonic())
    await lab.ready()
    parked = [one.value for one in await places.everything(lab.at.kafka, PARKED) if one.key == key]
    assert set(parked) == {b"more garbage"}
    costs("parked topic refuses, then is missing", await lab.report(), lab.seconds)


async def test_versions_rise_when_the_clock_goes_back(
    laboratory: MakeLaboratory, costs: Costs, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab = await laboratory(things=6)
    await lab.start()
    await lab.writer.wrote(100)
    real = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: real() - 3600 * 10**9)
    await lab.processes.stop("worker")
    lab.start_worker("--clock-back", "3600")
    since = time.monotonic()
    await lab.writer.wrote(100)
    await lab.recovered(since=since)
    costs("clock an hour back, for the writer and for search", await lab.report(), lab.seconds)
