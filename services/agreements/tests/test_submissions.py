"""Files and batches over HTTP: received at once, worked off in the background, one verdict per agreement."""

import asyncio
import copy
import csv
import io
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import python_calamine
from sqlalchemy import func, select, update

from agreements.service import intake as taking
from agreements.service.working_off import WorkingOff
from agreements.store.tables import agreement, refusal, submission, submission_upload, submission_verdict
from engines import eventually
from intake import template_csv
from kit.database import connect

pytestmark = pytest.mark.engine

PERSON = "19121212-1212"


def lines(*contents: Any) -> bytes:
    return "\n".join(json.dumps(one, ensure_ascii=False) for one in contents).encode()


def like(body: dict[str, Any], **changed: Any) -> dict[str, Any]:
    return {**copy.deepcopy(body), **changed}


def many(body: dict[str, Any], number: int) -> list[dict[str, Any]]:
    return [like(body, number=f"N {place:04}") for place in range(number)]


@pytest.fixture
def desk(office) -> WorkingOff:
    """The worker's part, to be asked for one submission at a time."""
    return WorkingOff(office.sessions.kw["bind"], chunk=10)


@pytest.fixture
def send(office) -> Callable[..., Awaitable[httpx.Response]]:
    async def post(content: bytes, who: str = "anna", query: str = "", **headers: str) -> httpx.Response:
        return await office.call(who, "POST", f"/agreement-submissions{query}", content=content, headers=headers)

    return post


@pytest.fixture
def judged(office, desk, send) -> Callable[..., Awaitable[dict[str, Any]]]:
    """Sends an upload, has it worked off, and looks at it with all verdicts."""

    async def work(content: bytes, **more: Any) -> dict[str, Any]:
        answer = await send(content, **more)
        assert answer.status_code == 202, answer.text
        assert await desk.work_one()
        return await look(office, answer.headers["location"])

    return work


async def look(office, path: str, who: str = "anna") -> dict[str, Any]:
    wanted = "&".join(f"verdict={one}" for one in ("accepted", "unchanged", "conflict", "rejected"))
    answer = await office.call(who, "GET", f"{path}?{wanted}&limit=100")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def number_of(office, table, *where: Any) -> int:
    async with office.sessions() as session:
        return await session.scalar(select(func.count()).select_from(table).where(*where)) or 0


async def test_an_upload_is_answered_at_once_and_worked_off_later(office, send, desk, body):
    answer = await send(lines(like(body), like(body, number="2", valid_to="2025-01-01")), query="?name=avtal.jsonl")
    assert answer.status_code == 202
    told = answer.json()
    assert answer.headers["location"] == f"/agreement-submissions/{told['id']}"
    assert told["status"] == "received"
    before = (await office.call("anna", "GET", answer.headers["location"])).json()
    assert (before["status"], before["name"], before["verdicts"], before["total"]) == ("received", "avtal.jsonl", [], 0)
    assert before["progress"] == {"rows": None, "done": 0}
    assert await desk.work_one()
    after = (await office.call("anna", "GET", answer.headers["location"])).json()
    assert (after["status"], after["format"], after["progress"]) == ("done", "json", {"rows": 2, "done": 2})
    assert after["counts"] == {"accepted": 1, "unchanged": 0, "conflict": 0, "rejected": 1}
    assert len(after["verdicts"]) == 1, "only what was not accepted, unless asked for"
    (verdict,) = after["verdicts"]
    assert (verdict["verdict"], verdict["rows"], verdict["number"]) == ("rejected", [2], "2")
    assert verdict["findings"][0]["field"] == "valid_to"
    assert await number_of(office, submission_upload) == 0, "the upload is deleted with its last verdict"
    assert not await desk.work_one()


async def test_a_verdict_tells_row_column_value_reason_and_suggestion(office, judged):
    names, example = csv.reader(io.StringIO(template_csv(region="14").decode("utf-8-sig")), delimiter=";")
    row = dict(zip(names, example, strict=True))
    row |= {"avtalsnummer": "A 1", "region": "14", "KVÅ-koder": "CJE02", "vårdenheter": "SE5561234567-A0017"}
    row |= {"vårdgivare HSA-id": "SE5561234567-0001", "organisationsnummer": "5561234567"}
    table = io.StringIO()
    csv.writer(table, delimiter=";").writerows([names, [row[name] for name in names]])
    found = await judged(table.getvalue().encode("cp1252"), query="?name=avtal.csv")
    (verdict,) = found["verdicts"]
    assert (found["format"], verdict["rows"], verdict["number"], verdict["verdict"]) == ("csv", [2], "A 1", "rejected")
    assert {
        "field": "services.0.care_services.0.code",
        "reason": "unknown code",
        "row": 2,
        "column": "KVÅ-koder",
        "value": "CJE02",
        "suggestion": "did you mean CJE20?",
    } in verdict["findings"]


