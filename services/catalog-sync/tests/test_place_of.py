"""Where a unit lies: as the source says, and what it does not say found by the address, which is then told."""

import copy
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from catalog_sync.source import geography
from catalog_sync.source import national_catalogue as catalogue
from demo import fhir_shapes as shapes

OWN = f"{shapes.OWN}/fhir/StructureDefinition"


@pytest.fixture(scope="module")
def places():
    return geography.look(Path(str(files("demo") / "data"))).places


def bare(small, **fields: Any) -> dict[str, Any]:
    """The small catalogue's first place without municipality and position."""
    row = {name: value for name, value in small[1][0].items() if name not in {"extension", "position"}}
    return row | fields


def test_a_missing_municipality_and_point_are_found_by_the_address_and_it_is_said_which_way(small, places):
    told: list[str] = []
    _, place = catalogue.located(bare(small), places, told.append)
    assert (place["municipality"], place["region"], place["point"]["precision"]) == ("0180", "01", "postal_code")
    assert told == [
        "municipality: was missing, found by its postal code",
        "position: was missing, the postal code's is taken",
    ]
    told.clear()
    address = {"text": "Järnvägsgatan 14", "city": "Ronneby"}
    _, place = catalogue.located(bare(small, address=address), places, told.append)
    assert (place["street"], place["municipality"]) == ("Järnvägsgatan 14", "1081")
    assert told[0] == "municipality: was missing, found by its locality"


def test_without_geography_a_place_is_taken_as_it_is(small):
    assert catalogue.located(small[1][0])[1]["municipality"] == "0180"
    with pytest.raises(ValueError, match="municipality: is missing"):
        catalogue.located(bare(small))


def test_a_region_alone_is_enough_for_a_place_without_point(small, places):
    row = bare(small, address={"city": "Ekeby"})
    row["extension"] = [{"url": "x", "valueCoding": {"system": "urn:oid:1.2.752.129.2.2.1.18", "code": "25"}}]
    told: list[str] = []
    _, place = catalogue.located(row, places, told.append)
    assert (place["municipality"], place["region"], place["point"]) == (None, "25", None)
    assert told == ["municipality: is missing and cannot be found by the address"]


def test_a_position_in_metres_is_converted_and_noted(small, places):
    row = copy.deepcopy(small[1][0])
    row["position"] = {"latitude": 6580822.0, "longitude": 674032.0}
    row["extension"].append({"url": f"{OWN}/coordinate-system", "valueCode": "EPSG:3006"})
    told: list[str] = []
    _, place = catalogue.located(row, places, told.append)
    assert place["point"] == {"lat": "59.33023", "lon": "18.05919", "precision": "own"}
    assert told == ["position: SWEREF 99 TM, converted to WGS 84"]


def test_a_municipality_that_contradicts_the_postal_code_is_kept_and_noted(small, places):
    row = copy.deepcopy(small[1][0])
    row["address"]["postalCode"] = "402 76"
    told: list[str] = []
    assert catalogue.located(row, places, told.append)[1]["municipality"] == "0180"
    assert told == ["municipality: is another one than the postal code's; kept"]


def test_a_postal_code_that_is_none_is_left_out_and_noted(small, places):
    row = copy.deepcopy(small[1][0])
    row["address"]["postalCode"] = "SE-114"
    told: list[str] = []
    assert catalogue.located(row, places, told.append)[1]["postal_code"] is None
    assert told == ["postalCode: must be five digits, for example 11428; left out"]
