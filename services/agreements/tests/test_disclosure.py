"""Utlämnande: who gets which agreements and fields, as a signed archive that is audited and kept for a while."""

import base64
import csv
import io
import json
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from agreements.main import main
from agreements.service import archive, disclosure, disclosure_making
from agreements.store import pulls
from agreements.store.purging import traces
from agreements.store.tables import disclosure_audit, disclosure_part

pytestmark = pytest.mark.engine

KEPT = timedelta(days=7)
PURPOSE = "Uppföljning av avtal"


class Desk:
    """The place where agreements are disclosed: the office, and the worker's part of making archives."""

    def __init__(self, office: Any, key: Ed25519PrivateKey, folder: Path) -> None:
        self.office = office
        self.key = key
        self.folder = folder

    async def ask(self, who: str, kind: str, asked_by: str, **more: Any) -> Any:
        content = {"kind": kind, "asked_by": asked_by, "purpose": PURPOSE, **more}
        return await self.office.call(who, "POST", "/agreement-disclosures", json=content)

    async def make(self) -> bool:
        return await disclosure_making.make_next(self.office.sessions, self.key, KEPT)

    async def archive(self, who: str, identity: str) -> zipfile.ZipFile:
        answer = await self.office.call(who, "GET", f"/agreement-disclosures/{identity}/archive")
        assert answer.status_code == 200, answer.text
        assert int(answer.headers["content-length"]) == len(answer.content)
        file = self.folder / f"{identity}.zip"
        file.write_bytes(answer.content)
        return zipfile.ZipFile(io.BytesIO(answer.content))

    async def get(self, who: str, kind: str, asked_by: str, **more: Any) -> zipfile.ZipFile:
        asked = await self.ask(who, kind, asked_by, **more)
        assert asked.status_code == 202, asked.text
        assert asked.headers["location"] == f"/agreement-disclosures/{asked.json()['id']}"
        assert await self.make()
        return await self.archive(who, asked.json()["id"])

    async def audit(self) -> list[Any]:
        async with self.office.sessions() as session:
            return list(await session.execute(select(disclosure_audit).order_by("seq")))


@pytest.fixture
async def desk(office, tmp_path) -> Desk:
    """A desk with a signing key."""
    key = Ed25519PrivateKey.generate()
    async with office.sessions.begin() as session:
        await disclosure.tell_key(session, key)
    return Desk(office, key, tmp_path)


def lines(opened: zipfile.ZipFile, name: str = "agreements.json") -> list[dict[str, Any]]:
    return [json.loads(line) for line in opened.read(name).splitlines()]


def manifest(opened: zipfile.ZipFile) -> dict[str, Any]:
    return json.loads(opened.read("manifest.json"))


async def test_another_region_gets_what_is_published_with_terms_and_prices_and_nothing_of_the_owner(desk, body):
    body["internal_note"] = "Vi prutar nästa år"
    published = await desk.office.publish(body)
    await desk.office.register({**body, "number": "utkast"})
    opened = await desk.get("berit", "published", "01", regions=["14"])
    (line,) = lines(opened)
    assert (line["id"], line["state"]) == (published["id"], "published")
    assert line["agreement"]["services"][0]["reimbursement"]["amount"] == "7850.50"
    assert "internal_note" not in line["agreement"]
    told = manifest(opened)
    assert (told["counts"], told["asked_by"], told["purpose"]) == ({"agreements": 1, "rows": 1}, "01", PURPOSE)
    assert {"field": "internal_note", "why": "is for the region that owns the agreement"} in told["left_out"]
    assert "prutar" not in "".join(opened.read(name).decode() for name in opened.namelist())


