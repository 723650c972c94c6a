"""Processes killed -9 at the worst moment."""

import signal
import time
from collections.abc import Awaitable, Callable

import pytest

from faults.checker import Report
from faults.laboratory import Laboratory

pytestmark = [pytest.mark.engine, pytest.mark.slow, pytest.mark.timeout(180)]

MakeLaboratory = Callable[..., Awaitable[Laboratory]]
Costs = Callable[[str, Report, float], None]


async def test_a_relay_killed_between_send_and_delete_sends_again_and_nothing_takes_effect_twice(
    laboratory: MakeLaboratory, costs: Costs
) -> None:
    lab = await laboratory()
    lab.start_relay("doomed", "--die-before-delete", str(lab.armed))
    lab.start_worker()
    await lab.ready()
    lab.writer.start()
    await lab.writer.wrote(200)
    lab.arm()
    await lab.processes.ended("doomed")
    await lab.writer.wrote(100)
    lab.start_relay()
    await lab.recovered(since=time.monotonic())
    report = await lab.report()
    assert report.records_twice > 0
    costs("relay killed -9 between send and delete", report, lab.seconds)


async def test_a_worker_killed_between_its_commit_and_the_offsets_reads_again_and_nothing_takes_effect_twice(
    laboratory: MakeLaboratory, costs: Costs
) -> None:
    lab = await laboratory()
    lab.start_relay()
    lab.start_worker("--die-before-offsets", str(lab.armed))
    await lab.ready()
    lab.writer.start()
    await lab.writer.wrote(100)
    await lab.everywhere()
    lab.arm()
    await lab.processes.ended("worker")
    lab.start_worker()
    await lab.recovered(since=time.monotonic())
    costs("worker killed -9 between its commit and the offsets", await lab.report(), lab.seconds)


async def test_of_two_relays_one_sends_and_the_other_takes_over_when_it_is_killed(
    laboratory: MakeLaboratory, costs: Costs
) -> None:
    lab = await laboratory()
    lab.start_relay("first")
    await lab.relay_active("first")
    lab.start_relay("second")
    lab.start_worker()
    await lab.ready()
    lab.writer.start()
    await lab.writer.wrote(150)
    lab.processes.send("first", signal.SIGKILL)
    await lab.recovered(since=time.monotonic())
    lab.start_relay("third")
    await lab.writer.wrote(150)
    await lab.everywhere()
    costs("two relays at once, the active one killed -9", await lab.report(), lab.seconds)
