"""The catalogue's six rows that are wrong on purpose, so that a reader's list of rejected rows can be tested.

Nothing else refers to them: no place, offering or agreement.
"""

from dataclasses import dataclass

from demo import fhir_shapes as shapes
from demo.sweden import Sweden


@dataclass(frozen=True)
class BrokenRow:
    """One broken resource and what is wrong with it."""

    kind: str
    id: str
    fault: str


BROKEN = (
    BrokenRow("Organization", "ve-X900001", "the HSA-id's organisation number fails its check digit"),
    BrokenRow("Organization", "ve-X900002", "part of an organisation that does not exist"),
    BrokenRow("Location", "pl-X900003", "latitude 95"),
    BrokenRow("Organization", "ve-X900004", "no name"),
    BrokenRow("HealthcareService", "tj-X900005", "unknown code system"),
    BrokenRow("Organization", "ve-X900006", "a personal number inside the HSA-id"),
)
"""Every broken row; the number of rows a reader must reject."""


def broken_resources(sweden: Sweden, updated: str) -> tuple[shapes.Resource, ...]:
    """The six resources. The place and the service hang on a sound unit, which keeps its own."""
    region = sweden.care_providers[0]
    parent, issuer = shapes.provider_id(region), region.issuer
    sound = next(unit for unit in sweden.units if unit.kind == "hospital" and unit.active)
    host = {"reference": f"Organization/{shapes.unit_id(sound)}"}
    wrong_check = issuer[:9] + str((int(issuer[9]) + 1) % 10)
    place = shapes.location_resource(sound, updated)
    return (
        shapes.unit_row("ve-X900001", f"SE{wrong_check}-X900001", "Trasig enhet 1", parent, updated),
        shapes.unit_row("ve-X900002", f"SE{issuer}-X900002", "Trasig enhet 2", "vg-saknas", updated),
        place | {"id": "pl-X900003", "position": {"longitude": 18.0, "latitude": 95.0}},
        shapes.unit_row("ve-X900004", f"SE{issuer}-X900004", None, parent, updated),
        shapes.resource(
            "HealthcareService",
            "tj-X900005",
            updated,
            active=True,
            providedBy=host,
            type=[shapes.coded("https://okand.example/koder", "K1", "Okänd kod")],
        ),
        shapes.unit_row("ve-X900006", "SE1212121212-X900006", "Trasig enhet 6", parent, updated),
    )
