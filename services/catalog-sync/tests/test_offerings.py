"""What a service of the national catalogue becomes: an offering under each code, and whom it is for."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from catalog_sync.domain.left_out import LeftOut, Rule
from catalog_sync.source import national_catalogue as catalogue
from contracts import CareOfferingUpdated
from demo import fhir_shapes as shapes

OWN = f"{shapes.OWN}/fhir/StructureDefinition"
MEANS = f"{shapes.GUIDE}/StructureDefinition/sendi-healthcare-service-encounter-means-extension"
VALUE = f"{shapes.GUIDE}/StructureDefinition/sendi-eligibility-value-extension"


@pytest.fixture
def offering_of(small):
    """`offering_of(row)`: the messages of the small catalogue's first service with some fields changed."""
    service = small[2][0]

    def make(row: dict[str, Any] | None = None, groups: dict[str, Any] | None = None, tell=lambda _: None):
        contents = catalogue.offerings(service | (row or {}), {"Organization/ve-1": "SE5561234567-A1"}, groups, tell)
        return [CareOfferingUpdated.model_validate({**content, "version": 1}) for content in contents]

    return make


@pytest.mark.parametrize(
    ("codes", "means"), [(["VR"], ("video",)), (["AMB", "VR"], ("physical", "video")), (["XX"], ()), ([], ())]
)
def test_how_patient_and_care_meet_is_told_only_where_the_source_says(offering_of, codes, means):
    rows = [{"url": MEANS, "valueCoding": {"code": code}} for code in codes]
    assert offering_of({"extension": rows})[0].encounter_means == means


def group(*characteristics: dict[str, Any]) -> dict[str, Any]:
    """A service whose eligibility is one contained group."""
    return {
        "contained": [{"resourceType": "Group", "id": "m", "characteristic": list(characteristics)}],
        "eligibility": [{"extension": [{"url": VALUE, "valueReference": {"reference": "#m"}}]}],
    }


def limit(code: str, **value: Any) -> dict[str, Any]:
    return {"code": shapes.coded(shapes.SNOMED, code, ""), "exclude": False, **value}


def amount(value: float, code: str = "a") -> dict[str, Any]:
    return {"value": value, "code": code}


def test_age_sex_bmi_and_asa_are_the_target_group(offering_of):
    service = group(
        limit("184100006", valueCodeableConcept={"coding": [{"code": "female"}]}),
        limit("424144002", valueRange={"low": amount(18), "high": amount(85)}),
        limit("60621009", valueRange={"high": {"value": 35.5}}),
        limit("302132005", valueRange={"high": {"value": 2}}),
    )
    (offering,) = offering_of(service)
    target = offering.target_group
    assert (target.sex, target.age_min, target.age_max, target.bmi_max, target.asa_max, target.other) == (
        "female",
        18,
        85,
        Decimal("35.5"),
        2,
        None,
    )


HIDDEN = [
    limit("184100006", valueCodeableConcept={"coding": [{"code": "other"}]}),
    limit("424144002", valueRange={"low": amount(6, "mo")}),
    limit("424144002", valueRange={"low": amount(17.5)}),
    limit("60621009", valueRange={"low": {"value": 18}, "high": {"value": 35}}),
    limit("302132005", valueRange={"high": {"value": 9}}),
    limit("302132005", valueRange={"high": {"value": 2}}) | {"exclude": True},
    limit("999", valueBoolean=True),
]


@pytest.mark.parametrize("characteristic", HIDDEN)
def test_a_limit_that_no_field_can_hold_becomes_a_condition_in_words_and_never_no_limit(offering_of, characteristic):
    told: list[str] = []
    (offering,) = offering_of(group(characteristic), tell=told.append)
    assert offering.target_group.other == "Ytterligare villkor hos källan"
    assert len(told) == 1


def test_both_sexes_are_no_limit(offering_of):
    both = limit("184100006", valueCodeableConcept={"coding": [{"code": "female"}, {"code": "male"}]})
    assert offering_of(group(both))[0].target_group is None


