"""Everything the issue calls bad input: refused in words that name field and reason, and nothing of it kept."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from agreements.main import api
from agreements.service import catalogue as copies
from agreements.store.tables import refusal
from rules.identifiers import is_personal_number

pytestmark = pytest.mark.engine

PERSON = "19121212-1212"
SOLE_TRADER = "121212-1212"
CLOSED_UNIT = "SE5561234567-A0099"
OWN_UNIT = "SE2321000131-E000000000001"
NOTHING = {"agreement": 0, "agreement_history": 0, "idempotency": 0, "outbox": 0}


def refused(answer: httpx.Response, status: int = 422) -> dict[str, str]:
    """The faults of a problem answer by field."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["instance"].startswith("urn:trace:")
    return {row["field"]: row["reason"] for row in problem.get("errors", [])}


def put(content: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy with another value at a dotted path."""
    changed = copy.deepcopy(content)
    *way, last = path.split(".")
    place: Any = changed
    for step in way:
        place = place[int(step)] if isinstance(place, list) else place[step]
    place[int(last) if isinstance(place, list) else last] = value
    return changed


def texts(value: Any, path: str = "") -> Iterator[str]:
    """The dotted path of every text in a form."""
    if isinstance(value, str):
        yield path
    for name, inner in (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        yield from texts(inner, f"{path}.{name}" if path else str(name))


WRONG = {
    "codes": [
        ("services.0.care_services.0.code", "CJE02", "unknown code: did you mean CJE20?"),
        ("services.0.care_services.0.code", "ZZZ99", "unknown code"),
        ("services.0.care_services.0.code", "CJE2", "must look like CJE20"),
        ("services.0.care_services.0.code", "", "must look like CJE20"),
        ("services.0.care_services.0.system", "ksh97", "input should be 'vt'"),
        ("services.0.care_services.0.code", "CJE99", "the code is retired"),
        ("services.0.care_services.0.code", "CJE98", "the code was retired after 20"),
        ("services.0.care_services.0.code", "CJD98", "the code is not valid until 20"),
        ("services.0.care_services", [], "at least 1 item"),
    ],
    "units and parties": [
        ("services.0.units.0", "SE5561234568-A0017", "fails its check digit"),
        ("services.0.units.0", "A0017", "must look like SE2321000016-A123"),
        ("services.0.units.0", "SE5561234567-FINNS1INTE", "no such care unit"),
        ("services.0.units.0", CLOSED_UNIT, "the care unit is closed"),
        ("services.0.units", [], "at least 1 item"),
        ("services", [], "at least 1 item"),
        ("care_provider.organisation_number", "5561234568", "fails its check digit"),
        ("care_provider.hsa_id", "SE5561234568-0001", "fails its check digit"),
        ("care_provider.hsa_id", "SE5561234567-0404", "no such care provider"),
        ("care_provider", None, "is required, unless basis is own_provision"),
        ("region", "02", "21 regions"),
        ("commissioning_regions", ["13"], "must hold the region that registers"),
        ("use_by_others.regions", [], "must name the regions"),
        ("services.0.unit", "x", "is not a known field"),
    ],
    "periods and numbers": [
        ("valid_to", "2025-12-31", "the period ends before it starts"),
        ("services.0.reimbursement.valid_to", "2025-12-31", "the period ends before it starts"),
        ("valid_from", "2026-02-30", "must be a day"),
        ("valid_from", None, "must be a day"),
        ("services.0.target_group.age_max", 17, "is lower than age_min"),
        ("services.0.target_group.age_min", 131, "less than or equal to 130"),
        ("services.0.expected_capacity.count", 121212_1212, "less than or equal to"),
        ("services.0.expected_capacity.per", "week", "input should be 'year' or 'month'"),
    ],
    "words and texts": [
        ("basis", "handshake", "input should be 'own_agreement'"),
        ("kind", "deal", "input should be 'agreement'"),
        ("law", "lou", "input should be 'LOU'"),
        ("services.0.reimbursement.model", "barter", "input should be 'fixed_price'"),
        ("services.0.contacts.0.channel", "pigeon", "input should be 'phone'"),
        ("document_url", "javascript:alert(1)", "must be a web address"),
        ("document_url", "avtal/42", "must be a web address"),
        ("name", "", "at least 1 character"),
        ("name", "x" * 301, "at most 300"),
        ("name", "före\u0000efter", "must not hold control characters"),
        ("number", "\u0000", "must not hold control characters"),
        ("number", 42, "must be a text"),
        ("assignment_id", None, "is required for an assignment"),
        ("assigment_id", "U1", "is not a known field"),
    ],
}


@pytest.mark.parametrize("group", WRONG)
async def test_a_wrong_value_is_named_with_its_field_and_reason_and_nothing_is_kept(office, body, group):
    for field, value, reason in WRONG[group]:
        faults = refused(await office.register(put(body, field, value), **{"Idempotency-Key": "k1"}))
        assert reason in faults.get(field, ""), f"{field} = {value!r}: {faults}"
        assert list(faults) == [field], "and nothing else is said to be wrong"
        assert await office.counts() == NOTHING


async def test_how_others_may_use_it_must_be_told_whole(office, body):
    for use, regions, question, field in (
        ("named_regions", [], None, "use_by_others.regions"),
        ("on_request", ["03"], "Vad?", "use_by_others.regions"),
        ("on_request", [], None, "use_by_others.question"),
    ):
        body["use_by_others"] = {"use": use, "regions": regions, "question": question}
        assert list(refused(await office.register(body))) == [field]
    body["use_by_others"] = {"use": "perhaps"}
    assert "input should be 'yes'" in refused(await office.register(body))["use_by_others.use"]


async def test_own_provision_has_no_counterpart(office, body):
    body["basis"] = "own_provision"
    assert "has no counterpart" in refused(await office.register(body))["care_provider"]
    body |= {"care_provider": None, "law": None, "direct_award": None}
    assert "is not the region's own" in refused(await office.register(body))["services.0.units.0"]
    own = {"hsa_id": OWN_UNIT, "version": 1, "status": "active", "name": "x", "care_provider": "SE2321000131-0001"}
    async with office.sessions.begin() as session:
        await copies.copy_units(session, [{**own, "closed_on": None}])
    answer = await office.register(put(body, "services.0.units", [OWN_UNIT]))
    assert answer.status_code == 201, answer.text


async def test_an_agreements_units_are_its_care_providers(office, body):
    other = {"hsa_id": OWN_UNIT, "version": 1, "status": "active", "name": "x", "care_provider": "SE2321000131-0001"}
    async with office.sessions.begin() as session:
        await copies.copy_units(session, [{**other, "closed_on": None}])
    faults = refused(await office.register(put(body, "services.0.units", [OWN_UNIT])))
    assert list(faults) == ["services.0.units.0"]
    assert "another care provider" in faults["services.0.units.0"]


async def test_every_fault_is_told_at_once(office, body):
    body = put(body, "services.0.care_services.0.code", "CJE02")
    body = put(body, "services.0.units", ["SE5561234567-FINNS1INTE", CLOSED_UNIT])
    body = put(body, "valid_to", "2025-01-01")
    body = put(body, "description", f"Gäller {PERSON}")
    body = put(body, "commissioning_regions", ["13"])
    assert sorted(refused(await office.register(body))) == [
        "commissioning_regions",
        "description",
        "services.0.care_services.0.code",
        "services.0.units.0",
        "services.0.units.1",
        "valid_to",
    ]


async def test_every_misshapen_field_is_told_at_once(office):
    wrong = {"region": "99", "valid_from": "x", "services": [{"care_services": [{"system": "kva", "code": "?"}]}]}
    assert sorted(refused(await office.register(wrong))) == [
        "name",
        "number",
        "region",
        "services.0.care_services.0.code",
        "services.0.units",
        "valid_from",
    ]


async def test_a_personal_number_in_any_text_is_refused_and_never_repeated(office, body, spoken):
    paths = list(texts(body))
    assert len(paths) > 30, "the form has every text field filled"
    for path in paths:
        for number in (
            PERSON,
            "121212-1212",
            "191212121212",
            "１９１２１２１２–1212",
            "20260361-1234",
            f"Se {PERSON}.",
        ):
            if path == "care_provider.organisation_number" and number in {PERSON, SOLE_TRADER, "191212121212"}:
                continue  # a sole trader's identity: see below
            answer = await office.register(put(body, path, number), **{"Idempotency-Key": "k1"})
            assert path in refused(answer), f"{path} = {number}: {answer.text}"
            for digits in (number, "1212-1212", "1361-1234", "19121212", "１９１２１２１２"):
                assert digits not in answer.text
    assert await office.counts() == NOTHING
    said = spoken()
    assert "request" in said
    for digits in ("1212-1212", "0361-1234", "191212121212", "１９１２１２１２"):
        assert digits not in said


async def test_a_personal_number_as_the_name_of_a_field_is_refused_and_never_repeated(office, body, spoken):
    for path in ("", "care_provider.", "services.0.", "services.0.care_services.0.", "services.0.contacts.0."):
        answer = await office.register(put(body, f"{path}{PERSON}", "x"))
        assert any("personal number" in reason for reason in refused(answer).values()), answer.text
        assert PERSON not in answer.text
    assert PERSON not in spoken()
    assert await office.counts() == NOTHING


async def test_a_personal_number_in_the_reason_of_a_step_is_refused(office, body, spoken):
    one = await office.publish(body)
    before = await office.counts()
    answer = await office.act("anna", one["id"], "terminate", f"Klagomål från {PERSON}")
    assert "personal number" in refused(answer)["reason"]
    assert PERSON not in answer.text + spoken()
    assert await office.counts() == before
    answer = await office.act("anna", one["id"], "terminate", "noll\u0000tecken")
    assert "control characters" in refused(answer)["reason"]
    assert await office.counts() == before


async def test_a_sole_traders_number_is_accepted_as_identity_and_kept_nowhere(office, body, spoken):
    assert is_personal_number(SOLE_TRADER.replace("-", ""))
    for number, form in enumerate((SOLE_TRADER, "1212121212", "191212121212", "19121212-1212")):
        body["number"] = f"VGR {number}"
        one = await office.publish(put(body, "care_provider.organisation_number", form))
        assert one["care_provider"]["organisation_number"] is None
        rows = [json.dumps(row.body) for row in await office.history(one["id"])]
        announced = [message.model_dump_json() for message in await office.announced()]
        for text in [*rows, *announced, json.dumps(one), spoken()]:
            assert "1212-1212" not in text
            assert "1212121212" not in text


async def test_a_care_service_code_that_happens_to_look_like_a_personal_number_is_a_code(office, body):
    assert is_personal_number("1001010006")
    answer = await office.register(put(body, "services.0.care_services.0", {"system": "vt", "code": "1001010006"}))
    assert answer.status_code == 201, answer.text


async def test_codes_and_units_that_end_today_or_tomorrow_are_valid_today(office, body):
    body["services"][0]["care_services"] = [{"system": "kva", "code": code} for code in ("CJE96", "CJE97")]
    body = put(body, "services.0.units.0", "SE5561234567-A0021")
    assert (await office.register(body)).status_code == 201


async def test_a_code_that_may_not_be_used_is_never_suggested(office, body):
    to_begin = refused(await office.register(put(body, "services.0.care_services.0.code", "CJD99")))
    assert "CJD98" not in str(to_begin)
    reason = refused(await office.register(put(body, "services.0.care_services.0.code", "CJE90")))
    assert "CJE99" not in str(reason)
    assert "CJE98" not in str(reason)


async def test_identifiers_are_kept_in_their_normal_form(office, body):
    body = put(body, "services.0.units.0", "se5561234567-a0017")
    body = put(body, "services.0.care_services.0.code", " cje20 ")
    kept = (await office.register(body)).json()
    assert kept["services"][0]["units"] == ["SE5561234567-A0017"]
    assert kept["services"][0]["care_services"] == [{"system": "kva", "code": "CJE20"}]
    assert kept["care_provider"]["organisation_number"] == "5561234567"


async def test_a_token_of_another_region_is_refused(office, body):
    answer = await office.register(body, who="berit")
    refused(answer, 403)
    assert "belongs to region 14; you act for region 01" in answer.json()["detail"]
    assert await office.counts() == NOTHING


async def test_a_body_of_one_mebibyte_is_refused(office, body):
    content = json.dumps(put(body, "description", "å" * (1 << 19)), ensure_ascii=False).encode()
    answer = await office.call("anna", "POST", "/agreements", content=content)
    refused(answer, 413)
    assert "larger than" in answer.json()["detail"]
    assert await office.counts() == NOTHING


async def test_what_is_not_a_form_at_all_is_refused_in_words(office):
    headers = {"Content-Type": "application/json"}
    for content in (b"", b"{", b"\xff\xfe", b"[]", b'"x"', b"null", b"[" * 100_000, b'{"\\ud800": 1}'):
        answer = await office.call("anna", "POST", "/agreements", content=content, headers=headers)
        assert answer.status_code in {400, 422}, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["detail"]


async def test_a_question_that_makes_no_sense_is_refused_in_words(office):
    for path, status in {
        "/agreements/finns-inte": 404,
        "/agreements/%00": 404,
        "/agreements?number=%00": 400,
        "/agreements?state=nowhere": 400,
        "/agreements?region=1": 400,
        "/agreements?limit=0": 400,
        "/agreements?limit=101": 400,
        "/agreements?page=10001": 400,
    }.items():
        answer = await office.call("navigator", "GET", path)
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"


async def test_nothing_is_judged_before_the_copy_of_the_catalogue_is_complete(empty_office, settings, body, catalogue):
    office = empty_office
    answer = await office.register(body)
    refused(answer, 503)
    assert int(answer.headers["Retry-After"]) > 0
    # Of an application that is this database's own: the one for all tests looks at none.
    transport = httpx.ASGITransport(api(settings(office.url)))
    async with httpx.AsyncClient(transport=transport, base_url="http://agreements.test") as own:
        ready = await own.get("/readyz")
    assert (ready.status_code, ready.json()["ready"]) == (503, False)
    assert "catalogue" in ready.json()["checks"]["catalogue"]
    async with office.sessions.begin() as session:
        await copies.copy_units(session, catalogue.units)
    refused(await office.register(body), 503)
    assert await office.counts() == NOTHING


async def test_what_is_marked_as_covered_by_secrecy_is_refused_by_the_form_too_and_leaves_an_audit_line_only(
    office, body
):
    draft = (await office.register(body)).json()
    before = await office.counts()
    secret = {**body, "number": "HEMLIGT-1", "confidential": True}
    for answer in (
        await office.register(secret, **{"Idempotency-Key": "k"}),
        await office.call(
            "anna", "PUT", f"/agreements/{draft['id']}", json=secret, headers={"If-Match": f'"{draft["version"]}"'}
        ),
    ):
        assert "covered by secrecy" in refused(answer)["confidential"]
        assert "HEMLIGT" not in answer.text
    assert await office.counts() == before
    async with office.sessions() as session:
        rows = list(await session.execute(select(refusal)))
    assert [(row.region, row.way, row.actor, row.why) for row in rows] == [
        ("14", "form", rows[0].actor, "marked as covered by secrecy")
    ] * 2
