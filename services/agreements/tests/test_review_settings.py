"""What a region chooses of its own gate: by its administrators, one after the other, and heeded from the next step."""

import asyncio

import pytest

from agreements.service import profile
from rules.agreement_profiles import BadProfiles

pytestmark = pytest.mark.engine

PATH = "/agreement-settings/14"
PROFILE = """
[[profile]]
name = "statutory"
text = "Rapportering enligt lag"
valid_from = 2026-01-01
mandatory = [{mandatory}]
[profile.reviews]
region = true
another_person = true
region_may_switch_off = {switch_off}
agency = true
"""


@pytest.fixture
def own_profiles():
    """An operator's own profile for the time of the test."""

    def use(folder, *, mandatory: str = "", switch_off: str = "true") -> None:
        path = folder / "profiles.toml"
        path.write_text(PROFILE.format(mandatory=mandatory, switch_off=switch_off))
        profile.use(path)

    yield use
    profile.use(None)


async def choose(office, version: int, who: str = "anna", path: str = PATH, **chosen):
    return await office.call(who, "PUT", path, json=chosen, headers={"If-Match": f'"{version}"'})


async def test_where_nobody_has_chosen_both_gates_stand_and_another_person_reviews(office):
    answer = await office.call("anna", "GET", PATH)
    assert answer.headers["ETag"] == '"0"'
    assert answer.json() == {
        "region": "14",
        "version": 0,
        "region_review": True,
        "another_person": True,
        "notices_to": None,
        "purge_when_marked": True,
        "history": [],
    }


async def test_a_choice_is_the_regions_own_and_every_one_is_kept(office):
    assert (await office.call("berit", "GET", PATH)).status_code == 403
    assert (await choose(office, 0, "berit")).status_code == 403
    assert (await office.call("navigator", "GET", PATH)).status_code == 403
    first = await choose(office, 0, region_review=False)
    to = {"channel": "email", "value": "avtal@region.example"}
    second = await choose(office, first.json()["version"], "arne", notices_to=to)
    assert second.json()["notices_to"] == to
    now = (await office.call("anna", "GET", PATH)).json()
    assert (now["region_review"], now["version"]) == (False, second.json()["version"]), "what is left out stays"
    audit = (await office.call("anna", "GET", "/audit?service=agreements&about=settings")).json()["items"]
    assert [(row["actor"], row["chosen"]["region_review"]) for row in audit] == [("arne", False), ("anna", False)]
    assert [(row["actor"], row["notices_to"]) for row in now["history"]] == [("arne", to), ("anna", None)]


async def test_two_who_choose_at_once_never_overwrite_each_other(office):
    answers = await asyncio.gather(*(choose(office, 0, who) for who in ("anna", "arne", "anna", "arne")))
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]
    assert (await office.call("anna", "PUT", PATH, json={})).status_code == 428
    assert len((await office.call("anna", "GET", PATH)).json()["history"]) == 1


@pytest.mark.parametrize(
    ("channel", "value", "why"),
    [
        ("phone", "070-123 45 67", "a mobile number"),
        ("phone", "+46 73 123 45 67", "a mobile number"),
        ("phone", "växeln", "telephone number"),
        ("email", "avtal.region.example", "mailbox"),
        ("email", "19121212-1212@region.example", "personal number"),
        ("sms", "1177", "'email' or 'phone'"),
    ],
)
async def test_notices_go_to_a_function_never_to_a_person(office, channel, value, why):
    answer = await choose(office, 0, notices_to={"channel": channel, "value": value})
    assert answer.status_code == 422
    assert why in answer.text
    assert value not in answer.text
    assert (await office.call("anna", "GET", PATH)).json()["history"] == []


async def test_without_the_regions_review_what_is_submitted_waits_for_the_agency(office, body):
    await choose(office, 0, region_review=False)
    one = (await office.register(body)).json()
    assert (await office.act("anna", one["id"], "submit")).json()["state"] == "region_approved"
    assert await office.announced() == []
    assert (await office.act("agency", one["id"], "approve")).json()["state"] == "published"
    # Another region's choice is its own.
    other = (await office.register({**body, "region": "01", "commissioning_regions": ["01"]}, "berit")).json()
    assert (await office.act("berit", other["id"], "submit")).json()["state"] == "submitted"


