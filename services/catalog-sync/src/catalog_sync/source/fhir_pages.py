"""Reads FHIR searchset bundles over HTTP, page by page, politely."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from catalog_sync.domain.reading import LinkExpired, SourceAway
from upkeep import polite

_PAGE_SIZE = 200


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


async def page(client: httpx.AsyncClient, address: str, etag: str | None = None) -> Page | None:
    """A page; None when it is still the one that had this ETag. Raises SourceAway, LinkExpired for 400, 404, 410."""
    answer = await _get(client, address, etag, expired=polite.EXPIRED)
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
    return Page(rows, following, answer.header("ETag"), polite.moment(answer.header("Date")))


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
        self._trail = polite.Trail(resource_type)

    def step(self, address: str) -> None:
        """Note the next page. Raises SourceAway."""
        with _in_our_words():
            self._trail.step(address)


async def resource(client: httpx.AsyncClient, reference: str) -> dict[str, Any] | None:
    """One resource by its reference, `Organization/x`; None where the server has none. Raises SourceAway."""
    try:
        found = (await _get(client, reference)).content
    except LinkExpired:
        return None
    if not isinstance(found, dict) or f"{found.get('resourceType')}/{found.get('id')}" != reference:
        return None
    return found


async def _get(
    client: httpx.AsyncClient, address: str, etag: str | None = None, *, expired: frozenset[int] = polite.GONE
) -> polite.Answer:
    with _in_our_words():
        return await polite.get(client, address, etag, accept="application/fhir+json", expired=expired)


@contextmanager
def _in_our_words() -> Iterator[None]:
    try:
        yield
    except polite.LinkExpired as error:
        raise LinkExpired(str(error), error.wait_seconds) from None
    except polite.Away as error:
        raise SourceAway(str(error), error.wait_seconds) from None
