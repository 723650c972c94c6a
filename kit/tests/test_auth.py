"""Who calls: real tokens of a real provider, and every way to forge, outdate or misuse one."""

import asyncio
import base64
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import ECKey, Key, KeySet, RSAKey

from engines import token
from kit import auth, http
from kit.auth import ANY_ROLE, ANYONE, Caller, CallerOf, Verifier
from kit.http import Problem

AUDIENCE = "vardformedling"
POLICY = {
    "GET /open": ANYONE,
    "GET /any": ANY_ROLE,
    "GET /editors/{number}": frozenset({"editor", "operator"}),
}


class Issuer:
    """An OpenID provider of our own making, whose keys and faults the tests decide. Served inside the process."""

    url = "http://issuer.test/here"

    def __init__(self) -> None:
        self.keys: list[Key] = [RSAKey.generate_key(2048, {"kid": "one"}, private=True)]
        self.claimed = self.url
        self.answer: httpx.Response | Exception | None = None
        self.fetches = 0
        self.client = httpx.AsyncClient(transport=httpx.MockTransport(self._serve))

    def _serve(self, request: httpx.Request) -> httpx.Response:
        if isinstance(self.answer, Exception):
            raise self.answer
        if request.url.path == "/here/keys":
            self.fetches += 1
            return httpx.Response(200, json=KeySet(self.keys).as_dict(private=False))
        if self.answer is not None:
            return self.answer
        return httpx.Response(200, json={"issuer": self.claimed, "jwks_uri": f"{self.url}/keys"})

    def token(self, key: Key | None = None, alg: str = "RS256", **claims: Any) -> str:
        signing = key or self.keys[0]
        body = {"iss": self.url, "aud": AUDIENCE, "sub": "anna", "exp": int(time.time()) + 60, "roles": ["editor"]}
        body = {name: value for name, value in (body | claims).items() if value is not None}
        return jwt.encode({"alg": alg, "kid": signing.kid}, body, signing, algorithms=[alg])


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    made = Issuer()
    yield made
    await made.client.aclose()


