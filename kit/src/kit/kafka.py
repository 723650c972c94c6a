"""Kafka clients with the settings that keep order and lose nothing."""

import asyncio
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.client import AIOKafkaClient
from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.errors import KafkaConnectionError, KafkaError
from aiokafka.producer.sender import SendProduceReqHandler

_STOP_SECONDS = 5.0
_ANSWER_MS = 10_000


def producer(bootstrap: str, *, halts: bool = False) -> AIOKafkaProducer:
    """An idempotent producer, acknowledged by all replicas. Start it, send record by record with a key, stop it.

    One that `halts` sends nothing more once a record is refused for good: nothing overtakes the record.
    """
    made = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        enable_idempotence=True,
        acks="all",
        linger_ms=2,
        max_batch_size=131_072,
        max_request_size=2 * 1024 * 1024,
        compression_type="zstd",
    )
    made._sender.halts = halts
    return made


async def stop(leaving: AIOKafkaProducer) -> None:
    """Stop a producer within a few seconds, broker or no broker; what is not acknowledged by then is given up."""
    try:
        await asyncio.wait_for(leaving.stop(), _STOP_SECONDS)
    except TimeoutError:
        # An idempotent producer flushes for ever while its broker is away.
        await leaving._sender.close()
        await leaving.client.close()


async def ask(bootstrap: str) -> None:
    """Return when a broker answers. Raises KafkaError or OSError when none does."""
    client = AIOKafkaClient(bootstrap_servers=bootstrap, request_timeout_ms=_ANSWER_MS)
    try:
        await client.bootstrap()
    finally:
        await client.close()


_send = AIOKafkaConnection.send


def _send_or_break(connection: AIOKafkaConnection, request: Any, expect_response: bool = True) -> Any:
    try:
        return _send(connection, request, expect_response)
    except RuntimeError as error:
        if isinstance(error, KafkaError):
            raise
        connection.close(reason=CloseReason.CONNECTION_BROKEN)
        raise KafkaConnectionError(str(error)) from error


# On uvloop a connection that has just broken raises RuntimeError, on asyncio OSError. aiokafka knows the latter only:
# its metadata task would die, and whoever waits for it would wait for ever.
AIOKafkaConnection.send = _send_or_break


_can_retry = SendProduceReqHandler._can_retry


def _can_retry_or_halt(handler: SendProduceReqHandler, error: Exception, batch: Any) -> bool:
    retry: bool = _can_retry(handler, error, batch)
    if not retry and getattr(handler._sender, "halts", False):
        # Here and not from the record's future: the sender may take up the next batch before that calls back.
        handler._sender.sender_task.cancel()
    return retry


SendProduceReqHandler._can_retry = _can_retry_or_halt
