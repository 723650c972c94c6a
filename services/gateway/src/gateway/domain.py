"""Which service answers which address, and how several OpenAPI documents become one."""

from collections.abc import Mapping
from typing import Any

BASE = "/vardformedling/v1"

ROUTES: Mapping[str, str] = {
    "offers": "search",
    "agreements": "agreements",
    "agreement-defaults": "agreements",
    "agreement-drafts": "agreements",
    "agreement-notices": "agreements",
    "agreement-reviews": "agreements",
    "agreement-settings": "agreements",
    "agreement-submissions": "agreements",
    "agreement-mappings": "agreements",
    "agreement-template.xlsx": "agreements",
    "agreement-template.csv": "agreements",
    "agreement-disclosures": "agreements",
    "agreement-pulls": "agreements",
    "audit": "agreements",
    "codes": "catalog-sync",
    "fhir": "catalog-sync",
    "region-profiles": "catalog-sync",
    "suggest": "search",
}
"""First part of the path → service. What is not here does not exist."""

STREAMED = frozenset({f"{BASE}/agreement-submissions"})
"""Paths that take large bodies: passed on piece by piece, and limited by the service."""

_SCHEMAS = "#/components/schemas/"


def service_of(path: str) -> str | None:
    """The service behind a path below BASE, or None."""
    return ROUTES.get(path.split("/", 1)[0])


def merged(documents: Mapping[str, Mapping[str, Any]], version: str) -> dict[str, Any]:
    """One OpenAPI document of several services', of this version of the whole.

    Schemas of the same name but other content get the service's name.
    """
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    for service, document in documents.items():
        own = document.get("components", {}).get("schemas", {})
        renamed = _clashes(service, own, schemas)
        for name, schema in own.items():
            schemas[renamed.get(name, name)] = _renamed(schema, renamed)
        for path, operations in document.get("paths", {}).items():
            if service_of(path.lstrip("/")) == service:
                paths[path] = _renamed(operations, renamed)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Vårdförmedlingstjänsten",
            "version": version,
            "description": "Sök vård efter avtal, väntetid och plats, och förmedla patienten. "
            "Search care by agreement, waiting time and place, and broker the patient.",
        },
        "servers": [{"url": BASE}],
        "security": [{"oidc": []}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": {"oidc": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def _clashes(service: str, own: Mapping[str, Any], taken: Mapping[str, Any]) -> dict[str, str]:
    """Old name → new name for each schema of a service whose name is taken by another one."""
    names: dict[str, str] = {}
    while True:
        # A schema that is alike in words differs all the same where it refers to one that has been renamed.
        more = [
            name for name in own if name not in names and name in taken and taken[name] != _renamed(own[name], names)
        ]
        if not more:
            return names
        names |= {name: f"{service.capitalize()}{name}" for name in more}


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, str) and value.startswith(_SCHEMAS):
        name = value.removeprefix(_SCHEMAS)
        return _SCHEMAS + names.get(name, name)
    if isinstance(value, dict):
        return {key: _renamed(inner, names) for key, inner in value.items()}
    if isinstance(value, list):
        return [_renamed(inner, names) for inner in value]
    return value
