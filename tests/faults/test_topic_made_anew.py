"""A topic deleted and created again while everything runs; reconcile brings back what is missing on it."""

import signal
import time
from collections.abc import Awaitable, Callable

import pytest

from faults import topics
from faults.checker import Report
from faults.laboratory import Laboratory
from faults.offerings import TOPIC

pytestmark = [pytest.mark.engine, pytest.mark.slow, pytest.mark.timeout(180)]

MakeLaboratory = Callable[..., Awaitable[Laboratory]]
Costs = Callable[[str, Report, float], None]


async def test_a_topic_made_anew_is_filled_again_by_reconcile(laboratory: MakeLaboratory, costs: Costs) -> None:
    lab = await laboratory()
    await lab.start()
    await lab.writer.wrote(150)
    await topics.delete(lab.at.kafka, TOPIC)
    await lab.writer.wrote(50)
    await topics.create(lab.at.kafka)
    since = time.monotonic()
    (outcome,) = await lab.reconcile()
    assert outcome.announced > 0
    await lab.recovered(since=since)
    await lab.sent()
    (after,) = await lab.reconcile()
    assert (after.differing, after.unknown) == (0, [])
    costs("topic deleted and created again, then reconciled", await lab.report(whole_topic=False), lab.seconds)


async def test_what_a_worker_passed_by_while_its_topic_was_made_anew_comes_back_by_a_rebuild(
    laboratory: MakeLaboratory, costs: Costs
) -> None:
    lab = await laboratory()
    await lab.start()
    await lab.writer.stop()
    await lab.sent()
    await lab.everywhere()
    lab.processes.send("worker", signal.SIGSTOP)
    await topics.delete(lab.at.kafka, TOPIC)
    await topics.create(lab.at.kafka)
    # Soon there is more on it than there was: the worker's places exist again, with other records before them.
    for key in lab.things.keys:
        await lab.writer.write(key)
    await lab.writer.backlog(3000, of=20)
    await lab.sent()
    lab.processes.send("worker", signal.SIGCONT)
    since = time.monotonic()
    await lab.rebuild()
    await lab.recovered(since=since)
    costs("the same while the worker stood still, then rebuilt", await lab.report(whole_topic=False), lab.seconds)
