"""All that is wrong with a form at once, without anything being stored: its shape, the rules, the catalogue."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from agreements.domain.agreement import Actor
from agreements.domain.transitions import check_region
from agreements.service import sent_form
from agreements.service.checking import Found, check_catalogue
from agreements.service.sent_form import Read
from agreements.store import agreements as store
from contracts.agreement_form import Form, Provider, Service
from rules.agreements import text_faults
from rules.calendar import swedish_day


async def everything_wrong(
    session: AsyncSession, actor: Actor, content: Mapping[str, Any], agreement_id: str | None
) -> list[Found]:
    """Each fault once, in the order of the form's rules. `agreement_id`: it is an edit of that one.

    Where the shape is wrong, the parts that are right are judged against the catalogue all the same. Raises Refused,
    NotReady.
    """
    region = actor.region or ""
    check_region(region, actor)
    now = datetime.now(UTC)
    read = sent_form.read(content, region, now, swedish_day(now))
    if isinstance(read, Read):
        (found,) = await check_catalogue(session, [read.body], swedish_day(now))
        taken = await store.id_of(session, region, read.number)
        if taken is not None and taken != agreement_id:
            found.append(Found("number", "the region already has an agreement with this number"))
    else:
        found = [*read, *(Found(*fault) for fault in text_faults("", content))]
        right, places = _parts(content)
        for fault in (await check_catalogue(session, [right], swedish_day(now)))[0]:
            found.append(fault._replace(field=_in_place(fault.field, places)))
    return list(dict.fromkeys(found))


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
