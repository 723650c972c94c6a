"""Drafts that are not complete: saved as they are, for the own region, and never what must not be kept."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from agreements.service import drafts, expiry
from agreements.store.tables import draft, refusal

pytestmark = pytest.mark.engine


async def save(office, draft_id, content, version: int = 0, who: str = "anna"):
    headers = {"If-Match": f'"{version}"'}
    return await office.call(who, "PUT", f"/agreement-drafts/{draft_id}", json=content, headers=headers)


async def kept(office, table=draft) -> int:
    async with office.sessions() as session:
        return await session.scalar(select(func.count()).select_from(table)) or 0


async def test_a_draft_is_kept_as_it_is_however_incomplete(office):
    one, content = uuid4(), {"name": "Kata", "services": [{"units": ["SE55"]}], "valid_to": "2026-13-01", "law": None}
    saved = await save(office, one, content)
    assert (saved.status_code, saved.json()["content"]) == (200, content)
    read = await office.call("arne", "GET", f"/agreement-drafts/{one}")
    assert (read.json()["content"], read.json()["author"]) == (content, "anna")
    assert read.headers["ETag"] == saved.headers["ETag"] == f'"{saved.json()["version"]}"'
    again = await save(office, one, {"name": "Katarakt"}, saved.json()["version"], "arne")
    assert again.json()["version"] > saved.json()["version"]
    listed = (await office.call("anna", "GET", "/agreement-drafts")).json()
    assert [(row["id"], row["author"], row["content"]) for row in listed["items"]] == [
        (str(one), "arne", {"name": "Katarakt"})
    ]
    assert listed["total"] == 1
    assert (await office.call("anna", "DELETE", f"/agreement-drafts/{one}")).status_code == 204
    assert (await office.call("anna", "DELETE", f"/agreement-drafts/{one}")).status_code == 404


async def test_two_who_save_the_same_draft_never_overwrite_each_other(office):
    one = uuid4()
    answers = await asyncio.gather(*(save(office, one, {"name": str(number)}) for number in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]
    assert (await office.call("anna", "PUT", f"/agreement-drafts/{one}", json={})).status_code == 428
    assert (await save(office, uuid4(), {}, 17)).status_code == 404, "one that was deleted does not come back"


async def test_another_regions_drafts_do_not_exist(office):
    one = uuid4()
    await save(office, one, {"name": "hemligt"})
    for method in ("GET", "DELETE"):
        assert (await office.call("berit", method, f"/agreement-drafts/{one}")).status_code == 404
    assert (await save(office, one, {"name": "x"}, 0, "berit")).status_code == 412
    assert (await office.call("berit", "GET", "/agreement-drafts")).json()["total"] == 0
    assert (await office.call("anna", "GET", f"/agreement-drafts/{one}")).json()["content"] == {"name": "hemligt"}


@pytest.mark.parametrize(
    ("content", "field", "why"),
    [
        ({"description": "Patient 19121212-1212"}, "description", "personal number"),
        ({"services": [{"contacts": [{"note": "121212-1212"}]}]}, "services.0.contacts.0.note", "personal number"),
        ({"services": [{"19121212-1212": "x"}]}, "services.0", "odd name"),
        ({"19121212-1212": "x"}, "a field with an odd name", "not a known field"),
        ({"nmae": "x"}, "nmae", "not a known field"),
        ({"region": "01"}, "region", "own region"),
        ({"name": "a\u0000b"}, "name", "control characters"),
        ({"number": 191212121212}, "number", "personal number"),
        ({"internal_note": 191212121212.0}, "internal_note", "personal number"),
        ({"number": 197010632391}, "number", "personal number"),
        ({"services": [[[[[[[[[[[[["deep"]]]]]]]]]]]]]}, "services.0.0.0.0.0.0.0.0.0.0.0.0", "deeper"),
    ],
)
async def test_what_must_not_be_kept_is_refused_and_not_repeated(office, spoken, content, field, why):
    answer = await save(office, uuid4(), content)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    assert why in answer.json()["errors"][0]["reason"]
    assert "1212" not in answer.text + spoken()
    assert await kept(office) == 0


@pytest.mark.parametrize(
    ("content", "field"),
    [('{"name": "\\ud800"}', "name"), ('{"revision": NaN}', "revision"), ('{"revision": 1e400}', "revision")],
)
async def test_what_no_table_can_hold_is_told_where_it_stands(office, content, field):
    headers = {"If-Match": '"0"', "Content-Type": "application/json"}
    answer = await office.call("anna", "PUT", f"/agreement-drafts/{uuid4()}", content=content, headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)


async def test_of_a_confidential_draft_only_a_line_is_kept(office):
    for mark in (True, "ja"):
        answer = await save(office, uuid4(), {"name": "hemligt", "confidential": mark})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "confidential")
    assert (await save(office, uuid4(), {"name": "öppet", "confidential": False})).status_code == 200
    assert (await kept(office), await kept(office, refusal)) == (1, 2)


async def test_drafts_are_bounded_in_size_number_and_time(office, monkeypatch):
    assert (await save(office, uuid4(), {"name": "x" * 600_000})).status_code == 413
    monkeypatch.setattr(drafts, "MOST", 2)
    old = uuid4()
    await save(office, old, {"name": "1"})
    await save(office, uuid4(), {"name": "2"})
    refused = await save(office, uuid4(), {"name": "3"})
    assert (refused.status_code, "delete some" in refused.json()["detail"]) == (409, True)
    now = datetime.now(UTC)
    assert await expiry.tidy(office.sessions, now + timedelta(days=89)) == (0, 0)
    assert await expiry.tidy(office.sessions, now + timedelta(days=91)) == (2, 0)


async def test_an_id_that_is_not_one_is_no_draft(office):
    assert (await save(office, "19121212-1212", {})).status_code == 404


async def test_what_a_caller_makes_its_key_of_is_not_kept(office, body):
    key = {"Idempotency-Key": "19121212-1212"}
    first = (await office.register(body, **key)).json()
    assert (await office.register(body, **key)).json()["id"] == first["id"]
    assert "19121212" not in await office.everything()
