"""A published agreement is changed: through the gates again, while what is public stays as it is. And its history."""

from datetime import date

import pytest

from agreements.service import expiry
from agreements.service.expiry import tell

pytestmark = pytest.mark.engine


@pytest.fixture
async def change(office, body):
    """A published agreement, and a way to change its name and take the change some steps on."""
    one = await office.publish(body)

    class Change:
        id = one["id"]
        path = f"/agreements/{one['id']}"

        async def edit(self, who: str = "anna", **fields):
            etag = {"If-Match": (await office.call(who, "GET", self.path)).headers["ETag"]}
            return await office.call(who, "PUT", self.path, json={**body, "name": "Nytt namn", **fields}, headers=etag)

        async def act(self, who: str, action: str, reason: str | None = None):
            answer = await office.act(who, self.id, action, reason)
            assert answer.status_code == 200, answer.text
            return answer.json()

        async def seen(self, who: str):
            answer = await office.call(who, "GET", self.path)
            shown = answer.json()
            return (shown["state"], shown["name"]) if answer.status_code == 200 else None

    return Change()


async def test_the_old_version_stays_public_until_the_change_has_passed_both_gates(office, body, change):
    assert (await change.edit()).status_code == 200
    old, new = ("published", body["name"]), "Nytt namn"
    for who, action, state in (
        (None, None, "draft"),
        ("anna", "submit", "submitted"),
        ("arne", "approve", "region_approved"),
    ):
        if who:
            await change.act(who, action)
        assert await change.seen("navigator") == await change.seen("berit") == old
        assert await change.seen("agency") == ((state, new) if state == "region_approved" else old)
        assert await change.seen("anna") == (state, new)
        assert len(await office.announced()) == 1
        assert (await office.call("navigator", "GET", "/agreements?q=nytt namn")).json()["total"] == 0
    before = (await office.announced())[0]
    public = await change.act("agency", "approve")
    assert await change.seen("navigator") == ("published", new)
    first, last = await office.announced()
    assert (first.name, last.name, last.status) == (body["name"], new, "published")
    assert last.version == public["version"] > first.version
    assert last.published_at == before.published_at, "it has been public since then"
    assert last.changed_at > before.changed_at
    assert last.ended_on is None


@pytest.mark.parametrize("steps", [[], ["submit"], ["submit", "approve"]])
async def test_a_change_that_is_withdrawn_leaves_everything_public_as_it_was(office, body, change, steps):
    await change.edit()
    for who, action in zip(("anna", "arne"), steps, strict=False):
        await change.act(who, action)
    shown = await change.act("anna", "withdraw")
    assert (shown["state"], shown["name"]) == ("published", body["name"])
    assert await change.seen("navigator") == ("published", body["name"])
    assert len(await office.announced()) == 1
    assert (await change.edit()).status_code == 200, "and it can be changed again"


async def test_a_change_that_is_rejected_is_a_draft_again_and_what_is_public_stays(office, body, change):
    await change.edit()
    await change.act("anna", "submit")
    await change.act("arne", "approve")
    await change.act("agency", "reject", "Oklart pris")
    assert await change.seen("anna") == ("draft", "Nytt namn")
    assert await change.seen("navigator") == ("published", body["name"])
    assert len(await office.announced()) == 1
    await change.edit(name="Klart pris")
    await change.act("anna", "submit")
    await change.act("arne", "approve")
    await change.act("agency", "approve")
    assert [message.name for message in await office.announced()] == [body["name"], "Klart pris"]


async def test_the_old_version_may_expire_while_its_prolongation_waits(office, body, change):
    await change.edit(valid_to="2029-12-31")
    await change.act("anna", "submit")
    assert await expiry.expire(office.sessions, date(2028, 1, 1)) == 1
    assert await change.seen("anna") == ("submitted", "Nytt namn")
    assert await change.seen("navigator") is None
    assert [message.status for message in await office.announced()] == ["published", "expired"]
    refused = await office.act("anna", change.id, "terminate", "Hävt")
    assert (refused.status_code, "not in force" in refused.json()["detail"]) == (409, True)
    await change.act("arne", "approve")
    await change.act("agency", "approve")
    last = (await office.announced())[-1]
    assert (last.status, last.name, last.valid_to.isoformat(), last.ended_on) == (
        "published",
        "Nytt namn",
        "2029-12-31",
        None,
    )
    assert await change.seen("navigator") == ("published", "Nytt namn")
    assert await tell(office.sessions, date(2028, 1, 2)) == {}


