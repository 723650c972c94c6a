"""The services behind the gateway, over HTTP."""

from collections.abc import Mapping

import httpx
from fastapi import Request, Response

from kit.http import Problem

# Of one connection only (RFC 9110 7.6.1), or set anew by the client.
_NOT_FORWARDED = frozenset(
    {
        "connection",
        "content-encoding",
        "content-length",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "date",
        "server",
    }
)


class Services:
    """One client per service, kept for the life of the process."""

    def __init__(self, clients: Mapping[str, httpx.AsyncClient]) -> None:
        self._clients = clients

    async def close(self) -> None:
        """Give the connections back."""
        for client in self._clients.values():
            await client.aclose()

    async def forward(self, service: str, path: str, request: Request, base: str) -> Response:
        """The service's answer to the same request. Raises Problem 502-504 when there is none."""
        headers = [(name, value) for name, value in request.headers.items() if name not in _NOT_FORWARDED]
        target = httpx.URL(path=f"/{path}", query=request.url.query.encode())
        try:
            answer = await self._clients[service].request(
                request.method, target, headers=headers, content=await request.body()
            )
        except httpx.TimeoutException:
            raise Problem(504, f"{service} did not answer in time", headers={"Retry-After": "5"}) from None
        except httpx.TransportError:
            raise Problem(
                503, f"{service} cannot be reached; try again shortly", headers={"Retry-After": "2"}
            ) from None
        kept = {name: value for name, value in answer.headers.items() if name not in _NOT_FORWARDED}
        if kept.get("location", "").startswith("/"):
            kept["location"] = base + kept["location"]
        return Response(answer.content, answer.status_code, kept)

    async def openapi(self) -> dict[str, dict[str, object]]:
        """Each service's OpenAPI document; Problem 503 when one is away."""
        documents = {}
        for service, client in self._clients.items():
            try:
                documents[service] = (await client.get("/openapi.json")).raise_for_status().json()
            except (httpx.HTTPError, ValueError):
                raise Problem(503, f"{service} cannot be reached; try again shortly") from None
        return documents

    async def ready(self) -> str | None:
        """None when every service is ready, else which is not."""
        for service, client in self._clients.items():
            try:
                if (await client.get("/readyz", timeout=2)).status_code != httpx.codes.OK:
                    return f"{service} is not ready"
            except httpx.HTTPError:
                return f"{service} cannot be reached"
        return None
