"""An agreement from draft to its end over HTTP: the gates, two people at once, its history, what is announced."""

import asyncio
import json

import pytest
from sqlalchemy import select

from agreements.domain.agreement import State
from agreements.service import catalogue as copies
from agreements.store.tables import agreement as agreements
from agreements.store.tables import tables
from rules.calendar import swedish_day

pytestmark = pytest.mark.engine

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


async def test_an_agreement_is_announced_once_when_the_agency_has_approved_it(office, body):
    draft = (await office.register(body)).json()
    assert (draft["state"], draft["published_at"]) == ("draft", None)
    for who, action, state in (("anna", "submit", "submitted"), ("arne", "approve", "region_approved")):
        assert (await office.act(who, draft["id"], action)).json()["state"] == state
        assert await office.announced() == [], "nothing unpublished leaves the service"
    headers = {"traceparent": TRACE}
    answer = await office.call("agency", "POST", f"/agreements/{draft['id']}/approve", headers=headers)
    public = answer.json()
    assert public["state"] == "published"
    (announced,) = await office.announced()
    assert (announced.agreement_id, announced.status, announced.ended_on) == (draft["id"], "published", None)
    assert announced.version == public["version"] > draft["version"]
    assert announced.published_at == announced.changed_at
    told = announced.model_dump(mode="json")
    for name in body:
        assert told[name] == public[name] == draft[name], name
    assert told["services"][0]["reimbursement"]["amount"] == "7850.50"
    async with office.sessions() as session:
        headers = await session.scalar(select(tables.tables["outbox"].c.headers))
    assert headers["traceparent"] == TRACE


@pytest.mark.parametrize(("action", "state"), [("terminate", "terminated"), ("withdraw", "withdrawn")])
async def test_an_end_is_announced_with_its_day_and_a_higher_version(office, body, action, state):
    one = await office.publish(body)
    problem = (await office.act("anna", one["id"], action)).json()
    assert (problem["status"], problem["errors"][0]["field"]) == (422, "reason")
    ended = (await office.act("anna", one["id"], action, "Hävt")).json()
    first, last = await office.announced()
    assert (last.agreement_id, last.status) == (one["id"], state) == (first.agreement_id, ended["state"])
    assert last.version > first.version
    assert (first.ended_on, last.ended_on) == (None, swedish_day(last.changed_at))
    assert (last.valid_to, last.published_at) == (first.valid_to, first.published_at)


async def test_what_never_was_public_ends_without_a_word(office, body):
    for number, steps in enumerate(
        ([], [("anna", "submit")], [("anna", "submit"), ("arne", "approve")], [("anna", "submit"), ("arne", "reject")])
    ):
        body["number"] = f"VGR {number}"
        one = (await office.register(body)).json()
        for who, action in steps:
            assert (await office.act(who, one["id"], action, "Skäl")).status_code == 200
        assert (await office.act("anna", one["id"], "withdraw")).json()["state"] == "withdrawn"
    assert await office.announced() == []


async def test_every_step_leaves_one_line_of_history_that_is_never_changed(office, body):
    one = (await office.register(body)).json()
    path = f"/agreements/{one['id']}"
    seen = []
    for who, action, reason in (
        ("anna", "submit", None),
        ("arne", "reject", "Fel enhet"),
        ("anna", "edit", None),
        ("arne", "submit", None),
        ("arne", "approve", None),
        ("agency", "reject", "Oklar period"),
        ("anna", "submit", None),
        ("arne", "approve", None),
        ("agency", "approve", None),
        ("anna", "terminate", "Hävt"),
    ):
        before = [row._asdict() for row in await office.history(one["id"])]
        assert before[: len(seen)] == seen
        seen = before
        if action == "edit":
            etag = {"If-Match": (await office.call(who, "GET", path)).headers["ETag"]}
            answer = await office.call(who, "PUT", path, json={**body, "name": "Nytt namn"}, headers=etag)
        else:
            answer = await office.act(who, one["id"], action, reason)
        assert answer.status_code == 200, answer.text
    rows = await office.history(one["id"])
    assert [(row.actor, row.action, row.state) for row in rows] == [
        ("anna", "register", "draft"),
        ("anna", "submit", "submitted"),
        ("arne", "reject", "draft"),
        ("anna", "edit", "draft"),
        ("arne", "submit", "submitted"),
        ("arne", "approve", "region_approved"),
        ("agency", "reject", "draft"),
        ("anna", "submit", "submitted"),
        ("arne", "approve", "region_approved"),
        ("agency", "approve", "published"),
        ("anna", "terminate", "terminated"),
    ]
    assert [row.reason for row in rows if row.reason] == ["Fel enhet", "Oklar period", "Hävt"]
    assert [row.body["name"] for row in rows] == [body["name"]] * 3 + ["Nytt namn"] * 8
    versions = [row.version for row in rows]
    assert versions == sorted(set(versions))


