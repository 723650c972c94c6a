"""The simulated national catalogue: FHIR R4 searches over HTTP. `python -m demo.national_catalogue --port 8090`."""

import argparse
import asyncio
import hashlib
import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import uvicorn
from fastapi import Body, FastAPI, Query, Request
from fastapi.responses import JSONResponse, Response

from demo.broken_rows import BROKEN, BrokenRow
from demo.catalogue_faults import RETRY_AFTER, BadFault, Faults, Trouble, half
from demo.catalogue_store import KINDS, BadSearch, Catalogue, Search, bundle, catalogue_of, since_of
from demo.fhir_shapes import GUIDE
from demo.left_out_rows import LEFT_OUT, LeftOutRow
from demo.sweden import Sweden, build
from rules.calendar import swedish_day

__all__ = ["BROKEN", "LEFT_OUT", "BrokenRow", "Faults", "LeftOutRow", "app"]

FHIR_JSON = "application/fhir+json"


class _Fhir(JSONResponse):
    media_type = FHIR_JSON


def app(sweden: Sweden, *, page_size: int = 200, fail_every: int = 0, faults: Faults | None = None) -> FastAPI:
    """The catalogue as an ASGI app; `app.state.catalogue` is what it serves, `app.state.trouble` what goes wrong.

    Outside the catalogue itself, `/admin/faults` switches faults and `/admin/units/{id}/{close|reopen|merge}` has time
    pass. `fail_every` is short for that fault alone.
    """
    server = FastAPI(title="Simulerad nationell katalog (syntetiska uppgifter)", openapi_url=None)
    catalogue = catalogue_of(sweden)
    trouble = Trouble(faults or Faults(fail_every=fail_every))
    server.state.catalogue, server.state.trouble = catalogue, trouble

    @server.exception_handler(BadSearch)
    @server.exception_handler(BadFault)
    async def bad_search(_: Request, error: Exception) -> Response:
        return _outcome(400, "invalid", str(error))

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
        number, on = trouble.next_search(), trouble.faults
        if trouble.is_due(on.slow_every, number):
            await asyncio.sleep(on.slow_seconds)
        if (refused := trouble.refusal(number)) is not None:
            return _outcome(refused[0], "throttled", "Try again", refused[1])
        asked = Search(kind, min(max(size, 1), page_size), since_of(last_updated))
        return _page(request, catalogue, Search.from_token(page) if page else asked, trouble, number)

    @server.get("/fhir/{kind}/{identity}")
    async def read(request: Request, kind: str, identity: str) -> Response:
        found = catalogue.resources.get(kind, {}).get(identity)
        if found is None:
            return _outcome(404, "not-found", "No such resource")
        return _tagged(request, found, f'W/"{found["meta"]["lastUpdated"]}"')

    @server.get("/admin/faults")
    async def faults_now() -> Response:
        return JSONResponse(asdict(trouble.faults))

    @server.put("/admin/faults")
    async def switch(wanted: Annotated[dict[str, Any], Body()]) -> Response:
        trouble.faults = trouble.faults.changed(wanted)
        return JSONResponse(asdict(trouble.faults))

    @server.post("/admin/units/{unit}/{act}")
    async def turn(unit: str, act: Literal["close", "reopen", "merge"], into: str | None = None) -> Response:
        if (act == "merge") is not (into is not None):
            raise BadSearch("merge, and only merge, needs into=the other unit's id")
        if act == "reopen":
            catalogue.reopen(unit)
        else:
            catalogue.close(unit, swedish_day(datetime.now(UTC)), into)
        return _Fhir(catalogue.resources["Organization"][unit])

    return server


def _page(request: Request, catalogue: Catalogue, search: Search, trouble: Trouble, number: int) -> Response:
    entries, total, following = catalogue.page(search)
    on = trouble.faults
    if trouble.is_due(on.repeat_every, number) and search.after:
        entries = [catalogue.resources[search.kind][search.after], *entries]
    base = f"{request.base_url}fhir"
    links = [{"relation": "self", "url": str(request.url)}]
    if following is not None:
        links.append({"relation": "next", "url": f"{base}/{search.kind}?_page={following.token()}"})
        if trouble.is_due(on.change_every, number):
            _change_next(catalogue, following, number)
    page = bundle(entries, total, base, links)
    if trouble.is_due(on.half_every, number):
        return Response(half(page), media_type=FHIR_JSON)
    # The answer's own address is no part of what it tells.
    told = json.dumps([page["entry"], links[1:]], ensure_ascii=False, sort_keys=True)
    return _tagged(request, page, f'W/"{hashlib.sha256(told.encode()).hexdigest()[:24]}"')


def _change_next(catalogue: Catalogue, following: Search, number: int) -> None:
    upcoming, _, _ = catalogue.page(following)
    sound = [one for one in upcoming if one.get("name") and "-X9" not in one["id"]]
    if sound:
        catalogue.rename(following.kind, sound[0]["id"], f"{sound[0]['name'].partition(' nr ')[0]} nr {number}")


def _tagged(request: Request, content: dict[str, Any], etag: str) -> Response:
    """The content, or 304 where the asker has it already."""
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers={"ETag": etag})
    return _Fhir(content, headers={"ETag": etag})


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
        "implementationGuide": [GUIDE],
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
    parser = argparse.ArgumentParser(
        prog="python -m demo.national_catalogue",
        description="The simulated national catalogue (synthetic data), in health or with faults.",
        epilog="example: python -m demo.national_catalogue --port 8090 --fail-every 5 --half-every 7; then, as time "
        "passes: curl -X POST 'http://127.0.0.1:8090/admin/units/ve-D100001/merge?into=ve-D100002'",
    )
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--seed", type=int, default=1)
    faults = parser.add_argument_group("faults", "what goes wrong, each also switched by PUT /admin/faults; 0: never")
    faults.add_argument("--fail-every", type=int, default=0, help="every Nth search fails: 429 and 503 in turn")
    faults.add_argument("--retry-after", choices=RETRY_AFTER, default="seconds", help="how a 429 says when to return")
    faults.add_argument("--retry-seconds", type=int, default=0, help="how long a 429 asks to be left alone")
    faults.add_argument("--half-every", type=int, default=0, help="every Nth page breaks off in the middle")
    faults.add_argument("--slow-every", type=int, default=0, help="every Nth search is answered late")
    faults.add_argument("--slow-seconds", type=float, default=1.0, help="how late")
    faults.add_argument("--change-every", type=int, default=0, help="after every Nth page, the next one changes")
    faults.add_argument("--repeat-every", type=int, default=0, help="every Nth page repeats the row before it")
    chosen = vars(parser.parse_args())
    host, port, seed = chosen.pop("host"), chosen.pop("port"), chosen.pop("seed")
    uvicorn.run(app(build(seed), faults=Faults(**chosen)), host=host, port=port, access_log=False)


if __name__ == "__main__":
    main()
