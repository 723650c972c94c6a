"""An agreement became confidential: every trace of it goes, here and on the topic, and a command proves it."""

import json
from datetime import date, datetime
from uuid import uuid4

import pytest
from sqlalchemy import text

from agreements.service import expiry
from agreements.service.working_off import WorkingOff
from agreements.store import purging
from contracts import AgreementRegistered

pytestmark = pytest.mark.engine

TOPIC = AgreementRegistered.topic.name
WHY = "secrecy"
SECRETS = ("VGR 2026-00042", "Kataraktkirurgi", "Ögonklinikerna", "SE5561234567-A0017", "7850.50", "08-123 45 67")


async def found(office, *needles: str) -> list[str]:
    """Where in the whole database any of the texts is still held."""
    async with office.sessions() as session:
        places = {needle: await purging.traces(session, needle, is_id=False) for needle in needles}
    return [
        f"{needle} in {one.table}.{one.column}"
        for needle, traces in places.items()
        for one in traces
        if not one.table.startswith("known_")
    ]


async def test_everything_of_it_is_emptied_and_one_line_tells_who_when_and_why(office, body):
    one = await office.publish(body, **{"Idempotency-Key": "k1"})
    other = await office.publish({**body, "number": "VGR 2"})
    await expiry.tell(office.sessions, date(2027, 12, 1))
    headers = {"If-Match": f'"{one["version"]}"'}
    changed = {**body, "name": "Kataraktkirurgi, ändrad", "internal_note": "hemligt pris"}
    assert (await office.call("anna", "PUT", f"/agreements/{one['id']}", json=changed, headers=headers)).is_success
    assert await found(office, "hemligt pris", body["number"]), "there is something to find"
    answer = await office.act("anna", one["id"], "purge", WHY)
    assert answer.status_code == 200
    assert (answer.json()["state"], answer.json()["allowed_actions"]) == ("purged", [])
    assert "name" not in answer.json()
    async with office.sessions.begin() as session:
        # The other one has the same words: without it, nothing of them may be left.
        for table in ("agreement_listed", "agreement_history", "agreement_notice"):
            await session.execute(text(f"DELETE FROM {table} WHERE agreement_id = :id"), {"id": other["id"]})
        await session.execute(text("DELETE FROM agreement WHERE id = :id"), {"id": other["id"]})
        await session.execute(text("DELETE FROM outbox WHERE aggregateid = :id"), {"id": other["id"]})
    assert await found(office, *SECRETS, "hemligt pris") == []
    assert await found(office, "arne", '"anna"') == [], "who wrote and who reviewed is gone too"
    (line,) = await office.history(one["id"])
    assert (line.action, line.state, line.actor, line.reason, line.body) == ("purge", "purged", "anna", WHY, {})
    (told,) = await office.announced()
    assert (told.agreement_id, told.status, told.name, told.services) == (one["id"], "purged", "", ())
    assert told.version > one["version"]


async def test_what_was_never_public_is_purged_without_a_word(office, body):
    one = (await office.register(body)).json()
    assert (await office.act("anna", one["id"], "purge", WHY)).json()["state"] == "purged"
    assert await office.announced() == []
    assert await found(office, *SECRETS) == []
    again = await office.register(body)
    assert again.status_code == 201, "the number says nothing any more, and is free"


async def test_the_agency_may_purge_and_another_region_may_not(office, body):
    one = await office.publish(body)
    for who in ("berit", "navigator", "region-system"):
        assert (await office.act(who, one["id"], "purge", WHY)).status_code == 403, who
    assert (await office.act("agency", one["id"], "purge")).json()["errors"][0]["field"] == "reason"
    assert (await office.act("agency", one["id"], "purge", WHY)).status_code == 200
    for who in ("anna", "agency"):
        assert (await office.act(who, one["id"], "purge", WHY)).status_code == 409, "once and for all"
    headers = {"If-Match": '"1"'}
    assert (await office.call("anna", "PUT", f"/agreements/{one['id']}", json=body, headers=headers)).status_code == 412
    assert (await office.call("navigator", "GET", f"/agreements/{one['id']}")).status_code == 404


