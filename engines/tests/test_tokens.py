"""Tokens of the OpenID provider."""

import base64
import hashlib
import json
import secrets
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

import engines

pytestmark = [pytest.mark.engine, pytest.mark.timeout(180)]


def claims(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))))


def test_a_token_carries_what_was_asked_for(running: engines.Engines) -> None:
    issuer = str(running.addresses.oidc)
    read = claims(engines.token(issuer, role="navigator", region="01", user="anna", units="SE1"))
    assert {key: read[key] for key in ("sub", "roles", "region", "units", "aud", "iss")} == {
        "sub": "anna",
        "roles": ["navigator"],
        "region": "01",
        "units": ["SE1"],
        "aud": "vardformedling",
        "iss": issuer,
    }
    assert read["exp"] - read["iat"] == 3600


def test_a_claim_that_was_not_asked_for_is_empty_and_no_placeholder(running: engines.Engines) -> None:
    read = claims(engines.token(str(running.addresses.oidc), role="admin"))
    assert (read["region"], read["units"]) == ("", [""])


def test_a_login_in_the_browser_gives_the_claims_of_its_form(running: engines.Engines) -> None:
    issuer, target = str(running.addresses.oidc), "http://127.0.0.1:1/back"
    verifier = secrets.token_urlsafe(40)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    question = {"client_id": "web", "response_type": "code", "redirect_uri": target, "scope": "openid", "state": "s"}
    proof = {"code_challenge": challenge, "code_challenge_method": "S256"}
    form = {"username": "anna", "claims": json.dumps({"roles": ["navigator"], "region": "01", "units": ["SE1"]})}
    with httpx.Client(trust_env=False) as browser:
        login = browser.post(f"{issuer}/authorize", params={**question, **proof}, data=form)
        code = parse_qs(urlsplit(login.headers["location"]).query)["code"][0]
        grant = {"grant_type": "authorization_code", "code": code, "redirect_uri": target, "client_id": "web"}
        answer = browser.post(f"{issuer}/token", data={**grant, "code_verifier": verifier}).raise_for_status()
    read = claims(answer.json()["access_token"])
    assert [read[key] for key in ("sub", "roles", "region", "units", "aud")] == [
        "anna",
        ["navigator"],
        "01",
        ["SE1"],
        "vardformedling",
    ]


def test_a_dead_issuer_is_named() -> None:
    told = r"no token from http://127\.0\.0\.1:9/vardformedling: nothing answers there"
    with pytest.raises(engines.EngineError, match=told):
        engines.token("http://127.0.0.1:9/vardformedling", role="admin")
