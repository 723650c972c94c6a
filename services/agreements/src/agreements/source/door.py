"""The door of a region's interface: an HTTP client with OAuth2 client credentials (RFC 6749, 4.4) and a pace.

A token is kept, renewed before it ends, and asked for anew once when it is refused. Neither token nor secret is
repeated in any message.
"""

import asyncio
import time
from collections.abc import AsyncGenerator
from urllib.parse import quote_plus

import httpx

from agreements.source.pull_sources import BadSources, Source, secret_of
from kit import http
from upkeep.polite import Away

_EARLY_SECONDS = 60.0
_SHORTEST_LIFE_SECONDS = 5.0
_LIFE_UNSAID_SECONDS = 300.0
_TIMEOUT_SECONDS = 30.0
_LONGEST_TOKEN = 16 * 1024


class TokenBusy(httpx.TransportError):
    """The token's address does not answer now: the call is tried again as if the line had failed."""


class ClientCredentials(httpx.Auth):
    """Puts a bearer token on every request to one region."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._token: str | None = None
        self._until = 0.0
        self._lock = asyncio.Lock()

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """The request with a token, and once more with a new one when that is refused."""
        for attempt in (1, 2):
            # One at a time: several readers of a region share its token.
            async with self._lock:
                if self._token is None or time.monotonic() >= self._until:
                    self._keep(await _read((yield self._asking())))
            used = self._token
            request.headers["Authorization"] = f"Bearer {used}"
            answer = yield request
            if answer.status_code != httpx.codes.UNAUTHORIZED or attempt == 2:
                return
            if self._token == used:
                self._token = None

    def _asking(self) -> httpx.Request:
        try:
            secret = secret_of(self._source)
        except BadSources as error:
            raise Away(str(error)) from None
        # Both are form-encoded before they are put together (RFC 6749, 2.3.1).
        basic = httpx.BasicAuth(quote_plus(self._source.client_id), quote_plus(secret))
        asking = httpx.Request(
            "POST",
            self._source.token_url,
            data={"grant_type": "client_credentials"},
            headers={"Accept": "application/json"},
        )
        return next(basic.auth_flow(asking))

    def _keep(self, answer: httpx.Response) -> None:
        status = answer.status_code
        if status == httpx.codes.TOO_MANY_REQUESTS or status >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise TokenBusy(f"the token's address answers HTTP {status}")
        if status != httpx.codes.OK:
            raise Away(f"the token's address refuses the client: HTTP {status}; see client_id and client_secret_file")
        try:
            told = answer.json()
            token, life = str(told["access_token"]), float(told.get("expires_in", _LIFE_UNSAID_SECONDS))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise TokenBusy("the token's address gives no token") from None
        # A short life is cut less: there must be time to use it.
        life = max(life - min(_EARLY_SECONDS, life / 4), _SHORTEST_LIFE_SECONDS)
        self._token, self._until = token, time.monotonic() + life


class Pace:
    """At most so many requests a second, spread evenly."""

    def __init__(self, per_second: float) -> None:
        self._gap = 1.0 / per_second
        self._next = 0.0

    async def wait(self, _: httpx.Request) -> None:
        """Until the next request may be sent."""
        now = time.monotonic()
        at = max(self._next, now)
        self._next = at + self._gap
        if at > now:
            await asyncio.sleep(at - now)


def client(source: Source) -> httpx.AsyncClient:
    """A client for one region. Close it when done."""
    made = http.client(source.url, timeout=_TIMEOUT_SECONDS)
    made.auth = ClientCredentials(source)
    made.event_hooks = {"request": [Pace(source.requests_per_second).wait]}
    return made


async def _read(answer: httpx.Response) -> httpx.Response:
    if int(answer.headers.get("Content-Length") or 0) > _LONGEST_TOKEN:
        raise TokenBusy("the token's address answers too much")
    await answer.aread()
    return answer
