"""What is done about parked records: redriven to the handler of the group they belong to, or discarded."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from aiokafka.errors import KafkaError

from kit import kafka, parking
from kit.consumer import Handler, record
from kit.database import Sessions, is_transient
from kit.logging import where
from upkeep import reading
from upkeep.parked import OF, VERDICT, Parked, State, with_values
from upkeep.reading import Raw, Unreachable

log = structlog.get_logger(__name__)

_TRIES = 4
_PAUSE_SECONDS = 0.5

Note = Callable[[Parked, State], Awaitable[None]]
"""Notes the verdict on a parked record; acknowledged on return. Raises KafkaError."""


@dataclass(frozen=True)
class Outcome:
    """What became of one redriven record; `fault` is why it stays open."""

    parked: Parked
    fault: str | None


@asynccontextmanager
async def noting(bootstrap: str, by: str, why: str) -> AsyncIterator[Note]:
    """Notes verdicts behind their records, by whom and why. Raises KafkaError."""
    producer = kafka.producer(bootstrap)

    async def note(parked: Parked, verdict: State) -> None:
        said = {VERDICT: verdict.value, OF: f"{parked.record.partition}-{parked.record.offset}", "parked-by": by}
        said |= {"parked-why": why, "parked-at": datetime.now(UTC).isoformat()}
        await producer.send_and_wait(
            parked.record.topic,
            b"",
            key=parked.record.key,
            # In the same partition it can neither expire nor be read before its record.
            partition=parked.record.partition,
            headers=[(name, value.encode(errors="replace")) for name, value in said.items()],
        )
        # Without the why: it is free text.
        log.info("parked record judged", parked=parked.id, verdict=verdict.value, by=by)

    try:
        await producer.start()
        yield note
    finally:
        await kafka.stop(producer)


async def redrive(
    bootstrap: str,
    sessions: Sessions,
    handlers: Mapping[str, Handler],
    chosen: Sequence[Parked],
    note: Note | None,
) -> AsyncGenerator[Outcome, None]:
    """Give records to their own handler, each in a transaction of its own, in the order they were parked.

    Without `note` it is a dry run: each transaction is rolled back. A record that fails again stays open. Raises
    KafkaError, Unreachable or a database error when an engine is away; what was done until then is done.
    """
    async with aclosing(with_values(bootstrap, chosen)) as records:
        async for parked in records:
            fault = None
            try:
                item = await _original(bootstrap, parked)
                await _apply(sessions, handlers[parked.topic], item, undo=note is None)
            except Exception as error:  # whatever the record provokes, it must not stop those behind it
                if is_transient(error) or isinstance(error, KafkaError | Unreachable):
                    raise
                fault = parking.reason(error)
                log.warning("parked record fails again", parked=parked.id, why=where(error))
            if fault is None and note is not None:
                await note(parked, State.REDRIVEN)
            yield Outcome(parked, fault)


async def _original(bootstrap: str, parked: Parked) -> Raw:
    if not parked.left_out:
        return parked.original()
    partition, offset = parked.place
    found = await reading.one(bootstrap, parked.topic, partition, offset)
    # Where a topic was made anew, something else stands in the same place.
    if found is None or found.key != parked.record.key or found.timestamp > parked.record.timestamp:
        raise ValueError(f"it was too large to be parked whole, and is gone from {parked.topic}:{partition}:{offset}")
    return found


class _Undone(Exception):
    """Ends the transaction of a dry run."""


async def _apply(sessions: Sessions, handler: Handler, item: Raw, *, undo: bool) -> None:
    event = handler.decode(record(item))
    for tried in range(1, _TRIES + 1):
        try:
            async with sessions.begin() as session:
                await handler.apply(session, [event])
                if undo:
                    raise _Undone
        except _Undone:
            return
        except Exception as error:  # a race with the running worker passes; anything else goes on to the caller
            if not is_transient(error) or tried == _TRIES:
                raise
            await asyncio.sleep(_PAUSE_SECONDS * tried)
        else:
            return
