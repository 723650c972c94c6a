"""A region's profile: the own administrator's alone, one editor at a time, every change kept and announced."""

import asyncio
import copy
from datetime import UTC, datetime

import pytest

from catalog_sync.store import tables
from contracts import RegionProfileUpdated

pytestmark = pytest.mark.engine

PROFILE = {
    "status": "active",
    "office": {
        "name": "Vårdgarantienheten",
        "contacts": [{"purpose": "brokerage", "channel": "phone", "value": "031-390 06 01", "note": "Knappval 2"}],
        "hours": [{"weekday": 1, "opens": "08:00", "closes": "16:30"}],
        "hours_note": "Lunchstängt 12-13",
        "sdk": {"party": "0203:region.example.se", "function": "vardgaranti"},
    },
    "invoice": {
        "name": "Västra Götalandsregionen",
        "street": None,
        "postal_code": "54130",
        "locality": "Skövde",
        "electronic_address": "0007:2321000131",
        "reference": "VG-1",
    },
    "care_paid_first_by": "performing_region",
    "travel": {
        "granted": True,
        "paid_first_by": "patient",
        "text": "Enligt regelverket.",
        "url": "https://resa.example",
    },
    "lodging": {"granted": None, "paid_first_by": None, "text": "Prövas.", "url": None},
    "companion": None,
}


@pytest.fixture
def profile():
    return copy.deepcopy(PROFILE)


async def put(room, who, content, version, region="14"):
    headers = {"If-Match": f'"{version}"'} if version is not None else {}
    return await room.call(who, "PUT", f"/region-profiles/{region}", json=content, headers=headers)


async def test_the_first_profile_is_written_read_listed_and_announced(empty_room, profile):
    missing = await empty_room.get("/region-profiles/14")
    assert (missing.status_code, 'If-Match "0"' in missing.json()["detail"]) == (404, True)
    answer = await put(empty_room, "anna", profile, 0)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert {name: told[name] for name in PROFILE} == PROFILE
    assert (told["region"], told["name"], answer.headers["etag"]) == (
        "14",
        "Västra Götalandsregionen",
        f'"{told["version"]}"',
    )
    read = await empty_room.get("/region-profiles/14")
    assert (read.json(), read.headers["etag"]) == (told, answer.headers["etag"])
    listed = (await empty_room.get("/region-profiles")).json()
    assert listed == {"items": [told], "total": 1, "page": 1, "limit": 20}
    (message,) = await empty_room.announced()
    assert isinstance(message, RegionProfileUpdated)
    assert (message.key(), message.version, message.status) == ("14", told["version"], "active")
    assert message.office.sdk.function == "vardgaranti"


async def test_the_second_of_two_editors_is_told_and_nothing_is_overwritten(empty_room, profile):
    first = (await put(empty_room, "anna", profile, 0)).json()["version"]
    changed = {**profile, "travel": None}
    assert (await put(empty_room, "anna", changed, first)).status_code == 200
    late = await put(empty_room, "arne", {**profile, "lodging": None}, first)
    assert (late.status_code, "nothing was overwritten" in late.json()["detail"]) == (412, True)
    assert (await put(empty_room, "arne", profile, 0)).status_code == 412
    assert (await put(empty_room, "arne", profile, None)).status_code == 428
    now = (await empty_room.get("/region-profiles/14")).json()
    assert (now["travel"], now["lodging"]) == (None, PROFILE["lodging"])
    assert await empty_room.count() == {"region_profile": 1, "region_profile_history": 2, "outbox": 2}


async def test_of_many_who_write_at_the_same_moment_one_wins(empty_room, profile):
    answers = await asyncio.gather(*(put(empty_room, who, profile, 0) for who in ("anna", "arne") * 4))
    assert sorted(one.status_code for one in answers) == [200] + [412] * 7
    version = next(one for one in answers if one.status_code == 200).json()["version"]
    answers = await asyncio.gather(*(put(empty_room, who, profile, version) for who in ("anna", "arne") * 4))
    assert sorted(one.status_code for one in answers) == [200] + [412] * 7
    assert await empty_room.count() == {"region_profile": 1, "region_profile_history": 2, "outbox": 2}


async def test_another_regions_administrator_changes_nothing(empty_room, profile, token):
    for who in ("berit", "navigator", "agency-reviewer", "region-system"):
        answer = await put(empty_room, who, profile, 0)
        assert answer.status_code == 403
    none = {"Authorization": f"Bearer {token('agreement-admin', '', 'ingen')}", "If-Match": '"0"'}
    answer = await empty_room.client.put("/region-profiles/14", json=profile, headers=none)
    assert (answer.status_code, "none in your token" in answer.json()["detail"]) == (403, True)
    assert (await put(empty_room, "anna", profile, 0, "99")).status_code == 400
    assert sum((await empty_room.count()).values()) == 0


async def test_all_faults_are_told_at_once_with_their_fields_and_never_their_values(empty_room, profile):
    profile["office"]["contacts"][0] |= {"channel": "röksignal", "value": ""}
    profile["office"]["hours"].append({"weekday": 8, "opens": "09:00", "closes": "08:00"})
    profile["office"]["sdk"]["party"] = "region.example.se"
    profile["invoice"] |= {"postal_code": "123", "reference": "Patient 19121212-1212"}
    profile["travel"] |= {"text": "Gäller 191212121212", "url": "ftp://x"}
    profile["kontor"] = 1
    answer = await put(empty_room, "anna", profile, 0)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    reasons = {row["field"]: row["reason"] for row in answer.json()["errors"]}
    assert set(reasons) == {
        "office.contacts.0.channel",
        "office.contacts.0.value",
        "office.hours.1.weekday",
        "office.hours.1.closes",
        "office.sdk.party",
        "invoice.postal_code",
        "invoice.reference",
        "travel.text",
        "travel.url",
        "kontor",
    }
    assert "personal number" in reasons["travel.text"]
    assert "1212" not in answer.text
    assert "röksignal" not in answer.text
    assert sum((await empty_room.count()).values()) == 0


