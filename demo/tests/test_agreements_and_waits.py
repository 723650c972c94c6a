"""Agreements fit the contract and point at units and codes that exist; waiting times are late and incomplete."""

import json
from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest
from pydantic import BaseModel

from contracts import AgreementRegistered, WaittimeUpdated
from contracts.agreements import AgreedService, Conditions, Reimbursement, UseByOthers
from contracts.message import CareProvider, CodeRef, Contact, TargetGroup
from demo import region_interface
from demo.sweden import DemoAgreement, Sweden
from rules.agreements import faults
from rules.personal_numbers import holds_personal_number
from rules.regions import REGIONS

ADDED = {
    "agreement_id": "a",
    "version": 1,
    "status": "published",
    "ended_on": None,
    "published_at": "2026-01-01T00:00:00Z",
    "changed_at": "2026-01-01T00:00:00Z",
}


def services(agreement: DemoAgreement) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = agreement.body["services"]
    return found


def has_exactly(part: dict[str, Any] | None, model: type[BaseModel], *but: str) -> bool:
    return part is None or set(part) == set(model.model_fields) - set(but)


def test_every_body_is_an_agreement_without_the_services_own_fields(sweden: Sweden) -> None:
    for agreement in sweden.agreements:
        body = agreement.body
        assert has_exactly(body, AgreementRegistered, *ADDED)
        assert has_exactly(body["use_by_others"], UseByOthers)
        assert has_exactly(body["care_provider"], CareProvider)
        for service in body["services"]:
            assert has_exactly(service, AgreedService)
            assert has_exactly(service["conditions"], Conditions)
            assert has_exactly(service["target_group"], TargetGroup)
            assert has_exactly(service["reimbursement"], Reimbursement)
            assert all(has_exactly(contact, Contact) for contact in service["contacts"])
            assert all(has_exactly(code, CodeRef) for code in service["care_services"])
        AgreementRegistered.model_validate_json(json.dumps(body | ADDED))


def test_every_body_is_accepted_by_the_forms_own_rules(sweden: Sweden) -> None:
    assert {agreement.number: found for agreement in sweden.agreements if (found := faults(agreement.body))} == {}


def test_the_forms_rules_would_refuse_a_body_that_breaks_one(sweden: Sweden) -> None:
    body = sweden.agreements[0].body
    assert faults({**body, "commissioning_regions": []}) != []


def test_every_region_has_a_believable_number_of_agreements(sweden: Sweden) -> None:
    per_region = Counter(agreement.region for agreement in sweden.agreements)
    assert set(per_region) == set(REGIONS)
    assert len(sweden.agreements) >= 1600
    assert per_region["09"] == 20
    assert per_region["01"] == 250


def test_numbers_are_unique_within_the_region(sweden: Sweden) -> None:
    numbers = [(agreement.region, agreement.number) for agreement in sweden.agreements]
    assert len(set(numbers)) == len(numbers)
    assert all((one.body["region"], one.body["number"]) == (one.region, one.number) for one in sweden.agreements)


def test_every_agreements_units_and_codes_exist_and_are_in_use(sweden: Sweden) -> None:
    units = {unit.hsa_id for unit in sweden.units if unit.active}
    codes = {(code["system"], code["code"]) for code in sweden.codes if code["status"] == "active"}
    for agreement in sweden.agreements:
        for service in services(agreement):
            assert set(service["units"]) <= units
            assert {(code["system"], code["code"]) for code in service["care_services"]} <= codes


def test_the_units_belong_to_the_agreements_care_provider(sweden: Sweden) -> None:
    owners = {unit.hsa_id: unit.provider for unit in sweden.units}
    for agreement in sweden.agreements:
        provider = agreement.body["care_provider"]
        for unit in (unit for service in services(agreement) for unit in service["units"]):
            if provider is None:
                assert owners[unit].home == agreement.region
            else:
                assert owners[unit].public.model_dump() == provider


def test_about_half_of_the_agreements_use_units_in_other_regions(sweden: Sweden) -> None:
    regions = {unit.hsa_id: unit.place.region for unit in sweden.units}
    outside = sum(regions[services(one)[0]["units"][0]] != one.region for one in sweden.agreements)
    assert 0.4 < outside / len(sweden.agreements) < 0.6


