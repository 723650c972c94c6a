"""The codes in memory follow the tables: what is told is answered soon after, whatever the versions did."""

import pytest
from sqlalchemy import text

from engines import eventually

pytestmark = pytest.mark.engine


async def verdict(room, key: str) -> bool:
    answer = await room.call("navigator", "POST", "/codes/validate", json={"codes": [key]})
    return answer.json()["results"][0]["valid"]


async def test_it_is_not_ready_before_codes_are_known_and_then_is(empty_room, codes):
    answer = await empty_room.client.get("/readyz")
    assert (answer.status_code, answer.json()["checks"]["postgresql"]) == (503, "ok")
    assert answer.json()["checks"]["codes"] in {"no codes are known yet", "the codes have not been read yet"}
    await empty_room.tell(codes)
    await empty_room.ready()
    assert await verdict(empty_room, "kva|CJE20") is True


async def test_a_new_a_changed_and_a_retired_code_are_answered_within_seconds(empty_room, codes, day):
    await empty_room.tell(codes)
    await empty_room.ready()
    one = next(one for one in codes if one["code"] == "CJE20")
    new = {**one, "code": "CJE21", "text": "Ny operation", "designations": ["laserstarr"]}
    await empty_room.tell([{**one, "status": "retired", "valid_to": day(-1)}, new])

    async def followed() -> bool:
        return await verdict(empty_room, "kva|CJE21") and not await verdict(empty_room, "kva|CJE20")

    await eventually(followed)
    found = (await empty_room.get("/codes", q="laserstarr")).json()["items"]
    assert [item["code"] for item in found] == ["CJE21"]
    expansion = (await empty_room.fhir("ValueSet/kva/$expand", params={"count": 0}))["expansion"]
    assert expansion["total"] == 51


async def test_a_care_areas_words_and_its_value_set_count_on_the_days_it_is_valid(empty_room, codes, day):
    member = {"system": "kva", "code": "JKA20"}
    told = {"text": "Gallsten", "designations": ["gallbesvär"], "release": None, "maps": [], "place": None}
    part = {"members": [member], "guidance": None, "guarantee": []}
    area = {"system": "care-area", "code": "gallsten", "status": "active", "valid_from": day(-9), "valid_to": None}
    area |= {"changed_at": "2026-03-01T00:00:00Z", "care_area": part, **told}
    operation = {**codes[0], **member, "status": "active", "text": "Kolecystektomi", "valid_from": None}
    operation |= {"valid_to": None, "designations": [], "maps": [], "place": None, "care_area": None}
    await empty_room.tell([*codes, area, operation])
    await empty_room.ready()

    async def found(**on: str) -> list[str]:
        items = (await empty_room.get("/codes", q="gallbesvär", system="kva", **on)).json()["items"]
        return [item["code"] for item in items]

    async def expanded(**date: str) -> tuple[str, int]:
        answer = await empty_room.fhir("ValueSet/care-area-gallsten/$expand", params=date)
        return answer["status"], answer["expansion"]["total"]

    assert await found() == await found(on=day(-9)) == ["JKA20"]
    assert await found(on=day(-10)) == []
    assert (await expanded(), await expanded(date=day(-10))) == (("active", 1), ("draft", 0))

    await empty_room.tell([{**area, "status": "retired"}])

    async def gone() -> bool:
        return await found() == []

    await eventually(gone)
    assert await found(on=day(-1)) == [], "taken away without a last day: valid on none"
    assert await expanded() == ("retired", 0)
    assert (await empty_room.fhir("ValueSet/care-area-gallsten"))["status"] == "retired"
    asked = {"url": "https://vardformedling.example/fhir/ValueSet/care-area-gallsten", "code": "JKA20"}
    asked |= {"system": "http://electronichealth.se/id/kva"}
    verdict = await empty_room.fhir("ValueSet/$validate-code", params=asked)
    assert verdict["parameter"][0] == {"name": "result", "valueBoolean": False}
    found_ids = await empty_room.fhir("ValueSet", params={"status": "retired"})
    assert [row["resource"]["id"] for row in found_ids["entry"]] == ["care-area-gallsten"]

    await empty_room.tell([{**area, "valid_to": day(1)}])

    async def back() -> bool:
        return await found() == ["JKA20"]

    await eventually(back)
    assert (await found(on=day(1)), await found(on=day(2))) == (["JKA20"], [])
    assert await expanded(date=day(2)) == ("retired", 0)


async def test_changes_below_the_newest_version_are_seen_too(empty_room, codes):
    """As after a restore from a backup: rows are gone, and others are back at lower versions."""
    await empty_room.tell(codes)
    await empty_room.ready()
    async with empty_room.sessions.begin() as session:
        await session.execute(text("DELETE FROM fact WHERE key = 'kva|CJE20'"))

    async def gone() -> bool:
        return not await verdict(empty_room, "kva|CJE20")

    await eventually(gone)
    async with empty_room.sessions.begin() as session:
        changed = (
            """UPDATE fact SET version = 1, content = content || '{"status": "retired"}' WHERE key = 'kva|CJE25'"""
        )
        await session.execute(text(changed))

    async def retired() -> bool:
        return not await verdict(empty_room, "kva|CJE25")

    await eventually(retired)


async def test_answers_go_on_while_the_database_is_away_and_follow_it_when_it_is_back(empty_room, codes):
    await empty_room.tell(codes)
    await empty_room.ready()
    name = empty_room.url.rsplit("/", 1)[1]
    async with empty_room.engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("ALTER TABLE fact RENAME TO away"))
        ended = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name AND pid <> pg_backend_pid()"
        )
        await connection.execute(text(ended), {"name": name})
        assert await verdict(empty_room, "kva|CJE20") is True
        retired = """UPDATE away SET version = version + 1, content = content || '{"status": "retired"}'"""
        await connection.execute(text(f"{retired} WHERE key = 'kva|CJE20'"))
        await connection.execute(text("ALTER TABLE away RENAME TO fact"))

    async def followed() -> bool:
        return not await verdict(empty_room, "kva|CJE20")

    await eventually(followed)
