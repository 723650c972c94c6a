"""The review queue: what waits for whom and how it differs, and many verdicts at once."""

import asyncio
import json

import pytest

from agreements.service import catalogue as copies
from agreements.service import reviewing
from agreements.service.working_off import WorkingOff
from agreements.store import agreements as store

pytestmark = pytest.mark.engine


async def waiting(office, who: str, query: str = "") -> dict:
    answer = await office.call(who, "GET", f"/agreement-reviews{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def approve(office, who: str, *seen: dict):
    chosen = [{"id": one["id"], "version": one["version"]} for one in seen]
    return await office.call(who, "POST", "/agreement-reviews/approve", json={"agreements": chosen})


async def submitted(office, body, number: str, who: str = "anna", **more):
    one = (await office.register({**body, "number": number, **more}, who)).json()
    return (await office.act(who, one["id"], "submit")).json()


async def test_each_sees_what_waits_for_its_own_gate_and_the_oldest_first(office, body):
    first, second = [await submitted(office, body, number) for number in ("1", "2")]
    elsewhere = {"region": "01", "commissioning_regions": ["01"]}
    other = await submitted(office, body, "1", "berit", **elsewhere)
    await office.register({**body, "number": "a draft waits for nobody"})
    await office.act("arne", second["id"], "approve")
    mine = await waiting(office, "anna")
    assert [row["agreement"]["id"] for row in mine["items"]] == [first["id"]]
    assert [(row["gate"], row["region"], row["waiting"]) for row in mine["counts"]] == [("region", "14", 1)]
    assert [row["agreement"]["id"] for row in (await waiting(office, "berit"))["items"]] == [other["id"]]
    agencys = await waiting(office, "agency")
    assert [row["agreement"]["id"] for row in agencys["items"]] == [second["id"]]
    assert agencys["items"][0]["gate"] == "agency"
    assert agencys["items"][0]["agreement"]["allowed_actions"] == ["approve", "reject", "purge"]
    await office.act("arne", first["id"], "approve")
    ids = [row["agreement"]["id"] for row in (await waiting(office, "agency"))["items"]]
    assert ids == [second["id"], first["id"]], "what has waited longest comes first"
    assert (await waiting(office, "agency", "?region=01"))["total"] == 0
    assert (await waiting(office, "agency", "?number=2&limit=1"))["total"] == 1
    assert (await office.call("navigator", "GET", "/agreement-reviews")).status_code == 403


async def test_a_new_agreement_is_shown_whole_and_a_change_by_what_differs(office, body):
    one = await submitted(office, body, "1")
    (row,) = (await waiting(office, "arne"))["items"]
    told = {found["field"]: found for found in row["differences"]}
    assert row["new"] is True
    assert told["services.0.reimbursement.amount"] == {
        "field": "services.0.reimbursement.amount",
        "before": None,
        "after": "7850.50",
        "audience": "regions",
    }
    await office.act("arne", one["id"], "approve")
    public = (await office.act("agency", one["id"], "approve")).json()
    changed = {**body, "number": "1", "name": "Nytt namn", "internal_note": "Ring först"}
    changed["services"] = [{**body["services"][0], "reimbursement": {"model": "drg"}}]
    headers = {"If-Match": f'"{public["version"]}"'}
    assert (await office.call("anna", "PUT", f"/agreements/{one['id']}", json=changed, headers=headers)).is_success
    await office.act("anna", one["id"], "submit")
    (row,) = (await waiting(office, "arne"))["items"]
    assert row["new"] is False
    told = {(found["field"], found["before"], found["after"], found["audience"]) for found in row["differences"]}
    assert told == {
        ("name", body["name"], "Nytt namn", "public"),
        ("internal_note", None, "Ring först", "owner"),
        ("services.0.reimbursement.model", "fixed_price", "drg", "regions"),
        ("services.0.reimbursement.amount", "7850.50", None, "regions"),
        ("services.0.reimbursement.valid_from", "2026-01-01", None, "regions"),
    }


async def test_many_are_approved_at_once_each_with_a_verdict_of_its_own(office, body):
    some = [await submitted(office, body, str(number)) for number in range(6)]
    versions = (await office.call("arne", "GET", "/agreement-reviews/versions")).json()["items"]
    assert [(row["id"], row["version"]) for row in versions] == [(one["id"], one["version"]) for one in some]
    answer = (await approve(office, "arne", *versions)).json()
    assert answer["counts"] == {"done": 6, "changed": 0, "refused": 0, "faulty": 0, "missing": 0}
    assert {row["state"] for row in answer["items"]} == {"region_approved"}
    assert await office.announced() == []
    fine, changed, closed, *_ = seen = answer["items"]
    await office.act("agency", changed["id"], "reject", "Oklar period")
    await office.act("anna", changed["id"], "submit")
    await office.act("arne", changed["id"], "approve")
    unknown = {"id": "00000000-0000-4000-8000-000000000000", "version": 1}
    draft = (await office.register({**body, "number": "draft"})).json()
    unit = {"hsa_id": "SE5561234567-A0099", "version": 2, "status": "active", "name": "x", "closed_on": None}
    async with office.sessions.begin() as session:
        await copies.copy_units(session, [{**unit, "care_provider": "SE5561234567-0001"}])
    path, etag = f"/agreements/{closed['id']}", {"If-Match": ""}
    await office.act("agency", closed["id"], "reject", "Enheten")
    etag["If-Match"] = (await office.call("anna", "GET", path)).headers["ETag"]
    service = {**body["services"][0], "units": ["SE5561234567-A0099"]}
    await office.call("anna", "PUT", path, json={**body, "number": "2", "services": [service]}, headers=etag)
    await office.act("anna", closed["id"], "submit")
    closed = (await office.act("arne", closed["id"], "approve")).json()
    async with office.sessions.begin() as session:
        await copies.copy_units(
            session, [{**unit, "care_provider": "SE5561234567-0001", "version": 3, "status": "closed"}]
        )
    answer = (await approve(office, "agency", *seen[:2], closed, *seen[3:], unknown, draft)).json()
    verdicts = {row["id"]: row["verdict"] for row in answer["items"]}
    assert list(verdicts) == [*(one["id"] for one in seen), unknown["id"], draft["id"]], "in the order asked for"
    assert verdicts == {
        **{one["id"]: "done" for one in seen},
        changed["id"]: "changed",
        closed["id"]: "faulty",
        unknown["id"]: "missing",
        draft["id"]: "missing",
    }
    (faulty,) = (row for row in answer["items"] if row["verdict"] == "faulty")
    assert faulty["errors"] == [{"field": "services.0.units.0", "reason": "the care unit is closed"}]
    told = {message.agreement_id: message for message in await office.announced()}
    assert set(told) == {one["id"] for one in seen} - {changed["id"], closed["id"]}
    assert told[fine["id"]].version == next(row["version"] for row in answer["items"] if row["id"] == fine["id"])
    for one in seen:
        (*_, last) = await office.history(one["id"])
        assert (last.action, last.actor) == ("approve", "agency" if one["id"] in told else "arne")


async def test_who_wrote_one_of_many_reviews_only_the_others(office, body):
    annas, arnes = await submitted(office, body, "1"), await submitted(office, body, "2", "arne")
    answer = (await approve(office, "arne", annas, arnes)).json()
    assert [row["verdict"] for row in answer["items"]] == ["done", "refused"]
    assert "another person" in answer["items"][1]["errors"][0]["reason"]
    assert (await office.call("anna", "GET", f"/agreements/{arnes['id']}")).json()["state"] == "submitted"


async def test_a_bulk_rejection_needs_a_reason_and_leaves_it_with_each(office, body):
    some = [await submitted(office, body, str(number)) for number in range(2)]
    chosen = {"agreements": [{"id": one["id"], "version": one["version"]} for one in some]}
    for reason in (None, "", "  ", "Patienten 19121212-1212"):
        content = chosen if reason is None else {**chosen, "reason": reason}
        answer = await office.call("arne", "POST", "/agreement-reviews/reject", json=content)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "reason"), reason
        assert "1212" not in answer.text
    answer = await office.call("arne", "POST", "/agreement-reviews/reject", json={**chosen, "reason": "Fel enhet"})
    assert answer.json()["counts"]["done"] == 2
    for one in some:
        (*_, last) = await office.history(one["id"])
        assert (last.action, last.state, last.reason) == ("reject", "draft", "Fel enhet")