def test_own_provision_is_an_assignment_without_provider_that_others_may_use(sweden: Sweden) -> None:
    own = [one.body for one in sweden.agreements if one.body["basis"] == "own_provision"]
    assert {body["region"] for body in own} == set(REGIONS)
    for body in own:
        assert (body["kind"], body["care_provider"]) == ("assignment", None)
        assert body["use_by_others"]["use"] in {"yes", "on_request"}


def test_use_by_others_says_what_its_kind_needs(sweden: Sweden) -> None:
    uses = Counter()
    for agreement in sweden.agreements:
        use = agreement.body["use_by_others"]
        uses[use["use"]] += 1
        assert bool(use["regions"]) == (use["use"] == "named_regions")
        assert bool(use["question"]) == (use["use"] == "on_request")
    assert set(uses) == {"yes", "on_request", "no", "named_regions"}


def test_some_agreements_have_expired_some_have_not_begun_and_some_have_no_end(sweden: Sweden) -> None:
    today = sweden.today.isoformat()
    ends = [agreement.body["valid_to"] for agreement in sweden.agreements]
    assert 20 < sum(end is not None and end < today for end in ends) < 200
    assert 20 < sum(agreement.body["valid_from"] > today for agreement in sweden.agreements) < 200
    assert sum(end is None for end in ends) > 100
    assert all((one.body["valid_to"] or "9999") >= one.body["valid_from"] for one in sweden.agreements)


def test_an_agreement_is_over_after_its_last_day_and_most_can_still_be_published(sweden: Sweden) -> None:
    ending = next(one for one in sweden.agreements if one.body["valid_to"] is not None)
    last = date.fromisoformat(ending.body["valid_to"])
    assert (ending.is_over(last), ending.is_over(last + timedelta(days=1))) == (False, True)
    assert sum(not one.is_over(sweden.today) for one in sweden.agreements) > 1600


def test_a_regions_own_interface_tells_no_agreement_whose_period_is_over(
    sweden: Sweden, monkeypatch: pytest.MonkeyPatch
) -> None:
    served: list[Any] = []
    monkeypatch.setattr(region_interface.uvicorn, "run", lambda app, **_: served.append(app))
    monkeypatch.setattr("sys.argv", ["region_interface", "--region", "05", "--port", "1"])
    monkeypatch.setattr(region_interface, "build", lambda _: sweden)
    region_interface.main()
    told = served[0].state.interface.told
    assert set(told) == {one.number for one in sweden.in_time() if one.region == "05"}
    assert len(told) < sum(one.region == "05" for one in sweden.agreements)


def test_no_agreement_holds_anything_like_a_personal_number(sweden: Sweden) -> None:
    texts = [text for agreement in sweden.agreements for text in _texts(agreement.body)]
    assert [text for text in texts if holds_personal_number(text)] == []


def test_every_agreement_says_that_it_is_synthetic(sweden: Sweden) -> None:
    assert all("Syntetiska uppgifter" in agreement.body["description"] for agreement in sweden.agreements)


def test_waits_cover_the_complete_regions_and_a_part_of_the_others(sweden: Sweden) -> None:
    reported = {wait.subject.id for wait in sweden.waits}
    clinics = [unit for unit in sweden.units if unit.active and unit.kind != "hospital"]
    assert 0.5 < len(reported) / len(clinics) < 0.7
    complete = [
        region for region in REGIONS if all(unit.hsa_id in reported for unit in clinics if unit.place.region == region)
    ]
    assert len(complete) == 12


def test_waits_are_of_full_past_months_labelled_synthetic_and_some_are_old(sweden: Sweden) -> None:
    keys = [wait.key() for wait in sweden.waits]
    assert len(set(keys)) == len(keys)
    for wait in sweden.waits:
        assert wait.period_start.day == 1
        assert (wait.period_end + timedelta(days=1)).day == 1
        assert wait.period_end < sweden.today
        assert wait.source.observed_at.date() <= sweden.today
        assert wait.source.system == "demo-vantetider (syntetisk)"
        assert WaittimeUpdated.model_validate_json(wait.model_dump_json()) == wait
    stale = sum((wait.stale_after or date.max) <= sweden.today for wait in sweden.waits)
    assert 0 < stale < len(sweden.waits) / 2
    assert any(wait.value is None for wait in sweden.waits)


def _texts(part: object) -> list[str]:
    if isinstance(part, dict):
        return [text for value in part.values() for text in _texts(value)]
    if isinstance(part, list):
        return [text for value in part for text in _texts(value)]
    return [part] if isinstance(part, str) else []
