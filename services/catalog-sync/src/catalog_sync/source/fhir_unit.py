"""A care unit's whole content, whichever guide it is written in: the guides differ in who is a unit and who runs it."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from catalog_sync.domain import left_out
from catalog_sync.domain.left_out import LeftOut, Rule
from catalog_sync.source import unit_facts
from catalog_sync.source.organisation_life import life_of, seen_at
from rules.calendar import swedish_day
from rules.fhir_fields import (
    Resource,
    Tell,
    Unusable,
    contacts_of,
    hsa_id_of,
    name_of,
    organisation_number_of,
    reference,
)


def content_of(
    one: Resource,
    by_reference: Mapping[str, Resource],
    place: dict[str, Any] | None,
    tell: Tell,
    *,
    source: str,
    is_unit: Callable[[Resource], bool],
    is_provider: Callable[[Resource], bool],
) -> dict[str, Any]:
    """The content of `CareUnitUpdated` without its version. Raises Unusable, and LeftOut where a rule says so."""
    identity, name = hsa_id_of(one), name_of(one)
    provider = _provider(one, by_reference, is_provider)
    parent = by_reference.get(reference(one, "partOf"))
    number = organisation_number_of(provider, tell)
    ownership, businesses = unit_facts.ownership_of(one, provider), unit_facts.businesses_of(one)
    left_out.check(ownership, is_region=unit_facts.is_region(number), businesses=businesses)
    status, opened, closed = life_of(one, swedish_day(datetime.now(UTC)))
    if place is None:
        if status == "closed":
            raise LeftOut(Rule.BARE)
        raise Unusable("Location: the unit has none that can be used")
    return {
        "hsa_id": identity,
        "status": status,
        "name": name,
        "care_provider": {"hsa_id": hsa_id_of(provider), "name": name_of(provider), "organisation_number": number},
        "part_of": hsa_id_of(parent) if parent is not None and is_unit(parent) else None,
        "ownership": ownership,
        "care_forms": unit_facts.care_forms_of(one),
        "specialties": unit_facts.specialties_of(businesses),
        "place": place,
        "contacts": contacts_of(one),
        "opened_on": opened,
        "closed_on": closed,
        "merged_into": unit_facts.merged_into_of(one, identity, by_reference, tell) if status == "closed" else None,
        "staff_categories": unit_facts.staff_of(one),
        "beds": unit_facts.beds_of(one, tell),
        "source": seen_at(one, source),
    }


def _provider(one: Resource, by_reference: Mapping[str, Resource], is_provider: Callable[[Resource], bool]) -> Resource:
    """The care provider at the top of the partOf chain; a chain that turns back on itself is refused."""
    passed: set[str] = set()
    while not is_provider(one):
        above = reference(one, "partOf")
        if above in passed:
            raise Unusable("partOf: the chain of units leads back to itself")
        passed.add(above)
        if above not in by_reference:
            raise Unusable("partOf: points to nothing in the catalogue")
        one = by_reference[above]
    return one


def assignment_of(one: Resource, by_reference: Mapping[str, Resource]) -> tuple[str, str]:
    """An OrganizationAffiliation (uppdrag): the HSA-ids of who commissions and of who performs. Raises Unusable."""
    ends = []
    for name in ("organization", "participatingOrganization"):
        found = by_reference.get(reference(one, name))
        if found is None:
            raise Unusable(f"{name}: points to nothing in the catalogue")
        ends.append(hsa_id_of(found))
    return ends[0], ends[1]
