"""Whatever stands in a row, it spoils that row and no other, and no number of a person's is told on."""

import copy
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog_sync.source import geography, hsa_r5, national_catalogue

PERSON = "19121212-1212"
NAMES = st.sampled_from(
    [
        "url",
        "code",
        "coding",
        "system",
        "value",
        "reference",
        "valueCoding",
        "valuePeriod",
        "valueReference",
        "start",
        "extension",
        "contained",
        "resourceType",
        "id",
        "characteristic",
        "low",
        "high",
        "latitude",
        "line",
        "category",
    ]
)
LEAVES = st.none() | st.booleans() | st.integers(-5, 10**7) | st.floats() | st.sampled_from(["", "x", PERSON, "2026"])
ANYTHING = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3))
FIELDS = st.sampled_from(
    [
        "identifier",
        "type",
        "name",
        "telecom",
        "contact",
        "partOf",
        "active",
        "meta",
        "extension",
        "contained",
        "address",
        "position",
        "providedBy",
        "eligibility",
        "comment",
        "category",
        "managingOrganization",
    ]
)


@pytest.fixture(scope="module")
def places():
    return geography.look(Path(str(files("demo") / "data"))).places


@pytest.mark.parametrize("guide", [national_catalogue, hsa_r5])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(fields=st.dictionaries(FIELDS, ANYTHING, min_size=1, max_size=3))
def test_reading_never_stops_and_tells_no_persons_number(small, places, guide, fields: dict[str, Any]):
    organisations, found, services = copy.deepcopy(small)
    for row in (organisations[2], found[1], services[1]):
        row.update(copy.deepcopy(fields))
    reading = guide.interpret(organisations, found, services, places=places)
    assert PERSON not in repr([*reading.facts, *reading.rejected, *reading.left_out, *reading.noted])
    if guide is national_catalogue:
        assert "SE5561234567-A1" in {fact.key for fact in reading.facts}