@pytest.mark.parametrize(
    "reason", ["VGR 2026-00042", "Region  Dalarna", "Patient 19121212-1212", "Omfattas av sekretess", "marked"]
)
async def test_no_words_of_ones_own_outlive_a_purge(office, body, reason):
    one = await office.publish(body)
    before = await office.counts()
    answer = await office.act("anna", one["id"], "purge", reason)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "reason")
    assert "personal_data, secrecy" in answer.text
    assert reason not in answer.text.replace("no other words are kept", "")
    assert await office.counts() == before
    assert (await office.act("anna", one["id"], "purge", "personal_data")).status_code == 200


async def test_a_draft_that_began_as_a_copy_goes_with_the_agreement_and_others_stay(office, body):
    one = await office.publish(body)
    copy = (await office.call("anna", "GET", f"/agreements/{one['id']}/copy")).json()
    headers = {"If-Match": '"0"'}

    async def draft(content, query=""):
        path = f"/agreement-drafts/{uuid4()}{query}"
        saved = await office.call("anna", "PUT", path, json=content, headers=headers)
        assert saved.status_code == 200, saved.text
        return saved.json()

    await draft({"name": "Något helt annat"}, f"?copied_from={one['id']}")
    await draft(copy)
    await draft({"document_url": f"{body['document_url'].upper()} "})
    other = await draft({"name": "Höftplastik 2026", "care_provider": body["care_provider"]})
    assert (await office.act("anna", one["id"], "purge", WHY)).status_code == 200
    left = (await office.call("anna", "GET", "/agreement-drafts")).json()["items"]
    assert [row["id"] for row in left] == [other["id"]]


async def test_where_an_agreement_came_from_is_kept_however_often_its_draft_is_saved(office, body):
    one = await office.publish(body)
    path = f"/agreement-drafts/{uuid4()}"
    headers = {"If-Match": '"0"'}
    saved = await office.call("anna", "PUT", f"{path}?copied_from={one['id']}", json={"name": "A"}, headers=headers)
    headers = {"If-Match": f'"{saved.json()["version"]}"'}
    again = await office.call("anna", "PUT", path, json={"name": "B"}, headers=headers)
    assert again.json()["copied_from"] == one["id"]


async def send(office, *content) -> dict:
    sent = await office.call(
        "anna",
        "POST",
        "/agreement-submissions?name=hemligt.jsonl",
        content="\n".join(json.dumps(one) for one in content).encode(),
    )
    assert await WorkingOff(office.sessions.kw["bind"]).work_one()
    path = f"/agreement-submissions/{sent.json()['id']}?verdict=accepted&verdict=rejected&verdict=conflict"
    return (await office.call("anna", "GET", path)).json()