async def test_of_two_bulk_approvals_at_once_each_agreement_is_announced_once(office, body):
    some = [await submitted(office, body, str(number)) for number in range(4)]
    seen = (await approve(office, "arne", *some)).json()["items"]
    answers = await asyncio.gather(
        *(approve(office, "agency", *order) for order in (seen, seen[::-1], seen[2:] + seen[:2]))
    )
    verdicts = [row["verdict"] for answer in answers for row in answer.json()["items"]]
    assert sorted(verdicts) == ["changed"] * 8 + ["done"] * 4
    assert len(await office.announced()) == 4


async def test_what_is_asked_for_wrongly_changes_nothing(office, body):
    one = await submitted(office, body, "1")
    seen = {"id": one["id"], "version": one["version"]}
    for content in (
        {},
        {"agreements": []},
        {"agreements": [seen, seen]},
        {"agreements": [{**seen, "version": 0}]},
        {"agreements": [{**seen, "version": 2**63}]},
        {"agreements": [{**seen, "id": "19121212-1212"}]},
        {"agreements": [seen], "all": True},
    ):
        answer = await office.call("arne", "POST", "/agreement-reviews/approve", json=content)
        assert answer.status_code == 422, content
        assert "1212" not in answer.text
    assert (await office.call("anna", "GET", f"/agreements/{one['id']}")).json()["state"] == "submitted"


