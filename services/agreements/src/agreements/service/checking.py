"""Whether agreements are right: by themselves, and against the copied catalogue; many at once."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from agreements.service.profile import profile_on
from agreements.store import catalogue
from rules.agreements import OWN_PROVISION, faults
from rules.regions import REGIONS
from rules.validity import why_invalid

Body = Mapping[str, Any]


class Found(NamedTuple):
    """One thing that is wrong: a dotted field path, the reason in words, and what may be meant instead."""

    field: str
    reason: str
    suggestion: str | None = None


MARKED = Found("confidential", "is marked as covered by secrecy: refused, and nothing of it is kept")

PERIOD_OVER = Found("valid_to", "the period is over: there is nothing to publish")


class NotReady(Exception):
    """The copy of the catalogue is not complete yet, so units and codes cannot be judged."""


class Faulty(Exception):
    """The agreement is wrong; every fault with its field and reason."""

    def __init__(self, found: Sequence[Found]) -> None:
        super().__init__(f"{len(found)} faults")
        self.found = tuple(found)


def told(found: Found) -> str:
    """The reason, and the suggestion where there is one, as one sentence."""
    return found.reason if found.suggestion is None else f"{found.reason}: {suggested(found)}"


def suggested(found: Found) -> str | None:
    """The suggestion as a question."""
    return None if found.suggestion is None else f"did you mean {found.suggestion}?"


@dataclass(frozen=True)
class Catalogue:
    """What the copy of the catalogue holds of all that some agreements name."""

    units: Mapping[str, Row[Any]]
    providers: frozenset[str]
    codes: Mapping[str, Row[Any]]


async def check(session: AsyncSession, body: Body, today: date) -> None:
    """Raises Faulty with all that is wrong with one agreement, or NotReady."""
    if found := (await check_all(session, [body], today))[0]:
        raise Faulty(found)


async def check_all(session: AsyncSession, bodies: Sequence[Body], today: date) -> list[list[Found]]:
    """What is wrong with each of some agreements, in their order; a few queries for them all. Raises NotReady."""
    mandatory = profile_on(today).mandatory
    unknown = await check_catalogue(session, bodies, today)
    return [
        [*(Found(field, reason) for field, reason in faults(body, mandatory=mandatory, today=today)), *found]
        for body, found in zip(bodies, unknown, strict=True)
    ]


async def check_catalogue(session: AsyncSession, bodies: Sequence[Body], today: date) -> list[list[Found]]:
    """The units, providers and codes among `care_provider` and `services` that may not be used. Raises NotReady."""
    known = await _look_up(session, bodies)
    nearby = await _nearby(session, bodies, known, today)
    return [[*_unit_faults(body, known, today), *_code_faults(body, known, nearby, today)] for body in bodies]


async def _look_up(session: AsyncSession, bodies: Sequence[Body]) -> Catalogue:
    if not await catalogue.catalogue_is_complete(session):
        raise NotReady
    providers = {body["care_provider"]["hsa_id"] for body in bodies if body["care_provider"] is not None}
    return Catalogue(
        units=await catalogue.units(session, {unit for body in bodies for _, unit in _units(body)}),
        providers=frozenset(await catalogue.known_providers(session, providers)),
        codes=await catalogue.codes(session, {key for body in bodies for _, key in _codes(body)}),
    )


def _units(body: Body) -> Iterator[tuple[str, str]]:
    for number, service in enumerate(body["services"]):
        for position, unit in enumerate(service["units"]):
            yield f"services.{number}.units.{position}", unit


def _codes(body: Body) -> Iterator[tuple[str, str]]:
    for number, service in enumerate(body["services"]):
        for position, code in enumerate(service["care_services"]):
            yield f"services.{number}.care_services.{position}.code", f"{code['system']}|{code['code']}"


def _unit_faults(body: Body, known: Catalogue, today: date) -> Iterator[Found]:
    for path, unit in _units(body):
        found = known.units.get(unit)
        if found is None:
            yield Found(path, "no such care unit in the national catalogue")
        elif found.status != "active" or (found.closed_on is not None and found.closed_on < today):
            yield Found(path, "the care unit is closed")
        elif why := _whose(body, found, known):
            yield Found(path, why)
    provider = body["care_provider"]
    if provider is not None and provider["hsa_id"] not in known.providers:
        yield Found("care_provider.hsa_id", "no such care provider in the national catalogue")


def _whose(body: Body, unit: Row[Any], known: Catalogue) -> str | None:
    """Why the agreement cannot be about this unit: its terms would be another provider's to read."""
    provider = body["care_provider"]
    if provider is not None:
        other = provider["hsa_id"] in known.providers and unit.care_provider != provider["hsa_id"]
        return "belongs to another care provider than care_provider: register that one apart" if other else None
    if body.get("basis") != OWN_PROVISION or body.get("region") not in REGIONS:
        return None
    # A region's company has a number of its own, and HSA-ids under its region's.
    owner = f"SE{REGIONS[body['region']].organisation_number}-"
    own = unit.hsa_id.startswith(owner) or unit.care_provider.startswith(owner)
    return None if own else "is not the region's own by its HSA-id: own provision is at the region's own units"


def _code_faults(body: Body, known: Catalogue, nearby: Mapping[str, list[str]], today: date) -> Iterator[Found]:
    for path, key in _codes(body):
        found = known.codes.get(key)
        if found is None:
            yield Found(path, "unknown code", _nearest(key, nearby[_beginning(key)]))
        elif why := why_invalid(
            today, active=found.status == "active", valid_from=found.valid_from, valid_to=found.valid_to
        ):
            yield Found(path, f"the code {why}")


async def _nearby(session: AsyncSession, bodies: Sequence[Body], known: Catalogue, today: date) -> dict[str, list[str]]:
    """The codes that may be used and begin like an unknown one: system and two signs → codes."""
    asked = {_beginning(key) for body in bodies for _, key in _codes(body) if key not in known.codes}
    return {prefix: await catalogue.valid_codes_beginning(session, prefix, today) for prefix in sorted(asked)}


def _beginning(key: str) -> str:
    system, _, code = key.partition("|")
    return f"{system}|{code[:2]}"


def _nearest(key: str, near: Sequence[str]) -> str | None:
    code = key.partition("|")[2]
    best = difflib.get_close_matches(code, [other.partition("|")[2] for other in near], n=1, cutoff=0.6)
    return best[0] if best else None
