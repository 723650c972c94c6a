"""All that is wrong with a form at once, without anything being stored: its shape, the rules, the catalogue."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from agreements.domain.agreement import Actor, is_over
from agreements.domain.transitions import check_region
from agreements.service import sent_form
from agreements.service.checking import MARKED, PERIOD_OVER, Faulty, Found, check_catalogue
from agreements.service.sent_form import Read
from agreements.store import agreements as store
from contracts.agreement_form import Provider, Service
from contracts.form import Form
from rules.agreements import text_faults
from rules.calendar import swedish_day

NUMBER_TAKEN = Found("number", "the region already has an agreement with this number")


async def right_content(
    session: AsyncSession, actor: Actor, content: Mapping[str, Any], agreement_id: str | None = None
) -> Read:
    """The content as it is stored, with its revision. Raises Faulty with all that is wrong, Refused, NotReady."""
    found, read = await _judged(session, actor, content, agreement_id)
    if found or read is None:
        raise Faulty(found)
    return read


async def everything_wrong(
    session: AsyncSession, actor: Actor, content: Mapping[str, Any], agreement_id: str | None
) -> list[Found]:
    """Each fault once, in the order of the form's rules. `agreement_id`: it is an edit of that one.

    Where the shape is wrong, the parts that are right are judged against the catalogue all the same. Raises Refused,
    NotReady.
    """
    return (await _judged(session, actor, content, agreement_id))[0]


async def _judged(
    session: AsyncSession, actor: Actor, content: Mapping[str, Any], agreement_id: str | None
) -> tuple[list[Found], Read | None]:
    if sent_form.is_confidential(content):
        return [MARKED], None
    region = actor.region or ""
    check_region(region, actor)
    now = datetime.now(UTC)
    today = swedish_day(now)
    read = sent_form.read(content, region, now, today, None)
    if isinstance(read, Read):
        (found,) = await check_catalogue(session, [read.body], today)
        taken = await store.id_of(session, region, read.number)
        if taken is not None and taken != agreement_id:
            standing = await store.get(session, taken)
            if standing is not None and not standing.is_free:
                found.append(NUMBER_TAKEN)
        if is_over(read.body, today):
            found.append(PERIOD_OVER)
        return _once(found), read
    found = [*read, *(Found(*fault) for fault in text_faults("", content))]
    right, places = _parts(content)
    for fault in (await check_catalogue(session, [right], today))[0]:
        found.append(fault._replace(field=_in_place(fault.field, places)))
    return _once(found), None


def _once(found: list[Found]) -> list[Found]:
    """One line a field: a form shows one, and the first is what makes it wrong."""
    return list({one.field: one for one in reversed(found)}.values())[::-1]


def _parts(content: Mapping[str, Any]) -> tuple[dict[str, Any], list[int]]:
    """The provider and the services whose shape is right, and where those services stand."""
    services, places = [], []
    given = content.get("services")
    for place, one in enumerate(given if isinstance(given, list) else []):
        if (service := _of(Service, one)) is not None:
            services.append(service)
            places.append(place)
    whose = {name: content.get(name) for name in ("region", "basis") if isinstance(content.get(name), str)}
    return {**whose, "care_provider": _of(Provider, content.get("care_provider")), "services": services}, places


def _of(kind: type[Form], value: object) -> dict[str, Any] | None:
    try:
        return kind.model_validate(value).model_dump(mode="json")
    except ValidationError:
        return None


def _in_place(field: str, places: list[int]) -> str:
    first, _, rest = field.partition(".")
    number, _, inner = rest.partition(".")
    return f"services.{places[int(number)]}.{inner}" if first == "services" else field