async def test_the_same_file_again_changes_nothing_twice(office, judged, body):
    content = lines(*many(body, 25))
    first = await judged(content)
    counts = await office.counts()
    again = await judged(content)
    assert (first["counts"]["accepted"], again["counts"]["unchanged"]) == (25, 25)
    assert await office.counts() == counts
    assert [one["agreement_id"] for one in again["verdicts"]] == [one["agreement_id"] for one in first["verdicts"]]


async def test_the_same_key_gets_the_same_answer_and_with_another_body_is_refused(office, send, body):
    key = {"Idempotency-Key": "fil-1"}
    first = await send(lines(body), **key)
    again = await send(lines(body), **key)
    assert first.json()["repeated"] is False
    assert (again.status_code, again.json()) == (202, {**first.json(), "repeated": True})
    other = await send(lines(like(body, name="Annat")), **key)
    assert (other.status_code, "another request" in other.json()["detail"]) == (422, True)
    assert await number_of(office, submission) == 1
    assert await number_of(office, submission_upload) == 1


async def test_wrong_rows_wait_for_nobody_and_nobody_waits_for_them(office, judged, body):
    contents: list[Any] = many(body, 30)
    for place in range(0, 30, 3):
        contents[place]["services"][0]["units"] = ["SE5561234567-FINNS1INTE"]
    found = await judged(lines(*contents))
    assert (found["counts"]["accepted"], found["counts"]["rejected"]) == (20, 10)
    assert [one["rows"] for one in found["verdicts"] if one["verdict"] == "rejected"] == [[n] for n in range(1, 31, 3)]


async def test_a_worker_that_stops_midway_is_followed_by_one_that_goes_on_behind_it(office, send, body, monkeypatch):
    path = (await send(lines(*many(body, 95)))).headers["location"]
    taken: list[int] = []
    real = taking.take

    async def stops(session, *arguments, **more):
        if len(taken) == 4:
            raise ConnectionResetError
        verdicts = await real(session, *arguments, **more)
        taken.append(len(verdicts))
        return verdicts

    monkeypatch.setattr("agreements.service.working_off.take", stops)
    first = WorkingOff(office.sessions.kw["bind"], chunk=10)
    with pytest.raises(ConnectionResetError):
        await first.work_one()
    half = await look(office, path)
    assert (half["status"], half["progress"]) == ("checking", {"rows": 95, "done": 40})
    assert await number_of(office, agreement) == 40
    monkeypatch.setattr("agreements.service.working_off.take", real)
    assert await WorkingOff(office.sessions.kw["bind"], chunk=30).work_one()
    whole = await look(office, path)
    assert (whole["status"], whole["counts"]["accepted"], whole["total"]) == ("done", 95, 95)
    assert whole["progress"] == {"rows": 95, "done": 95}
    assert await number_of(office, submission_verdict) == 95


async def test_two_workers_never_do_the_same_one(office, send, body, new_database):
    for place in range(6):
        await send(lines(*[like(body, number=f"{place} {number}") for number in range(20)]))
    engine = connect(office.sessions.kw["bind"].url.render_as_string(hide_password=False))

    async def until_all_is_done(desk: WorkingOff) -> int:
        done = 0
        while await number_of(office, submission, submission.c.finished_at.is_(None)):
            done += await desk.work_one()
        return done

    desks = [WorkingOff(engine, chunk=5), WorkingOff(office.sessions.kw["bind"], chunk=5)]
    done = await asyncio.gather(*map(until_all_is_done, desks))
    await engine.dispose()
    assert sum(done) == 6
    assert await number_of(office, submission_verdict, submission_verdict.c.verdict == "accepted") == 120
    assert (await office.counts())["agreement_history"] == 120