@pytest.mark.parametrize("way", ["form", "edit", "draft", "file", "number alone", "csv"])
async def test_a_mark_on_what_is_registered_purges_it_at_once_whichever_way_it_comes(office, body, way):
    one = await office.publish(body)
    marked = {**body, "confidential": True}
    headers = {"If-Match": f'"{one["version"]}"'}
    match way:
        case "form":
            told = (await office.register(marked)).text
        case "edit":
            told = (await office.call("anna", "PUT", f"/agreements/{one['id']}", json=marked, headers=headers)).text
        case "draft":
            path, new = f"/agreement-drafts/{uuid4()}", {"If-Match": '"0"'}
            told = (await office.call("anna", "PUT", path, json=marked, headers=new)).text
        case "file":
            shown = await send(office, marked)
            told = json.dumps(shown)
            assert shown["name"] is None, "what the file was called may tell what is in it"
        case "number alone":
            # What `vf-region push --http --mapping` makes of a marked row.
            told = json.dumps(await send(office, {"number": body["number"], "confidential": True}))
        case "csv":
            content = (
                "avtalsnummer;namn;giltigt från;vårdenheter;KVÅ-koder;sekretess\n"
                f"{body['number']};x;2026-01-01;SE5561234567-A0017;CJE20;ja\n"
            ).encode()
            await office.call("anna", "POST", "/agreement-submissions", content=content)
            assert await WorkingOff(office.sessions.kw["bind"]).work_one()
            told = "is purged with it"
    assert "is purged with it" in told
    assert (await office.call("anna", "GET", f"/agreements/{one['id']}")).json()["state"] == "purged"
    assert (await office.announced())[-1].status == "purged"
    assert await found(office, *SECRETS) == []
    (notice,) = (await office.call("arne", "GET", "/agreement-notices")).json()["marked"]
    assert (notice["agreement_id"], "was purged" in notice["why"]) == (one["id"], True)
    lines = (await office.call("operator", "GET", "/audit?service=agreements&about=refusal")).json()["items"]
    assert [line["agreement_id"] for line in lines] == [one["id"]]
    (line,) = (await office.call("operator", "GET", "/audit?service=agreements&about=agreement")).json()["items"]
    assert (line["action"], line["why"]) == ("purge", "marked")


async def test_a_region_that_chose_so_is_told_to_have_it_purged_instead(office, body):
    one = await office.publish(body)
    chosen = {"purge_when_marked": False}
    headers = {"If-Match": '"0"'}
    assert (await office.call("anna", "PUT", "/agreement-settings/14", json=chosen, headers=headers)).is_success
    shown = await send(office, {**body, "confidential": True}, {**body, "number": "ny", "confidential": True})
    told = [row["findings"][0]["reason"] for row in shown["verdicts"]]
    assert ["registered here: have that one purged" in reason for reason in told] == [True, False]
    assert [row["agreement_id"] for row in shown["verdicts"]] == [one["id"], None]
    assert body["number"] not in json.dumps(shown)
    assert (await office.call("anna", "GET", f"/agreements/{one['id']}")).json()["state"] == "published"
    (notice,) = (await office.call("anna", "GET", "/agreement-notices")).json()["marked"]
    assert "not purged" in notice["why"]


async def test_another_regions_mark_purges_nothing(office, body):
    one = await office.publish(body)
    await office.register({**body, "confidential": True}, "berit")
    assert (await office.call("anna", "GET", f"/agreements/{one['id']}")).json()["state"] == "published"


async def test_a_purge_keeps_when_it_was_registered(office, body):
    one = (await office.register(body)).json()
    purged = (await office.act("anna", one["id"], "purge", WHY)).json()
    assert datetime.fromisoformat(purged["created_at"]) == datetime.fromisoformat(one["created_at"])


async def test_an_announcement_that_was_not_sent_yet_never_is(office, body):
    one = await office.publish(body)
    assert [message.status for message in await office.announced()] == ["published"]
    await office.act("anna", one["id"], "purge", WHY)
    assert [message.status for message in await office.announced()] == ["purged"]


async def test_the_command_proves_a_purge_and_tells_of_older_records_on_the_topic(operator, body):
    office = operator.office
    one, other = [(await office.publish({**body, "number": f"P{number}"}))["id"] for number in range(2)]
    code, out, _ = await operator.command("purged", one)
    assert (code, out.splitlines()[0]) == (1, f"{one}: is published, not purged")
    async with operator.relay():
        await operator.sent()
        assert (await office.act("anna", one, "purge", WHY)).status_code == 200
        await operator.sent()
    code, out, _ = await operator.command("purged", one, "--number", "P0")
    assert code == 0, out
    assert "nothing is left in any table" in out
    assert "1 older records with content lie on the topic; compaction takes them, due by" in out
    code, out, _ = await operator.command("purged", one, "--json")
    told = json.loads(out)
    assert (code, told["holds"], told["left"], told["older_records"]) == (0, True, [], 1)
    told = await operator.told()
    assert (told[one].status, told[other].status) == ("purged", "published")
    assert (await operator.reconcile())["exit"] == 0


