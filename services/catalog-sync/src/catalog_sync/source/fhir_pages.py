"""Reads FHIR searchset bundles over HTTP, page by page, politely."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import orjson
import structlog

from catalog_sync.domain.reading import LinkExpired, SourceAway

log = structlog.get_logger(__name__)

_ATTEMPTS = 6
_FIRST_WAIT_SECONDS = 0.5
_LONGEST_WAIT_SECONDS = 30.0
_LONGEST_PAUSE_SECONDS = 6 * 3600.0
_PAGE_SIZE = 200
_MOST_PAGES = 10_000
# However slowly it trickles: the next try may be faster.
_ANSWER_SECONDS = 120.0
_LARGEST_BYTES = 64 * 1024 * 1024
_BUSY = frozenset({429, 500, 502, 503, 504})
_GONE = frozenset({404, 410})
# Servers refuse a page address that they no longer know in either way.
_EXPIRED = _GONE | {400}


@dataclass(frozen=True)
class Page:
    """One page of a search."""

    rows: list[dict[str, Any]]
    following: str | None
    """The address of the next page."""
    etag: str | None
    served_at: datetime | None
    """The server's own clock."""


def first_page(resource_type: str, since: datetime | None = None) -> str:
    """The address of the first page of everything, or of what has changed since."""
    # A plus sign in a query would arrive as a space.
    changed = f"&_lastUpdated=ge{since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if since is not None else ""
    return f"{resource_type}?_count={_PAGE_SIZE}{changed}"


def is_elsewhere(client: httpx.AsyncClient, address: str) -> bool:
    """Whether an address is of another origin (RFC 6454) than the catalogue that is asked."""
    try:
        asked = client.base_url.join(address)
    except httpx.InvalidURL:
        return True
    return (asked.scheme, asked.host, asked.port) != (
        client.base_url.scheme,
        client.base_url.host,
        client.base_url.port,
    )


async def page(client: httpx.AsyncClient, address: str, etag: str | None = None) -> Page | None:
    """A page; None when it is still the one that had this ETag. Raises SourceAway, LinkExpired for 400, 404, 410."""
    answer = await _get(client, address, etag, expired=_EXPIRED)
    if answer.status == httpx.codes.NOT_MODIFIED:
        return None
    bundle = answer.content
    if not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle":
        raise SourceAway("the answer is not a FHIR Bundle")
    try:
        rows = [
            dict(entry["resource"])
            for entry in bundle.get("entry", [])
            # Included rows and the server's own remarks were not searched for.
            if (entry.get("search") or {}).get("mode", "match") == "match"
        ]
        following = next((link["url"] for link in bundle.get("link", []) if link["relation"] == "next"), None)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SourceAway("the bundle is not shaped as FHIR R4 says") from error
    return Page(rows, following, answer.header("ETag"), _moment(answer.header("Date")))


async def pages(client: httpx.AsyncClient, resource_type: str) -> AsyncIterator[list[dict[str, Any]]]:
    """Every page of a resource type, following the server's own `next` links. Raises SourceAway."""
    address: str | None = first_page(resource_type)
    trail = Trail(resource_type)
    while address is not None:
        trail.step(address)
        found = await page(client, address)
        assert found is not None  # noqa: S101 no ETag was given
        address = found.following
        yield found.rows


class Trail:
    """The pages one reading has followed. It notices links that lead round, or on without end."""

    def __init__(self, resource_type: str) -> None:
        self._resource_type = resource_type
        self._seen: set[str] = set()

    def step(self, address: str) -> None:
        """Note the next page. Raises SourceAway."""
        if address in self._seen or len(self._seen) >= _MOST_PAGES:
            raise SourceAway(f"{self._resource_type}: the next links lead on without end")
        self._seen.add(address)


async def resource(client: httpx.AsyncClient, reference: str) -> dict[str, Any] | None:
    """One resource by its reference, `Organization/x`; None where the server has none. Raises SourceAway."""
    try:
        found = (await _get(client, reference)).content
    except LinkExpired:
        return None
    if not isinstance(found, dict) or f"{found.get('resourceType')}/{found.get('id')}" != reference:
        return None
    return found


@dataclass(frozen=True)
class _Answer:
    status: int
    headers: httpx.Headers
    content: Any

    def header(self, name: str) -> str | None:
        found: str | None = self.headers.get(name)
        return found


async def _get(
    client: httpx.AsyncClient, address: str, etag: str | None = None, *, expired: frozenset[int] = _GONE
) -> _Answer:
    """An answer of 200 or 304. Busy or failing ones are tried again after the time the server asks for."""
    wait = _FIRST_WAIT_SECONDS
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                answer = await _ask(client, address, etag)
            if answer.status in {httpx.codes.OK, httpx.codes.NOT_MODIFIED}:
                return answer
            reason = f"HTTP {answer.status}"
            if answer.status in expired:
                raise LinkExpired(reason)
            if answer.status not in _BUSY:
                raise SourceAway(reason)
            asked_for = _asked_for(answer)
            if asked_for > _LONGEST_WAIT_SECONDS:
                raise SourceAway(f"{reason}, asks for a pause of {asked_for:.0f} s", asked_for)
            wait = max(wait, asked_for)
        except (httpx.TransportError, httpx.InvalidURL, TimeoutError, ValueError) as error:
            # A half-written page is not JSON: the next try may be whole.
            reason = type(error).__name__
        if attempt < _ATTEMPTS:
            log.warning("source is tried again", reason=reason, wait_seconds=wait)
            await asyncio.sleep(min(wait, _LONGEST_WAIT_SECONDS))
            wait = min(wait * 2, _LONGEST_WAIT_SECONDS)
    raise SourceAway(f"{reason} after {_ATTEMPTS} tries")


async def _ask(client: httpx.AsyncClient, address: str, etag: str | None) -> _Answer:
    headers = {"Accept": "application/fhir+json", **({"If-None-Match": etag} if etag is not None else {})}
    body = bytearray()
    async with client.stream("GET", address, headers=headers) as answer:
        if answer.status_code == httpx.codes.OK:
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) > _LARGEST_BYTES:
                    raise SourceAway(f"an answer is larger than {_LARGEST_BYTES // 1024**2} MB")
    content = _parsed(body) if answer.status_code == httpx.codes.OK else None
    return _Answer(answer.status_code, answer.headers, content)


def _parsed(body: bytearray) -> Any:
    try:
        return orjson.loads(body)
    except ValueError:
        # Not quite JSON, such as NaN in one row, is no reason to lose the others.
        return json.loads(body)


def _asked_for(answer: _Answer) -> float:
    """Retry-After in seconds, from either of its forms (RFC 9110, 10.2.3); 0 where there is none that can be read."""
    value = (answer.header("Retry-After") or "").strip()
    if value.isascii() and value.isdecimal():
        return min(float(value), _LONGEST_PAUSE_SECONDS)
    until = _moment(value)
    if until is None:
        return 0.0
    # By the server's own clock, where it tells the time.
    seconds = (until - (_moment(answer.header("Date")) or datetime.now(UTC))).total_seconds()
    return min(max(seconds, 0.0), _LONGEST_PAUSE_SECONDS)


def _moment(value: str | None) -> datetime | None:
    try:
        found = parsedate_to_datetime(value or "")
    except (ValueError, TypeError, IndexError):
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
