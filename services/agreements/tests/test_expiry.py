"""What a day brings: an agreement ends on the day after its last, and its region is told before. The day is moved."""

import asyncio
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from agreements.schedule.daily import strike
from agreements.service import expiry
from agreements.store import agreements as store
from agreements.store.tables import notice
from contracts.agreement_form import AgreementForm

pytestmark = pytest.mark.engine

LAST = date(2027, 12, 31)
"""The last day of the agreement in conftest."""


async def told(office) -> list[tuple[str, int]]:
    async with office.sessions() as session:
        query = select(notice.c.valid_to, notice.c.days).order_by(notice.c.at, notice.c.days.desc())
        return [(row.valid_to.isoformat(), row.days) for row in await session.execute(query)]


async def many(office, standing, count: int, **content) -> None:
    """Published agreements as intake leaves them, without the way there."""
    async with office.sessions.begin() as session:
        for number in range(count):
            one_id = f"00000000-0000-4000-8000-{number:012}"
            body = AgreementForm.model_validate({**content, "number": str(number)}).as_json()
            place = {"id": one_id, "number": str(number), "body": body, "public_body": body}
            await store.insert_new(session, standing("published", "published", **place))


async def test_an_agreement_is_in_force_through_its_last_day_and_expired_on_the_next(office, body):
    one = await office.publish(body)
    assert await expiry.expire(office.sessions, LAST) == 0
    assert await expiry.expire(office.sessions, LAST + timedelta(days=1)) == 1
    assert await expiry.expire(office.sessions, LAST + timedelta(days=1)) == 0, "once"
    first, last = await office.announced()
    assert (last.agreement_id, last.status, last.valid_to, last.ended_on) == (one["id"], "expired", LAST, None)
    assert last.version > first.version
    assert last.published_at == first.published_at
    path = f"/agreements/{one['id']}"
    shown = (await office.call("anna", "GET", path)).json()
    assert (shown["state"], shown["public_state"], shown["allowed_actions"]) == (
        "expired",
        "expired",
        ["purge", "edit"],
    )
    assert (await office.call("navigator", "GET", path)).status_code == 404
    assert (await office.call("navigator", "GET", "/agreements")).json()["total"] == 0
    (*_, row) = await office.history(one["id"])
    assert (row.action, row.actor, row.state) == ("expire", "clock", "expired")


async def test_the_day_is_swedens_not_the_machines(office, body):
    await office.publish(body)
    await strike(office.sessions, datetime(2027, 12, 31, 22, 59, tzinfo=UTC))
    assert len(await office.announced()) == 1
    await strike(office.sessions, datetime(2027, 12, 31, 23, 1, tzinfo=UTC))
    assert [message.status for message in await office.announced()] == ["published", "expired"]


async def test_what_has_no_last_day_or_is_not_public_never_expires(office, body):
    await office.publish({**body, "number": "1", "valid_to": None})
    await office.register({**body, "number": "2"})
    ended = await office.publish({**body, "number": "3"})
    await office.act("anna", ended["id"], "terminate", "Hävt")
    count = len(await office.announced())
    assert await expiry.expire(office.sessions, date(2090, 1, 1)) == 0
    assert await expiry.tell(office.sessions, LAST) == {}
    assert len(await office.announced()) == count


async def test_two_workers_expire_each_agreement_once(office, standing, body):
    await many(office, standing, 1203, **body)
    counts = await asyncio.gather(*(expiry.expire(office.sessions, LAST + timedelta(days=1)) for _ in range(3)))
    assert sum(counts) == 1203
    announced = [message.agreement_id for message in await office.announced()]
    assert len(announced) == len(set(announced)) == 1203


async def test_a_region_is_told_90_30_and_7_days_before_each_once(office, body):
    await office.publish(body)
    for before, expected in ((91, []), (90, [90]), (89, [90]), (31, [90]), (30, [90, 30]), (7, [90, 30, 7]), (0, None)):
        for _ in range(2):
            await expiry.tell(office.sessions, LAST - timedelta(days=before))
        if expected is not None:
            assert [days for _, days in await told(office)] == expected, f"{before} days before"
    assert [days for _, days in await told(office)] == [90, 30, 7]


