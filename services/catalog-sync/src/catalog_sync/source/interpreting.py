"""Turns a catalogue's FHIR resources into facts, row by row, with one guide's mapping. No row stops another."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar

import httpx

from catalog_sync.domain.left_out import LeftOut, Rule
from catalog_sync.domain.places import Places
from catalog_sync.domain.reading import Fact, Kind, Noted, Reading, Rejected
from catalog_sync.source.fhir_pages import pages
from rules.fhir_fields import Resource, Tell, own_reference, reference

T = TypeVar("T")
Rows = Mapping[str, Sequence[Resource]]
"""Resources by their type."""


class Mapper(Protocol):
    """One guide's mapping: the functions of `national_catalogue` or `hsa_r5`, each with its source in one file."""

    NAME: str

    def located(self, one: Resource, places: Places = ..., tell: Tell = ...) -> tuple[str, dict[str, Any]]:
        """A Location: the reference of what lies there, and the place."""

    def unit(
        self,
        one: Resource,
        by_reference: Mapping[str, Resource],
        place: dict[str, Any] | None,
        tell: Tell = ...,
    ) -> dict[str, Any] | None:
        """A care unit's content; None for an organisation that is no care unit."""

    def offerings(
        self, one: Resource, units: Mapping[str, str], groups: Mapping[str, Resource] = ..., tell: Tell = ...
    ) -> list[dict[str, Any]]:
        """What a HealthcareService offers, one content per code."""

    def assignment(self, one: Resource, by_reference: Mapping[str, Resource]) -> tuple[str, str]:
        """An OrganizationAffiliation: who commissions and who performs, as HSA-ids."""


async def rows_of(client: httpx.AsyncClient, types: Iterable[str]) -> Rows:
    """All of a catalogue's resources of some types, each once. Raises SourceAway."""
    found: dict[str, Sequence[Resource]] = {}
    for resource_type in types:
        # By id: a catalogue that changes while it is paged through may show a row twice.
        rows = {str(one.get("id")): one async for page in pages(client, resource_type) for one in page}
        found[resource_type] = list(rows.values())
    return found


def reading_of(mapper: Mapper, types: Sequence[str], places: Places, *lists: Sequence[Resource]) -> Reading:
    """The facts of one list of resources per type."""
    return interpret(mapper, dict(zip(types, lists, strict=True)), places)


def interpret(mapper: Mapper, rows: Rows, places: Places) -> Reading:
    """All of a catalogue as facts. Every row that cannot be used is named with the reason, and so is every repair."""
    reading = Reading()
    by_reference = {f"Organization/{one.get('id')}": one for one in rows.get("Organization", ())}
    groups = {f"Group/{one.get('id')}": one for one in rows.get("Group", ())}
    found_places: dict[str, dict[str, Any]] = {}
    for one in rows.get("Location", ()):
        found = attempt(reading, one, lambda row, tell: mapper.located(row, places, tell))
        if found is not None:
            found_places.setdefault(*found)
    units: dict[str, str] = {}
    for identity, one in by_reference.items():
        place = found_places.get(identity)
        content = attempt(reading, one, partial(_unit, mapper, by_reference, place))
        if content is not None:
            units[identity] = content["hsa_id"]
            reading.facts.append(Fact(Kind.UNIT, content["hsa_id"], content))
    without = dict(reading.left_out)
    for one in rows.get("HealthcareService", ()):
        offered = attempt(reading, one, partial(_offered, mapper, units, groups, without))
        for content in offered or ():
            code = content["care_service"]
            reading.facts.append(Fact(Kind.OFFERING, f"{content['unit']}|{code['system']}|{code['code']}", content))
    for one in rows.get("OrganizationAffiliation", ()):
        if attempt(reading, one, lambda row, _: mapper.assignment(row, by_reference)) is not None:
            reading.left_out.append((own_reference(one), Rule.ASSIGNMENT))
    return reading


def attempt(reading: Reading, one: Resource, work: Callable[[Resource, Tell], T]) -> T | None:
    """What the work makes of a row; None where it cannot be used or is left out, which the reading then tells."""
    told: list[str] = []
    try:
        made = work(one, told.append)
    except LeftOut as left_out:
        reading.left_out.append((own_reference(one), left_out.rule))
        return None
    except ValueError as error:
        reason = str(error)
    except (KeyError, TypeError, AttributeError, ArithmeticError) as error:
        # A field of another shape than FHIR's. The error's own words may repeat what stands there.
        reason = f"is not shaped as FHIR says ({type(error).__name__})"
    else:
        reading.noted.extend(Noted(own_reference(one), words) for words in told)
        return made
    reading.rejected.append(Rejected(own_reference(one), reason))
    return None


def _unit(
    mapper: Mapper, by_reference: Mapping[str, Resource], place: dict[str, Any] | None, one: Resource, tell: Tell
) -> dict[str, Any] | None:
    return mapper.unit(one, by_reference, place, tell)


def _offered(
    mapper: Mapper,
    units: Mapping[str, str],
    groups: Mapping[str, Resource],
    without: Mapping[str, Rule],
    one: Resource,
    tell: Tell,
) -> list[dict[str, Any]]:
    # What a unit that is left out offers is left out with it: no fault, thousands of times over.
    rule = without.get(reference(one, "providedBy"))
    if rule is not None:
        raise LeftOut(rule)
    return mapper.offerings(one, units, groups, tell)
