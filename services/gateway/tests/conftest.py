"""Two tiny services on real ports behind a real gateway on a real port."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import httpx
import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from yarl import URL

import engines
from engines import eventually
from gateway.main import api
from gateway.settings import Settings

Serve = Callable[[Any], Any]


class Upstream:
    """A service that writes down every request and answers as it is told."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.seen: list[dict[str, Any]] = []
        self.status, self.headers, self.body = 200, [(b"content-type", b"application/json")], b"{}"
        self.begun = asyncio.Event()
        self.early: int | None = None
        self.wait = asyncio.Event()
        self.wait.set()
        self.documents: dict[str, Any] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body, more = b"", True
        if self.early is not None:
            # Before it has read anything.
            await send({"type": "http.response.start", "status": self.early, "headers": self.headers})
            await send({"type": "http.response.body", "body": self.body})
            return
        while more:
            message = await receive()
            body += message.get("body", b"")
            self.begun.set()
            more = message.get("more_body", False)
        status, headers, content = self.status, self.headers, self.body
        if (found := self.documents.get(scope["path"])) is not None:
            status, headers, content = 200, [(b"content-type", b"application/json")], json.dumps(found).encode()
        else:
            self.seen.append(
                {
                    "method": scope["method"],
                    "raw_path": scope["raw_path"].decode(),
                    "query": scope["query_string"].decode(),
                    "headers": [(name.decode(), value.decode("latin-1")) for name, value in scope["headers"]],
                    "body": body,
                }
            )
            await self.wait.wait()
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    def header(self, name: str) -> str | None:
        """A header of the latest request."""
        return dict(self.seen[-1]["headers"]).get(name)


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """`await serve(app)`: its address while the test runs; `await serve.stop(address)` ends it early."""
    running: dict[str, tuple[uvicorn.Server, asyncio.Task[None]]] = {}

    async def start(app: Any) -> str:
        config = uvicorn.Config(app, port=0, log_config=None, access_log=False, timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve())
        await eventually(lambda: server.started)
        address = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        running[address] = server, task
        return address

    async def stop(address: str) -> None:
        server, task = running.pop(address)
        server.should_exit = True
        await task

    start.stop = stop  # type: ignore[attr-defined]
    yield start
    await asyncio.gather(*(stop(address) for address in list(running)))


@pytest.fixture(scope="session")
def token(oidc_issuer: str) -> str:
    return engines.token(oidc_issuer, role="navigator", region="14")


@pytest.fixture
def search() -> Upstream:
    return Upstream("search")


@pytest.fixture
def agreements() -> Upstream:
    return Upstream("agreements")


@pytest.fixture
def catalog_sync() -> Upstream:
    return Upstream("catalog-sync")


class Door:
    """The gateway, and how callers reach it."""

    def __init__(self, address: str, upstream: dict[str, str], token: str, session: aiohttp.ClientSession) -> None:
        self.address = address
        self.upstream = upstream
        self._token = token
        self._session = session

    async def call(self, method: str, path: str, *, headers: Any = (), data: Any = None) -> httpx.Response:
        """The path is sent as written, byte by byte."""
        sent = [("Authorization", f"Bearer {self._token}"), *headers]
        target = URL(f"{self.address}{path}", encoded=True)
        async with self._session.request(method, target, headers=sent, data=data, allow_redirects=False) as answer:
            return httpx.Response(answer.status, headers=answer.raw_headers, content=await answer.read())

    async def bare(self, path: str, headers: dict[str, str]) -> httpx.Response:
        """Without a token."""
        async with self._session.get(f"{self.address}{path}", headers=headers) as answer:
            return httpx.Response(answer.status, headers=answer.raw_headers, content=await answer.read())


@pytest.fixture
async def door(
    serve: Serve, search: Upstream, agreements: Upstream, catalog_sync: Upstream, oidc_issuer: str, token: str
) -> AsyncIterator[Door]:
    upstream = {one.name: await serve(one) for one in (search, agreements, catalog_sync)}
    app = api(
        Settings(
            search_url=upstream["search"],
            agreements_url=upstream["agreements"],
            catalog_sync_url=upstream["catalog-sync"],
            oidc_issuer=oidc_issuer,
            timeout_seconds=0.3,
        )
    )
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        yield Door(await serve(app), upstream, token, session)
