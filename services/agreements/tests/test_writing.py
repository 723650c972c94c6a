"""Help for whoever fills in the form: all faults at once, a copy of an earlier one, what the region usually writes."""

import copy
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agreements.domain.copying import as_new
from agreements.domain.usual import usual
from contracts.agreement_form import AgreementForm

TODAY = date(2027, 6, 1)
DAYS = st.dates(date(2000, 1, 1), date(2060, 1, 1))


@given(start=DAYS, length=st.integers(0, 4000), today=DAYS)
def test_a_copys_period_follows_the_old_one_and_is_as_long(start, length, today):
    end = start + timedelta(days=length)
    new = as_new({"number": "1", "valid_from": start.isoformat(), "valid_to": end.isoformat()}, today)
    begins, ends = date.fromisoformat(new["valid_from"]), date.fromisoformat(new["valid_to"])
    assert begins == max(today, end + timedelta(days=1))
    assert "number" not in new
    # Whole months may differ by the days of February and of 30-day months, and leap years.
    assert abs((ends - begins).days - length) <= 4
    assert ends >= begins


@pytest.mark.parametrize(
    ("period", "copied"),
    [
        (("2026-01-01", "2027-12-31"), ("2028-01-01", "2029-12-31")),
        (("2027-03-01", "2028-02-29"), ("2028-03-01", "2029-02-28")),
        (("2020-01-01", "2020-12-31"), ("2027-06-01", "2028-05-31")),
        (("2027-01-01", "2027-01-10"), ("2027-06-01", "2027-06-10")),
        (("2026-01-01", None), ("2027-06-01", None)),
        (("2026-01-01", "9999-12-31"), ("9999-12-31", "9999-12-30")),
    ],
)
def test_years_stay_years_and_nothing_begins_in_the_past(period, copied):
    new = as_new({"number": "1", "valid_from": period[0], "valid_to": period[1]}, TODAY)
    assert (new["valid_from"], new["valid_to"]) == copied


def test_the_days_of_a_reimbursement_move_with_the_agreement(body):
    body["services"][0]["reimbursement"] |= {"valid_from": "2026-01-01", "valid_to": "2026-12-31"}
    paid = as_new(body, TODAY)["services"][0]["reimbursement"]
    assert (paid["valid_from"], paid["valid_to"]) == ("2028-01-01", "2028-12-31")
    assert body["services"][0]["reimbursement"]["valid_from"] == "2026-01-01", "the old one is as it was"
    assert AgreementForm.model_validate({**as_new(body, TODAY), "number": "2"})


def test_the_usual_is_what_is_written_most_often_and_latest():
    phone, mail = [{"purpose": "referral", "channel": channel, "value": "x"} for channel in ("phone", "email")]
    use = {"use": "yes", "volume_left": 7}

    def wrote(law, contact):
        return {"law": law, "use_by_others": use, "services": [{"contacts": [contact], "conditions": {}}]}

    found = usual([wrote("LOV", mail), wrote("LOU", phone), wrote("LOU", phone), wrote("LOV", phone)])
    assert found["law"] == "LOV", "of two as frequent, the latest"
    assert found["services"] == [{"contacts": [phone]}]
    assert found["use_by_others"] == {"use": "yes", "volume_left": None}
    assert usual([]) == {}


@pytest.mark.engine
async def test_every_fault_of_every_kind_is_told_at_once_and_nothing_is_stored(office, body):
    body |= {"valid_to": "2026-02-30", "law": "lou", "description": "19121212-1212", "nmae": "x"}
    good, shapeless = copy.deepcopy(body["services"][0]), {"units": []}
    good["care_services"].append({"system": "kva", "code": "CJE02"})
    good["units"].append("SE5561234567-A0099")
    body["services"] = [shapeless, good]
    body["care_provider"]["hsa_id"] = "SE5561234567-0009"
    before = await office.counts()
    answer = await office.call("anna", "POST", "/agreements/validate", json=body)
    assert answer.json()["valid"] is False
    errors = {row["field"]: row for row in answer.json()["errors"]}
    assert set(errors) == {
        "valid_to",
        "law",
        "description",
        "nmae",
        "care_provider.hsa_id",
        "services.0.care_services",
        "services.0.units",
        "services.1.units.1",
        "services.1.care_services.1.code",
    }
    assert errors["services.1.care_services.1.code"]["suggestion"] == "did you mean CJE20?"
    assert "1212" not in answer.text
    assert await office.counts() == before