@pytest.mark.parametrize("asked_by", ["1480", "202100-6537 Inspektionen för vård och omsorg"])
async def test_a_municipality_or_agency_gets_the_public_fields_alone(desk, body, asked_by):
    await desk.office.publish(body)
    opened = await desk.get("agency", "published", asked_by)
    (line,) = lines(opened)
    assert {"reimbursement", "expected_capacity"}.isdisjoint(line["agreement"]["services"][0])
    assert "document_url" not in line["agreement"]
    assert "through" not in line["agreement"]["use_by_others"]
    head = next(csv.reader(io.StringIO(opened.read("agreements.csv").decode("utf-8-sig")), delimiter=";"))
    assert not [name for name in head if "reimbursement" in name or name == "document_url" or "internal" in name]
    assert "services.reimbursement" in {row["field"] for row in manifest(opened)["left_out"]}


async def test_a_region_gets_its_own_whole_with_drafts_and_history(desk, body):
    body["internal_note"] = "Ring först"
    published = await desk.office.publish(body)
    draft = (await desk.office.register({**body, "number": "utkast"})).json()
    opened = await desk.get("anna", "region_data", "14")
    found = {line["id"]: line for line in lines(opened)}
    assert {one: line["state"] for one, line in found.items()} == {published["id"]: "published", draft["id"]: "draft"}
    assert found[draft["id"]]["agreement"]["internal_note"] == "Ring först"
    steps = [(step["agreement_id"], step["action"]) for step in lines(opened, "history.json")]
    assert steps.count((published["id"], "approve")) == 2
    assert (draft["id"], "register") in steps
    assert manifest(opened)["left_out"] == []


async def test_a_region_sees_what_others_see_of_its_own(desk, body):
    body["internal_note"] = "Ring först"
    published = await desk.office.publish(body)
    await desk.office.register({**body, "number": "utkast"})
    opened = await desk.get("anna", "own_and_seen", "14")
    seen = {one["id"]: one for one in lines(opened, "seen-by-others.json")}
    assert seen[published["id"]]["regions"]["services"][0]["reimbursement"]["amount"] == "7850.50"
    assert "reimbursement" not in seen[published["id"]]["public"]["services"][0]
    assert "internal_note" not in json.dumps(seen)
    assert [one["regions"] for one in seen.values() if one["number"] == "utkast"] == [None]


@pytest.mark.parametrize(
    ("who", "kind", "asked_by", "regions", "status"),
    [
        ("berit", "region_data", "01", ["14"], 403),
        ("berit", "published", "14", [], 403),
        ("agency", "region_data", "14", ["14"], 403),
        ("anna", "public_record", "En journalist", [], 403),
        ("navigator", "published", "14", [], 403),
        ("provider", "published", "14", [], 403),
        ("operator", "published", "14", [], 403),
        ("anna", "published", "99", [], 422),
        ("agency", "published", "19121212-1212", [], 422),
        ("agency", "published", "Aftonbladet", [], 422),
        ("agency", "published", "202100-6538", [], 422),
        ("anna", "published", "14", ["99"], 422),
    ],
)
async def test_nobody_asks_for_what_is_not_theirs(desk, body, who, kind, asked_by, regions, status):
    answer = await desk.ask(who, kind, asked_by, regions=regions)
    assert answer.status_code == status, answer.text
    assert "19121212" not in answer.text
    assert not await desk.make()
    assert await desk.audit() == []


async def test_another_region_neither_sees_nor_fetches_a_request(desk, body):
    await desk.office.publish(body)
    asked = (await desk.ask("anna", "region_data", "14")).json()
    await desk.make()
    path = f"/agreement-disclosures/{asked['id']}"
    for who in ("berit", "agency"):
        assert (await desk.office.call(who, "GET", path)).status_code == 404
        assert (await desk.office.call(who, "GET", f"{path}/archive")).status_code == 404
        assert (await desk.office.call(who, "GET", "/agreement-disclosures")).json()["total"] == 0
    assert (await desk.office.call("anna", "GET", "/agreement-disclosures")).json()["items"][0]["state"] == "ready"


