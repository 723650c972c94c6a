"""One region's own interface, simulated: its agreements as FHIR Contracts and as our own JSON, behind OAuth2.

`python -m demo.region_interface --region 05 --port 8095`. What goes wrong is switched as for the catalogue.
"""

import argparse
import asyncio
import base64
import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import parse_qs, unquote_plus
from uuid import uuid4

import uvicorn
from fastapi import Body, FastAPI, Query, Request
from fastapi.responses import JSONResponse, Response

from demo.catalogue_faults import BadFault, Faults, Trouble, half
from demo.contract_shapes import contained, contract
from demo.sweden import DemoAgreement, build

CLIENT_ID, CLIENT_SECRET = "vardformedling", "demo-hemlighet å+%"
_FHIR_JSON = "application/fhir+json"
_CONTAINED_EVERY = 3


@dataclass
class Told:
    """One agreement as the interface tells it now."""

    body: dict[str, Any]
    updated: datetime
    revision: int = 1
    status: str = "executed"
    confidential: bool = False


@dataclass
class Interface:
    """What the region tells, and whom it lets in."""

    region: str
    told: dict[str, Told]
    token_seconds: float = 3600.0
    tokens: dict[str, float] = field(default_factory=dict)
    asked_for_tokens: int = 0
    asked: list[str] = field(default_factory=list)
    """Addresses asked for, in order."""
    hidden: set[str] = field(default_factory=set)
    """Numbers that are not told: removed from the region's own system."""

    def change(self, number: str, **fields: Any) -> None:
        """Give an agreement other content, at a higher revision."""
        one = self.told[number]
        one.body = {**one.body, **fields}
        one.revision += 1
        one.updated = datetime.now(UTC)

    def end(self, number: str, status: str = "terminated") -> None:
        """Tell an agreement as ended."""
        self.told[number].status = status
        self.told[number].updated = datetime.now(UTC)

    def since(self, moment: datetime | None) -> list[tuple[str, Told]]:
        """What is told, in the order of numbers; only what has changed since a moment where one is given."""
        return [
            (number, one)
            for number, one in sorted(self.told.items())
            if number not in self.hidden and (moment is None or one.updated >= moment)
        ]

    def lets_in(self, header: str) -> bool:
        """True for a bearer token that was given out and has not ended."""
        token = header.removeprefix("Bearer ")
        return self.tokens.get(token, 0.0) > time.monotonic()


def app(
    agreements: Sequence[DemoAgreement],
    region: str,
    *,
    page_size: int = 100,
    faults: Faults | None = None,
    token_seconds: float = 3600.0,
) -> FastAPI:
    """The interface as an ASGI app; `app.state.interface` is what it tells, `app.state.trouble` what goes wrong."""
    server = FastAPI(title="Simulerat regionsystem (syntetiska uppgifter)", openapi_url=None)
    now = datetime.now(UTC)
    told = {one.number: Told(dict(one.body), now) for one in agreements if one.region == region}
    interface = Interface(region, told, token_seconds)
    trouble = Trouble(faults or Faults())
    server.state.interface, server.state.trouble = interface, trouble

    @server.exception_handler(BadFault)
    async def bad_fault(_: Request, error: Exception) -> Response:
        return JSONResponse({"error": str(error)}, 400)

    @server.get("/livez")
    async def livez() -> Response:
        return JSONResponse({"told": len(interface.told)})

    @server.post("/token")
    async def token(request: Request) -> Response:
        interface.asked_for_tokens += 1
        wanted = parse_qs((await request.body()).decode()).get("grant_type")
        if not _is_client(request.headers.get("authorization", "")) or wanted != ["client_credentials"]:
            return JSONResponse({"error": "invalid_client"}, 401)
        given = uuid4().hex
        interface.tokens[given] = time.monotonic() + interface.token_seconds
        return JSONResponse({"access_token": given, "token_type": "Bearer", "expires_in": interface.token_seconds})

    async def guarded(request: Request, number: int) -> Response | None:
        interface.asked.append(f"{request.url.path}?{request.url.query}")
        on = trouble.faults
        if trouble.is_due(on.slow_every, number):
            await asyncio.sleep(on.slow_seconds)
        if (refused := trouble.refusal(number)) is not None:
            return JSONResponse({"error": "try again"}, refused[0], refused[1])
        if not interface.lets_in(request.headers.get("authorization", "")):
            return JSONResponse({"error": "invalid_token"}, 401)
        return None

    @server.get("/json/agreements")
    async def own(
        request: Request, limit: int = page_size, changed_since: datetime | None = None, after: str | None = None
    ) -> Response:
        number = trouble.next_search()
        if (refused := await guarded(request, number)) is not None:
            return refused
        rows, following = _cut(interface.since(changed_since), after, min(limit, page_size))
        if trouble.is_due(trouble.faults.repeat_every, number) and after in interface.told:
            rows = [(after, interface.told[after]), *rows]
        items = [_item(one) for _, one in rows]
        link = str(request.url.include_query_params(after=following)) if following is not None else None
        return _answer(request, {"items": items, "next": link}, "application/json", trouble, number)

    @server.get("/fhir/Contract")
    async def search(
        request: Request,
        size: Annotated[int, Query(alias="_count")] = page_size,
        last_updated: Annotated[str | None, Query(alias="_lastUpdated")] = None,
        after: Annotated[str | None, Query(alias="_after")] = None,
    ) -> Response:
        number = trouble.next_search()
        if (refused := await guarded(request, number)) is not None:
            return refused
        since = datetime.fromisoformat(last_updated.removeprefix("ge")) if last_updated else None
        rows, following = _cut(interface.since(since), after, min(size, page_size))
        if trouble.is_due(trouble.faults.repeat_every, number) and after in interface.told:
            rows = [(after, interface.told[after]), *rows]
        links = [{"relation": "self", "url": "Contract"}]
        if following is not None:
            links.append({"relation": "next", "url": str(request.url.include_query_params(_after=following))})
        page = {"resourceType": "Bundle", "type": "searchset", "link": links, "entry": list(_entries(rows))}
        return _answer(request, page, _FHIR_JSON, trouble, number)

    @server.put("/admin/faults")
    async def switch(wanted: Annotated[dict[str, Any], Body()]) -> Response:
        trouble.faults = trouble.faults.changed(wanted)
        return JSONResponse(asdict(trouble.faults))

    @server.post("/admin/{act}")
    async def turn(act: str, number: str) -> Response:
        if number not in interface.told or act not in {"remove", "restore", "end", "touch"}:
            return JSONResponse({"error": "remove, restore, end or touch, of a number that is told"}, 404)
        match act:
            case "remove":
                interface.hidden.add(number)
            case "restore":
                interface.hidden.discard(number)
            case "end":
                interface.end(number)
            case _:
                interface.change(number)
        return JSONResponse({"number": number, "act": act})

    return server


