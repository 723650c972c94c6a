"""The door: a token that is valid, a path that leads somewhere, and nothing added."""

from collections.abc import Awaitable, Callable
from typing import Any, cast

import orjson
from fastapi import APIRouter, FastAPI, Request, Response

from gateway.domain import BASE, STREAMED, merged, service_of
from gateway.source import Services
from kit.auth import ANY_ROLE, ANYONE, Policy
from kit.http import Problem
from rules.operation_outcome import operation_outcome

_FORWARDED = f"{BASE}/{{path:path}}"
_METADATA = f"{BASE}/fhir/metadata"
_KEYS = ("agreement-disclosures/key", "agreement-disclosures/key.pem")
_METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH")

POLICY: Policy = {
    f"GET {BASE}/api-info": ANYONE,
    f"GET {BASE}/openapi.json": ANYONE,
    # What a FHIR service can do, its clients ask before they have a token.
    f"GET {_METADATA}": ANYONE,
    # What a disclosed archive is checked with: whoever got one may have no token.
    **{f"GET {BASE}/{path}": ANYONE for path in _KEYS},
    # Roles are checked by the service itself, which does not trust this door blindly.
    **{f"{method} {_FORWARDED}": ANY_ROLE for method in _METHODS},
}

router = APIRouter()


@router.get(f"{BASE}/api-info")
async def api_info(request: Request) -> dict[str, Any]:
    """What this API is (Digg's REST API-profil)."""
    return {
        "api_name": "Vårdförmedlingstjänsten",
        "api_version": request.app.version,
        "api_released": "2026-11-25",
        "api_documentation": f"{BASE}/openapi.json",
        "api_status": "beta",
    }


@router.get(f"{BASE}/openapi.json", include_in_schema=False)
async def openapi(request: Request) -> dict[str, Any]:
    """Every call of every service behind this door, as one document."""
    services: Services = request.app.state.services
    return merged(await services.openapi(), request.app.version)


@router.get(_METADATA, include_in_schema=False)
async def metadata(request: Request) -> Response:
    """What the FHIR service can do; the one forwarded call that is open to all."""
    return await forward("fhir", request)


@router.get(f"{BASE}/{_KEYS[0]}", include_in_schema=False)
@router.get(f"{BASE}/{_KEYS[1]}", include_in_schema=False)
async def disclosure_key(request: Request) -> Response:
    """The public keys of disclosed archives, forwarded and open to all."""
    return await forward(request.url.path.removeprefix(f"{BASE}/"), request)


@router.api_route(_FORWARDED, methods=list(_METHODS), include_in_schema=False)
async def forward(path: str, request: Request) -> Response:
    """The same request to the service that owns the path."""
    service = service_of(path)
    if service is None:
        raise Problem(404, f"there is no such address; see {BASE}/openapi.json")
    services: Services = request.app.state.services
    streamed = request.method == "POST" and request.url.path in STREAMED
    return await services.forward(service, request, BASE, streamed=streamed)


_Answer = Callable[[Request, Exception], Awaitable[Response]]


def speak_fhir(app: FastAPI) -> None:
    """Let this door's own refusals below /fhir be OperationOutcomes too: FHIR clients read nothing else."""
    for kind, usual in list(app.exception_handlers.items()):
        app.add_exception_handler(kind, _in_fhirs_words(cast("_Answer", usual)))


def _in_fhirs_words(usual: _Answer) -> _Answer:
    async def answer(request: Request, error: Exception) -> Response:
        told = await usual(request, error)
        if not request.scope["path"].startswith(f"{BASE}/fhir"):
            return told
        kept = {name: value for name, value in told.headers.items() if not name.startswith("content-")}
        outcome = operation_outcome(orjson.loads(bytes(told.body)))
        return Response(orjson.dumps(outcome), told.status_code, kept, "application/fhir+json")

    return answer
