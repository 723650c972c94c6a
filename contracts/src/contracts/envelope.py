"""CloudEvents 1.0 in Kafka's binary mode: `ce_*` headers around a value that is the data alone, as JSON."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Protocol, TypeVar
from uuid import uuid4

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from contracts.message import Message

M = TypeVar("M", bound=Message)

CONTENT_TYPE = "application/json"

# Only a well-formed type is repeated in a message: any other header value may hold what must not be logged.
_EVENT_TYPE = re.compile(r"se\.vardformedling\.[a-z-]{1,80}\.v\d{1,3}")


class Unreadable(ValueError):
    """A record that can never be read. Says which field is wrong and why, never the value itself."""


@dataclass(frozen=True)
class Envelope:
    """A message ready to be sent: topic, key, value and CloudEvents headers."""

    event_id: str
    topic: str
    key: str
    value: bytes
    headers: dict[str, str]


# Asked of every record, and a topic's name never changes.
@cache
def event_type(message: type[Message]) -> str:
    """The CloudEvents type of a message class, for example `se.vardformedling.agreement-registered.v1`."""
    return f"se.vardformedling.{message.topic.name}.v1"


def encode(message: Message, *, at: datetime, traceparent: str | None = None) -> Envelope:
    """The message in its envelope: `at` is when the change happened, the source is the topic's producer.

    Raises ValueError when `at` has no time zone: it would be taken for the machine's own; and for a text that readers
    refuse.
    """
    if at.tzinfo is None:
        raise ValueError("at must have a time zone")
    try:
        value = message.model_dump_json().encode()
    except PydanticSerializationError:
        raise ValueError(_unstorable(message) or "cannot be written as JSON") from None
    if _may_hold_nul(value) and (fault := _unstorable(message)):
        raise ValueError(fault)
    event_id = str(uuid4())
    key = message.key()
    headers = {
        "ce_specversion": "1.0",
        "ce_id": event_id,
        "ce_source": f"/{message.topic.producer}",
        "ce_type": event_type(type(message)),
        "ce_time": at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "ce_subject": key,
        "ce_partitionkey": key,
        "ce_dataversion": str(message.version),
        "content-type": CONTENT_TYPE,
    }
    if traceparent is not None:
        headers["traceparent"] = traceparent
    return Envelope(event_id, message.topic_name(), key, value, headers)


def decode(kind: type[M], headers: Mapping[str, str], key: bytes | None, value: bytes) -> M:
    """The message in a record of its topic.

    Raises Unreadable for another type, a later major version, bad data, a text that PostgreSQL takes for none, or a
    record key that is not the message's own: compaction goes by the record key, so the wrong one would keep or remove
    the wrong state.
    """
    found = headers.get("ce_type", "missing")
    if found != event_type(kind):
        named = found if found == "missing" or _EVENT_TYPE.fullmatch(found) else "of another kind"
        raise Unreadable(f"ce_type is {named}, expected {event_type(kind)}")
    try:
        message = kind.model_validate_json(value, strict=True)
    except ValidationError as error:
        rows = error.errors(include_input=False, include_url=False, include_context=False)
        raise Unreadable("; ".join(f"{_field(row['loc'])}: {row['msg']}" for row in rows)) from None
    if _may_hold_nul(value) and (fault := _unstorable(message)):
        raise Unreadable(fault)
    if key != message.key().encode():
        raise Unreadable("the record key is not the message's own")
    return message


class Arrived(Protocol):
    """A record as a consumer hands it over."""

    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes: ...


def reader(kind: type[M]) -> Callable[[Arrived], M]:
    """A function that decodes the records of one topic."""
    return lambda record: decode(kind, record.headers, record.key, record.value)


def _field(path: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in path) or "value"


def _may_hold_nul(value: bytes) -> bool:
    # Nearly always over after the search for one byte, which takes a fiftieth of the decoding.
    return b"\\" in value and b"\\u0000" in value


def _unstorable(message: Message) -> str:
    """The fields whose text PostgreSQL refuses, and why; empty when there are none."""
    return "; ".join(f"{_field(path)}: must not hold {what}" for path, what in _faults(message.model_dump(), ()))


def _faults(value: Any, path: tuple[int | str, ...]) -> Iterator[tuple[tuple[int | str, ...], str]]:
    if isinstance(value, dict | list | tuple):
        for name, one in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _faults(one, (*path, name))
    elif isinstance(value, str) and "\0" in value:
        yield path, "U+0000"
    elif isinstance(value, str) and any("\ud800" <= one <= "\udfff" for one in value):
        yield path, "half a surrogate pair"