def _cut(rows: list[tuple[str, Told]], after: str | None, size: int) -> tuple[list[tuple[str, Told]], str | None]:
    left = [row for row in rows if after is None or row[0] > after]
    return left[:size], left[size - 1][0] if len(left) > size else None


def _item(one: Told) -> dict[str, Any]:
    secret = {"confidential": True} if one.confidential else {}
    return {**one.body, "revision": one.revision, **secret}


def _entries(rows: list[tuple[str, Told]]) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = []
    included: dict[str, dict[str, Any]] = {}
    for place, (number, one) in enumerate(rows):
        identity = hashlib.sha256(number.encode()).hexdigest()[:16]
        found, beside = contract(one.body, identity, one.updated.isoformat(), one.revision)
        found["status"] = one.status
        if one.confidential:
            found["meta"]["security"] = [{"code": "R"}]
        if place % _CONTAINED_EVERY == 0:
            found = contained(found, beside)
        else:
            included |= {f"{part['resourceType']}/{part['id']}": part for part in beside}
        entries.append({"resource": found, "search": {"mode": "match"}})
    return [*entries, *({"resource": part, "search": {"mode": "include"}} for part in included.values())]


def _answer(request: Request, page: Mapping[str, Any], media: str, trouble: Trouble, number: int) -> Response:
    if trouble.is_due(trouble.faults.half_every, number):
        return Response(half(dict(page)), media_type=media)
    content = json.dumps(page, ensure_ascii=False).encode()
    etag = f'W/"{hashlib.sha256(content).hexdigest()[:24]}"'
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers={"ETag": etag})
    return Response(content, media_type=media, headers={"ETag": etag})


def _is_client(header: str) -> bool:
    try:
        name, _, secret = base64.b64decode(header.removeprefix("Basic ")).decode().partition(":")
    except ValueError:
        return False
    return (unquote_plus(name), unquote_plus(secret)) == (CLIENT_ID, CLIENT_SECRET)


def main() -> None:
    """Serves the interface on this machine until stopped."""
    parser = argparse.ArgumentParser(
        prog="python -m demo.region_interface",
        description="One region's own interface, simulated (synthetic data): /fhir/Contract, /json/agreements, /token.",
        epilog="example: python -m demo.region_interface --region 05 --port 8095; then, as time passes: "
        "curl -X POST 'http://127.0.0.1:8095/admin/remove?number=…'",
    )
    parser.add_argument("--region", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, help="tell only those among the demo's first so many agreements")
    asked = parser.parse_args()
    agreements = build(asked.seed).in_time(asked.first)
    uvicorn.run(app(agreements, asked.region), host=asked.host, port=asked.port, access_log=False)


if __name__ == "__main__":
    main()
