"""Turns the demo's agreements into FHIR R4 Contracts with what they point to, as a region's own interface tells them.

The mapping's other side, and whose each element is, stands in `agreements.source.fhir_contract`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from demo.fhir_shapes import (
    CODE_SYSTEMS,
    ELIGIBILITY,
    ELIGIBILITY_VALUE,
    HSA_ID,
    ORGANISATION_NUMBER,
    OWN,
    SNOMED,
    Resource,
    coded,
    resource,
)
from rules.regions import REGIONS

OURS = f"{OWN}/fhir/StructureDefinition/agreement/"
_SEXES = "http://hl7.org/fhir/administrative-gender"
_TOLD_BY_FHIR = frozenset(
    {
        "region",
        "number",
        "name",
        "kind",
        "basis",
        "valid_from",
        "valid_to",
        "document_url",
        "extension_option",
        "assignment_id",
        "commissioning_regions",
        "care_provider",
        "services",
    }
)


def contract(body: Mapping[str, Any], identity: str, updated: str, revision: int) -> tuple[Resource, list[Resource]]:
    """The Contract, and the resources it points to by reference."""
    region = body["region"]
    provider = body["care_provider"]
    commissioners = [_region(code, updated) for code in body["commissioning_regions"]]
    performer = _provider(provider, updated) if provider is not None else _region(region, updated)
    services = [part for at, one in enumerate(body["services"]) for part in _service(one, f"{identity}-{at}", updated)]
    assignments = [
        resource(
            "OrganizationAffiliation",
            f"{identity}-{place}",
            updated,
            identifier=[{"value": body["assignment_id"]}] if body.get("assignment_id") else None,
            organization=_to(commissioner),
            participatingOrganization=_to(performer),
            # The others commission the same: told once.
            healthcareService=[_to(one) for one in services if one["resourceType"] == "HealthcareService"]
            if place == 0
            else None,
        )
        for place, commissioner in enumerate(commissioners)
    ]
    applies = {"start": body["valid_from"]} | ({"end": body["valid_to"]} if body["valid_to"] else {})
    said = {name: value for name, value in body.items() if name not in _TOLD_BY_FHIR}
    found = resource(
        "Contract",
        identity,
        updated,
        extension=list(_ours(said)) or None,
        identifier=[{"system": f"{OWN}/agreement-number/{region}", "value": body["number"]}],
        status="executed",
        title=body["name"],
        type=coded(f"{OWN}/fhir/CodeSystem/agreement-kind", body["kind"], body["kind"]),
        subType=[coded(f"{OWN}/fhir/CodeSystem/agreement-basis", body["basis"], body["basis"])],
        applies=applies,
        url=body.get("document_url"),
        term=[{"offer": {"text": body["extension_option"]}}] if body.get("extension_option") else None,
        subject=[_to(one) for one in assignments],
    )
    found["meta"]["versionId"] = str(revision)
    return found, [*assignments, *commissioners, performer, *services]


def contained(one: Resource, beside: list[Resource]) -> Resource:
    """The same with everything inside it: some servers contain, others include."""
    names = {f"{part['resourceType']}/{part['id']}": f"#{part['resourceType']}-{part['id']}" for part in beside}

    def pointed(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: names.get(one, one) if name == "reference" else pointed(one) for name, one in value.items()}
        return [pointed(inner) for inner in value] if isinstance(value, list) else value

    inside = {
        names[f"{part['resourceType']}/{part['id']}"]: {
            **pointed({name: value for name, value in part.items() if name != "meta"}),
            "id": names[f"{part['resourceType']}/{part['id']}"].removeprefix("#"),
        }
        for part in beside
    }
    return {**pointed(one), "contained": list(inside.values())}


def _service(one: Mapping[str, Any], identity: str, updated: str) -> Iterator[Resource]:
    units = list(one["units"])
    group = one.get("target_group")
    eligibility: list[Resource] = []
    if group is not None:
        yield resource("Group", identity, updated, type="person", actual=False, characteristic=list(_limits(group)))
        value = {"url": ELIGIBILITY_VALUE, "valueReference": {"reference": f"Group/{identity}"}}
        eligibility.append({"extension": [value]})
        if group.get("other"):
            other = coded(ELIGIBILITY, "otherDescription", "Other")
            eligibility.append({"code": other, "comment": group["other"]})
    conditions = one.get("conditions") or {}
    if conditions.get("referral_required"):
        eligibility.append({"code": coded(ELIGIBILITY, "referralRequired", "Referral required")})
    unit = resource("Organization", f"unit-{units[0].lower()}", updated, identifier=[_hsa(units[0])])
    yield unit
    names = ("conditions", "included", "reimbursement", "contacts", "expected_capacity")
    said = {name: one.get(name) for name in names}
    yield resource(
        "HealthcareService",
        identity,
        updated,
        extension=list(_ours({**said, "units": units if len(units) > 1 else None})) or None,
        providedBy=_to(unit),
        type=[coded(CODE_SYSTEMS[code["system"]], code["code"], code["code"]) for code in one["care_services"]],
        eligibility=eligibility or None,
    )


def _limits(group: Mapping[str, Any]) -> Iterator[Resource]:
    ages = {
        side: {"value": group[name], "unit": "år", "code": "a"}
        for side, name in (("low", "age_min"), ("high", "age_max"))
        if group.get(name) is not None
    }
    if ages:
        yield {"code": coded(SNOMED, "424144002", "aktuell kronologisk ålder"), "valueRange": ages, "exclude": False}
    for name, code, text in (("bmi_max", "60621009", "BMI"), ("asa_max", "302132005", "ASA-klass")):
        if group.get(name) is not None:
            figure = float(group[name])
            limit = {"high": {"value": int(figure) if figure.is_integer() else figure}}
            yield {"code": coded(SNOMED, code, text), "valueRange": limit, "exclude": False}
    if group.get("sex") is not None:
        value = coded(_SEXES, group["sex"], group["sex"])
        yield {"code": coded(SNOMED, "184100006", "kön"), "valueCodeableConcept": value, "exclude": False}


def _ours(fields: Mapping[str, Any], base: str = OURS) -> Iterator[Resource]:
    """Our own extensions for fields that FHIR has no element for; nothing for those that say nothing."""
    for name, value in fields.items():
        for one in value if isinstance(value, list) else [value]:
            url = base + name.replace("_", "-")
            if isinstance(one, Mapping):
                inner = list(_ours(one, ""))
                if inner:
                    yield {"url": url, "extension": inner}
            elif isinstance(one, bool):
                yield {"url": url, "valueBoolean": one}
            elif isinstance(one, int):
                yield {"url": url, "valueInteger": one}
            elif one is not None:
                yield {"url": url, "valueString": str(one)}


def _region(code: str, updated: str) -> Resource:
    number = {"system": ORGANISATION_NUMBER, "value": REGIONS[code].organisation_number}
    return resource("Organization", f"region-{code}", updated, identifier=[number], name=REGIONS[code].name)


def _provider(provider: Mapping[str, Any], updated: str) -> Resource:
    identifiers = [_hsa(provider["hsa_id"])]
    if provider.get("organisation_number"):
        identifiers.append({"system": ORGANISATION_NUMBER, "value": provider["organisation_number"]})
    return resource(
        "Organization", f"vg-{provider['hsa_id'].lower()}", updated, identifier=identifiers, name=provider["name"]
    )


def _hsa(hsa_id: str) -> Resource:
    return {"system": HSA_ID, "value": hsa_id}


def _to(one: Resource) -> Resource:
    return {"reference": f"{one['resourceType']}/{one['id']}"}
