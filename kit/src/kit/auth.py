"""Who calls: OIDC tokens checked against the issuer's keys, and one policy table per service that says who may."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated

import httpx
import structlog
from fastapi import Depends, Request
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from kit.http import Problem

log = structlog.get_logger(__name__)

_ALGORITHMS = ["RS256", "PS256", "ES256"]
_LEEWAY_SECONDS = 30
_KEYS_FRESH_SECONDS = 300
_KEYS_RETRY_SECONDS = 10
# While there are no keys at all, every call would wait for an issuer that does not answer.
_KEYS_ABSENT_SECONDS = 1
_REASONS = {
    "ExpiredTokenError": "the token has expired",
    "BadSignatureError": "the token's signature is wrong",
    "InvalidClaimError": "the token is not for this service, or from another issuer",
    "MissingClaimError": "the token lacks a claim that is needed (iss, aud, exp, sub)",
}

ANYONE: frozenset[str] = frozenset({"*"})
"""In a policy: no token needed."""

ANY_ROLE: frozenset[str] = frozenset({"any role"})
"""In a policy: a valid token with any role."""

Policy = Mapping[str, frozenset[str]]
"""`METHOD /path/{template}` → the roles that may. What is not in the table is refused."""


@dataclass(frozen=True)
class Caller:
    """Who calls, as the token says."""

    subject: str
    roles: frozenset[str]
    region: str | None
    units: frozenset[str]


class Verifier:
    """Checks tokens of one issuer for one audience. Keys are fetched when first needed, and anew for an unknown key."""

    def __init__(self, issuer: str, audience: str, client: httpx.AsyncClient) -> None:
        self._issuer = issuer.rstrip("/")
        self._client = client
        self._keys = KeySet([])
        self._asked = float("-inf")
        self._lock = asyncio.Lock()
        self._claims = jwt.JWTClaimsRegistry(
            leeway=_LEEWAY_SECONDS,
            iss={"essential": True, "values": [self._issuer, f"{self._issuer}/"]},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
            sub={"essential": True},
        )

    async def verify(self, token: str) -> Caller:
        """The caller a bearer token stands for. Raises Problem 401 with the reason, or 503 when the issuer is away."""
        try:
            decoded = await self._decoded(token)
            self._claims.validate(decoded.claims)
        except (JoseError, ValueError) as error:
            raise _unauthorised(_REASONS.get(type(error).__name__, "the token cannot be read")) from None
        roles, units = (_words(decoded.claims.get(name)) for name in ("roles", "units"))
        region = decoded.claims.get("region")
        return Caller(str(decoded.claims["sub"]), roles, str(region) if region else None, units)

    async def _decoded(self, token: str) -> jwt.Token:
        await self._look_up_keys(_KEYS_FRESH_SECONDS if self._keys.keys else _KEYS_ABSENT_SECONDS)
        if not self._keys.keys:
            raise Problem(503, "the identity provider cannot be reached; try again", headers={"Retry-After": "5"})
        try:
            return jwt.decode(token, self._keys, algorithms=_ALGORITHMS)
        except (JoseError, ValueError):
            # The issuer may have changed its keys; a flood of bad tokens must not become a flood of fetches.
            if not await self._look_up_keys(_KEYS_RETRY_SECONDS):
                raise
            return jwt.decode(token, self._keys, algorithms=_ALGORITHMS)

    async def _look_up_keys(self, older_than: float) -> bool:
        """Fetch the keys unless somebody has tried lately; those we have stay where that fails."""
        async with self._lock:
            if time.monotonic() - self._asked < older_than:
                return False
            try:
                discovery = await self._client.get(f"{self._issuer}/.well-known/openid-configuration")
                found = discovery.raise_for_status().json()
                if found["issuer"].rstrip("/") != self._issuer:
                    raise ValueError("the identity provider answers for another issuer than configured")
                keys = await self._client.get(found["jwks_uri"])
                self._keys = KeySet.import_key_set(keys.raise_for_status().json())
            except Exception as error:  # whatever a provider may answer, the keys we have may still do
                log.warning("no keys from the identity provider", issuer=self._issuer, why=repr(error))
            self._asked = time.monotonic()
            return True


def authorise(policy: Policy, verifier: Verifier) -> Callable[[Request], Awaitable[None]]:
    """The access rule of an application: the route must be in the policy, and the caller must have a role it names."""

    async def check(request: Request) -> None:
        allowed = policy.get(f"{request.method} {request.scope['route'].path}")
        if allowed is None:
            raise Problem(403, "this call is not open to anyone")
        if allowed is ANYONE:
            return
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise _unauthorised("a bearer token is required")
        found = await verifier.verify(token.strip())
        if not (found.roles if allowed is ANY_ROLE else found.roles & allowed):
            raise Problem(403, f"needs {'a role' if allowed is ANY_ROLE else ' or '.join(sorted(allowed))}")
        request.state.caller = found

    return check


# Async: FastAPI would send a plain function through a thread pool.
async def _caller_of(request: Request) -> Caller:
    caller: Caller = request.state.caller
    return caller


CallerOf = Annotated[Caller, Depends(_caller_of)]
"""The caller of this request, already checked against the policy."""


def _words(claim: object) -> frozenset[str]:
    # Providers send one value as a string and several as a list.
    values = claim if isinstance(claim, list) else [claim]
    return frozenset(word for value in values if isinstance(value, str) for word in value.replace(",", " ").split())


def _unauthorised(reason: str) -> Problem:
    return Problem(401, reason, headers={"WWW-Authenticate": "Bearer"})
