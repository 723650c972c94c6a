"""A large catalogue that is nobody's: units under providers, each with a place and three services. Synthetic."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from demo import fhir_shapes as shapes

TYPES = ("Organization", "Location", "HealthcareService")
PER_UNIT = 3

_BEFORE = "2026-01-01T00:00:00.000Z"
_CODES = tuple(f"{letters}{number:02}" for letters in ("CJE", "JAB", "NGB", "NFB", "KEC") for number in range(10, 60))
_UNITS_A_PROVIDER = 100


@dataclass
class Synthetic:
    """Resources already encoded, by type and id, in the order of their ids."""

    encoded: dict[str, dict[str, bytes]] = field(default_factory=lambda: {kind: {} for kind in TYPES})
    changed: dict[str, str] = field(default_factory=dict)
    """When a resource was changed, by reference; all others long ago."""

    def put(self, one: dict[str, Any], at: datetime | None = None) -> None:
        """Add or replace a resource."""
        if at is not None:
            one["meta"]["lastUpdated"] = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            self.changed[f"{one['resourceType']}/{one['id']}"] = one["meta"]["lastUpdated"]
        self.encoded[one["resourceType"]][one["id"]] = orjson.dumps(one)

    def rename(self, count: int) -> None:
        """Give so many units another name, as of now."""
        now = datetime.now(UTC)
        units = [identity for identity in self.encoded["Organization"] if identity.startswith("ve-")]
        for identity in units[:: max(1, len(units) // count)][:count]:
            one = orjson.loads(self.encoded["Organization"][identity])
            self.put({**one, "name": f"{one['name']} (omdöpt)"}, now)

    def ids(self, kind: str, since: str | None) -> Sequence[str]:
        """Those of a type, or those of it that have changed since."""
        if since is None:
            return list(self.encoded[kind])
        return [
            reference.partition("/")[2]
            for reference, at in self.changed.items()
            if reference.startswith(f"{kind}/") and at[:19] >= since[:19]
        ]


def made(units: int) -> Synthetic:
    """A catalogue of so many units."""
    catalogue = Synthetic()
    for one in _resources(units):
        catalogue.put(one)
    return catalogue


def _resources(units: int) -> Iterator[dict[str, Any]]:
    for number in range(units):
        issuer = _issuer(number // _UNITS_A_PROVIDER)
        provider, unit = f"vg-{number // _UNITS_A_PROVIDER:05}", f"ve-{number:06}"
        if number % _UNITS_A_PROVIDER == 0:
            yield shapes.resource(
                "Organization",
                provider,
                _BEFORE,
                identifier=[
                    {"system": shapes.HSA_ID, "value": f"SE{issuer}-0001"},
                    {"system": shapes.ORGANISATION_NUMBER, "value": issuer},
                ],
                active=True,
                type=[shapes.coded(shapes.SNOMED, shapes.CARE_PROVIDER, "Vårdgivare")],
                name=f"Påhittade vårdgivaren {number // _UNITS_A_PROVIDER}",
            )
        # Every tenth is a hospital's; the nine after it are its clinics.
        parent = provider if number % 10 == 0 else f"ve-{number - number % 10:06}"
        row = shapes.unit_row(unit, f"SE{issuer}-E{number:06}", f"Påhittade enheten {number}", parent, _BEFORE, number)
        yield {**row, "telecom": [{"system": "phone", "value": "08-12 34 56", "use": "work"}]}
        yield shapes.resource(
            "Location",
            f"pl-{number:06}",
            _BEFORE,
            extension=[
                {"url": shapes.MUNICIPALITY, "valueCoding": {"system": "urn:oid:1.2.752.129.2.2.1.17", "code": "0180"}},
                {"url": shapes.PRECISION, "valueCode": "own"},
            ],
            status="active",
            name=f"Påhittade enheten {number}",
            address={"line": [f"Gatan {number % 100}"], "postalCode": "114 28", "city": "Stockholm"},
            position={"longitude": 18.0 + number % 100 / 1000, "latitude": 59.3},
            managingOrganization={"reference": f"Organization/{unit}"},
        )
        for turn in range(PER_UNIT):
            code = _CODES[(number + turn * 7) % len(_CODES)]
            yield shapes.resource(
                "HealthcareService",
                f"tj-{number:06}-{turn}",
                _BEFORE,
                extension=[{"url": shapes.PERIOD, "valuePeriod": {"start": "2026-01-01"}}],
                active=True,
                providedBy={"reference": f"Organization/{unit}"},
                type=[shapes.coded(shapes.CODE_SYSTEMS["kva"], code, "En åtgärd")],
                comment="Remiss krävs. Bifoga aktuella provsvar.",
            )


def _issuer(number: int) -> str:
    nine = f"559{number:06}"
    doubled = [int(digit) * (2 - place % 2) for place, digit in enumerate(nine)]
    return f"{nine}{-sum(one - 9 if one > 9 else one for one in doubled) % 10}"
