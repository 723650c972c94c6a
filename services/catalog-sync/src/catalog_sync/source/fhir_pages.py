"""Reads FHIR searchset bundles over HTTP, page by page, politely."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import structlog

log = structlog.get_logger(__name__)

_ATTEMPTS = 6
_LONGEST_WAIT_SECONDS = 30.0
_PAGE_SIZE = 200


class SourceAway(Exception):
    """The source does not answer, or not with what was asked for. Nothing has been changed."""


async def pages(client: httpx.AsyncClient, resource_type: str) -> AsyncIterator[list[dict[str, Any]]]:
    """Every page of a resource type, following the server's own `next` links. Raises SourceAway."""
    address: str | None = f"{resource_type}?_count={_PAGE_SIZE}"
    seen: set[str] = set()
    while address is not None:
        if address in seen:
            raise SourceAway(f"{resource_type}: a next link leads back to an earlier page")
        seen.add(address)
        bundle = await _get(client, address)
        yield [entry["resource"] for entry in bundle.get("entry", []) if "resource" in entry]
        links = [link["url"] for link in bundle.get("link", []) if link.get("relation") == "next"]
        address = links[0] if links else None


async def _get(client: httpx.AsyncClient, address: str) -> dict[str, Any]:
    """One bundle. Busy or failing answers are tried again after the time the server asks for."""
    wait = 0.5
    reason = ""
    for _ in range(_ATTEMPTS):
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
        except (httpx.TransportError, ValueError) as error:
            # A half-written page is not JSON: the next try may be whole.
            reason = type(error).__name__
        log.warning("source is tried again", reason=reason, wait_seconds=wait)
        await asyncio.sleep(min(wait, _LONGEST_WAIT_SECONDS))
        wait = min(wait * 2, _LONGEST_WAIT_SECONDS)
    raise SourceAway(f"{reason} after {_ATTEMPTS} tries")


def _asked_for(answer: httpx.Response) -> float:
    value = answer.headers.get("Retry-After", "0")
    return float(value) if value.isdecimal() else 0.0
