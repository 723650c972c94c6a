"""What becomes of sent agreements, by whatever way they come: one verdict each, and nothing overwrites an edit."""

import asyncio
import copy
import dataclasses
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, select

from agreements.domain.agreement import Actor, Way
from agreements.domain.transitions import Refused
from agreements.service import checking, intake
from agreements.service.checking import Found
from agreements.service.intake import Sent, Verdict
from agreements.store.tables import agreement, refusal
from contracts.agreements import Answer
from intake.swedish import in_swedish
from rules.agreement_profiles import shipped
from rules.calendar import swedish_day
from rules.roles import Role

pytestmark = pytest.mark.engine

SYSTEM = Actor("system-14", frozenset({Role.REGION_SYSTEM}), "14")
PERSON = "19121212-1212"
NOW = datetime.now(UTC)

Taking = Callable[..., Awaitable[list[Verdict]]]


@pytest.fixture
def taking(office) -> Taking:
    """Takes contents in a transaction of their own: by Kafka and now, unless said otherwise."""

    async def take(*contents: Any, way: Way = Way.KAFKA, at: datetime | None = None, **more: Any) -> list[Verdict]:
        sent = [content if isinstance(content, Sent) else Sent(content) for content in contents]
        async with office.sessions.begin() as session:
            when = at or datetime.now(UTC)
            return await intake.take(session, way, "14", more.pop("actor", SYSTEM), sent, sent_at=when, **more)

    return take


def like(body: dict[str, Any], **changed: Any) -> dict[str, Any]:
    return {**copy.deepcopy(body), **changed}


def answers(verdicts: list[Verdict]) -> list[Answer]:
    return [verdict.answer for verdict in verdicts]


async def stored(office, number: str) -> Any:
    async with office.sessions() as session:
        return (await session.execute(select(agreement).where(agreement.c.number == number))).one()


async def test_what_is_new_is_registered_and_waits_for_the_regions_review(office, taking, body):
    (verdict,) = await taking(like(body, revision=7))
    assert (verdict.answer, verdict.number, verdict.revision, verdict.found) == ("accepted", body["number"], 7, ())
    kept = await stored(office, body["number"])
    assert (kept.id, kept.state, kept.way, kept.revision) == (verdict.agreement_id, "submitted", "kafka", 7)
    assert kept.author == SYSTEM.subject
    (step,) = await office.history(kept.id)
    assert (step.action, step.state, step.actor, step.version) == ("register", "submitted", "system-14", kept.version)
    listed = (await office.call("anna", "GET", "/agreements?state=submitted")).json()
    assert [one["number"] for one in listed["items"]] == [body["number"]]
    assert await office.announced() == []


async def test_the_same_sent_again_by_any_way_changes_nothing(office, taking, body):
    await taking(like(body, revision=1))
    before = await office.everything()
    for way in Way:
        assert answers(await taking(like(body, revision=1), like(body), way=way)) == ["unchanged", "unchanged"]
    shuffled = dict(reversed(list(like(body).items())))
    shuffled["care_provider"]["hsa_id"] = " se5561234567-0001 "
    assert answers(await taking(shuffled)) == ["unchanged"], "the content counts, and not how it is written"
    assert await office.everything() == before


async def test_a_higher_revision_wins_and_the_public_one_stays_until_the_gates_are_passed(office, taking, body):
    one = await office.publish(body)
    told = await office.announced()
    (verdict,) = await taking(like(body, name="Nytt namn", revision=1))
    assert (verdict.answer, verdict.agreement_id) == ("accepted", one["id"])
    kept = await stored(office, body["number"])
    assert (kept.state, kept.public_state) == ("submitted", "published")
    assert (kept.body["name"], kept.public_body["name"]) == ("Nytt namn", body["name"])
    assert await office.announced() == told
    for who in ("arne", "agency"):
        assert (await office.act(who, one["id"], "approve")).status_code == 200
    assert (await office.announced())[-1].name == "Nytt namn"