def test_a_group_of_its_own_is_found_and_a_missing_one_is_a_condition(offering_of):
    rows = [{"extension": [{"url": VALUE, "valueReference": {"reference": "Group/g"}}]}]
    held = {"Group/g": {"characteristic": [limit("424144002", valueRange={"high": amount(17)})]}}
    assert offering_of({"eligibility": rows}, held)[0].target_group.age_max == 17
    assert offering_of({"eligibility": rows})[0].target_group.other == "Ytterligare villkor hos källan"


def test_referral_procedure_payment_commitment_and_other_conditions_are_kept_in_words(offering_of):
    def row(code: str, comment: str | None = None) -> dict[str, Any]:
        return {"code": shapes.coded("x", code, "")} | ({"comment": comment} if comment else {})

    rows = [
        row("referralRequired"),
        row("specialReferralProcedure", "Remiss via portalen."),
        row("promissoryNote"),
        row("otherDescription", "Endast dagtid."),
    ]
    (offering,) = offering_of({"eligibility": rows, "comment": "Ange sida."})
    assert offering.referral_required is True
    assert offering.referral_guidance == "Ange sida.\nRemiss via portalen.\nBetalningsförbindelse krävs."
    assert offering.target_group.other == "Endast dagtid."
    assert offering_of()[0].referral_required is None


def test_a_service_coded_in_several_systems_is_one_offering_and_one_of_several_types_is_several(offering_of):
    kva, demo = "http://electronichealth.se/id/kva", shapes.CODE_SYSTEMS["vt-demo"]
    same = {
        "coding": [{"system": kva, "code": "cje20"}, {"system": demo, "code": "katarakt-operation"}, {"system": "x"}]
    }
    assert [one.care_service.key for one in offering_of({"type": [same]})] == ["vt-demo|katarakt-operation"]
    both = [same, shapes.coded(kva, "JAB30", ""), shapes.coded(kva, "jab30", "")]
    assert [one.care_service.key for one in offering_of({"type": both})] == ["vt-demo|katarakt-operation", "kva|JAB30"]
    edition = "http://snomed.info/sct|http://snomed.info/sct/45991000052106"
    assert offering_of({"type": [shapes.coded(edition, "394579002", "")]})[0].care_service.key == "vt|394579002"


def test_the_period_is_read_under_both_names_the_guide_gives_it(offering_of):
    for name in ("valuePeriod", "valueRange"):
        row = {"url": f"{shapes.GUIDE}/x/sendi-healthcare-service-period-extension"}
        row[name] = {"start": "2025-01-01", "end": "2026-12-31T00:00:00+01:00"}
        (offering,) = offering_of({"extension": [row]})
        assert (offering.valid_from, offering.valid_to) == (date(2025, 1, 1), date(2026, 12, 31))


def test_a_line_of_business_is_no_offering(small):
    row = {name: value for name, value in small[2][0].items() if name != "type"}
    with pytest.raises(LeftOut) as raised:
        catalogue.offering(row | {"category": [shapes.coded("urn:oid:1.2.752.129.2.2.1.3", "1126", "Kardiologi")]}, {})
    assert raised.value.rule is Rule.BUSINESS


def test_the_guides_contact_extension_is_read(offering_of):
    telecom = {"url": "telecom", "valueContactPoint": {"system": "phone", "value": "08-465 004 01"}}
    ext = {"url": f"{shapes.GUIDE}/StructureDefinition/sendi-contact-extension", "extension": [telecom]}
    assert [one.value for one in offering_of({"extension": [ext]})[0].contacts] == ["08-465 004 01"]


@pytest.mark.parametrize("code", ["", " ", "a|b", "19121212-1212"])
def test_a_code_that_is_none_or_somebodys_number_has_the_row_rejected(offering_of, code):
    with pytest.raises(ValueError, match="code") as raised:
        offering_of({"type": [shapes.coded(shapes.CODE_SYSTEMS["vt-demo"], code, "")]})
    assert "1912" not in str(raised.value)
