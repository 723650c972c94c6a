"""Rows of the catalogue that are sound and that a brokerage service must leave out, each by another rule.

The units lie where the first hospital lies. Nothing else refers to them: no offering, agreement or waiting time.
"""

from dataclasses import dataclass

from demo import fhir_shapes as shapes
from demo.sweden import Sweden
from demo.sweden.providers import synthetic_number


@dataclass(frozen=True)
class LeftOutRow:
    """One unit and why it is no unit to broker care from."""

    id: str
    name: str
    why: str


MUNICIPAL = LeftOutRow("ve-L900001", "Kommunal hemsjukvård (syntetisk)", "municipal care")
LEFT_OUT = (
    MUNICIPAL,
    LeftOutRow("ve-L900002", "Elevhälsan (syntetisk)", "school health care"),
    LeftOutRow("ve-L900003", "Företagshälsan (syntetisk)", "occupational health care"),
    LeftOutRow("ve-L900004", "Ambulansen (syntetisk)", "ambulance and patient transport"),
)
"""Every such unit; the number of rows a reader must leave out without calling them wrong."""

_BUSINESS = {
    "ve-L900002": (shapes.MVO, "97", "Skolhälsovård"),
    "ve-L900003": (shapes.MVO, "96", "Företagshälsovård"),
    "ve-L900004": (shapes.BUSINESS, "0000", "Ambulansverksamhet"),
}


def left_out_resources(sweden: Sweden, updated: str) -> tuple[shapes.Resource, ...]:
    """The municipality as care provider, the four units, and a place for each."""
    region = sweden.care_providers[0]
    number = synthetic_number("559999000")
    municipality = shapes.resource(
        "Organization",
        "vg-L900000",
        updated,
        extension=[{"url": shapes.OWNERSHIP, "valueCoding": {"system": shapes.SCB, "code": "20", "display": "Kommun"}}],
        identifier=[
            {"system": shapes.HSA_ID, "value": f"SE{number}-L900000"},
            {"system": shapes.ORGANISATION_NUMBER, "value": number},
        ],
        active=True,
        type=[shapes.coded(shapes.SNOMED, shapes.CARE_PROVIDER, "Vårdgivare")],
        name="Exempelkommunen (syntetisk)",
    )
    sound = next(unit for unit in sweden.units if unit.kind == "hospital" and unit.active)
    found = [municipality]
    for row in LEFT_OUT:
        parent = municipality["id"] if row is MUNICIPAL else shapes.provider_id(region)
        hsa_id = f"SE{number}-{row.id[3:]}"
        unit = shapes.unit_row(row.id, hsa_id, row.name, parent, updated)
        if row.id in _BUSINESS:
            unit |= {"contained": [shapes.business(shapes.coded(*_BUSINESS[row.id]), [])]}
        place = shapes.location_resource(sound, updated)
        host = {"managingOrganization": {"reference": f"Organization/{row.id}"}}
        found += [unit, place | {"id": f"pl-{row.id[3:]}", "name": row.name} | host]
    return tuple(found)