async def test_public_records_are_examined_one_by_one_before_anything_is_made(desk, body):
    numbers = ["A", "B", "C"]
    ids = [(await desk.office.publish({**body, "number": number}))["id"] for number in numbers]
    asked = (await desk.ask("agency", "public_record", "En journalist")).json()
    path = f"/agreement-disclosures/{asked['id']}"
    assert asked["state"] == "asked"
    assert not await desk.make()
    assert (await desk.office.call("agency", "GET", f"{path}/archive")).status_code == 409

    async def decide(who: str, **content: Any) -> Any:
        return await desk.office.call(who, "POST", f"{path}/decisions", json=content)

    ground = {"reason": "Priset röjer affärsförhållanden", "legal_ground": "25 kap. 17 b § OSL"}
    assert (await decide("anna", agreements=[ids[0]], decision="refused")).status_code == 422
    assert (await decide("anna", agreements=[ids[0]], decision="masked", **ground)).status_code == 422
    wrong = await decide("anna", agreements=[ids[0]], decision="masked", masked=["services.pris"], **ground)
    assert wrong.json()["errors"][0]["field"] == "masked.0"
    masked = ["services.reimbursement", "document_url"]
    assert (await decide("anna", agreements=[ids[0]], decision="masked", masked=masked, **ground)).status_code == 200
    assert (await decide("agency", agreements=[ids[1]], decision="refused", **ground)).status_code == 200
    assert (await decide("berit", agreements=[ids[2]], decision="whole")).status_code == 404
    listed = (await desk.office.call("anna", "GET", f"{path}/decisions")).json()
    assert next((row["agreement_id"], row["decision"]) for row in listed["items"]) == (ids[2], None)
    last = (await decide("agency", decision="whole")).json()
    assert (last["state"], last["decided"]) == ("checked", 1)
    assert last["decisions"] == {"masked": 1, "refused": 1, "whole": 1}

    assert await desk.make()
    opened = await desk.archive("agency", asked["id"])
    found = {line["id"]: line["agreement"] for line in lines(opened)}
    assert set(found) == {ids[0], ids[2]}
    assert "reimbursement" not in found[ids[0]]["services"][0]
    assert "document_url" not in found[ids[0]]
    assert found[ids[2]]["services"][0]["reimbursement"]["amount"] == "7850.50"
    grounds = [row for row in manifest(opened)["left_out"] if "decision" in row]
    assert [(row["decision"], row["agreements"], row["legal_ground"]) for row in grounds] == [
        ("masked", 1, "25 kap. 17 b § OSL"),
        ("refused", 1, "25 kap. 17 b § OSL"),
    ]
    assert ids[1] not in "".join(opened.read(name).decode() for name in opened.namelist())
    assert (await decide("agency", decision="whole")).status_code == 409


async def test_what_has_never_been_public_is_not_examined(desk, body):
    never = (await desk.office.register(body)).json()["id"]
    assert (await desk.ask("agency", "public_record", "En journalist")).status_code == 422
    public = (await desk.office.publish({**body, "number": "B"}))["id"]
    await desk.office.act("anna", never, "submit")
    await desk.office.act("arne", never, "approve")
    named = await desk.ask("agency", "public_record", "En journalist", agreements=[public, never, str(uuid4())])
    assert named.status_code == 422
    assert [row["field"] for row in named.json()["errors"]] == ["agreements.1", "agreements.2"]
    assert "never been public is not disclosed" in named.json()["errors"][0]["reason"]