async def test_a_file_that_cannot_be_read_says_why_and_is_deleted(office, judged):
    for content in (b"PK\x03\x04 no workbook", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"[{", b"a,b\n1,2\n", b"\x00" * 50):
        found = await judged(content)
        assert found["status"] == "failed", found
        assert found["findings"][0]["reason"]
    assert await number_of(office, submission_upload) == 0


async def test_an_upload_beyond_the_limit_is_refused_with_what_to_do(office, send, monkeypatch):
    monkeypatch.setattr("agreements.api.submissions.UPLOAD_BYTES", 3 * 1024 * 1024)
    answer = await send(b"x" * (3 * 1024 * 1024 + 1))
    assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")
    assert "larger than 3 MiB: send it in several files" in answer.json()["detail"]
    assert (await send(b"x" * (3 * 1024 * 1024))).status_code == 202
    async with office.sessions() as session:
        assert await session.scalar(select(func.sum(func.length(submission_upload.c.content)))) == 3 * 1024 * 1024


async def test_a_file_that_curl_calls_a_form_is_taken_and_its_time_is_written_as_everywhere(office, send):
    answer = await send(b"avtalsnummer;namn\n1;2\n", **{"Content-Type": "application/x-www-form-urlencoded"})
    assert answer.status_code == 202
    assert answer.json()["received_at"].endswith("Z")


@pytest.mark.parametrize("path", ["/agreement-submissions", "/agreement-reviews", "/agreement-reviews/versions"])
async def test_a_filter_nobody_knows_is_refused_and_not_left_out_in_silence(office, path):
    answer = await office.call("anna", "GET", f"{path}?regoin=14")
    assert answer.status_code == 400
    assert "regoin: is not a known filter: " in answer.json()["detail"]


async def test_what_is_no_upload_is_refused_in_words(office, send):
    for content, query, headers, status, said in (
        (b"", "", {}, 422, "is empty"),
        (b"x", "", {"Content-Type": "multipart/form-data; boundary=x"}, 415, "send the file itself"),
        (b"file=x&name=y", "", {"Content-Type": "application/x-www-form-urlencoded"}, 415, "send the file itself"),
        (b"x", "?nam=avtal.csv", {}, 400, "nam: is not a known filter: name"),
        (b"x", f"?name={PERSON}.xlsx", {}, 422, "personal number"),
        (b"x", "?name=%00", {}, 400, "name"),
        (b"x", "?name=", {}, 400, "name"),
        (b"x", "", {"Idempotency-Key": "k" * 201}, 400, "Idempotency-Key"),
    ):
        answer = await send(content, query=query, **headers)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
        assert said.lower() in answer.json()["detail"].lower()
        assert "1212" not in answer.text
    assert await number_of(office, submission) == 0


async def test_a_submission_is_its_own_regions_alone(office, judged, send, desk, body):
    found = await judged(lines(body))
    path = f"/agreement-submissions/{found['id']}"
    assert (await office.call("berit", "GET", path)).status_code == 404
    assert (await office.call("berit", "GET", "/agreement-submissions")).json()["total"] == 0
    assert (await office.call("region-system", "GET", path)).status_code == 200
    for who in ("navigator", "agency", "provider", "operator"):
        for call in (("GET", path), ("POST", "/agreement-submissions"), ("GET", "/agreement-template.csv")):
            assert (await office.call(who, *call)).status_code == 403
    listed = (await office.call("anna", "GET", "/agreement-submissions")).json()
    assert [one["id"] for one in listed["items"]] == [found["id"]]
    assert "verdicts" not in listed["items"][0]
    sent = await send(lines(like(body, number="2")), who="berit")
    await desk.work_one()
    (verdict,) = (await look(office, sent.headers["location"], "berit"))["verdicts"]
    assert (verdict["verdict"], verdict["findings"][0]["field"]) == ("rejected", "region")
    assert "another region's" in verdict["findings"][0]["reason"]


async def test_a_confidential_row_leaves_its_row_number_and_an_audit_line(office, judged, body, spoken):
    found = await judged(lines(like(body, number="HEM-1", name="Hemligt namn", confidential=True), body))
    secret, other = found["verdicts"]
    assert (secret["rows"], secret["number"], secret["verdict"]) == ([1], None, "rejected")
    assert other["verdict"] == "accepted"
    kept = await office.everything()
    for word in ("HEM-1", "Hemligt"):
        assert word not in kept + json.dumps(found) + spoken()
    assert await number_of(office, refusal, refusal.c.way == "http") == 1


