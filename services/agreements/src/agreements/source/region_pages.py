"""A region's interface page by page, in either of its formats, politely (upkeep.polite).

Our own JSON: `GET {url}agreements?limit=100[&changed_since=2026-03-01T12:00:00Z]` answers
`{"items": [an AgreementForm, …], "next": an address or null}`.
FHIR: `GET {url}Contract?_count=100&_include=…[&_lastUpdated=ge2026-03-01T12:00:00Z]` answers a Bundle; see
`fhir_contract`. ETag and Date are used where they are given.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import httpx

from agreements.domain.pulling import Item, Page
from agreements.source import fhir_contract
from agreements.source.pull_sources import Format
from rules.personal_numbers import holds_personal_number
from upkeep import polite

_PAGE_SIZE = 100
_ACCEPT = {Format.FHIR: "application/fhir+json", Format.JSON: "application/json"}


def first_page(form: Format, since: datetime | None) -> str:
    """The address of the first page of everything, or of what has changed since."""
    moment = f"{since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if since is not None else None
    if form is Format.FHIR:
        changed = f"&_lastUpdated=ge{moment}" if moment else ""
        return f"Contract?_count={_PAGE_SIZE}&{fhir_contract.INCLUDES}{changed}"
    return f"agreements?limit={_PAGE_SIZE}" + (f"&changed_since={moment}" if moment else "")


async def page(client: httpx.AsyncClient, form: Format, address: str, etag: str | None) -> Page | None:
    """A page; None when it is still the one that had this ETag. Raises Away, and LinkExpired for 400, 404, 410."""
    if polite.is_elsewhere(client, address):
        # The token is for this interface only.
        raise polite.Away("a next link leads to another host")
    answer = await polite.get(client, address, etag, accept=_ACCEPT[form], expired=polite.EXPIRED)
    if answer.status == httpx.codes.NOT_MODIFIED:
        if etag is None:
            raise polite.Away("HTTP 304 although nothing was said to be known")
        return None
    read = _bundle if form is Format.FHIR else _own
    items, following = read(answer.content)
    served_at = polite.moment(answer.header("Date"))
    return Page(tuple(items), following, answer.header("ETag"), served_at, answer.size)


def _own(content: Any) -> tuple[list[Item], str | None]:
    if not isinstance(content, dict) or not isinstance(content.get("items"), list):
        raise polite.Away('the answer is not {"items": […], "next": …}')
    following = content.get("next")
    if following is not None and not isinstance(following, str):
        raise polite.Away("next is neither an address nor null")
    return [_item(one, place) for place, one in enumerate(content["items"], 1)], following


def _item(one: Any, place: int) -> Item:
    if not isinstance(one, Mapping):
        return Item(f"item {place}", {}, None, (("", "is not an object"),))
    number = one.get("number")
    if not isinstance(number, str) or not number.strip() or holds_personal_number(number):
        number = None
    return Item(f"item {place}", one, number.strip() if number is not None else None)


def _bundle(content: Any) -> tuple[list[Item], str | None]:
    if not isinstance(content, dict) or content.get("resourceType") != "Bundle":
        raise polite.Away("the answer is not a FHIR Bundle")
    try:
        entries = [(entry["resource"], (entry.get("search") or {}).get("mode")) for entry in content.get("entry", [])]
        following = next((link["url"] for link in content.get("link", []) if link["relation"] == "next"), None)
        beside = {f"{one['resourceType']}/{one.get('id')}": one for one, _ in entries}
    except (KeyError, TypeError, AttributeError):
        raise polite.Away("the bundle is not shaped as FHIR R4 says") from None
    found = [one for one, mode in entries if one["resourceType"] == "Contract" and mode in (None, "match")]
    return [fhir_contract.item(one, beside) for one in found], following