async def test_other_content_without_a_higher_revision_is_a_conflict_that_says_what_to_do(office, taking, body):
    await taking(like(body, revision=5))
    before = await office.everything()
    other = like(body, name="Annat")
    for revision, said in ((None, "send a revision"), (5, "its revision is 5: send a higher"), (4, "send a higher")):
        (verdict,) = await taking(like(other, revision=revision))
        assert verdict.answer == "conflict"
        assert said in verdict.found[0].reason
        assert verdict.found[0].field == "revision"
    assert await office.everything() == before


async def test_a_redriven_old_sending_never_overwrites_an_edit(office, taking, body):
    (sent,) = await taking(like(body, revision=1))
    await office.act("arne", sent.agreement_id, "reject", "Fel namn")
    before_edit = datetime.now(UTC)
    now = (await office.call("anna", "GET", f"/agreements/{sent.agreement_id}")).json()
    edited = await office.call(
        "anna", "PUT", f"/agreements/{sent.agreement_id}", json=like(body, name="Rättat"),
        headers={"If-Match": f'"{now["version"]}"'},
    )  # fmt: skip
    assert edited.status_code == 200, edited.text
    (old,) = await taking(Sent(like(body, name="Äldre", revision=2), sent_at=before_edit))
    assert (old.answer, "was changed here after this was sent" in old.found[0].reason) == ("conflict", True)
    assert answers(await taking(like(body, revision=1))) == ["unchanged"], "what was taken before, sent again"
    assert (await stored(office, body["number"])).body["name"] == "Rättat"
    ahead = Sent(like(body, name="Äldre", revision=2), sent_at=datetime.now(UTC) + timedelta(days=1))
    assert answers(await taking(ahead)) == ["accepted"], "sent after the edit, by a clock that goes ahead"


async def test_revisions_that_come_in_another_order_by_another_way_end_with_the_highest(office, taking, body):
    await taking(Sent(like(body, name="Två", revision=2), sent_at=NOW - timedelta(hours=1)))
    assert answers(await taking(Sent(like(body, name="Tre", revision=3), sent_at=NOW - timedelta(hours=2)))) == [
        "accepted"
    ]
    assert answers(await taking(like(body, name="Två", revision=2), way=Way.FILE)) == ["conflict"]
    assert answers(await taking(like(body, name="Tre", revision=9), way=Way.FILE)) == ["unchanged"]
    assert answers(await taking(like(body, name="Fyra", revision=8))) == ["conflict"], "9 has been seen"


async def test_what_has_ended_is_a_conflict_and_sent_again_as_it_was_it_says_so(office, taking, body):
    one = await office.publish(body)
    await office.act("anna", one["id"], "terminate", "Sagt upp")
    (verdict,) = await taking(like(body, name="Åter", revision=3))
    assert (verdict.answer, verdict.agreement_id) == ("conflict", one["id"])
    assert "the agreement is terminated: register" in verdict.found[0].reason
    (same,) = await taking(like(body))
    assert (same.answer, "terminated since" in same.found[0].reason) == ("unchanged", True)


async def test_the_same_number_twice_at_once_follows_the_same_rule_in_order(office, taking, body):
    verdicts = await taking(
        like(body, revision=1),
        like(body, revision=1),
        like(body, name="Två", revision=2),
        like(body, name="Annat"),
        like(body, number="VGR 2", valid_from="fel"),
    )
    assert answers(verdicts) == ["accepted", "unchanged", "accepted", "conflict", "rejected"]
    assert len({verdict.agreement_id for verdict in verdicts[:4]}) == 1
    kept = await stored(office, body["number"])
    assert (kept.body["name"], kept.revision) == ("Två", 2)
    steps = await office.history(kept.id)
    assert [(step.action, step.body["name"]) for step in steps] == [("register", body["name"]), ("take", "Två")]
    assert steps[0].version < steps[1].version == kept.version


