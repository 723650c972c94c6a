"""The Kafka client on the event loop our processes run on: what it does in the moment its connection breaks."""

import asyncio

import pytest
import uvloop
from aiokafka.conn import create_conn
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.metadata import MetadataRequest

import engines

pytestmark = [pytest.mark.engine, pytest.mark.slow]


@pytest.mark.parametrize("turns", range(4))
async def test_a_request_in_the_moment_its_connection_breaks_fails_as_every_other_one_does(
    broker: engines.Engines, turns: int
) -> None:
    # Any other error ends the task that keeps the client's metadata, and the client waits for it for ever.
    host, _, port = (broker.addresses.kafka or "").partition(":")

    async def ask() -> None:
        connection = await create_conn(host, int(port))
        try:
            # As a reset by the broker does, so many turns of the loop before the client notices.
            connection._writer.transport.abort()
            for _ in range(turns):
                await asyncio.sleep(0)
            await connection.send(MetadataRequest([]))
        finally:
            connection.close()

    with pytest.raises(KafkaConnectionError):
        await asyncio.to_thread(uvloop.run, ask())
