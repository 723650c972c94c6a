"""Metrics, named with their unit at the end, and the trace context that follows a change from request to topic."""

import re
import secrets
from contextvars import ContextVar

from prometheus_client import Counter, Gauge, Histogram

_SIZES = (1, 10, 100, 500, 1000, 2000, 5000)

HTTP_SECONDS = Histogram("vf_http_request_seconds", "Time to answer a request", ["method", "route", "status"])
OUTBOX_ROWS = Gauge("vf_outbox_rows", "Rows waiting to be sent")
OUTBOX_AGE_SECONDS = Gauge("vf_outbox_oldest_seconds", "Age of the oldest row waiting to be sent")
OUTBOX_SENT = Counter("vf_outbox_sent_total", "Rows sent and acknowledged", ["topic"])
OUTBOX_BATCH_ROWS = Histogram("vf_outbox_batch_rows", "Rows sent as one batch", buckets=_SIZES)
OUTBOX_BATCH_SECONDS = Histogram("vf_outbox_batch_seconds", "Time from read to acknowledged by all replicas")
OUTBOX_FAILURES = Counter("vf_outbox_failures_total", "Times the relay had to start over")
CONSUMER_LAG = Gauge("vf_consumer_lag_records", "Records not yet processed", ["topic", "partition"])
CONSUMER_RECORDS = Counter("vf_consumer_records_total", "Records by what became of them", ["topic", "outcome"])
CONSUMER_BATCH_RECORDS = Histogram("vf_consumer_batch_records", "Records in one batch", buckets=_SIZES)
CONSUMER_BATCH_SECONDS = Histogram("vf_consumer_batch_seconds", "Time to process one batch")
CONSUMER_PAUSES = Counter("vf_consumer_pauses_total", "Times a batch waited for an engine", ["reason"])
EVENT_AGE_SECONDS = Gauge("vf_event_age_seconds", "From change to processed, of the newest event", ["topic"])
LAST_EVENT_TIMESTAMP_SECONDS = Gauge("vf_last_event_timestamp_seconds", "Time of the newest event processed", ["topic"])

_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_current: ContextVar[str | None] = ContextVar("traceparent", default=None)


def traceparent() -> str | None:
    """The W3C trace context of what is being done now, to be sent along; None outside a request or event."""
    return _current.get()


def follow(received: str | None) -> str:
    """Make a received trace context the current one, or begin a new one where there is none or a malformed one."""
    valid = received and _TRACEPARENT.fullmatch(received)
    value = received if received and valid else f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
    _current.set(value)
    return value