async def test_all_faults_of_one_are_told_and_the_others_are_taken(office, taking, body):
    wrong = like(body, number="VGR 2")
    wrong["services"][0]["care_services"][0]["code"] = "CJE02"
    wrong["services"][0]["units"] = ["SE5561234567-FINNS1INTE"]
    bad, good, misshapen, read = await taking(
        wrong,
        like(body),
        like(body, number="VGR 3", valid_from="2026-02-30", kaffe=1, name=""),
        Sent(like(body, number="VGR 4"), found=[Found("valid_to", "is no day", "2026-12-31")]),
    )
    assert good.answer == "accepted"
    assert bad.found == (
        Found("services.0.units.0", "no such care unit in the national catalogue"),
        Found("services.0.care_services.0.code", "unknown code", "CJE20"),
    )
    assert sorted(found.field for found in misshapen.found) == ["kaffe", "name", "valid_from"]
    assert (read.answer, read.found) == ("rejected", (Found("valid_to", "is no day", "2026-12-31"),))
    assert [verdict.number for verdict in (bad, misshapen, read)] == ["VGR 2", "VGR 3", "VGR 4"]
    assert (await office.counts())["agreement"] == 1


@pytest.mark.parametrize(
    "content", [None, 3, "text", [], ["x"], {}, {"region": "14"}, {"number": {"a": 1}}, {"revision": "x"}]
)
async def test_what_is_no_agreement_is_rejected_and_never_an_error(office, taking, content):
    (verdict,) = await taking(content)
    assert verdict.answer == "rejected"
    assert verdict.found
    assert (await office.counts())["agreement"] == 0


async def test_of_a_confidential_one_nothing_is_kept_but_an_audit_line(office, taking, body, spoken):
    secret = like(body, name="Hemligt namn", number="H-1", description="Hemlig text")
    for mark in (True, "true", "ja", 1, "X", {"odd": True}):
        (verdict,) = await taking(like(secret, confidential=mark, valid_from="fel"))
        assert (verdict.answer, verdict.number, verdict.agreement_id) == ("rejected", None, None)
        (found,) = verdict.found
        assert (found.field, "secrecy" in found.reason) == ("confidential", True)
    kept = await office.everything()
    for word in ("Hemlig", "H-1"):
        assert word not in kept + spoken()
    async with office.sessions() as session:
        rows = (await session.execute(select(refusal).order_by(refusal.c.seq))).all()
    assert [(row.region, row.way, row.actor) for row in rows] == [("14", "kafka", "system-14")] * 6
    for mark in (False, None, "nej", "false", 0):
        assert (await taking(like(body, confidential=mark)))[0].found[:1] != (found,), mark


async def test_a_personal_number_is_told_by_its_field_and_never_repeated(office, taking, body, spoken):
    verdicts = await taking(
        like(body, description=f"Gäller {PERSON}"),
        like(body, number=PERSON),
        like(body, number=PERSON, name=""),
        {**like(body), PERSON: 1},
    )
    assert answers(verdicts) == ["rejected"] * 4
    assert {found.field for verdict in verdicts[:2] for found in verdict.found} == {"description", "number"}
    assert "1212-1212" not in json.dumps([str(verdict) for verdict in verdicts]) + spoken() + await office.everything()


async def test_another_regions_agreement_is_rejected_and_another_regions_actor_refused(office, taking, body):
    body["commissioning_regions"] = ["01"]
    (verdict,) = await taking(like(body, region="01"))
    assert (verdict.answer, verdict.found[0].field) == ("rejected", "region")
    assert "another region's" in verdict.found[0].reason
    with pytest.raises(Refused, match="you act for region 01"):
        await taking(body, actor=Actor("berit", frozenset({Role.AGREEMENT_ADMIN}), "01"))


async def test_an_agreement_too_large_to_be_announced_is_rejected(office, taking, body):
    service = like(body["services"][0], conditions={"other": "å" * 4000})
    (verdict,) = await taking(like(body, services=[service] * 90))
    assert (verdict.answer, "512 KiB" in verdict.found[0].reason) == ("rejected", True)


