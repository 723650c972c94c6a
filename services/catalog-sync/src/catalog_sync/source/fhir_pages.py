"""Reads FHIR searchset bundles over HTTP, page by page, politely."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import structlog

from catalog_sync.domain.reading import SourceAway

log = structlog.get_logger(__name__)

_ATTEMPTS = 6
_FIRST_WAIT_SECONDS = 0.5
_LONGEST_WAIT_SECONDS = 30.0
_PAGE_SIZE = 200
_MOST_PAGES = 10_000


async def pages(client: httpx.AsyncClient, resource_type: str) -> AsyncIterator[list[dict[str, Any]]]:
    """Every page of a resource type, following the server's own `next` links. Raises SourceAway."""
    address: str | None = f"{resource_type}?_count={_PAGE_SIZE}"
    seen: set[str] = set()
    while address is not None:
        if address in seen or len(seen) >= _MOST_PAGES:
            raise SourceAway(f"{resource_type}: the next links lead on without end")
        seen.add(address)
        bundle = await _get(client, address)
        try:
            found = [dict(entry["resource"]) for entry in bundle.get("entry", [])]
            address = next((link["url"] for link in bundle.get("link", []) if link["relation"] == "next"), None)
        except (KeyError, TypeError, ValueError) as error:
            raise SourceAway(f"{resource_type}: the bundle is not shaped as FHIR R4 says") from error
        yield found


async def _get(client: httpx.AsyncClient, address: str) -> dict[str, Any]:
    """One bundle. Busy or failing answers are tried again after the time the server asks for."""
    wait = _FIRST_WAIT_SECONDS
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            answer = await client.get(address, headers={"Accept": "application/fhir+json"})
            if answer.status_code == httpx.codes.OK:
                found = answer.json()
                if isinstance(found, dict) and found.get("resourceType") == "Bundle":
                    return found
                raise SourceAway("the answer is not a FHIR Bundle")
            reason = f"HTTP {answer.status_code}"
            if answer.status_code not in {429, 500, 502, 503, 504}:
                raise SourceAway(reason)
            wait = max(wait, _asked_for(answer))
        except (httpx.TransportError, httpx.InvalidURL, ValueError) as error:
            # A half-written page is not JSON: the next try may be whole.
            reason = type(error).__name__
        if attempt < _ATTEMPTS:
            log.warning("source is tried again", reason=reason, wait_seconds=wait)
            await asyncio.sleep(min(wait, _LONGEST_WAIT_SECONDS))
            wait = min(wait * 2, _LONGEST_WAIT_SECONDS)
    raise SourceAway(f"{reason} after {_ATTEMPTS} tries")


def _asked_for(answer: httpx.Response) -> float:
    value = answer.headers.get("Retry-After", "0")
    return float(value) if value.isdecimal() else 0.0