async def test_a_personal_number_in_a_file_is_told_without_its_value(office, judged, body, spoken):
    found = await judged(lines(like(body, description=f"Gäller {PERSON}"), like(body, number=PERSON)))
    assert [one["verdict"] for one in found["verdicts"]] == ["rejected"] * 2
    assert [one["findings"][0]["field"] for one in found["verdicts"]] == ["description", "number"]
    assert "1212-1212" not in json.dumps(found) + spoken()


async def test_what_is_odd_in_one_agreement_is_a_verdict_and_not_the_end(office, judged, body, monkeypatch):
    real = taking.take

    async def trips(session, way, region, actor, sent, **more):
        if any(one.content.number == "N 0013" for one in sent):
            raise KeyError("a mistake of ours")
        return await real(session, way, region, actor, sent, **more)

    monkeypatch.setattr("agreements.service.working_off.take", trips)
    found = await judged(lines(*many(body, 30)))
    assert (found["status"], found["counts"]["accepted"], found["counts"]["rejected"]) == ("done", 29, 1)
    (bad,) = [one for one in found["verdicts"] if one["verdict"] == "rejected"]
    assert (bad["number"], "fault of ours" in bad["findings"][0]["reason"]) == ("N 0013", True)


async def test_verdicts_are_paged_and_filtered(office, judged, body):
    found = await judged(lines(*many(body, 25), *many(body, 5)))
    path = f"/agreement-submissions/{found['id']}"
    page = (await office.call("anna", "GET", f"{path}?verdict=accepted&limit=10&page=3")).json()
    assert (page["total"], page["page"], page["limit"], len(page["verdicts"])) == (25, 3, 10, 5)
    assert (await office.call("anna", "GET", path)).json()["total"] == 5
    for query in ("verdict=perhaps", "limit=0", "kaffe=1"):
        assert (await office.call("anna", "GET", f"{path}?{query}")).status_code == 400


async def test_verdicts_are_kept_for_90_days(office, judged, body, desk):
    old, young = await judged(lines(body)), await judged(lines(body))
    async with office.sessions.begin() as session:
        at = datetime.now(UTC) - timedelta(days=90, minutes=1)
        await session.execute(update(submission).where(submission.c.id == old["id"]).values(finished_at=at))
    running = asyncio.create_task(desk.run())

    async def gone() -> bool:
        return await number_of(office, submission) == 1

    await eventually(gone)
    running.cancel()
    assert await number_of(office, submission_verdict, submission_verdict.c.submission_id == young["id"]) == 1
    assert await number_of(office, submission_verdict) == 1


async def test_a_region_says_once_how_it_writes_its_spreadsheets(office, judged, body):
    path = "/agreement-mappings/14"
    empty = await office.call("anna", "GET", path)
    assert (empty.json(), empty.headers["etag"]) == ({}, '"0"')
    mine = {"headings": {"Vårt nr": "avtalsnummer"}, "constants": {"region": "14"}}
    assert (await office.call("anna", "PUT", path, json=mine)).status_code == 428
    kept = await office.call("anna", "PUT", path, json=mine, headers={"If-Match": '"0"'})
    assert (kept.status_code, kept.json()) == (200, mine)
    late = await office.call("arne", "PUT", path, json={}, headers={"If-Match": '"0"'})
    assert (late.status_code, "nothing was overwritten" in late.json()["detail"]) == (412, True)
    wrong = await office.call(
        "anna", "PUT", path, json={"headings": {"Nr": "avtalsnumer"}}, headers={"If-Match": kept.headers["etag"]}
    )
    assert (wrong.status_code, "avtalsnummer" in wrong.text) == (422, True)
    person = await office.call(
        "anna", "PUT", path, json={"headings": {PERSON: "namn"}}, headers={"If-Match": kept.headers["etag"]}
    )
    assert (person.status_code, "1212-1212" in person.text) == (422, False)
    assert (await office.call("berit", "GET", path)).status_code == 403
    found = await judged(b"V\xc3\xa5rt nr;namn\nA 1;Katarakt\n")
    assert found["verdicts"][0]["number"] == "A 1" if found["verdicts"] else found["findings"]