async def test_after_days_without_a_clock_the_last_notice_that_is_due_is_told_and_no_other(office, body):
    await office.publish(body)
    found = await asyncio.gather(*(expiry.tell(office.sessions, LAST - timedelta(days=12)) for _ in range(3)))
    assert sorted(map(dict, found), key=len) == [{}, {}, {("14", 30): 1}]
    assert await told(office) == [(LAST.isoformat(), 30)]


async def test_what_is_prolonged_is_told_of_anew_before_its_new_end(office, body):
    one = await office.publish(body)
    await expiry.tell(office.sessions, LAST - timedelta(days=7))
    new_end = LAST + timedelta(days=365)
    headers = {"If-Match": f'"{one["version"]}"'}
    content = {**body, "valid_to": new_end.isoformat()}
    assert (await office.call("anna", "PUT", f"/agreements/{one['id']}", json=content, headers=headers)).is_success
    (row,) = (await office.call("anna", "GET", "/agreement-notices")).json()["items"]
    assert row["changing"] is True
    for who, action in (("anna", "submit"), ("arne", "approve"), ("agency", "approve")):
        await office.act(who, one["id"], action)
    assert (await office.call("anna", "GET", "/agreement-notices")).json()["total"] == 0, "it does not end so soon"
    await expiry.tell(office.sessions, new_end - timedelta(days=30))
    assert await told(office) == [(LAST.isoformat(), 7), (new_end.isoformat(), 30)]


async def test_notices_are_the_own_regions_with_where_they_go(office, body):
    one = await office.publish(body)
    await office.publish({**body, "number": "2", "valid_to": "2027-11-30"})
    to = {"channel": "email", "value": "avtal@region.example"}
    await office.call("anna", "PUT", "/agreement-settings/14", json={"notices_to": to}, headers={"If-Match": '"0"'})
    await expiry.tell(office.sessions, LAST - timedelta(days=30))
    listed = (await office.call("anna", "GET", "/agreement-notices")).json()
    assert (listed["to"], listed["total"]) == (to, 1), "the other's last day has passed"
    (row,) = listed["items"]
    assert {name: row[name] for name in ("agreement_id", "number", "valid_to", "days", "changing")} == {
        "agreement_id": one["id"],
        "number": body["number"],
        "valid_to": LAST.isoformat(),
        "days": 30,
        "changing": False,
    }
    assert (await office.call("anna", "GET", "/agreement-notices?days=90")).json()["total"] == 0
    assert (await office.call("berit", "GET", "/agreement-notices")).json()["total"] == 0
    assert (await office.call("berit", "GET", "/agreement-notices?region=14")).status_code == 403
    assert (await office.call("anna", "GET", "/agreement-notices?days=6")).status_code == 400


async def test_answers_kept_for_repeated_requests_are_deleted_after_two_days(office, body):
    await office.register(body, **{"Idempotency-Key": "k1"})
    now = datetime.now(UTC)
    await expiry.tidy(office.sessions, now + timedelta(days=1))
    assert (await office.counts())["idempotency"] == 1
    await expiry.tidy(office.sessions, now + timedelta(days=3))
    assert (await office.counts())["idempotency"] == 0


async def test_the_end_of_many_reads_no_bodies_to_find_them(office, standing, body):
    """The narrow row is indexed by its last day: the hourly look costs nothing while nothing ends."""
    await many(office, standing, 300, **body)
    async with office.sessions() as session:
        await session.execute(text("ANALYZE agreement_listed"))
        await session.execute(text("SET enable_seqscan = off"))
        query = "EXPLAIN SELECT agreement_id FROM agreement_listed WHERE side = 'public' AND valid_to < '2027-01-01'"
        plan = "\n".join(await session.scalars(text(query)))
        assert await session.scalar(select(func.count()).select_from(notice)) == 0
    assert "agreement_listed_valid_to" in plan


def test_the_clocks_metrics_are_documented_with_their_labels():
    page = (Path(expiry.__file__).parents[5] / "docs/operations/metrics.md").read_text()
    rows = dict(re.findall(r"^\| `(vf_[a-z_]+)` \| .+? \| (.+?) \| .+? \|$", page, re.MULTILINE))
    for metric in (expiry.EXPIRED, expiry.NOTICES):
        assert rows[f"{metric._name}_total"] == (", ".join(metric._labelnames) or "–")
