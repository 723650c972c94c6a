"""The simulated catalogue's resources, and searches over them that page through everything exactly once."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

from demo import fhir_shapes as shapes
from demo.broken_rows import broken_resources
from demo.left_out_rows import left_out_resources
from demo.sweden import Sweden

KINDS = ("Organization", "Location", "HealthcareService", "OrganizationAffiliation")
"""The resource types the catalogue holds."""


class BadSearch(ValueError):
    """A search parameter that cannot be read."""


@dataclass(frozen=True)
class Search:
    """One search and how far it has come; as text it is the opaque part of a next-link."""

    kind: str
    count: int
    since: str | None
    after: str = ""

    def token(self) -> str:
        """The search as one opaque word."""
        return urlsafe_b64encode(json.dumps([self.kind, self.count, self.since, self.after]).encode()).decode()

    @classmethod
    def from_token(cls, token: str) -> "Search":
        """The search a next-link carries. Raises BadSearch."""
        try:
            kind, count, since, after = json.loads(urlsafe_b64decode(token.encode()))
            return cls(str(kind), int(count), None if since is None else str(since), str(after))
        except ValueError as error:
            raise BadSearch("_page is not one of this server's") from error


@dataclass
class Catalogue:
    """All resources by type and id. Tests change it with `put`, as the real catalogue changes over time."""

    resources: dict[str, dict[str, shapes.Resource]] = field(default_factory=lambda: {kind: {} for kind in KINDS})

    def put(self, resource: shapes.Resource, at: datetime | None = None) -> None:
        """Adds or replaces a resource; `at` becomes its time of change."""
        if at is not None:
            resource = resource | {"meta": resource["meta"] | {"lastUpdated": _instant(at)}}
        self.resources[resource["resourceType"]][resource["id"]] = resource

    def close(self, unit: str, on: date, into: str | None = None) -> None:
        """A unit closes for good on a day, or is merged into another one (both by FHIR id). Raises BadSearch."""
        row = self._unit(unit)
        extensions = [
            *_lasting(row),
            {"url": shapes.PERIOD_OF_UNIT, "valuePeriod": _begun(row) | {"end": on.isoformat()}},
        ]
        if into is not None:
            identifier = self._unit(into)["identifier"][0]
            extensions.append({"url": shapes.REPLACED_BY, "valueIdentifier": identifier})
        self.put(row | {"active": False, "extension": extensions}, datetime.now(UTC))

    def reopen(self, unit: str) -> None:
        """A closed unit opens again. Raises BadSearch."""
        row = self._unit(unit)
        extensions = [*_lasting(row), {"url": shapes.PERIOD_OF_UNIT, "valuePeriod": _begun(row)}]
        self.put(row | {"active": True, "extension": extensions}, datetime.now(UTC))

    def rename(self, kind: str, identity: str, name: str) -> None:
        """A resource gets another name, now."""
        self.put(self.resources[kind][identity] | {"name": name}, datetime.now(UTC))

    def _unit(self, identity: str) -> shapes.Resource:
        found = self.resources["Organization"].get(identity)
        if found is None or not identity.startswith("ve-"):
            raise BadSearch("no such care unit here")
        return found

    def page(self, search: Search) -> tuple[list[shapes.Resource], int, Search | None]:
        """One page, how many match in all, and the search for the next page.

        Ordered by id and continued after the last id seen: changes in between neither repeat nor hide other rows.
        """
        since = None if search.since is None else _moment(search.since)
        everything = self.resources[search.kind]
        matches = [identity for identity in sorted(everything) if _changed_since(everything[identity], since)]
        left = [identity for identity in matches if identity > search.after]
        shown = left[: search.count]
        following = Search(search.kind, search.count, search.since, shown[-1]) if len(left) > len(shown) else None
        return [everything[identity] for identity in shown], len(matches), following


def catalogue_of(sweden: Sweden) -> Catalogue:
    """The catalogue of a Sweden, with its broken rows. Times of change lie within the year before its day."""
    random = Random(f"{sweden.seed} catalogue")
    catalogue = Catalogue()
    units = {unit.hsa_id: unit for unit in sweden.units}

    def updated() -> str:
        midnight = datetime(sweden.today.year, sweden.today.month, sweden.today.day, tzinfo=UTC)
        return _instant(midnight - timedelta(minutes=random.randint(60, 365 * 24 * 60)))

    for order, provider in enumerate(sweden.care_providers):
        catalogue.put(shapes.provider_resource(provider, order, updated()))
    for order, unit in enumerate(sweden.units):
        parent = shapes.unit_id(units[unit.part_of]) if unit.part_of else shapes.provider_id(unit.provider)
        catalogue.put(shapes.unit_resource(unit, parent, order, updated()))
        catalogue.put(shapes.location_resource(unit, updated()))
    for offering in sweden.offerings:
        catalogue.put(shapes.service_resource(offering, units[offering.unit], updated()))
    for left_out in left_out_resources(sweden, updated()):
        catalogue.put(left_out)
    for assignment in _assignments(sweden, updated()):
        catalogue.put(assignment)
    for broken in broken_resources(sweden, updated()):
        catalogue.put(broken)
    return catalogue


def _assignments(sweden: Sweden, updated: str) -> Iterator[shapes.Resource]:
    """One for each region and care provider with an agreement between them, over what its units offer."""
    units = {unit.hsa_id: unit for unit in sweden.units}
    regions = {one.home: one for one in sweden.care_providers if one.ownership == "region"}
    offered: dict[str, list[str]] = {}
    for offering in sweden.offerings:
        unit = units[offering.unit]
        offered.setdefault(offering.unit, []).append(shapes.service_id(offering, unit))
    seen: set[tuple[str, str]] = set()
    for agreement in sweden.agreements:
        body = agreement.body
        involved = [hsa_id for service in body["services"] for hsa_id in service["units"]]
        services = [service for hsa_id in dict.fromkeys(involved) for service in offered.get(hsa_id, ())]
        provider = units[involved[0]].provider
        if not services or provider.home == agreement.region or (agreement.region, provider.hsa_id) in seen:
            continue
        seen.add((agreement.region, provider.hsa_id))
        yield shapes.assignment_resource(
            f"ud-{agreement.region}-{provider.hsa_id[2:]}",
            shapes.provider_id(regions[agreement.region]),
            shapes.provider_id(provider),
            services,
            updated,
            body["valid_from"],
            body["valid_to"],
        )


def since_of(parameter: str | None) -> str | None:
    """The moment in `_lastUpdated=ge…`. Raises BadSearch for anything else."""
    if parameter is None:
        return None
    # A plus sign in a query arrives as a space.
    moment = parameter.removeprefix("ge").replace(" ", "+")
    if not parameter.startswith("ge"):
        raise BadSearch("_lastUpdated must begin with ge")
    _moment(moment)
    return moment


def bundle(entries: list[shapes.Resource], total: int, base: str, links: list[dict[str, Any]]) -> shapes.Resource:
    """A searchset Bundle."""
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": total,
        "link": links,
        "entry": [
            {"fullUrl": f"{base}/{one['resourceType']}/{one['id']}", "resource": one, "search": {"mode": "match"}}
            for one in entries
        ],
    }


def _lasting(unit: shapes.Resource) -> list[shapes.Resource]:
    """What a unit's extensions say besides when it is open and who replaced it."""
    return [ext for ext in unit["extension"] if ext["url"] not in {shapes.PERIOD_OF_UNIT, shapes.REPLACED_BY}]


def _begun(unit: shapes.Resource) -> dict[str, str]:
    period = next(ext["valuePeriod"] for ext in unit["extension"] if ext["url"] == shapes.PERIOD_OF_UNIT)
    return {"start": period["start"]}


def _changed_since(resource: shapes.Resource, since: datetime | None) -> bool:
    return since is None or _moment(resource["meta"]["lastUpdated"]) >= since


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadSearch("_lastUpdated must be a date or a time") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