async def test_an_archive_that_cannot_be_made_is_told_as_failed_and_those_behind_it_are_made(desk, body, monkeypatch):
    await desk.office.publish(body)
    asked = [(await desk.ask("berit", "published", "01", regions=[region])).json() for region in ("14", "03")]
    make = disclosure_making._write

    async def breaks(session, one, made):
        if one.regions == ["14"]:
            raise AttributeError("a fault of ours")
        return await make(session, one, made)

    monkeypatch.setattr(disclosure_making, "_write", breaks)
    assert await desk.make()
    assert await desk.make()
    assert not await desk.make()
    found = (await desk.office.call("berit", "GET", "/agreement-disclosures")).json()["items"]
    assert {one["id"]: one["state"] for one in found} == {asked[0]["id"]: "failed", asked[1]["id"]: "ready"}
    answer = await desk.office.call("berit", "GET", f"/agreement-disclosures/{asked[0]['id']}/archive")
    assert (answer.status_code, "fault of ours" in answer.json()["detail"]) == (410, True)
    assert "failed" in [step.action for step in await desk.audit()]


async def test_what_a_region_refuses_the_agency_discloses_with_a_reason_and_a_ground_only_and_all_is_kept(desk, body):
    one = await desk.office.publish(body)
    other = await desk.office.publish({**body, "number": "B"})
    asked = (await desk.ask("agency", "public_record", "En journalist")).json()
    path = f"/agreement-disclosures/{asked['id']}/decisions"
    ground = {"reason": "Priset röjer affärsförhållanden", "legal_ground": "25 kap. 17 b § OSL"}

    async def decide(who, ids, **content):
        content = {"agreements": ids, **content}
        return await desk.office.call(who, "POST", path, json=content)

    assert (await decide("anna", [one["id"]], decision="refused", **ground)).status_code == 200
    silent = await decide("agency", [one["id"]], decision="whole")
    assert (silent.status_code, {row["field"] for row in silent.json()["errors"]}) == (422, {"reason", "legal_ground"})
    assert (await decide("anna", [one["id"]], decision="whole")).status_code == 200, "its own it changes at will"
    assert (await decide("anna", [one["id"]], decision="refused", **ground)).status_code == 200
    loud = {"reason": "Ingen skada kan antas", "legal_ground": "2 kap. 1 § TF"}
    assert (await decide("agency", [one["id"]], decision="whole", **loud)).status_code == 200
    listed = (await desk.office.call("anna", "GET", path)).json()["items"]
    row = next(row for row in listed if row["agreement_id"] == one["id"])
    assert (row["number"], row["name"]) == (body["number"], body["name"])
    assert [(each["side"], each["decision"]) for each in row["every_decision"]] == [
        ("14", "refused"),
        ("14", "whole"),
        ("14", "refused"),
        ("agency", "whole"),
    ]
    assert next(row for row in listed if row["agreement_id"] == other["id"])["every_decision"] == []
    audit = (await desk.office.call("agency", "GET", "/audit?service=agreements&about=decision")).json()["items"]
    assert (audit[0]["agreement_id"], audit[0]["decision"], audit[0]["legal_ground"]) == (
        one["id"],
        "whole",
        "2 kap. 1 § TF",
    )
    assert (await desk.office.act("anna", one["id"], "purge", "secrecy")).status_code == 200
    assert (await desk.office.call("agency", "GET", "/audit?service=agreements&about=decision")).json()["total"] == 0


async def test_every_step_is_noted_with_digest_and_cannot_be_changed_afterwards(desk, body):
    await desk.office.publish(body)
    opened = await desk.get("berit", "published", "01")
    assert opened.testzip() is None
    steps = await desk.audit()
    assert [step.action for step in steps] == ["asked", "made", "fetched"]
    assert {(step.asked_by, step.purpose) for step in steps} == {("01", PURPOSE)}
    assert steps[1].counts == {"agreements": 1, "rows": 1}
    assert steps[1].digest == steps[2].digest
    table = "disclosure_audit"
    for change in (f"UPDATE {table} SET actor = 'x'", f"DELETE FROM {table}", f"TRUNCATE {table}"):
        with pytest.raises(DBAPIError, match="only ever added"):
            async with desk.office.sessions.begin() as session:
                await session.execute(text(change))


