"""Dead letters: the records a consumer group could not use, on `TOPIC-parked-GROUP`, with why, where from and when."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

import structlog
from aiokafka import AIOKafkaProducer, ConsumerRecord
from aiokafka.errors import MessageSizeTooLargeError

from kit import kafka, telemetry
from kit.logging import where

log = structlog.get_logger(__name__)

Raw: TypeAlias = ConsumerRecord[Any, Any]
Refused = tuple[Raw, Exception]
"""A record as it came, and what was wrong with it."""

LEFT_OUT = b"left out: too large"
"""The header `parked-value` of a record whose value stayed where it was: the headers say where."""


def name(topic: str, group: str) -> str:
    """The parked topic of one consumer group of a topic."""
    return f"{topic}-parked-{group}"


def reason(error: Exception) -> str:
    """What is said of a record that could not be used; a message may repeat its data, so this stays out of logs."""
    said = str(error).splitlines() if isinstance(error, ValueError) else []
    return said[0][:300] if said else f"{type(error).__name__}: see the service's log"


class Parking:
    """The parked topics of one group. Connects when first needed."""

    def __init__(self, group: str, bootstrap: str) -> None:
        self._group, self._bootstrap = group, bootstrap
        self._producer: AIOKafkaProducer | None = None

    async def park(self, refused: Sequence[Refused]) -> None:
        """Send records, bytes unchanged and with the reason; acknowledged on return. Raises KafkaError."""
        try:
            if self._producer is None:
                self._producer = kafka.producer(self._bootstrap)
                await self._producer.start()
            # In the order of their topic: so they are used once their fault is mended.
            ordered = sorted(refused, key=lambda pair: (pair[0].topic, pair[0].partition, pair[0].offset))
            sending = [self._send(self._producer, item, error) for item, error in ordered]
            for result in await asyncio.gather(*sending, return_exceptions=True):
                if result is not None:
                    raise result
        except BaseException:
            # An idempotent producer that has failed once may never send again.
            await self.stop()
            raise
        for item, error in refused:
            telemetry.CONSUMER_RECORDS.labels(item.topic, "parked").inc()
            log.error("record parked", topic=item.topic, partition=item.partition, offset=item.offset, why=where(error))

    async def stop(self) -> None:
        """Disconnect."""
        leaving, self._producer = self._producer, None
        if leaving is not None:
            await kafka.stop(leaving)

    async def _send(self, producer: AIOKafkaProducer, item: Raw, error: Exception) -> None:
        context = {"topic": item.topic, "partition": item.partition, "offset": item.offset, "group": self._group}
        context |= {"reason": reason(error), "at": datetime.now(UTC).isoformat()}
        added = [(f"parked-{label}", str(value).encode(errors="replace")) for label, value in context.items()]
        headers = [*item.headers, *added]
        topic = name(item.topic, self._group)
        try:
            await producer.send_and_wait(topic, item.value, key=item.key, headers=headers)
        except MessageSizeTooLargeError:
            # It must not stop those behind it; the original can be read where the headers say.
            headers.append(("parked-value", LEFT_OUT))
            await producer.send_and_wait(topic, b"", key=item.key, headers=headers)