async def test_the_author_cannot_be_the_regions_reviewer(office, body):
    one = (await office.register(body)).json()
    await office.act("anna", one["id"], "submit")
    answer = await office.act("anna", one["id"], "approve")
    assert (answer.status_code, "another person" in answer.json()["detail"]) == (403, True)
    assert "approve" not in (await office.call("anna", "GET", f"/agreements/{one['id']}")).json()["allowed_actions"]


async def test_nobody_who_has_written_a_draft_may_be_the_one_who_reviews_it(office, body):
    one = (await office.register(body)).json()
    path = f"/agreements/{one['id']}"
    headers = {"If-Match": f'"{one["version"]}"'}
    assert (await office.call("arne", "PUT", path, json=body, headers=headers)).status_code == 200
    await office.act("anna", one["id"], "submit")
    assert (await office.act("arne", one["id"], "approve")).status_code == 403
    assert (await office.act("anna", one["id"], "approve")).status_code == 403


async def test_codes_and_units_are_judged_again_before_publication(office, body):
    one = (await office.register(body)).json()
    await office.act("anna", one["id"], "submit")
    await office.act("arne", one["id"], "approve")
    closed = {"hsa_id": "SE5561234567-A0017", "version": 2, "status": "closed", "name": "x", "closed_on": None}
    async with office.sessions.begin() as session:
        await copies.copy_units(session, [{**closed, "care_provider": "SE5561234567-0001"}])
    before = await office.counts()
    answer = await office.act("agency", one["id"], "approve")
    assert answer.json()["errors"] == [{"field": "services.0.units.0", "reason": "the care unit is closed"}]
    assert await office.counts() == before
    assert (await office.act("agency", one["id"], "reject", "Enheten är stängd")).json()["state"] == "draft"