@pytest.fixture
def verifier(issuer: Issuer) -> Verifier:
    return Verifier(issuer.url, AUDIENCE, issuer.client)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Moves the clock that the freshness of keys is measured by."""
    offset = 0.0
    real = time.monotonic

    class Moved:
        @staticmethod
        def monotonic() -> float:
            return real() + offset

    def move(seconds: float) -> None:
        nonlocal offset
        offset += seconds

    monkeypatch.setattr(auth, "time", Moved)
    return move


async def _refused(verifier: Verifier, token: str) -> str:
    with pytest.raises(Problem) as refused:
        await verifier.verify(token)
    assert refused.value.status == 401
    assert refused.value.headers == {"WWW-Authenticate": "Bearer"}
    return refused.value.detail


async def test_a_valid_token_tells_who_calls(verifier: Verifier, issuer: Issuer) -> None:
    found = await verifier.verify(issuer.token(region="14", units=["u1", "u2"], roles=["editor", "reader"]))
    assert found == Caller("anna", frozenset({"editor", "reader"}), "14", frozenset({"u1", "u2"}))


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        ("one", {"one"}),
        ("one two", {"one", "two"}),
        ("one,two", {"one", "two"}),
        (["one", "two"], {"one", "two"}),
        ([""], set()),
        ("", set()),
        ([], set()),
        (None, set()),
        ([1, None, "one"], {"one"}),
        ({"one": 1}, set()),
    ],
)
async def test_roles_and_units_come_as_a_string_or_a_list_and_empty_ones_are_dropped(
    verifier: Verifier, issuer: Issuer, claim: object, words: set[str]
) -> None:
    found = await verifier.verify(issuer.token(roles=claim, units=claim, region=""))
    assert (found.roles, found.units, found.region) == (words, words, None)


async def test_outdated_and_foreign_tokens_are_refused_with_the_reason(verifier: Verifier, issuer: Issuer) -> None:
    foreign = "the token is not for this service, or from another issuer"
    lacking = "the token lacks a claim that is needed (iss, aud, exp, sub)"
    assert await _refused(verifier, issuer.token(exp=int(time.time()) - 31)) == "the token has expired"
    assert await _refused(verifier, issuer.token(aud="another")) == foreign
    assert await _refused(verifier, issuer.token(iss="http://another.test")) == foreign
    for claim in ("iss", "aud", "exp", "sub"):
        assert await _refused(verifier, issuer.token(**{claim: None})) == lacking
    await _refused(verifier, issuer.token(nbf=int(time.time()) + 3600))
    await _refused(verifier, issuer.token(exp="tomorrow"))


async def test_clocks_may_differ_by_half_a_minute_and_an_audience_may_be_one_of_several(
    verifier: Verifier, issuer: Issuer
) -> None:
    await verifier.verify(issuer.token(exp=int(time.time()) - 10))
    await verifier.verify(issuer.token(aud=["another", AUDIENCE]))


async def test_an_issuer_is_the_same_with_and_without_a_slash_at_its_end(issuer: Issuer) -> None:
    issuer.claimed = f"{issuer.url}/"
    await Verifier(issuer.url, AUDIENCE, issuer.client).verify(issuer.token(iss=f"{issuer.url}/"))
    await Verifier(f"{issuer.url}/", AUDIENCE, issuer.client).verify(issuer.token())


@pytest.mark.parametrize("rubbish", ["x", "a.b.c", "..", "åäö.åäö.åäö", "eyJhbGciOiJSUzI1NiJ9.e30.", "a" * 10_000])
async def test_garbage_is_refused(verifier: Verifier, rubbish: str) -> None:
    await _refused(verifier, rubbish)


def _part(content: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


async def test_a_token_without_a_signature_is_refused(verifier: Verifier, issuer: Issuer) -> None:
    body = issuer.token().split(".")[1]
    for name in ("none", "None", "NONE", ""):
        await _refused(verifier, f"{_part({'alg': name})}.{body}.")
        await _refused(verifier, f"{_part({'alg': name, 'kid': 'one'})}.{body}.")


async def test_a_token_signed_with_the_public_key_as_a_shared_secret_is_refused(
    verifier: Verifier, issuer: Issuer
) -> None:
    public = issuer.keys[0]
    assert isinstance(public, RSAKey)
    # By hand: libraries refuse to make one.
    signed = f"{_part({'alg': 'HS256', 'kid': 'one'})}.{issuer.token().split('.')[1]}"
    mac = hmac.digest(public.as_pem(private=False), signed.encode(), "sha256")
    await _refused(verifier, f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}")


async def test_a_changed_token_and_one_of_another_key_with_the_same_name_are_refused(
    verifier: Verifier, issuer: Issuer
) -> None:
    head, body, signature = issuer.token().split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    forged = f"{head}.{_part(claims | {'roles': ['operator']})}.{signature}"
    assert await _refused(verifier, forged) == "the token's signature is wrong"
    await _refused(verifier, issuer.token(RSAKey.generate_key(2048, {"kid": "one"}, private=True)))


async def test_keys_of_both_kinds_are_accepted(verifier: Verifier, issuer: Issuer) -> None:
    issuer.keys.append(ECKey.generate_key("P-256", {"kid": "curve"}, private=True))
    await verifier.verify(issuer.token(issuer.keys[1], alg="ES256"))
    await verifier.verify(issuer.token(alg="PS256"))


async def test_an_unknown_key_is_looked_up_at_most_once_in_ten_seconds(
    verifier: Verifier, issuer: Issuer, clock: Callable[[float], None]
) -> None:
    await verifier.verify(issuer.token())
    assert issuer.fetches == 1
    stranger = issuer.token(RSAKey.generate_key(2048, {"kid": "stranger"}, private=True))
    for _ in range(20):
        await _refused(verifier, stranger)
    assert issuer.fetches == 1
    clock(11)
    await asyncio.gather(*(_refused(verifier, stranger) for _ in range(20)))
    assert issuer.fetches == 2


async def test_a_rotated_key_is_accepted_and_the_old_one_is_not(
    verifier: Verifier, issuer: Issuer, clock: Callable[[float], None]
) -> None:
    old = issuer.token()
    await verifier.verify(old)
    issuer.keys = [RSAKey.generate_key(2048, {"kid": "two"}, private=True)]
    clock(11)
    await verifier.verify(issuer.token())
    await _refused(verifier, old)


async def test_a_withdrawn_key_is_forgotten_within_five_minutes(
    verifier: Verifier, issuer: Issuer, clock: Callable[[float], None]
) -> None:
    withdrawn = issuer.token()
    await verifier.verify(withdrawn)
    issuer.keys = [RSAKey.generate_key(2048, {"kid": "two"}, private=True)]
    clock(301)
    await _refused(verifier, withdrawn)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("slow"),
        httpx.Response(500),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json=["x"]),
        httpx.Response(200, json={"issuer": "http://another.test", "jwks_uri": "http://issuer.test/here/keys"}),
        httpx.Response(200, json={"issuer": Issuer.url, "jwks_uri": ":not an address:"}),
    ],
    ids=["refused", "slow", "500", "html", "list", "another", "address"],
)
async def test_while_the_issuer_gives_no_keys_callers_are_asked_to_come_back(
    verifier: Verifier, issuer: Issuer, clock: Callable[[float], None], answer: httpx.Response | Exception
) -> None:
    issuer.answer = answer
    for _ in range(2):
        with pytest.raises(Problem) as away:
            await verifier.verify(issuer.token())
        assert (away.value.status, away.value.headers) == (503, {"Retry-After": "5"})
    issuer.answer = None
    clock(2)
    await verifier.verify(issuer.token())


async def test_an_issuer_that_goes_away_later_costs_nobody_anything(
    verifier: Verifier, issuer: Issuer, clock: Callable[[float], None]
) -> None:
    await verifier.verify(issuer.token())
    issuer.answer = httpx.ConnectError("refused")
    clock(301)
    await verifier.verify(issuer.token())
    await _refused(verifier, "rubbish")


@pytest.fixture
async def call(verifier: Verifier) -> AsyncIterator[httpx.AsyncClient]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield

    app = http.application("test", lifespan=lifespan, authorise=auth.authorise(POLICY, verifier))

    @app.get("/open")
    async def open_to_all() -> str:
        return "open"

    @app.get("/any")
    async def any_role(caller: CallerOf) -> str:
        return caller.subject

    @app.get("/editors/{number}")
    async def editors(number: int) -> int:
        return number

    @app.post("/editors/{number}")
    async def edit(number: int) -> int:
        return number

    @app.get("/forgotten")
    async def forgotten() -> str:
        return "never shown"

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client


async def test_the_policy_says_who_may_and_what_is_not_in_it_is_refused(
    call: httpx.AsyncClient, issuer: Issuer
) -> None:
    async def status(path: str, method: str = "GET", **claims: Any) -> int:
        headers = {"Authorization": f"Bearer {issuer.token(**claims)}"} if claims else {}
        return (await call.request(method, path, headers=headers)).status_code

    assert await status("/open") == 200
    assert await status("/any") == 401
    assert await status("/any", roles="whatever") == 200
    assert await status("/any", roles=[]) == 403
    assert await status("/editors/1") == 401
    assert await status("/editors/1", roles="reader") == 403
    assert await status("/editors/1", roles="any role") == 403
    assert await status("/editors/1", roles="*") == 403
    assert await status("/editors/1", roles=["reader", "operator"]) == 200
    assert await status("/editors/1", "POST", roles="editor") == 403
    assert await status("/forgotten", roles=["editor", "operator"]) == 403
    assert await status("/forgotten") == 403


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic eDp5", "x", "Bearer a b"])
async def test_a_call_without_a_readable_bearer_token_is_a_401_problem(call: httpx.AsyncClient, header: str) -> None:
    answer = await call.get("/any", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert (await call.get("/any", headers={"Authorization": f"bearer {'x'}"})).status_code == 401


@pytest.mark.engine
async def test_a_token_of_a_real_provider_is_read_as_it_is(oidc_issuer: str) -> None:
    async with http.client() as client:
        verifier = Verifier(oidc_issuer, AUDIENCE, client)
        given = await asyncio.to_thread(token, oidc_issuer, role="navigator", region="14", user="anna", units="u1 u2")
        assert await verifier.verify(given) == Caller("anna", frozenset({"navigator"}), "14", frozenset({"u1", "u2"}))
        plain = await asyncio.to_thread(token, oidc_issuer, role="analyst")
        assert await verifier.verify(plain) == Caller("demo", frozenset({"analyst"}), None, frozenset())
        await _refused(Verifier(oidc_issuer, "another", client), given)
        await _refused(verifier, given[:-4] + "AAAA")


@pytest.mark.engine
async def test_a_real_provider_that_is_away_is_a_503(silent_port: str) -> None:
    async with http.client() as client:
        with pytest.raises(Problem) as away:
            await Verifier(f"http://{silent_port}/x", AUDIENCE, client).verify("a.b.c")
    assert away.value.status == 503
