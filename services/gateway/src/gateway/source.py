"""The services behind the gateway, over HTTP, with aiohttp: a call costs it a fifth of what it costs httpx."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus

import aiohttp
from fastapi import Request, Response
from yarl import URL

from kit import telemetry
from kit.http import Problem

# Of one connection only (RFC 9110 7.6.1), or set anew on each side.
_NOT_FORWARDED = frozenset(
    {
        b"connection",
        b"content-length",
        b"date",
        b"host",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"server",
        b"te",
        b"traceparent",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
_OWN_HEADERS = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
# Below uvicorn's 5 s: a connection that the service is about to close must not be used again.
_KEEP_ALIVE_SECONDS = 4.0
_CONNECT_SECONDS = 3.0
_READY_SECONDS = 2.0

Header = tuple[bytes, bytes]


class Services:
    """The services by name, with their addresses and one pool of connections. Make and close it in a running loop."""

    def __init__(self, addresses: Mapping[str, str], *, timeout_seconds: float) -> None:
        self._addresses = {service: address.rstrip("/") for service, address in addresses.items()}
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=200, keepalive_timeout=_KEEP_ALIVE_SECONDS),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS, sock_read=timeout_seconds),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=_OWN_HEADERS,
        )

    async def close(self) -> None:
        """Give the connections back."""
        await self._session.close()

    async def forward(self, service: str, request: Request, base: str, *, streamed: bool = False) -> Response:
        """The service's answer to the same request below `base`. Raises Problem 503 or 504 when there is none."""
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in _kept(request.headers.raw)]
        if (trace := telemetry.traceparent()) is not None:
            headers.append(("traceparent", trace))
        # A large body is never held here: it goes on as it comes.
        body = request.stream() if streamed else await request.body() or None
        try:
            async with self._session.request(
                request.method, self._target(service, request, base), headers=headers, data=body,
                allow_redirects=False,
            ) as answer:  # fmt: skip
                content = await answer.read()
        except aiohttp.ConnectionTimeoutError:
            raise _away(service) from None
        except TimeoutError:
            raise Problem(504, f"{service} did not answer in time", headers={"Retry-After": "5"}) from None
        except aiohttp.ClientError:
            raise _away(service) from None
        response = Response(content, answer.status)
        response.raw_headers.extend(
            (name, self._seen_from_outside(service, value, base) if name.lower() == b"location" else value)
            for name, value in _kept(answer.raw_headers)
        )
        return response

    def _target(self, service: str, request: Request, base: str) -> URL:
        # As it was sent: an id may hold an encoded slash, which is lost once the path is decoded.
        path = request.scope["raw_path"].decode("ascii").removeprefix(base)
        query = request.scope["query_string"].decode("ascii")
        return URL(f"{self._addresses[service]}{path}{'?' if query else ''}{query}", encoded=True)

    def _seen_from_outside(self, service: str, location: bytes, base: str) -> bytes:
        inside = location.removeprefix(self._addresses[service].encode())
        return base.encode() + inside if inside.startswith(b"/") else location

    async def openapi(self) -> dict[str, dict[str, object]]:
        """Each service's OpenAPI document. Raises Problem 503 when one is away."""
        documents = {}
        for service, address in self._addresses.items():
            try:
                async with self._session.get(f"{address}/openapi.json", raise_for_status=True) as answer:
                    documents[service] = await answer.json()
            except (aiohttp.ClientError, TimeoutError, ValueError):
                raise _away(service) from None
        return documents

    async def ready(self) -> str | None:
        """None when every service is ready, else which is not."""
        within = aiohttp.ClientTimeout(total=_READY_SECONDS)
        for service, address in self._addresses.items():
            try:
                async with self._session.get(f"{address}/readyz", timeout=within) as answer:
                    if answer.status != HTTPStatus.OK:
                        return f"{service} is not ready"
            except (aiohttp.ClientError, TimeoutError):
                return f"{service} cannot be reached"
        return None


def _kept(headers: Iterable[Header]) -> list[Header]:
    """Without those of one connection only: the known ones, and those that the Connection header names."""
    rows = list(headers)
    named = {
        word.strip().lower() for name, value in rows if name.lower() == b"connection" for word in value.split(b",")
    }
    return [(name, value) for name, value in rows if name.lower() not in _NOT_FORWARDED | named]


def _away(service: str) -> Problem:
    return Problem(503, f"{service} cannot be reached; try again shortly", headers={"Retry-After": "2"})