async def test_the_command_finds_what_was_left_behind_and_says_where_without_the_words(operator, body):
    office = operator.office
    one = await office.publish(body)
    async with operator.relay():
        await operator.sent()
        await office.act("anna", one["id"], "purge", WHY)
        await operator.sent()
    leftover = json.dumps({"number": body["number"], "id": one["id"]})
    await operator.change(
        "INSERT INTO idempotency (caller, key, request, answer) VALUES ('x', 'y', 'z', CAST(:answer AS jsonb))",
        answer=leftover,
    )
    await operator.change(
        "INSERT INTO agreement_history (agreement_id, version, action, state, actor, body, at)"
        " VALUES (:id, 1, 'edit', 'draft', 'anna', CAST(:body AS jsonb), now())",
        id=one["id"],
        body=leftover,
    )
    await operator.change("UPDATE agreement SET body = CAST(:body AS jsonb)", body=leftover)
    code, out, _ = await operator.command("purged", one["id"], "--number", body["number"])
    assert code == 1
    for place in (
        "agreement.body",
        "agreement_history.body: 1 rows",
        "agreement_history: 1 lines of what was done before",
        "idempotency.answer: 1 rows with its id",
        "idempotency.answer: 1 rows with word 1",
    ):
        assert f"left: {place}" in out.splitlines(), out
    assert body["number"] not in out


async def test_wrong_usage_of_the_command_is_told_in_one_line(operator):
    assert (await operator.command("purged", "VGR-1"))[0] == 2
    code, out, _ = await operator.command("purged", "00000000-0000-4000-8000-000000000000")
    assert (code, "know no such agreement" in out) == (1, True)


async def test_every_table_and_column_is_looked_into(office):
    """A table that is added later is searched without being named anywhere."""
    async with office.sessions.begin() as session:
        await session.execute(text("CREATE TABLE later (a text[], b bytea, c jsonb, d bigint)"))
        await session.execute(
            text(
                "INSERT INTO later VALUES (ARRAY['x needle'], convert_to('a needle', 'UTF8'), '{\"a\": \"needle\"}', 1)"
            )
        )
    async with office.sessions() as session:
        traces = await purging.traces(session, "needle", is_id=True)
        assert {(one.table, one.column) for one in traces} == {("later", "a"), ("later", "b"), ("later", "c")}


async def test_what_a_submissions_verdicts_and_drafts_tell_of_it_goes_too(office, body):
    wrong = {**body, "valid_to": "2020-01-01"}
    content = "\n".join(json.dumps(one) for one in (body, wrong, {**body, "number": "VGR 2"})).encode()
    sent = await office.call("anna", "POST", "/agreement-submissions?name=avtal.jsonl", content=content)
    assert await WorkingOff(office.sessions.kw["bind"]).work_one()
    headers = {"If-Match": '"0"'}
    for number, draft in ((body["number"], uuid4()), ("VGR 2", uuid4())):
        saved = {"number": number, "name": f"Utkast {number}"}
        assert (await office.call("anna", "PUT", f"/agreement-drafts/{draft}", json=saved, headers=headers)).is_success
    (one,) = (await office.call("anna", "GET", f"/agreements?number={body['number']}")).json()["items"]
    assert (await office.act("anna", one["id"], "purge", WHY)).status_code == 200
    assert await found(office, body["number"], f"Utkast {body['number']}") == []
    path = f"/agreement-submissions/{sent.json()['id']}?verdict=accepted&verdict=rejected&verdict=conflict"
    shown = (await office.call("anna", "GET", path)).json()
    assert {row["number"] for row in shown["verdicts"]} == {None, "VGR 2"}, "the rows and what became of them stay"
    assert (await office.call("anna", "GET", "/agreement-drafts")).json()["total"] == 1