async def test_gates_that_do_not_apply_are_passed_by(office, taking, body, monkeypatch):
    off = {"region_review": False, "another_person": False}
    await office.call("anna", "PUT", "/agreement-settings/14", json=off, headers={"If-Match": '"0"'})
    await taking(like(body, number="VGR 3"))
    assert (await stored(office, "VGR 3")).state == "region_approved"
    over = like(body, number="VGR 2", valid_from="2020-01-01", valid_to="2020-12-31", revision=1)
    now = shipped().on(swedish_day(NOW))
    profile = dataclasses.replace(now, reviews=dataclasses.replace(now.reviews, agency=False))
    monkeypatch.setattr("agreements.service.review_settings.profile_on", lambda day: profile)
    verdicts = await taking(like(body), over)
    assert answers(verdicts) == ["accepted", "rejected"]
    (told,) = await office.announced()
    kept = await stored(office, body["number"])
    assert (told.agreement_id, told.status, told.version) == (kept.id, "published", kept.version)


async def test_nothing_is_judged_before_the_copy_of_the_catalogue_is_complete(empty_office, body):
    async with empty_office.sessions.begin() as session:
        with pytest.raises(checking.NotReady):
            await intake.take(session, Way.FILE, "14", SYSTEM, [Sent(body)], sent_at=NOW)


async def test_two_who_register_the_same_number_at_once_agree_on_who_was_first(office, body):
    """Both have seen that the number is free; the second waits for the first, and is judged by what that one wrote."""
    async with office.sessions() as first, office.sessions() as second:
        await first.begin()
        await second.begin()
        await intake.take(first, Way.FILE, "14", SYSTEM, [Sent(like(body))], sent_at=NOW)
        waiting = asyncio.create_task(
            intake.take(
                second,
                Way.KAFKA,
                "14",
                SYSTEM,
                [Sent(like(body, name="Annat")), Sent(like(body, number="2"))],
                sent_at=NOW,
            )
        )
        await asyncio.sleep(0)
        await first.commit()
        verdicts = await waiting
        await second.commit()
    assert answers(verdicts) == ["conflict", "accepted"]
    kept = await stored(office, body["number"])
    assert (kept.way, kept.body["name"], verdicts[0].agreement_id) == ("file", body["name"], kept.id)
    assert len(await office.history(kept.id)) == 1


async def test_many_at_once_cost_as_many_queries_as_few(office, body):
    statements: list[str] = []
    engine = office.sessions.kw["bind"].sync_engine
    event.listen(engine, "before_cursor_execute", lambda *call: statements.append(call[2]))

    def contents(number: int) -> list[dict[str, Any]]:
        made = [like(body, number=f"N {number} {place}") for place in range(number)]
        for one in made[::2]:
            one["services"][0]["care_services"][0]["code"] = "CJE02"
        return made

    counted = []
    for number in (2, 200):
        statements.clear()
        async with office.sessions.begin() as session:
            await intake.take(session, Way.FILE, "14", SYSTEM, [Sent(one) for one in contents(number)], sent_at=NOW)
        counted.append(len(statements))
    assert counted[0] == counted[1] <= 12


async def test_an_edit_in_the_form_is_replaced_by_a_higher_revision_but_never_without_a_word(office, taking, body):
    created = (await office.call("anna", "POST", "/agreements", json=like(body, revision=9))).json()
    (stale,) = await taking(like(body, name="Ur fil", revision=1))
    assert (stale.answer, "its revision is 9" in stale.found[0].reason) == ("conflict", True)
    (verdict,) = await taking(like(body, name="Ur fil", revision=10))
    assert (verdict.answer, verdict.agreement_id) == ("accepted", created["id"])
    assert "replaces what was written in the form" in verdict.found[0].reason
    assert "anna" not in verdict.found[0].reason
    (item,) = (await office.call("anna", "GET", "/agreement-reviews")).json()["items"]
    assert datetime.fromisoformat(item["replaces_edit_of"]) == datetime.fromisoformat(created["changed_at"])
    (later,) = await taking(like(body, name="Ur fil igen", revision=11))
    assert later.found == (), "nothing of the form is left to replace"
    (item,) = (await office.call("anna", "GET", "/agreement-reviews")).json()["items"]
    assert item["replaces_edit_of"] is None


