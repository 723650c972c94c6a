"""A broker that refuses the relay's producer: it is made anew, and nothing is lost or out of order."""

import time
from collections.abc import Awaitable, Callable, Iterator

import pytest

from contracts import MESSAGES
from engines import eventually
from faults import topics
from faults.checker import Report
from faults.laboratory import Laboratory
from faults.mock_broker import Code, MockBroker, mock_broker
from faults.offerings import TOPIC

pytestmark = [pytest.mark.engine, pytest.mark.slow, pytest.mark.timeout(120)]

MakeLaboratory = Callable[..., Awaitable[Laboratory]]
Costs = Callable[[str, Report, float], None]


@pytest.fixture
def mock() -> Iterator[MockBroker]:
    """A mock broker with every topic."""
    with mock_broker() as made:
        for message in MESSAGES:
            made.create(message.topic.name, 3)
        yield made


async def test_a_relay_whose_producer_is_fenced_out_of_sequence_or_unknown_makes_it_anew(
    laboratory: MakeLaboratory, mock: MockBroker, costs: Costs
) -> None:
    lab = await laboratory(bootstrap=mock.address, projected=False)
    lab.writer.start()
    lab.start_relay()
    await lab.relay_active()
    for code in (
        Code.OUT_OF_ORDER_SEQUENCE,
        Code.UNKNOWN_PRODUCER_ID,
        Code.INVALID_PRODUCER_EPOCH,
        Code.PRODUCER_FENCED,
        Code.NOT_LEADER,
        Code.NOT_ENOUGH_REPLICAS,
    ):
        await lab.writer.wrote(50)
        mock.answer([code, Code.NONE, code])
    await lab.writer.wrote(50)
    since = time.monotonic()
    await lab.sent()
    assert lab.started_over() >= 4
    report = await lab.report()
    costs("producer fenced, out of sequence, unknown", report, time.monotonic() - since)


async def test_a_backlog_refused_in_its_middle_is_sent_in_order_all_the_same(
    laboratory: MakeLaboratory, mock: MockBroker, costs: Costs
) -> None:
    lab = await laboratory(bootstrap=mock.address, projected=False, things=6)
    await lab.writer.backlog(3000)
    # A real broker refuses all that comes behind a gap; the mock has to be told.
    mock.answer([Code.NONE, *[Code.OUT_OF_ORDER_SEQUENCE] * 1000])
    lab.start_relay()
    lab.writer.start()
    await eventually(lambda: lab.started_over() >= 4, within=60)
    mock.answer([])
    since = time.monotonic()
    await lab.sent()
    costs("the same in the middle of a backlog", await lab.report(), time.monotonic() - since)


async def test_a_record_its_topic_refuses_for_a_while_lets_no_later_one_of_its_key_pass(
    laboratory: MakeLaboratory, costs: Costs
) -> None:
    lab = await laboratory(things=6)
    await lab.writer.backlog(3000, large_at=60)
    lab.start_worker()
    async with topics.limited(lab.at.kafka, TOPIC, largest=50_000):
        lab.start_relay()
        await eventually(lambda: lab.started_over() >= 3, within=60)
        assert await lab.waiting() > 0
    since = time.monotonic()
    await lab.recovered(since=since)
    costs("a record its topic refuses for a while", await lab.report(), lab.seconds)
