"""Who may call: the policy over every role and call."""

import pytest
from fastapi.routing import APIRoute

from catalog_sync.api.application import POLICY, ROUTERS
from catalog_sync.main import main

pytestmark = pytest.mark.engine

EVERY_ROLE = ("navigator", "agreement-admin", "agency-reviewer", "provider", "analyst", "operator", "region-system")
READERS = {"navigator", "agreement-admin", "agency-reviewer", "region-system"}
CALLS = sorted((method, route.path) for router in ROUTERS for route in router.routes for method in route.methods)
OPEN = ("GET", "/fhir/metadata")


def allowed(method: str, path: str) -> set[str]:
    return {"agreement-admin"} if method == "PUT" else READERS


def address(path: str) -> str:
    return path.format(region="14", identity="kva")


def test_every_call_is_in_the_policy_and_nothing_else():
    assert all(isinstance(route, APIRoute) for router in ROUTERS for route in router.routes)
    assert sorted(POLICY) == sorted(f"{method} {path}" for method, path in CALLS)


@pytest.mark.parametrize("role", EVERY_ROLE)
async def test_a_role_reaches_what_the_policy_gives_it_and_no_more(room, role):
    for method, path in CALLS:
        answer = await room.call(role, method, address(path), json={} if method != "GET" else None)
        stopped = answer.status_code == 403 and "needs " in answer.text
        expected = (method, path) != OPEN and role not in allowed(method, path)
        assert stopped is expected, f"{role} {method} {path}: {answer.text}"


async def test_without_a_valid_token_only_the_statement_is_answered(room):
    for method, path in CALLS:
        for headers in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic YTpi"}):
            answer = await room.client.request(method, address(path), headers=headers)
            if (method, path) == OPEN:
                assert answer.status_code == 200
                continue
            assert answer.status_code == 401, f"{method} {path}"
            assert answer.headers["www-authenticate"] == "Bearer"
            kind = "application/fhir+json" if path.startswith("/fhir") else "application/problem+json"
            assert answer.headers["content-type"] == kind


async def test_a_token_with_a_role_nobody_knows_reads_nothing(room):
    assert (await room.call("boss", "GET", "/codes")).status_code == 403


async def test_what_was_asked_for_is_not_in_the_log(room, capsys, caplog):
    for name in ("kit", "catalog_sync"):
        caplog.set_level(10, logger=name)
    await room.get("/codes", q="hemligt ord")
    await room.fhir("CodeSystem/$lookup", params={"system": "http://x", "code": "hemligt"}, status=404)
    said = capsys.readouterr().out + caplog.text
    assert "request" in said
    assert "hemligt" not in said


def test_the_api_needs_a_database_and_an_issuer_and_nothing_else(monkeypatch, capsys):
    for name in ("POSTGRES_URL", "OIDC_ISSUER", "KAFKA_BOOTSTRAP", "CATALOGUE_URL"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SystemExit) as stopped:
        main(["api"])
    assert stopped.value.code == 2
    told = [row.split(":")[0] for row in capsys.readouterr().err.splitlines()]
    assert told == ["setting POSTGRES_URL", "setting OIDC_ISSUER"]