async def test_an_archive_is_kept_for_its_time_and_then_deleted(desk, body):
    await desk.office.publish(body)
    asked = (await desk.ask("berit", "published", "01")).json()
    await desk.make()
    async with desk.office.sessions.begin() as session:
        assert await disclosure.expire(session, datetime.now(UTC) + KEPT - timedelta(hours=1)) == 0
        assert await disclosure.expire(session, datetime.now(UTC) + KEPT) == 1
    answer = await desk.office.call("berit", "GET", f"/agreement-disclosures/{asked['id']}/archive")
    assert answer.status_code == 410
    async with desk.office.sessions() as session:
        assert list(await session.execute(select(disclosure_part))) == []
    assert [step.action for step in await desk.audit()][-1] == "expired"


async def test_an_agreement_that_became_confidential_takes_the_archives_that_may_hold_it_along(desk, body):
    one = await desk.office.publish(body)
    for asked_by, regions in (("01", ["14"]), ("01", ["03"])):
        await desk.ask("berit", "published", asked_by, regions=regions)
        await desk.make()
    path = f"/agreements/{one['id']}/purge"
    assert (await desk.office.call("anna", "POST", path, json={"reason": "secrecy"})).status_code == 200
    found = (await desk.office.call("berit", "GET", "/agreement-disclosures")).json()["items"]
    assert {tuple(one["regions"]): one["state"] for one in found} == {("14",): "deleted_for_secrecy", ("03",): "ready"}
    gone = next(one["id"] for one in found if one["regions"] == ["14"])
    answer = await desk.office.call("berit", "GET", f"/agreement-disclosures/{gone}/archive")
    assert (answer.status_code, "confidential" in answer.json()["detail"]) == (410, True)


async def test_a_purged_agreement_leaves_secrecy_checks_and_readings_of_interfaces_without_a_trace(desk, body):
    gone, stays = await desk.office.publish(body), await desk.office.publish({**body, "number": "B"})
    asked = (await desk.ask("agency", "public_record", "En journalist")).json()
    path = f"/agreement-disclosures/{asked['id']}"
    whole = {"agreements": [stays["id"]], "decision": "whole"}
    await desk.office.call("agency", "POST", f"{path}/decisions", json=whole)
    async with desk.office.sessions.begin() as session:
        run = await pulls.begin(session, "14", "json", datetime.now(UTC), None)
        row = {"reference": "Contract/1", "number": gone["number"], "answer": "accepted", "agreement_id": gone["id"]}
        await pulls.keep_items(session, run, [{**row, "reasons": []}])
        await pulls.meet(session, run, [gone["number"]])
    reason = {"reason": "secrecy"}
    assert (await desk.office.call("anna", "POST", f"/agreements/{gone['id']}/purge", json=reason)).status_code == 200
    async with desk.office.sessions() as session:
        left = [
            *await traces(session, gone["id"], is_id=True),
            *await traces(session, gone["number"], is_id=False),
        ]
        assert [(one.table, one.column) for one in left if one.table != "outbox"] == []
    assert (await desk.office.call("agency", "GET", path)).json()["state"] == "checked"
    assert await desk.make()
    (line,) = lines(await desk.archive("agency", asked["id"]))
    assert line["id"] == stays["id"]


async def test_without_a_key_nothing_is_promised(office):
    content = {"kind": "published", "asked_by": "14", "purpose": PURPOSE}
    answer = await office.call("anna", "POST", "/agreement-disclosures", json=content)
    assert (answer.status_code, "DISCLOSURE_KEY_FILE" in answer.json()["detail"]) == (503, True)


async def test_the_same_request_sent_twice_is_one(desk):
    content = {"kind": "published", "asked_by": "14", "purpose": PURPOSE}
    headers = {"Idempotency-Key": "en gang"}
    sent = [
        await desk.office.call("anna", "POST", "/agreement-disclosures", json=content, headers=headers) for _ in (1, 2)
    ]
    assert sent[0].json()["id"] == sent[1].json()["id"]
    assert await desk.make()
    assert not await desk.make()