async def test_two_editors_never_overwrite_each_other(office, body):
    one = (await office.register(body)).json()
    path, etag = f"/agreements/{one['id']}", {"If-Match": f'"{one["version"]}"'}
    assert (await office.call("anna", "PUT", path, json=body)).status_code == 428
    for odd in ("*", "17", 'W/"17"', '"x"'):
        assert (await office.call("anna", "PUT", path, json=body, headers={"If-Match": odd})).status_code == 400
    answers = await asyncio.gather(
        *(
            office.call(who, "PUT", path, json={**body, "name": f"Av {who}"}, headers=etag)
            for who in ("anna", "arne", "anna", "arne")
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]
    winner = next(answer for answer in answers if answer.status_code == 200)
    kept = await office.call("anna", "GET", path)
    assert kept.json()["name"] == winner.json()["name"]
    assert kept.headers["ETag"] == winner.headers["ETag"] != etag["If-Match"]
    assert len(await office.history(one["id"])) == 2


async def test_only_a_draft_is_edited_and_keeps_its_region_and_number(office, body):
    one = (await office.register(body)).json()
    path = f"/agreements/{one['id']}"

    async def edit(who: str, **changed: str):
        etag = (await office.call("anna", "GET", path)).headers["ETag"]
        return await office.call(who, "PUT", path, json={**body, **changed}, headers={"If-Match": etag})

    assert (await edit("berit")).status_code == 404, "what may not be read does not exist"
    assert (await edit("anna", number="VGR 2026-2")).json()["errors"][0]["field"] == "number"
    assert {row["field"] for row in (await edit("anna", region="13")).json()["errors"]} == {"region"}
    await office.act("anna", one["id"], "submit")
    assert (await edit("anna")).status_code == 409
    missing = await office.call("anna", "PUT", path[:-1] + "x", json=body, headers={"If-Match": '"1"'})
    assert missing.status_code == 404
    assert len(await office.history(one["id"])) == 2


async def test_the_same_post_sent_twice_registers_once(office, body):
    key = {"Idempotency-Key": "k1"}
    first, *repeats = await asyncio.gather(*(office.register(body, **key) for _ in range(4)))
    assert {answer.status_code for answer in (first, *repeats)} == {201}
    for repeat in repeats:
        assert repeat.json() == first.json()
        assert repeat.headers["Location"] == first.headers["Location"] == f"/agreements/{first.json()['id']}"
        assert repeat.headers["ETag"] == first.headers["ETag"]
    assert (await office.counts())["agreement"] == (await office.counts())["agreement_history"] == 1
    other = await office.register({**body, "number": "VGR 2"}, **key)
    assert (other.status_code, "new key" in other.json()["detail"]) == (422, True)
    assert (await office.register({**body, "number": "VGR 2"}, who="arne", **key)).status_code == 201


async def test_a_refused_post_does_not_use_up_its_key(office, body):
    key = {"Idempotency-Key": "k1"}
    assert (await office.register({**body, "valid_to": "2020-01-01"}, **key)).status_code == 422
    assert (await office.register(body, **key)).status_code == 201


async def test_a_number_is_used_once_per_region(office, body):
    answers = await asyncio.gather(*(office.register(body) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [201, 422, 422]
    twin = next(answer for answer in answers if answer.status_code == 422)
    assert twin.json()["errors"] == [
        {"field": "number", "reason": "the region already has an agreement with this number"}
    ]
    elsewhere = {**body, "region": "01", "commissioning_regions": ["01"]}
    assert (await office.register(elsewhere, who="berit")).status_code == 201


async def test_of_two_approvals_at_once_one_wins_and_one_is_announced(office, body):
    one = (await office.register(body)).json()
    await office.act("anna", one["id"], "submit")
    await office.act("arne", one["id"], "approve")
    answers = await asyncio.gather(*(office.act("agency", one["id"], "approve") for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409]
    assert len(await office.announced()) == 1
    assert [row.state for row in await office.history(one["id"])].count("published") == 1


async def test_versions_rise_with_every_change_even_of_a_future_clock(office, body):
    one = (await office.register(body)).json()
    future = one["version"] + 10**15
    async with office.sessions.begin() as session:
        await session.execute(agreements.update().values(version=future))
    assert (await office.act("anna", one["id"], "submit")).json()["version"] == future + 1


async def test_the_largest_agreement_that_is_accepted_fits_in_one_kafka_record(office, body):
    part = {
        "care_services": [{"system": "kva", "code": "CJE20"}],
        "units": ["SE5561234567-A0017"],
        "contacts": [{"channel": "phone", "value": "1"}] * 50,
        "target_group": {},
    }
    body["services"] = [part] * 100
    long = {**body, "services": [{**part, "target_group": {"other": "å" * 1500}}] * 100}
    for content in (body, long):
        size = len(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode())
        assert size < 512 * 1024
        one = await office.publish(content)
        async with office.sessions() as session:
            outbox = tables.tables["outbox"].c
            payload = await session.scalar(select(outbox.payload).where(outbox.aggregateid == one["id"]))
        assert len(payload) < 1_000_000
        body["number"] = long["number"] = "VGR 2"


async def test_states_over_http_are_the_ones_of_the_domain(office, body):
    one = await office.publish(body)
    assert one["state"] == State.PUBLISHED
    unknown = await office.act("anna", one["id"], "burn")
    assert (unknown.status_code, unknown.json()["errors"][0]["field"]) == (400, "action")
    assert (await office.act("agency", one["id"], "approve")).status_code == 409