async def test_a_personal_number_in_any_text_is_refused(empty_room, profile):
    places = (
        ("office", "name"),
        ("office", "hours_note"),
        ("office", "contacts", 0, "value"),
        ("office", "contacts", 0, "note"),
        ("office", "sdk", "function"),
        ("office", "sdk", "party"),
        ("invoice", "name"),
        ("invoice", "street"),
        ("invoice", "locality"),
        ("invoice", "reference"),
        ("invoice", "electronic_address"),
        ("travel", "text"),
        ("travel", "url"),
    )
    for place in places:
        content = copy.deepcopy(profile)
        inner = content
        for step in place[:-1]:
            inner = inner[step]
        inner[place[-1]] = {"url": "https://x.example/191212121212"}.get(str(place[-1]), "0007:191212121212")
        answer = await put(empty_room, "anna", content, 0)
        assert (answer.status_code, "1212" in answer.text) == (422, False), place
        assert [row["field"] for row in answer.json()["errors"]] == [".".join(map(str, place))]
    odd = await put(empty_room, "anna", {**profile, "191212121212": 1}, 0)
    assert (odd.status_code, "1212" in odd.text) == (422, False)
    assert sum((await empty_room.count()).values()) == 0


async def test_a_withdrawn_profile_tells_nothing_and_may_be_told_again(empty_room, profile):
    first = (await put(empty_room, "anna", profile, 0)).json()["version"]
    assert (await put(empty_room, "anna", {**profile, "status": "withdrawn"}, first)).status_code == 422
    gone = await put(empty_room, "anna", {"status": "withdrawn"}, first)
    assert (gone.status_code, gone.json()["office"]) == (200, None)
    back = await put(empty_room, "anna", profile, gone.json()["version"])
    assert back.status_code == 200
    versions = [(message.status, message.version) for message in await empty_room.announced()]
    assert [status for status, _ in versions] == ["active", "withdrawn", "active"]
    assert versions == sorted(versions, key=lambda one: one[1])


async def test_a_body_that_tells_nothing_is_refused_and_the_profile_stays(empty_room, profile):
    first = (await put(empty_room, "anna", profile, 0)).json()
    for content in ({}, {"status": "active"}, {"office": None}):
        answer = await put(empty_room, "anna", content, first["version"])
        (fault,) = answer.json()["errors"]
        assert (answer.status_code, fault["field"]) == (422, "body")
        assert fault["reason"].startswith("tells nothing: fill in at least one of office, invoice, ")
        assert fault["reason"].endswith('or withdraw the profile by sending {"status": "withdrawn"}')
    assert (await empty_room.get("/region-profiles/14")).json() == first


async def test_hours_that_overlap_on_one_day_are_refused_with_their_rows(empty_room, profile):
    def hours(*spans: tuple[int, str, str]) -> None:
        profile["office"]["hours"] = [
            {"weekday": day, "opens": opens, "closes": closes} for day, opens, closes in spans
        ]

    for spans, rows in (
        (((1, "08:00", "12:00"), (1, "10:00", "16:00")), "0 and 1"),
        (((1, "13:00", "16:00"), (2, "08:00", "16:00"), (1, "08:00", "13:30")), "2 and 0"),
        (((1, "08:00", "12:00"), (1, "08:00", "12:00")), "0 and 1"),
    ):
        hours(*spans)
        answer = await put(empty_room, "anna", profile, 0)
        assert answer.status_code == 422, spans
        reason = f"rows {rows} (counted from 0) overlap on weekday 1"
        assert answer.json()["errors"] == [{"field": "office.hours", "reason": reason}]
    hours((1, "12:00", "16:00"), (2, "08:00", "16:00"), (1, "08:00", "12:00"))
    assert (await put(empty_room, "anna", profile, 0)).status_code == 200


async def test_who_changed_what_and_when_is_kept(empty_room, profile):
    before = datetime.now(UTC)
    first = (await put(empty_room, "anna", profile, 0)).json()["version"]
    await put(empty_room, "arne", {**profile, "travel": None}, first)
    one, two = await empty_room.rows(tables.region_profile_history)
    assert (one.region, one.action, one.actor, one.version) == ("14", "register", "anna", first)
    assert (two.region, two.action, two.actor, two.version > first) == ("14", "edit", "arne", True)
    assert (one.body, two.body["travel"]) == (PROFILE, None)
    assert before <= one.changed_at <= two.changed_at <= datetime.now(UTC)


async def test_the_demos_profiles_of_all_regions_are_taken_as_they_are(empty_room, sweden, token):
    assert len(sweden.profiles) == 21
    for region, content in sweden.profiles.items():
        headers = {"Authorization": f"Bearer {token('agreement-admin', region)}", "If-Match": '"0"'}
        answer = await empty_room.client.put(f"/region-profiles/{region}", json=content, headers=headers)
        assert answer.status_code == 200, answer.text
        assert {name: answer.json()[name] for name in content} == content
    assert len(await empty_room.announced()) == 21
