"""A resource as it is kept: what it points to, wherever that stands."""

from catalog_sync.source.fhir_rows import row_of


def test_what_a_row_points_to_is_found_in_extensions_too_its_own_fields_first():
    row = row_of(
        {
            "resourceType": "HealthcareService",
            "id": "tj-1",
            "eligibility": [{"extension": [{"valueReference": {"reference": "Group/over-18"}}]}],
            "extension": [{"extension": [{"valueReference": {"reference": "Organization/ve-9"}}]}],
            "providedBy": {"reference": "Organization/ve-1"},
            "location": [{"reference": "Location/pl-1"}, {"reference": "Location/pl-1"}],
        },
        "HealthcareService",
    )
    assert row.refers[0] == "Organization/ve-1"
    assert set(row.refers) == {"Organization/ve-1", "Location/pl-1", "Group/over-18", "Organization/ve-9"}
    assert len(row.refers) == 4


def test_what_is_no_reference_is_passed_over():
    one = {"resourceType": "Group", "id": "g", "a": {"reference": "#contained"}, "b": [["x", {"reference": 7}]]}
    assert row_of(one, "Group").refers == ()