@pytest.mark.engine
async def test_a_valid_one_is_told_so_and_a_number_in_use_is_a_fault_but_not_its_own(office, body):
    path = "/agreements/validate"
    assert (await office.call("anna", "POST", path, json=body)).json() == {"valid": True, "errors": []}
    one = (await office.register(body)).json()
    (error,) = (await office.call("anna", "POST", path, json=body)).json()["errors"]
    assert (error["field"], error["suggestion"]) == ("number", None)
    answer = await office.call("anna", "POST", f"{path}?agreement_id={one['id']}", json=body)
    assert answer.json()["valid"] is True
    (error,) = (await office.call("berit", "POST", path, json=body)).json()["errors"]
    assert error["field"] == "region"
    assert (await office.call("anna", "POST", path, json=[body])).status_code == 422


@pytest.mark.engine
async def test_validation_finds_what_registration_finds(office, body):
    body |= {"valid_to": "2020-01-01", "kind": "assignment", "assignment_id": None}
    body["services"][0]["units"] = ["SE5561234567-FINNS1INTE"]
    validated = (await office.call("anna", "POST", "/agreements/validate", json=body)).json()["errors"]
    registered = (await office.register(body)).json()["errors"]
    assert {row["field"] for row in validated} == {row["field"] for row in registered}


@pytest.mark.engine
async def test_a_copy_is_a_form_that_can_be_registered_under_a_new_number(office, body):
    one = await office.publish({**body, "internal_note": "Ring först", "revision": 7})
    answer = await office.call("arne", "GET", f"/agreements/{one['id']}/copy")
    new = answer.json()
    assert "number" not in new
    assert "revision" not in new
    assert (new["valid_from"], new["internal_note"]) == ("2028-01-01", "Ring först")
    assert (await office.register({**new, "number": "VGR 2028-1"})).status_code == 201
    assert (await office.call("berit", "GET", f"/agreements/{one['id']}/copy")).status_code == 404
    await office.act("anna", one["id"], "purge", "secrecy")
    assert (await office.call("arne", "GET", f"/agreements/{one['id']}/copy")).status_code == 404


@pytest.mark.engine
async def test_defaults_come_from_the_own_regions_agreements_with_the_provider_or_with_all(office, body):
    await office.register(body)
    await office.register({**body, "number": "2", "law": "LOV", "direct_award": None, "choice_of_care": True})
    await office.register({**body, "number": "3"})
    provider = body["care_provider"]["hsa_id"]
    path = f"/agreement-defaults?region=14&care_provider={provider}"
    found = (await office.call("anna", "GET", path)).json()
    assert (found["of"], found["same_care_provider"], found["content"]["law"]) == (3, True, "LOU")
    assert found["content"]["services"][0]["contacts"][0]["value"] == "08-123 45 67"
    assert found["content"]["services"][0]["conditions"]["referral_required"] is True
    assert found["content"]["services"][0]["reimbursement"] == {"model": "fixed_price"}
    other = (await office.call("anna", "GET", path.replace(provider, "SE5561234567-0009"))).json()
    assert (other["of"], other["same_care_provider"]) == (3, False)
    assert (await office.call("berit", "GET", path)).status_code == 403
    nothing = (await office.call("berit", "GET", path.replace("region=14", "region=01"))).json()
    assert nothing == {"content": {}, "of": 0, "same_care_provider": False}
