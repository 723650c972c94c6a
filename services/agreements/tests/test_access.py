"""Who may call and see what: the policy over every role and call, and the same reading rule in Python and in SQL."""

from itertools import product
from uuid import uuid4

import pytest

from agreements.api.routes import POLICY, router
from agreements.domain.agreement import Actor, State, may_read, may_read_working
from agreements.store import agreements as store
from rules.roles import Role

pytestmark = pytest.mark.engine

EVERY_ROLE = ("navigator", "agreement-admin", "agency-reviewer", "provider", "analyst", "operator", "region-system")
WRITERS = {
    ("POST", "/agreements"): {"agreement-admin"},
    ("PUT", "/agreements/{agreement_id}"): {"agreement-admin"},
    ("POST", "/agreements/{agreement_id}/{action}"): {"agreement-admin", "region-system", "agency-reviewer"},
}
PUBLIC = (State.PUBLISHED, State.EXPIRED, State.TERMINATED)


def test_every_call_is_in_the_policy_and_nothing_else():
    calls = {f"{method} {route.path}" for route in router.routes for method in route.methods}
    assert set(POLICY) == calls


@pytest.mark.parametrize("role", EVERY_ROLE)
async def test_a_role_reaches_what_the_policy_gives_it_and_no_more(office, body, role):
    one = (await office.register(body)).json()
    for route in router.routes:
        (method,) = route.methods
        path = route.path.format(agreement_id=one["id"], action="submit")
        writers = WRITERS.get((method, route.path))
        answer = await office.call(role, method, path, json={} if method != "GET" else None)
        stopped = answer.status_code == 403 and answer.json()["detail"].startswith("needs ")
        assert stopped is (writers is not None and role not in writers), f"{role} {method} {path}: {answer.text}"


async def test_without_a_valid_token_nothing_is_answered(office):
    for route in router.routes:
        (method,) = route.methods
        path = route.path.format(agreement_id=uuid4(), action="submit")
        for headers in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic YTpi"}):
            answer = await office.client.request(method, path, headers=headers)
            assert answer.status_code == 401
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["www-authenticate"] == "Bearer"


async def test_an_administrator_without_a_region_changes_nothing(office, body, token):
    headers = {"Authorization": f"Bearer {token('agreement-admin', '', 'ingen')}"}
    answer = await office.client.post("/agreements", json=body, headers=headers)
    assert (answer.status_code, "none in your token" in answer.json()["detail"]) == (403, True)


async def test_another_region_reads_and_changes_nothing_that_is_not_public(office, body):
    one = (await office.register(body)).json()
    path = f"/agreements/{one['id']}"
    for state, who, action in (
        ("draft", "anna", "submit"),
        ("submitted", "arne", "approve"),
        ("region_approved", "agency", "approve"),
        ("published", "anna", "terminate"),
        ("terminated", None, None),
    ):
        for other in ("berit", "navigator", "provider", "agency"):
            sees = state == "published" or (other == "agency" and state == "region_approved")
            answer = await office.call(other, "GET", path)
            assert answer.status_code == (200 if sees else 404), f"{other} when {state}"
            listed = (await office.call(other, "GET", "/agreements")).json()
            assert (listed["total"], len(listed["items"])) == ((1, 1) if sees else (0, 0)), f"{other} when {state}"
        for wanted in ("submit", "approve", "reject", "withdraw", "terminate"):
            answer = await office.act("berit", one["id"], wanted, "Skäl")
            assert answer.status_code == 403
            assert state not in answer.json()["detail"].split()
        assert (await office.call("anna", "GET", path)).json()["state"] == state
        if action:
            assert (await office.act(who, one["id"], action, "Skäl")).status_code == 200


async def test_the_list_shows_each_reader_exactly_what_the_rule_says(office, standing):
    """Every reader against every agreement: domain.may_read and the SQL in store are one rule."""
    all_of_them = [
        standing(state, public, id=f"{region}-{state}-{public}", region=region, number=str(number))
        for number, (region, state, public) in enumerate(product(("01", "14"), State, (None, *PUBLIC)))
    ]
    roles = [
        set(),
        {"navigator"},
        {Role.AGREEMENT_ADMIN},
        {Role.AGENCY_REVIEWER},
        {Role.AGREEMENT_ADMIN, Role.AGENCY_REVIEWER},
        {"provider", Role.AGREEMENT_ADMIN},
    ]
    async with office.sessions.begin() as session:
        for each in all_of_them:
            await store.insert_new(session, each)
        for words, region in product(roles, ("01", "14", "25", None)):
            actor = Actor("x", frozenset(words), region)
            expected = {each.id for each in all_of_them if may_read(each, actor)}
            found, total = await store.find(session, actor, region=None, state=None, number=None, limit=100, offset=0)
            assert ({each.id for each in found}, total) == (expected, len(expected)), f"{words} of {region}"
            found, total = await store.find(
                session, actor, region="14", state="draft", number=None, limit=100, offset=0
            )
            drafts = {each.id for each in all_of_them if (each.region, each.state) == ("14", "draft")}
            working = {each.id for each in all_of_them if may_read_working(each, actor)}
            assert {each.id for each in found} == drafts & working


async def test_the_list_is_paged_in_the_order_of_region_and_number(office, standing):
    async with office.sessions.begin() as session:
        for number in range(25):
            place = {"region": "14" if number % 2 else "01", "number": f"{number:03}"}
            one = standing(State.PUBLISHED, State.PUBLISHED, id=str(uuid4()), body=place, public_body=place, **place)
            await store.insert_new(session, one)
    seen = []
    for page in (1, 2, 3, 4):
        answer = (await office.call("navigator", "GET", f"/agreements?limit=10&page={page}")).json()
        assert (answer["total"], answer["page"], answer["limit"]) == (25, page, 10)
        seen += [(row["region"], row["number"]) for row in answer["items"]]
    assert seen == sorted(set(seen))
    assert len(seen) == 25
    answer = (await office.call("navigator", "GET", "/agreements?region=01&number=004&state=published")).json()
    assert [(row["region"], row["number"]) for row in answer["items"]] == [("01", "004")]


async def test_a_filter_that_is_unknown_or_given_twice_is_refused_not_left_out(office):
    for query in ("foo=1", "region=14&region=01", "region=99", "19121212-1212=1"):
        answer = await office.call("anna", "GET", f"/agreements?{query}")
        assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
        assert "1212" not in answer.text


async def test_a_token_with_a_role_nobody_knows_reads_nothing(office):
    assert (await office.call("boss", "GET", "/agreements")).status_code == 403