async def test_a_change_withdrawn_after_the_old_version_expired_leaves_it_expired(office, body, change):
    await change.edit(valid_to="2029-12-31")
    await expiry.expire(office.sessions, date(2028, 1, 1))
    shown = await change.act("anna", "withdraw")
    assert (shown["state"], shown["valid_to"]) == ("expired", "2027-12-31")
    assert [message.status for message in await office.announced()] == ["published", "expired"]
    assert (await change.edit(valid_to="2030-12-31")).status_code == 200, "and it can be prolonged still"


async def test_to_terminate_ends_what_is_public_and_the_change_with_it(office, body, change):
    await change.edit()
    await change.act("anna", "submit")
    shown = await change.act("anna", "terminate", "Hävt")
    assert (shown["state"], shown["name"]) == ("terminated", body["name"])
    last = (await office.announced())[-1]
    assert (last.status, last.name) == ("terminated", body["name"])
    assert last.ended_on is not None
    assert (await change.edit()).status_code == 409


async def test_a_step_on_another_version_than_was_looked_at_is_not_taken(office, change):
    await change.edit()
    seen = (await change.act("anna", "submit"))["version"]
    await change.act("anna", "withdraw")
    await change.edit(name="Något annat")
    await change.act("anna", "submit")
    answer = await office.call("arne", "POST", f"{change.path}/approve", json={"version": seen})
    assert (answer.status_code, "nothing was done" in answer.json()["detail"]) == (412, True)
    assert await change.seen("anna") == ("submitted", "Något annat")


async def test_history_tells_the_region_every_step_and_what_it_changed(office, body, change):
    await change.edit()
    await change.act("anna", "submit")
    await change.act("arne", "reject", "Fel namn")
    answer = await office.call("arne", "GET", f"{change.path}/history")
    rows = answer.json()["items"]
    assert [(row["actor"], row["action"], row["state"]) for row in rows] == [
        ("arne", "reject", "draft"),
        ("anna", "submit", "submitted"),
        ("anna", "edit", "draft"),
        ("agency", "approve", "published"),
        ("arne", "approve", "region_approved"),
        ("anna", "submit", "submitted"),
        ("anna", "register", "draft"),
    ]
    assert rows[0]["reason"] == "Fel namn"
    assert rows[2]["differences"] == [
        {"field": "name", "before": body["name"], "after": "Nytt namn", "audience": "public"}
    ]
    assert [row["differences"] for row in rows[3:6]] == [[], [], []]
    assert {"number", "services.0.units"} <= {row["field"] for row in rows[6]["differences"]}
    for who, status in (("berit", 404), ("navigator", 403)):
        assert (await office.call(who, "GET", f"{change.path}/history")).status_code == status


async def test_history_tells_the_agency_what_has_passed_the_regions_gate(office, body, change):
    async def told():
        rows = (await office.call("agency", "GET", f"{change.path}/history")).json()["items"]
        return [(row["action"], row["state"], [one["after"] for one in row["differences"]][:1]) for row in rows]

    first = await told()
    assert [row[:2] for row in first] == [("approve", "published"), ("approve", "region_approved")]
    await change.edit(name="Ett utkast")
    await change.edit(name="Nytt namn")
    await change.act("anna", "submit")
    assert await told() == first, "what the region has not let through is its own"
    await change.act("arne", "approve")
    await change.act("agency", "reject", "Oklart")
    await change.edit(name="Klart")
    rows = await told()
    assert rows[:2] == [("reject", "draft", []), ("approve", "region_approved", ["Nytt namn"])]
    assert rows[2:] == first
