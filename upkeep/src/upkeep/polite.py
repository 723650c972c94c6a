"""Asking another party's HTTP service politely: busy or failing, it is asked again with growing pauses, or after the
pause it asks for; an answer is bounded in bytes and time. What does not come in the end is `Away`."""

import asyncio
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import orjson
import structlog

log = structlog.get_logger(__name__)

_ATTEMPTS = 6
_FIRST_WAIT_SECONDS = 0.5
_LONGEST_WAIT_SECONDS = 30.0
_LONGEST_PAUSE_SECONDS = 6 * 3600.0
_MOST_PAGES = 10_000
# However slowly it trickles: the next try may be faster.
_ANSWER_SECONDS = 120.0
_LARGEST_BYTES = 64 * 1024 * 1024
_BUSY = frozenset({429, 500, 502, 503, 504})
GONE = frozenset({404, 410})
EXPIRED = GONE | {400}
"""How servers refuse a page address that they no longer know."""


class Away(Exception):
    """The other party does not answer, or not with what was asked for."""

    def __init__(self, reason: str, wait_seconds: float = 0.0) -> None:
        super().__init__(reason)
        self.wait_seconds = wait_seconds
        """How long it asks to be left alone."""


class LinkExpired(Away):
    """It does not know the address (any more)."""


def is_elsewhere(client: httpx.AsyncClient, address: str) -> bool:
    """Whether an address is of another origin (RFC 6454) than the one that is asked."""
    try:
        asked = client.base_url.join(address)
    except httpx.InvalidURL:
        return True
    return (asked.scheme, asked.host, asked.port) != (
        client.base_url.scheme,
        client.base_url.host,
        client.base_url.port,
    )


class Trail:
    """The pages one reading has followed. It notices links that lead round, or on without end."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._seen: set[str] = set()

    def step(self, address: str) -> None:
        """Note the next page. Raises Away."""
        if address in self._seen or len(self._seen) >= _MOST_PAGES:
            raise Away(f"{self._name}: the next links lead on without end")
        self._seen.add(address)


@dataclass(frozen=True)
class Answer:
    """An answer of 200 or 304; `content` is its JSON."""

    status: int
    headers: httpx.Headers
    content: Any
    size: int
    """Bytes read."""

    def header(self, name: str) -> str | None:
        found: str | None = self.headers.get(name)
        return found


async def get(
    client: httpx.AsyncClient,
    address: str,
    etag: str | None = None,
    *,
    accept: str = "application/json",
    expired: frozenset[int] = GONE,
) -> Answer:
    """An answer of 200, or of 304 to an ETag. Raises Away; LinkExpired for the statuses in `expired`."""
    wait = _FIRST_WAIT_SECONDS
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                answer = await _ask(client, address, etag, accept)
            if answer.status in {httpx.codes.OK, httpx.codes.NOT_MODIFIED}:
                return answer
            reason = f"HTTP {answer.status}"
            if answer.status in expired:
                raise LinkExpired(reason)
            if answer.status not in _BUSY:
                raise Away(reason)
            asked_for = _asked_for(answer)
            if asked_for > _LONGEST_WAIT_SECONDS:
                raise Away(f"{reason}, asks for a pause of {asked_for:.0f} s", asked_for)
            wait = max(wait, asked_for)
        except (httpx.TransportError, httpx.InvalidURL, TimeoutError, ValueError) as error:
            # A half-written page is not JSON: the next try may be whole.
            reason = type(error).__name__
        if attempt < _ATTEMPTS:
            log.warning("source is tried again", reason=reason, wait_seconds=wait)
            await asyncio.sleep(min(wait, _LONGEST_WAIT_SECONDS))
            wait = min(wait * 2, _LONGEST_WAIT_SECONDS)
    raise Away(f"{reason} after {_ATTEMPTS} tries")


async def _ask(client: httpx.AsyncClient, address: str, etag: str | None, accept: str) -> Answer:
    headers = {"Accept": accept, **({"If-None-Match": etag} if etag is not None else {})}
    body = bytearray()
    async with client.stream("GET", address, headers=headers) as answer:
        if answer.status_code == httpx.codes.OK:
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) > _LARGEST_BYTES:
                    raise Away(f"an answer is larger than {_LARGEST_BYTES // 1024**2} MB")
    content = _parsed(body) if answer.status_code == httpx.codes.OK else None
    return Answer(answer.status_code, answer.headers, content, len(body))


def _parsed(body: bytearray) -> Any:
    try:
        return orjson.loads(body)
    except ValueError:
        # Not quite JSON, such as NaN in one row, is no reason to lose the others.
        return json.loads(body)


def _asked_for(answer: Answer) -> float:
    """Retry-After in seconds, from either of its forms (RFC 9110, 10.2.3); 0 where there is none that can be read."""
    value = (answer.header("Retry-After") or "").strip()
    if value.isascii() and value.isdecimal():
        return min(float(value), _LONGEST_PAUSE_SECONDS)
    until = moment(value)
    if until is None:
        return 0.0
    # By the server's own clock, where it tells the time.
    seconds = (until - (moment(answer.header("Date")) or datetime.now(UTC))).total_seconds()
    return min(max(seconds, 0.0), _LONGEST_PAUSE_SECONDS)


def moment(value: str | None) -> datetime | None:
    """A time in HTTP's own form (RFC 9110, 5.6.7); None where it is none."""
    try:
        found = parsedate_to_datetime(value or "")
    except (ValueError, TypeError, IndexError):
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
