"""What whoever fills in the form is told: all that is wrong in every call, what is public, and why it came back."""

from datetime import UTC, datetime, timedelta

import pytest

from agreements.api.shown import READ_ONLY
from agreements.store.tables import agreement
from contracts.agreement_form import AgreementForm
from rules.calendar import swedish_day

pytestmark = pytest.mark.engine

TODAY = swedish_day(datetime.now(UTC))
YESTERDAY = (TODAY - timedelta(days=1)).isoformat()


@pytest.mark.parametrize("mark", [True, "true", 1, "yes"])
async def test_what_is_marked_as_secret_is_not_told_to_be_valid(office, body, mark):
    validated = (await office.call("anna", "POST", "/agreements/validate", json={**body, "confidential": mark})).json()
    assert validated["valid"] is False
    assert [row["field"] for row in validated["errors"]] == ["confidential"]
    assert (await office.register({**body, "confidential": mark})).status_code == 422


async def test_registration_an_edit_and_validation_tell_the_same_list(office, body):
    one = (await office.register(body)).json()
    wrong = {**body, "law": "lou", "nmae": "x", "services": [{**body["services"][0], "units": ["SE5561234567-NEJ"]}]}
    tag = {"If-Match": f'"{one["version"]}"'}
    for content, some in ((wrong, {"law", "nmae", "services.0.units.0"}), ({}, {"number", "name", "services"})):
        path = f"/agreements/validate?agreement_id={one['id']}"
        validated = (await office.call("anna", "POST", path, json=content)).json()["errors"]
        edited = await office.call("anna", "PUT", f"/agreements/{one['id']}", json=content, headers=tag)
        posted = await office.register(content)
        fields = [row["field"] for row in validated]
        assert some <= set(fields)
        assert len(fields) == len(set(fields)), "each field once"
        assert [row["field"] for row in edited.json()["errors"]] == fields
        assert [row["field"] for row in posted.json()["errors"]] == fields


async def test_what_is_over_is_told_before_it_waits_for_anybody(office, body):
    body["valid_to"] = YESTERDAY
    for path in ("/agreements", "/agreements/validate"):
        errors = (await office.call("anna", "POST", path, json=body)).json()["errors"]
        assert [row["field"] for row in errors] == ["valid_to"]
    one = (await office.register({**body, "valid_to": TODAY.isoformat()})).json()
    async with office.sessions.begin() as session:
        await session.execute(agreement.update().values(body={**AgreementForm(**body).as_json()}))
    problem = await office.act("anna", one["id"], "submit")
    assert (problem.status_code, problem.json()["errors"][0]["field"]) == (422, "valid_to")


async def test_during_a_change_the_owner_sees_the_public_side_and_nobody_else_that_there_is_a_change(office, body):
    one = await office.publish(body)
    path = f"/agreements/{one['id']}"
    seen = (await office.call("navigator", "GET", path)).headers["ETag"]
    tag = {"If-Match": f'"{one["version"]}"'}
    sent_back = {**one, "name": "Nytt namn"}
    assert (await office.call("anna", "PUT", path, json=sent_back, headers=tag)).status_code == 200
    mine = (await office.call("anna", "GET", path)).json()
    assert (mine["name"], "revision" in mine) == ("Nytt namn", True)
    assert (await office.call("anna", "GET", f"{path}?side=public")).json()["name"] == body["name"]
    (listed,) = (await office.call("anna", "GET", "/agreements?side=public")).json()["items"]
    assert listed["name"] == body["name"]
    assert (await office.call("navigator", "GET", path)).headers["ETag"] == seen


async def test_a_rejection_is_told_to_the_region_and_the_agency_keeps_its_history(office, body):
    one = (await office.register(body)).json()
    await office.act("anna", one["id"], "submit")
    await office.act("arne", one["id"], "approve")
    await office.act("agency", one["id"], "reject", "Oklar period")
    path = f"/agreements/{one['id']}"
    shown = (await office.call("anna", "GET", path)).json()
    assert (shown["rejected"]["reason"], shown["rejected"]["by"]) == ("Oklar period", "agency")
    assert set(shown) - set(AgreementForm.model_fields) == READ_ONLY
    for who in ("agency", "region-system"):
        assert (await office.call(who, "GET", f"{path}/history")).json()["items"][0]["action"] == "reject"
    for action in ("approve", "reject"):
        assert (await office.act("agency", one["id"], action, "Skäl")).status_code == 404, "it is the region's again"
    await office.act("anna", one["id"], "submit")
    assert "rejected" not in (await office.call("anna", "GET", path)).json()


async def test_only_what_can_be_asked_for_is_offered(office, body):
    one = (await office.register(body)).json()
    for action in ("expire", "take", "edit"):
        answer = await office.act("anna", one["id"], action)
        assert answer.status_code == 400
        assert "expire" not in answer.json()["errors"][0]["reason"]
    answer = await office.call("anna", "GET", "/agreement-notices?days=45")
    assert (answer.status_code, "7, 30, 90" in answer.json()["detail"]) == (400, True)