async def test_where_another_person_is_not_asked_for_the_author_may_review(office, body):
    before = (await office.register({**body, "number": "före"})).json()
    await office.act("anna", before["id"], "submit")
    assert (await office.act("anna", before["id"], "approve")).status_code == 403
    await choose(office, 0, another_person=False)
    assert (await office.act("anna", before["id"], "approve")).status_code == 403, "written before"
    shown = (await office.call("anna", "GET", f"/agreements/{before['id']}")).json()
    assert "approve" not in shown["allowed_actions"]
    seen = {"agreements": [{"id": before["id"], "version": shown["version"]}]}
    answer = await office.call("anna", "POST", "/agreement-reviews/approve", json=seen)
    assert "refused" in answer.text
    assert (await office.act("arne", before["id"], "approve")).status_code == 200
    one = (await office.register(body)).json()
    await office.act("anna", one["id"], "submit")
    shown = (await office.call("anna", "GET", f"/agreements/{one['id']}")).json()
    assert "approve" in shown["allowed_actions"]
    assert (await office.act("anna", one["id"], "approve")).json()["state"] == "region_approved"


async def test_what_waits_for_a_gate_is_not_moved_when_the_gate_is_taken_away(office, body):
    one = (await office.register(body)).json()
    await office.act("anna", one["id"], "submit")
    await choose(office, 0, region_review=False)
    assert (await office.call("anna", "GET", f"/agreements/{one['id']}")).json()["state"] == "submitted"
    assert (await office.act("arne", one["id"], "approve")).json()["state"] == "region_approved"


async def test_where_the_profile_demands_a_review_no_region_leaves_it_out(office, body, own_profiles, tmp_path):
    await choose(office, 0, region_review=False, another_person=False)
    own_profiles(tmp_path, switch_off="false")
    one = (await office.register(body)).json()
    assert (await office.act("anna", one["id"], "submit")).json()["state"] == "submitted", "an earlier choice is void"
    assert (await office.act("anna", one["id"], "approve")).status_code == 403
    version = (await office.call("anna", "GET", PATH)).json()["version"]
    for name in ("region_review", "another_person"):
        answer = await choose(office, version, **{name: False})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, name)


async def test_an_administrator_who_wrote_an_earlier_public_version_may_review_the_next(office, body):
    one = await office.publish(body)
    path, headers = f"/agreements/{one['id']}", {"If-Match": f'"{one["version"]}"'}
    assert (await office.call("arne", "PUT", path, json=body, headers=headers)).status_code == 200
    await office.act("arne", one["id"], "submit")
    assert (await office.act("arne", one["id"], "approve")).status_code == 403
    assert (await office.act("anna", one["id"], "approve")).json()["state"] == "region_approved"


async def test_what_a_profile_makes_mandatory_is_asked_for_on_the_way_in_and_before_publication(
    office, body, own_profiles, tmp_path
):
    bare = {**body, "document_url": None, "services": [{**body["services"][0], "reimbursement": None}]}
    one = (await office.register(bare)).json()
    await office.act("anna", one["id"], "submit")
    await office.act("arne", one["id"], "approve")
    own_profiles(tmp_path, mandatory='"document_url", "services.*.reimbursement"')
    missing = [{"field": name, "reason": "is mandatory"} for name in ("document_url", "services.0.reimbursement")]
    assert (await office.act("agency", one["id"], "approve")).json()["errors"] == missing
    assert (await office.register({**bare, "number": "2"})).json()["errors"] == missing
    assert (await office.register({**body, "number": "2"})).status_code == 201


def test_a_profile_that_names_no_field_of_the_form_is_told_before_anything_starts(own_profiles, tmp_path):
    with pytest.raises(BadProfiles) as bad:
        own_profiles(tmp_path, mandatory='"services.*.price"')
    assert bad.value.faults == ("profile 1: mandatory.0: there is no field services.*.price",)
    own_profiles(tmp_path, mandatory='"services.*.contacts", "use_by_others.price", "services.*.care_services.*.code"')