async def test_the_template_offers_valid_codes_and_the_regions_units(office, judged, body):
    await judged(lines(body))
    answer = await office.call("anna", "GET", "/agreement-template.xlsx")
    assert answer.status_code == 200
    assert answer.headers["content-disposition"] == 'attachment; filename="avtal.xlsx"'
    book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(answer.content))
    sheets = [book.get_sheet_by_name(name).to_python() for name in ("Kodlista", "Enhetslista")]
    offered = {cell for rows in sheets for row in rows for cell in row}
    assert {"CJE20", "CJE96", "1001010006", "SE5561234567-A0017"} <= offered
    assert offered.isdisjoint({"CJE99", "CJE98", "CJD98", "SE5561234567-A0021", "SE5561234567-A0099"})
    told = await office.call("anna", "GET", "/agreement-template.csv")
    assert told.content.decode("utf-8-sig").startswith("avtalsnummer;")


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        ({"headings": {"a\x00": "namn"}}, "control characters"),
        ({"constants": {"namn": "x\x00"}}, "control characters"),
        ({"values": {"typ": {"\ud800": "avtal"}}}, "control characters"),
        ({"constants": {"giltigt till": "2027-02-30"}}, "giltigt till is not a day of the calendar"),
        ({"constants": {"region": "99"}}, "region names no region"),
        ({"values": {"typ": {"Ram": "avtall"}}}, "typ.Ram must be one of avtal"),
    ],
)
async def test_a_mapping_that_could_never_work_is_refused_with_its_key(office, mapping, said):
    content = json.dumps(mapping).encode()
    headers = {"If-Match": '"0"', "Content-Type": "application/json"}
    answer = await office.call("anna", "PUT", "/agreement-mappings/14", content=content, headers=headers)
    assert answer.status_code == 422, answer.text
    assert said in answer.text


async def test_a_failed_file_is_judged_again_once_the_mapping_is_mended_and_a_repeat_says_that_it_is_one(
    office, send, desk
):
    names, example = csv.reader(io.StringIO(template_csv(region="14").decode("utf-8-sig")), delimiter=";")
    cells = {**dict(zip(names, example, strict=True)), "avtalsnummer": "A 1"}
    cells["Dnr"] = cells.pop("avtalsnummer")
    table = io.StringIO()
    csv.writer(table, delimiter=";").writerows([list(cells), list(cells.values())])
    content, key = table.getvalue().encode(), {"Idempotency-Key": "k"}
    first = (await send(content, **key)).json()
    assert first["repeated"] is False
    again = (await send(content, **key)).json()
    assert (again["id"], again["repeated"]) == (first["id"], True)
    assert await desk.work_one()
    assert (await look(office, f"/agreement-submissions/{first['id']}"))["status"] == "failed"
    mended = {"headings": {"Dnr": "avtalsnummer"}}
    kept = await office.call("anna", "PUT", "/agreement-mappings/14", json=mended, headers={"If-Match": '"0"'})
    assert kept.status_code == 200
    second = (await send(content, **key)).json()
    assert (second["id"] == first["id"], second["repeated"]) == (False, False)
    assert await desk.work_one()
    assert (await look(office, f"/agreement-submissions/{second['id']}"))["status"] == "done"


async def test_what_curl_sends_by_default_is_judged_by_what_it_holds(office, judged, body):
    found = await judged(lines(body), **{"Content-Type": "application/x-www-form-urlencoded"})
    assert (found["format"], found["counts"]["accepted"]) == ("json", 1)


async def test_a_remembered_mapping_does_not_touch_a_file_with_our_own_headings(office, judged):
    mapping = {"headings": {"Dnr": "avtalsnummer"}, "constants": {"beskrivning": "från kartan"}}
    await office.call("anna", "PUT", "/agreement-mappings/14", json=mapping, headers={"If-Match": '"0"'})
    names, example = csv.reader(io.StringIO(template_csv(region="14").decode("utf-8-sig")), delimiter=";")
    cells = {**dict(zip(names, example, strict=True)), "avtalsnummer": "A 1", "organisationsnummer": "5561234567"}
    table = io.StringIO()
    csv.writer(table, delimiter=";").writerows([list(cells), list(cells.values())])
    found = await judged(table.getvalue().encode())
    assert [one["reason"] for one in found["findings"]] == ["has our own headings: the remembered mapping was not used"]
    assert await number_of(office, agreement, agreement.c.body["description"].astext == "från kartan") == 0
