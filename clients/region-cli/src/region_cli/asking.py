"""HTTP as the command speaks it: a bearer token, deadlines, repeats where they are safe, and errors as sentences."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from region_cli.terminal import Cannot

_ATTEMPTS = 5
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0
_PASSING = frozenset({429, 502, 503, 504})
_EARLY_SECONDS = 30.0


class Api:
    """The service's API. Every call here is safe to repeat: it reads, or carries an Idempotency-Key."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self._token: str | None = None
        self._token_ends = 0.0

    async def get(self, path: str, **params: Any) -> Any:
        """The JSON of an answer. Raises Cannot with the problem's own words."""
        return (await self._ask(lambda: self._client.build_request("GET", path, params=params))).json()

    async def post_file(self, path: str, file: Path | bytes, key: str, **params: Any) -> Any:
        """Send a file as it is, in pieces, or content that was made of one. Raises Cannot."""
        headers = {"Idempotency-Key": key, "Content-Type": "application/octet-stream"}

        def request() -> httpx.Request:
            content = file if isinstance(file, bytes) else _pieces(file)
            return self._client.build_request("POST", path, params=params, content=content, headers=headers)

        return (await self._ask(request)).json()

    async def _ask(self, request: Callable[[], httpx.Request]) -> httpx.Response:
        pause = _FIRST_PAUSE_SECONDS
        renewed = False
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                asked = request()
                asked.headers["Authorization"] = f"Bearer {await self._bearer()}"
                answer = await self._client.send(asked)
                json_like = answer.headers.get("content-type", "").partition(";")[0].endswith("json")
            except httpx.HTTPError as error:
                if attempt == _ATTEMPTS:
                    raise Cannot(f"{self._client.base_url}: {_told(error)}") from None
            else:
                if answer.is_success and json_like:
                    return answer
                if answer.status_code == 401 and not renewed and "VF_TOKEN" not in os.environ:
                    self._token, renewed = None, True
                    continue
                if answer.status_code not in _PASSING or attempt == _ATTEMPTS:
                    raise Cannot(_problem(answer))
                pause = max(pause, _asked_pause(answer))
            await asyncio.sleep(min(pause, _LONGEST_PAUSE_SECONDS))
            pause *= 2
        raise AssertionError("unreachable")

    async def _bearer(self) -> str:
        if token := os.environ.get("VF_TOKEN"):
            # Copied with the word before it, it is the same token.
            return token.strip().removeprefix("Bearer ").strip()
        if self._token is None or time.monotonic() > self._token_ends:
            self._token, seconds = await self._new_token()
            self._token_ends = time.monotonic() + seconds - _EARLY_SECONDS
        return self._token

    async def _new_token(self) -> tuple[str, float]:
        """By OAuth2 client credentials (RFC 6749, 4.4). Raises Cannot."""
        names = ("VF_TOKEN_URL", "VF_CLIENT_ID", "VF_CLIENT_SECRET")
        url, client, secret = (os.environ.get(name, "") for name in names)
        if not (url and client and secret):
            missing = ", ".join(name for name in names if not os.environ.get(name))
            raise Cannot(f"set VF_TOKEN, or VF_TOKEN_URL, VF_CLIENT_ID and VF_CLIENT_SECRET ({missing} missing)")
        form = {
            "grant_type": "client_credentials",
            **({"scope": scope} if (scope := os.environ.get("VF_SCOPE")) else {}),
        }
        try:
            answer = await self._client.post(url, data=form, auth=(client, secret))
            content = answer.json()
            return str(content["access_token"]), float(content.get("expires_in", 300))
        except httpx.HTTPError as error:
            raise Cannot(f"VF_TOKEN_URL: {_told(error)}") from None
        except (ValueError, KeyError, TypeError):
            raise Cannot(f"VF_TOKEN_URL: gave no token (HTTP {answer.status_code}): check id and secret") from None


@asynccontextmanager
async def api_at(url: str) -> AsyncIterator[Api]:
    """The API at an address. Raises Cannot where it is no address."""
    try:
        base = httpx.URL(url)
    except httpx.InvalidURL:
        base = httpx.URL("")
    if base.scheme not in ("http", "https") or not base.host:
        raise Cannot("--http must be a web address, such as https://example.se/vardformedling/v1")
    timeout = httpx.Timeout(30.0, connect=10.0, write=120.0)
    async with httpx.AsyncClient(base_url=base, timeout=timeout) as client:
        yield Api(client)


async def _pieces(file: Path) -> AsyncIterator[bytes]:
    with file.open("rb") as opened:
        while piece := opened.read(1024 * 1024):
            yield piece


def _told(error: httpx.HTTPError) -> str:
    match error:
        case httpx.ConnectTimeout() | httpx.ConnectError():
            return "cannot be reached: check the address and the network"
        case httpx.TimeoutException():
            return "did not answer in time: try again"
        case _:
            return "broke off the connection: try again"


def _problem(answer: httpx.Response) -> str:
    """What a problem (RFC 9457) says, or the status where the answer is none."""
    try:
        content = answer.json()
    except ValueError:
        content = None
    if not isinstance(content, Mapping) or not content.get("detail"):
        host, status = answer.request.url.host, f"{answer.status_code} {answer.reason_phrase}"
        return f"{host}: answered {status}, and not as the API does: check the address"
    if answer.status_code == 404 and answer.request.method == "POST":
        hint = "does the address after --http end with the API's path, as in https://example.se/vardformedling/v1?"
        return f"404: {content['detail']}: {hint}"
    trace = f" ({content['instance']})" if answer.is_server_error and content.get("instance") else ""
    return f"{answer.status_code}: {content['detail']}{trace}"


def _asked_pause(answer: httpx.Response) -> float:
    seconds = answer.headers.get("retry-after", "")
    return float(seconds) if seconds.isdecimal() else 0.0
