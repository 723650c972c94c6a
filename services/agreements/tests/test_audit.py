"""The auditors' export: who did what when, in pages or as lines, without any content."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agreements.service import disclosure

pytestmark = pytest.mark.engine

LINES = {"Accept": "application/x-ndjson"}


async def test_actions_disclosures_and_refusals_are_listed_newest_first_and_exported_oldest_first(office, body):
    body["description"] = "Operation av grå starr, hemligt pris"
    one = await office.publish(body)
    async with office.sessions.begin() as session:
        await disclosure.tell_key(session, Ed25519PrivateKey.generate())
    asked = {"kind": "published", "asked_by": "14", "purpose": "Uppföljning"}
    await office.call("anna", "POST", "/agreement-disclosures", json=asked)
    secret = await office.register({**body, "number": "hemlig", "confidential": True})
    assert secret.status_code == 422

    page = (await office.call("operator", "GET", "/audit?service=agreements&limit=100")).json()
    told = [(entry["about"], entry["action"], entry["actor"]) for entry in page["items"]]
    assert [(about, action) for about, action, _ in told] == [
        ("refusal", "refuse"),
        ("disclosure", "asked"),
        ("agreement", "approve"),
        ("agreement", "approve"),
        ("agreement", "submit"),
        ("agreement", "register"),
    ]
    assert page["total"] == 6
    assert {entry["id"] for entry in page["items"] if entry["about"] == "agreement"} == {one["id"]}

    answer = await office.call("operator", "GET", "/audit?service=agreements", headers=LINES)
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert lines == page["items"][::-1]
    assert "grå starr" not in answer.text
    assert "hemlig" not in answer.text.replace("secrecy", "")
    only = (await office.call("operator", "GET", "/audit?service=agreements&about=disclosure")).json()["items"]
    assert [(entry["why"], entry["region"], entry["asked_by"]) for entry in only] == [("Uppföljning", "14", "14")]


async def test_a_span_of_time_is_exported_alone_and_however_long_it_is_in_steps(office, body, monkeypatch):
    monkeypatch.setattr("agreements.store.audit._AT_ONCE", 2)
    await office.publish(body)
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat().replace("+00:00", "Z")
    for query, count in ((f"from={later}", 0), (f"to={later}", 4)):
        answer = await office.call("operator", "GET", f"/audit?service=agreements&{query}", headers=LINES)
        assert len(answer.text.splitlines()) == count


@pytest.mark.parametrize("query", ["", "?service=search", "?service=agreements&from=yesterday"])
async def test_another_service_or_time_than_there_is_is_told(office, query):
    answer = await office.call("operator", "GET", f"/audit{query}")
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")


async def test_each_reads_what_is_theirs_and_the_operator_all(office, body):
    one = await office.publish(body)
    await office.register({**body, "region": "01", "commissioning_regions": ["01"]}, "berit")
    async with office.sessions.begin() as session:
        await disclosure.tell_key(session, Ed25519PrivateKey.generate())
    asked = {"kind": "published", "asked_by": "01", "purpose": "Uppföljning"}
    await office.call("berit", "POST", "/agreement-disclosures", json=asked)

    async def read(who: str) -> list[tuple[str, str, str]]:
        page = (await office.call(who, "GET", "/audit?service=agreements&limit=100")).json()["items"]
        lines = (await office.call(who, "GET", "/audit?service=agreements", headers=LINES)).text.splitlines()
        assert len(lines) == len(page)
        return [(entry["about"], entry["action"], entry["actor"]) for entry in page]

    assert len(await read("operator")) == 6
    assert {actor for _, _, actor in await read("anna")} == {"anna", "arne", "agency"}
    assert await read("berit") == [("disclosure", "asked", "berit"), ("agreement", "register", "berit")]
    assert await read("agency") == [("disclosure", "asked", "berit"), ("agreement", "approve", "agency")]
    assert one["state"] == "published"


async def test_that_there_is_a_reason_is_told_and_its_words_are_not(office, body):
    one = await office.publish(body)
    assert (await office.act("anna", one["id"], "terminate", "Hemlig tvist")).status_code == 200
    answer = await office.call("operator", "GET", "/audit?service=agreements")
    assert answer.json()["items"][0]["reason_given"] is True
    assert "reason_given" not in answer.json()["items"][1]
    assert "tvist" not in answer.text
    await office.act("anna", one["id"], "purge", "secrecy")
    (line,) = (await office.call("operator", "GET", "/audit?service=agreements")).json()["items"]
    assert (line["action"], line["why"]) == ("purge", "secrecy")