async def test_all_that_a_submission_has_brought_is_approved_by_the_versions_seen(office, body):
    await submitted(office, body, "by the form")
    lines = "\n".join(json.dumps({**body, "number": f"file {number}"}) for number in range(3)).encode()
    sent = await office.call("anna", "POST", "/agreement-submissions?name=avtal.jsonl", content=lines)
    assert await WorkingOff(office.sessions.kw["bind"]).work_one()
    of_it = f"?submission={sent.json()['id']}"
    assert (await waiting(office, "arne"))["total"] == 4
    assert (await waiting(office, "arne", of_it))["total"] == 3
    seen = (await office.call("arne", "GET", f"/agreement-reviews/versions{of_it}")).json()["items"]
    assert (await approve(office, "arne", *seen)).json()["counts"]["done"] == 3
    assert [row["agreement"]["number"] for row in (await waiting(office, "arne"))["items"]] == ["by the form"]
    nobodys = "?submission=00000000-0000-4000-8000-000000000000"
    assert (await waiting(office, "arne", nobodys))["total"] == 0


async def test_what_was_done_before_a_fault_stays_done_and_is_told_as_changed_when_asked_again(
    office, body, monkeypatch
):
    monkeypatch.setattr(reviewing, "_AT_ONCE", 2)
    some = [await submitted(office, body, str(number)) for number in range(5)]
    writing, calls = store.step_all, []

    async def away_the_second_time(session, *rest):
        calls.append(rest)
        if len(calls) == 2:
            raise ConnectionError
        await writing(session, *rest)

    monkeypatch.setattr(store, "step_all", away_the_second_time)
    with pytest.raises((ConnectionError, ExceptionGroup)):
        await approve(office, "arne", *some)
    answer = (await approve(office, "arne", *some)).json()
    assert [row["verdict"] for row in answer["items"]] == ["changed", "changed", "done", "done", "done"]
    assert answer["counts"] == {"done": 3, "changed": 2, "refused": 0, "faulty": 0, "missing": 0}
