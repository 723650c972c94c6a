"""The simulated national catalogue: FHIR R4 searches over HTTP. `python -m demo.national_catalogue --port 8090`."""

import argparse
from itertools import count
from typing import Annotated, Any

import uvicorn
from fastapi import FastAPI, Query, Request
from fastapi.responses import JSONResponse, Response

from demo.broken_rows import BROKEN, BrokenRow
from demo.catalogue_store import KINDS, BadSearch, Catalogue, Search, bundle, catalogue_of, since_of
from demo.sweden import Sweden, build

__all__ = ["BROKEN", "BrokenRow", "app"]

FHIR_JSON = "application/fhir+json"


class _Fhir(JSONResponse):
    media_type = FHIR_JSON


class _Overloaded(Exception):
    def __init__(self, status: int) -> None:
        self.status = status


def app(sweden: Sweden, *, page_size: int = 200, fail_every: int = 0) -> FastAPI:
    """The catalogue as an ASGI app; `app.state.catalogue` is what it serves.

    Every `fail_every`th search fails, in turn with 429 (Retry-After: 0) and 503; 0 means never.
    """
    server = FastAPI(title="Simulerad nationell katalog (syntetiska uppgifter)", openapi_url=None)
    catalogue = catalogue_of(sweden)
    server.state.catalogue = catalogue
    numbers = count(1)

    @server.exception_handler(BadSearch)
    async def bad_search(_: Request, error: BadSearch) -> Response:
        return _outcome(400, "invalid", str(error))

    @server.exception_handler(_Overloaded)
    async def overloaded(_: Request, error: _Overloaded) -> Response:
        return _outcome(error.status, "throttled", "Try again", {"Retry-After": "0"} if error.status == 429 else {})

    @server.get("/fhir/metadata")
    async def metadata() -> Response:
        return _Fhir(_capabilities(sweden))

    @server.get("/fhir/{kind}")
    async def search(
        request: Request,
        kind: str,
        page: Annotated[str | None, Query(alias="_page")] = None,
        size: Annotated[int, Query(alias="_count")] = page_size,
        last_updated: Annotated[str | None, Query(alias="_lastUpdated")] = None,
    ) -> Response:
        if kind not in KINDS:
            return _outcome(404, "not-supported", "No such resource type here")
        number = next(numbers)
        if fail_every and number % fail_every == 0:
            raise _Overloaded(429 if (number // fail_every) % 2 else 503)
        asked = Search(kind, min(max(size, 1), page_size), since_of(last_updated))
        return _page(request, catalogue, Search.from_token(page) if page else asked)

    @server.get("/fhir/{kind}/{identity}")
    async def read(request: Request, kind: str, identity: str) -> Response:
        found = catalogue.resources.get(kind, {}).get(identity)
        if found is None:
            return _outcome(404, "not-found", "No such resource")
        etag = f'W/"{found["meta"]["lastUpdated"]}"'
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers={"ETag": etag})
        return _Fhir(found, headers={"ETag": etag})

    return server


def _page(request: Request, catalogue: Catalogue, search: Search) -> Response:
    entries, total, following = catalogue.page(search)
    base = f"{request.base_url}fhir"
    links = [{"relation": "self", "url": str(request.url)}]
    if following is not None:
        links.append({"relation": "next", "url": f"{base}/{search.kind}?_page={following.token()}"})
    return _Fhir(bundle(entries, total, base, links))


def _outcome(status: int, code: str, words: str, headers: dict[str, str] | None = None) -> Response:
    issue = {"severity": "error", "code": code, "diagnostics": words}
    return _Fhir({"resourceType": "OperationOutcome", "issue": [issue]}, status, headers)


def _capabilities(sweden: Sweden) -> dict[str, Any]:
    parameters = [{"name": "_lastUpdated", "type": "date"}]
    interactions = [{"code": "read"}, {"code": "search-type"}]
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": sweden.today.isoformat(),
        "kind": "instance",
        "implementation": {"description": "Simulerad nationell katalog. Syntetiska uppgifter."},
        "fhirVersion": "4.0.1",
        "format": [FHIR_JSON],
        "rest": [
            {
                "mode": "server",
                "resource": [{"type": kind, "interaction": interactions, "searchParam": parameters} for kind in KINDS],
            }
        ],
    }


def main() -> None:
    """Serves the catalogue on this machine until stopped."""
    parser = argparse.ArgumentParser(description="The simulated national catalogue (synthetic data).")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fail-every", type=int, default=0, help="let every Nth search fail")
    chosen = parser.parse_args()
    uvicorn.run(
        app(build(chosen.seed), fail_every=chosen.fail_every), host=chosen.host, port=chosen.port, access_log=False
    )


if __name__ == "__main__":
    main()
