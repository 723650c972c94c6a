"""The addresses below /fhir: metadata, read and search of three resources, and their operations."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import orjson
from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

from catalog_sync.api.codes import READERS
from catalog_sync.api.fhir import code_systems, concept_maps, value_sets
from catalog_sync.api.fhir.parameters import Asked, Kind, asked, form_is_ours, searched
from catalog_sync.api.fhir.resources import (
    Resource,
    ValueSet,
    every,
    fhir_id,
    filled,
    sets,
    systems,
)
from catalog_sync.api.fhir.statements import SEARCH_PARAMETERS, capability_statement, terminology_capabilities
from catalog_sync.api.state import Codes
from catalog_sync.service.code_index import CodeIndex
from kit.auth import ANYONE, Policy
from kit.http import Problem, invalid

router = APIRouter(prefix="/fhir", tags=["fhir"])

_MOST_ON_A_PAGE = 200
_PAGING = frozenset({"_count", "_offset", "_summary", "_total"})


class Answer(Response):
    """A resource as FHIR JSON."""

    media_type = "application/fhir+json"

    def render(self, content: Any) -> bytes:
        return orjson.dumps(content)


@router.get("/metadata", response_class=Answer)
async def metadata(request: Request, mode: str = "full") -> Answer:
    """What this service can do (CapabilityStatement; with mode=terminology, TerminologyCapabilities). Open to all."""
    form_is_ours(request)
    base = request.app.state.fhir_base
    match mode:
        case "full" | "normative":
            return Answer(capability_statement(base))
        case "terminology":
            index: CodeIndex | None = request.app.state.following.index
            if index is None:
                raise Problem(503, "the codes have not been read yet; try again shortly", headers={"Retry-After": "2"})
            return Answer(terminology_capabilities(index, base))
    raise invalid("mode", "must be full, normative or terminology", status=400)


def _serve(kind: str) -> None:
    """Read, search and posted search of one resource type."""

    async def read(identity: str, request: Request, index: Codes) -> Answer:
        form_is_ours(request)
        found = every(index, kind).get(identity)
        if found is None:
            raise Problem(404, f"there is no {kind} with this id; search {kind} for those that are")
        # In a thread: a whole code system takes long enough for others to notice.
        return Answer(await asyncio.to_thread(found, whole=request.query_params.get("_summary") != "true"))

    async def search(request: Request, index: Codes) -> Answer:
        given = await searched(request, SEARCH_PARAMETERS | _PAGING)
        return Answer(_bundle(index, kind, given, request.app.state.fhir_base))

    router.add_api_route(
        f"/{kind}", search, methods=["GET"], response_class=Answer, summary=f"Search {kind}",
        operation_id=f"search{kind}",
    )  # fmt: skip
    router.add_api_route(f"/{kind}/_search", search, methods=["POST"], include_in_schema=False)
    router.add_api_route(
        f"/{kind}/{{identity}}", read, methods=["GET"], response_class=Answer, summary=f"Read one {kind}",
        operation_id=f"read{kind}",
    )  # fmt: skip


def _bundle(index: CodeIndex, kind: str, given: dict[str, str], base: str) -> Resource:
    """The resources that a search finds, without their codes: a page of them, and where the next one is."""
    rows = {identity: make(whole=False) for identity, make in every(index, kind).items()}
    found = [row for row in rows.values() if all(_fits(row, name, given[name]) for name in given.keys() - _PAGING)]
    count, offset = _number(given, "_count", _MOST_ON_A_PAGE), _number(given, "_offset", 0)
    page = found[offset : offset + min(count, _MOST_ON_A_PAGE)] if given.get("_summary") != "count" else []
    links = [{"relation": "self", "url": _address(base, kind, given)}]
    if page and offset + len(page) < len(found):
        further = {**given, "_count": str(len(page)), "_offset": str(offset + len(page))}
        links.append({"relation": "next", "url": _address(base, kind, further)})
    entries = [{"fullUrl": f"{base}/{kind}/{row['id']}", "resource": row, "search": {"mode": "match"}} for row in page]
    return filled(resourceType="Bundle", type="searchset", link=links, entry=entries) | {"total": len(found)}


def _fits(row: Resource, name: str, wanted: str) -> bool:
    told = str(row.get(name.removeprefix("_"), ""))
    if name in {"name", "title"}:
        return any(told.casefold().startswith(one.casefold()) for one in wanted.split(","))
    return told in wanted.split(",")


def _number(given: dict[str, str], name: str, default: int) -> int:
    value = given.get(name)
    if value is None:
        return default
    if not (value.isascii() and value.isdecimal() and len(value) < 10):
        raise invalid(name, "must be a whole number, 0 or more", status=400)
    return int(value)


def _address(base: str, kind: str, given: dict[str, str]) -> str:
    return f"{base}/{kind}{'?' if given else ''}{urlencode(given)}"


_Work = Callable[[CodeIndex, Asked, str | None], Resource]


def _operate(kind: str, name: str, kinds: Mapping[str, Kind], work: _Work) -> None:
    """One operation, by GET and POST, on the type and, where FHIR has that, on one resource of it."""

    async def on_type(request: Request, index: Codes) -> Answer:
        return Answer(work(index, await asked(request, kinds), None))

    async def on_instance(identity: str, request: Request, index: Codes) -> Answer:
        return Answer(work(index, await asked(request, {**kinds, "url": Kind.LATER}), identity))

    for path, endpoint in ((f"/{kind}/${name}", on_type), (f"/{kind}/{{identity}}/${name}", on_instance)):
        # What is known of a code is asked of all code systems, not of one resource.
        if endpoint is on_type or name != "lookup":
            router.add_api_route(
                path, endpoint, methods=["GET"], response_class=Answer, summary=f"{kind} ${name}",
                operation_id=f"{kind}-{name}{'' if endpoint is on_type else '-instance'}",
            )  # fmt: skip
            router.add_api_route(path, endpoint, methods=["POST"], include_in_schema=False)


def _named(names: list[str], identity: str | None, kind: str) -> str | None:
    """The thing of ours with a FHIR id; None where the operation is asked of the whole type."""
    if identity is None:
        return None
    for name in names:
        if fhir_id(name) == identity:
            return name
    raise Problem(404, f"there is no {kind} with this id; search {kind} for those that are")


def _set(index: CodeIndex, identity: str | None) -> ValueSet | None:
    known = {one.id: one for one in sets(index)}
    return None if identity is None else known[_named(list(known), identity, "ValueSet") or ""]


def _system(index: CodeIndex, identity: str | None) -> str | None:
    return _named(systems(index), identity, "CodeSystem")


def _map(index: CodeIndex, identity: str | None) -> str | None:
    return _named(list(index.maps), identity, "ConceptMap")


_operate("CodeSystem", "lookup", code_systems.LOOKUP, lambda index, given, _: code_systems.lookup(index, given))
_operate(
    "CodeSystem",
    "validate-code",
    code_systems.VALIDATE,
    lambda index, given, identity: code_systems.validate(index, given, _system(index, identity)),
)
_operate(
    "ValueSet",
    "validate-code",
    value_sets.VALIDATE,
    lambda index, given, identity: value_sets.validate(index, given, _set(index, identity)),
)
_operate(
    "ValueSet",
    "expand",
    value_sets.EXPAND,
    lambda index, given, identity: value_sets.expand(index, given, _set(index, identity)),
)
_operate(
    "ConceptMap",
    "translate",
    concept_maps.TRANSLATE,
    lambda index, given, identity: concept_maps.translate(index, given, _map(index, identity)),
)
# After the operations: an id may be any word.
for _kind in ("CodeSystem", "ValueSet", "ConceptMap"):
    _serve(_kind)

POLICY: Policy = {
    f"{method} {route.path}": ANYONE if route.path == "/fhir/metadata" else READERS
    for route in router.routes
    if isinstance(route, APIRoute)
    for method in route.methods or ()
}