async def test_whoever_got_an_archive_checks_it_offline(desk, body, tmp_path, capsys):
    await desk.office.publish(body)
    opened = await desk.get("berit", "published", "01")
    (file,) = tmp_path.glob("*.zip")
    told = (await desk.office.client.get("/agreement-disclosures/key")).json()["keys"][0]
    key = tmp_path / "public.pem"
    key.write_text((await desk.office.client.get("/agreement-disclosures/key.pem")).text)
    assert key.read_text() == told["public_key"]

    def verify(file: Path, *more: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            main(["verify-disclosure", str(file), *more])
        return int(ended.value.code or 0), capsys.readouterr().out

    code, said = verify(file, "--key", str(key))
    assert (code, f"signed by key {told['key_id']} (the key that was given)" in said) == (0, True)
    assert verify(file)[0] == 0

    for name in opened.namelist():
        changed = tmp_path / "changed.zip"
        with zipfile.ZipFile(changed, "w") as to:
            for one in opened.namelist():
                content = opened.read(one)
                to.writestr(one, bytes([content[0] ^ 1]) + content[1:] if one == name else content)
        assert verify(changed, "--key", str(key))[0] == (0 if name == archive.PUBLIC_KEY else 1), name
    other = tmp_path / "other.pem"
    other.write_text(archive.public_pem(Ed25519PrivateKey.generate().public_key()))
    code, said = verify(file, "--key", str(other))
    assert (code, "another key signed it" in said) == (1, True)
    for bad in (b"", b"PK", b"x" * 1000):
        (tmp_path / "bad.zip").write_bytes(bad)
        assert verify(tmp_path / "bad.zip") == (
            1,
            f"{tmp_path / 'bad.zip'}: is not an archive of this service, or is damaged\n",
        )
    assert verify(tmp_path / "away.zip")[0] == 1
    assert verify(file, "--key", str(file))[0] == 2


async def test_a_cell_that_could_be_a_formula_is_none(desk, body):
    body["description"] = '=HYPERLINK("http://x";"Klicka")'
    body["services"][0]["contacts"][0]["note"] = "+46"
    await desk.office.publish(body)
    opened = await desk.get("berit", "published", "01")
    rows = list(csv.DictReader(io.StringIO(opened.read("agreements.csv").decode("utf-8-sig")), delimiter=";"))
    assert rows[0]["description"] == '\'=HYPERLINK("http://x";"Klicka")'
    assert rows[0]["services.care_services"] == "kva|CJE20"
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "-", "@"))]
    (line,) = lines(opened)
    assert line["agreement"]["description"] == body["description"]


def test_the_signature_is_ed25519_over_the_manifest_as_it_lies_in_the_archive(tmp_path):
    key = Ed25519PrivateKey.generate()
    made = archive.Archive()
    with made.file("agreements.json") as file:
        file.json_line({"id": "x"})
    made.sign({"as_of": "now"}, key)
    content = b"".join(made.take(rest=True))
    assert (len(content), made.size) == (made.size, len(content))
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        key.public_key().verify(base64.b64decode(opened.read("manifest.json.sig")), opened.read("manifest.json"))


@pytest.mark.parametrize("content", [None, b"", b"nonsense"])
def test_a_bad_signing_key_is_one_line_and_exit_code_2(content, tmp_path, monkeypatch, capsys):
    file = tmp_path / "key.pem"
    if content is not None:
        file.write_bytes(content)
    for name, value in {
        "POSTGRES_URL": "postgresql://x/x",
        "KAFKA_BOOTSTRAP": "x:1",
        "OIDC_ISSUER": "http://x",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DISCLOSURE_KEY_FILE", str(file))
    with pytest.raises(SystemExit) as stopped:
        main(["worker"])
    assert stopped.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("setting DISCLOSURE_KEY_FILE: ")
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(pem)
    assert archive.read_key(file) is not None
