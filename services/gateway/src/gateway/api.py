"""The door: a token that is valid, a path that leads somewhere, and nothing added."""

from typing import Any

from fastapi import APIRouter, Request, Response

from gateway.domain import BASE, merged, service_of
from gateway.source import Services
from kit.auth import ANY_ROLE, ANYONE, Policy
from kit.http import Problem

_FORWARDED = f"{BASE}/{{path:path}}"
_METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH")

POLICY: Policy = {
    f"GET {BASE}/api-info": ANYONE,
    f"GET {BASE}/openapi.json": ANYONE,
    # Roles are checked by the service itself, which does not trust this door blindly.
    **{f"{method} {_FORWARDED}": ANY_ROLE for method in _METHODS},
}

router = APIRouter()


@router.get(f"{BASE}/api-info")
async def api_info() -> dict[str, Any]:
    """What this API is (Digg's REST API-profil)."""
    return {
        "api_name": "Vårdförmedlingstjänsten",
        "api_version": "0.1.0",
        "api_released": None,
        "api_documentation": f"{BASE}/openapi.json",
        "api_status": "beta",
    }


@router.get(f"{BASE}/openapi.json", include_in_schema=False)
async def openapi(request: Request) -> dict[str, Any]:
    """Every call of every service behind this door, as one document."""
    services: Services = request.app.state.services
    return merged(await services.openapi())


@router.api_route(_FORWARDED, methods=list(_METHODS), include_in_schema=False)
async def forward(path: str, request: Request) -> Response:
    """The same request to the service that owns the path."""
    service = service_of(path)
    if service is None:
        raise Problem(404, f"there is no such address; see {BASE}/openapi.json")
    services: Services = request.app.state.services
    return await services.forward(service, request, BASE)