async def test_the_forms_revision_is_kept_and_never_falls(office, taking, body):
    created = (await office.call("anna", "POST", "/agreements", json=like(body, revision=9))).json()
    path = f"/agreements/{created['id']}"
    version = {"If-Match": f'"{created["version"]}"'}
    fallen = await office.call("anna", "PUT", path, json=like(body, revision=3), headers=version)
    assert (fallen.status_code, fallen.json()["errors"][0]["field"]) == (422, "revision")
    assert (await office.call("anna", "PUT", path, json=like(body), headers=version)).status_code == 200
    assert (await stored(office, body["number"])).revision == 9


async def test_the_same_as_was_rejected_in_the_review_says_so_and_why_only_where_a_purge_reaches(office, taking, body):
    (first,) = await taking(like(body, revision=1))
    await office.act("anna", first.agreement_id, "reject", "Priset saknas,\nfyll i det")
    (file,) = await taking(like(body, revision=1), way=Way.FILE)
    (push,) = await taking(like(body, revision=1))
    assert (file.answer, push.answer) == ("unchanged", "unchanged")
    assert "was rejected in the review on" in file.found[0].reason
    assert "(Priset saknas, fyll i det): to have it reviewed again" in file.found[0].reason
    assert "was rejected in the review on" in push.found[0].reason
    assert "Priset" not in push.found[0].reason, "words of one's own would lie on the topic after a purge"
    assert in_swedish(file.found[0].reason).startswith("detsamma har tagits emot förut, och avvisades vid granskningen")
    assert "skicka det ändrat" in in_swedish(push.found[0].reason)


async def test_the_same_as_a_draft_of_the_form_says_that_it_waits_to_be_submitted(office, taking, body):
    await office.call("anna", "POST", "/agreements", json=body)
    (verdict,) = await taking(like(body))
    assert (verdict.answer, "draft that waits to be submitted" in verdict.found[0].reason) == ("unchanged", True)


async def test_a_number_that_was_withdrawn_before_it_was_public_begins_anew(office, taking, body):
    (first,) = await taking(like(body, revision=1))
    assert (await office.act("anna", first.agreement_id, "withdraw")).status_code == 200
    (same,) = await taking(like(body, revision=1))
    assert (same.answer, "withdrawn since" in same.found[0].reason) == ("unchanged", True)
    (late,) = await taking(like(body, name="Gammalt"), at=NOW - timedelta(days=1))
    assert late.answer == "conflict", "what was sent before it was withdrawn does not bring it back"
    (anew,) = await taking(like(body, revision=2))
    assert (anew.answer, anew.agreement_id) == ("accepted", first.agreement_id)
    assert (await stored(office, body["number"])).state == "submitted"
    assert (await office.act("anna", first.agreement_id, "withdraw")).status_code == 200
    answer = await office.call("anna", "POST", "/agreements", json=body)
    assert (answer.status_code, answer.json()["id"], answer.json()["state"]) == (201, first.agreement_id, "draft")


async def test_an_edit_of_what_waits_for_review_says_how_to_change_it(office, taking, body):
    (verdict,) = await taking(like(body))
    kept = await stored(office, body["number"])
    path, version = f"/agreements/{verdict.agreement_id}", {"If-Match": f'"{kept.version}"'}
    answer = await office.call("anna", "PUT", path, json=like(body, name="Annat"), headers=version)
    assert (answer.status_code, "rejected, or withdraw it" in answer.json()["detail"]) == (409, True)


async def test_secrecy_in_the_regions_own_word_is_refused_in_the_form_and_by_record_alike(office, taking, body):
    for word in ("sekretess", "konfidentiell", "sekretessbelagd", "secret"):
        (verdict,) = await taking(like(body, **{word: "ja"}))
        assert [found.field for found in verdict.found] == ["confidential"]
        answer = await office.call("anna", "POST", "/agreements", json=like(body, **{word: True}))
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "confidential")
