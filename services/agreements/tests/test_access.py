"""Who may call and see what: the policy over every role and call."""

from typing import Any
from uuid import uuid4

import pytest

from agreements.api.application import POLICY, ROOMS
from agreements.domain.agreement import State
from kit.auth import ANYONE

pytestmark = pytest.mark.engine

EVERY_ROLE = ("navigator", "agreement-admin", "agency-reviewer", "provider", "analyst", "operator", "region-system")
SENDERS = {"agreement-admin", "region-system"}
REVIEWERS = {"agreement-admin", "agency-reviewer"}
NARROWER = {
    ("POST", "/agreements"): {"agreement-admin"},
    ("PUT", "/agreements/{agreement_id}"): {"agreement-admin"},
    ("POST", "/agreements/{agreement_id}/{action}"): {"agreement-admin", "region-system", "agency-reviewer"},
    ("POST", "/agreements/validate"): SENDERS,
    ("GET", "/agreements/{agreement_id}/copy"): {"agreement-admin"},
    ("GET", "/agreements/{agreement_id}/history"): {*REVIEWERS, "region-system"},
    ("GET", "/agreement-defaults"): {"agreement-admin"},
    **{(method, "/agreement-drafts/{draft_id}"): {"agreement-admin"} for method in ("GET", "PUT", "DELETE")},
    ("GET", "/agreement-drafts"): {"agreement-admin"},
    **{(method, "/agreement-mappings/{region}"): SENDERS for method in ("GET", "PUT")},
    **{(method, "/agreement-submissions"): SENDERS for method in ("GET", "POST")},
    ("GET", "/agreement-submissions/{submission_id}"): SENDERS,
    ("GET", "/agreement-template.xlsx"): SENDERS,
    ("GET", "/agreement-template.csv"): SENDERS,
    ("GET", "/agreement-pulls"): {"agreement-admin", "operator"},
    ("GET", "/agreement-pulls/{run}"): {"agreement-admin", "operator"},
    ("POST", "/agreement-pulls/{run}/{decision}"): {"agreement-admin"},
    ("POST", "/agreement-disclosures"): {*REVIEWERS, "region-system"},
    ("GET", "/agreement-disclosures"): {*REVIEWERS, "region-system"},
    ("GET", "/agreement-disclosures/{disclosure_id}"): {*REVIEWERS, "region-system"},
    ("GET", "/agreement-disclosures/{disclosure_id}/archive"): {*REVIEWERS, "region-system"},
    ("GET", "/agreement-disclosures/{disclosure_id}/decisions"): REVIEWERS,
    ("POST", "/agreement-disclosures/{disclosure_id}/decisions"): REVIEWERS,
    ("GET", "/audit"): {"operator", *REVIEWERS},
    ("GET", "/agreement-notices"): SENDERS,
    ("GET", "/agreement-reviews"): REVIEWERS,
    ("GET", "/agreement-reviews/versions"): REVIEWERS,
    ("POST", "/agreement-reviews/approve"): REVIEWERS,
    ("POST", "/agreement-reviews/reject"): REVIEWERS,
    ("GET", "/agreement-settings/{region}"): {"agreement-admin"},
    ("PUT", "/agreement-settings/{region}"): {"agreement-admin"},
}
ROUTES = [route for room in ROOMS for route in room.router.routes]
PUBLIC = (State.PUBLISHED, State.EXPIRED, State.TERMINATED)


def path_of(route: Any, agreement: Any) -> str:
    """A route's path with something in every place."""
    other = {"action": "submit", "region": "14", "draft_id": uuid4(), "submission_id": uuid4()}
    more = {"run": 1, "decision": "approve", "disclosure_id": uuid4()}
    return str(route.path.format(agreement_id=agreement, **other, **more))


def test_every_call_is_in_the_policy_and_nothing_else():
    calls = {f"{method} {route.path}" for route in ROUTES for method in route.methods}
    assert set(POLICY) == calls


@pytest.mark.parametrize("role", EVERY_ROLE)
async def test_a_role_reaches_what_the_policy_gives_it_and_no_more(office, body, role):
    one = (await office.register(body)).json()
    for route in ROUTES:
        (method,) = route.methods
        path = path_of(route, one["id"])
        allowed = NARROWER.get((method, route.path))
        answer = await office.call(role, method, path, json={} if method != "GET" else None)
        stopped = answer.status_code == 403 and answer.json()["detail"].startswith("needs ")
        assert stopped is (allowed is not None and role not in allowed), f"{role} {method} {path}: {answer.text}"


async def test_without_a_valid_token_nothing_is_answered(office):
    for route in ROUTES:
        (method,) = route.methods
        if POLICY[f"{method} {route.path}"] is ANYONE:
            continue
        path = path_of(route, uuid4())
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
            assert answer.status_code == (403 if state == "published" else 404)
            assert state not in answer.json()["detail"].split()
        assert (await office.call("anna", "GET", path)).json()["state"] == state
        if action:
            assert (await office.act(who, one["id"], action, "Skäl")).status_code == 200


async def test_a_token_with_a_role_nobody_knows_reads_nothing(office):
    assert (await office.call("boss", "GET", "/agreements")).status_code == 403
