"""The list of agreements: filters, sorting, pages; each reader sees the side that is for it."""

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AfterValidator, AwareDatetime

from agreements.api.answers import AgreementList
from agreements.api.shown import Side, actor_of, all_shown, written
from agreements.domain.agreement import State
from agreements.store import agreements as store
from agreements.store import listing
from contracts.agreements import Basis, Kind
from contracts.types import HsaId, RegionCode, code_in
from kit.auth import CallerOf, Policy
from kit.database import Transaction
from kit.http import Paging, invalid
from rules.roles import READERS
from rules.texts import readable

POLICY: Policy = {"GET /agreements": READERS}

router = APIRouter(tags=["agreements"])

Sort = Literal[
    "number", "name", "valid_from", "valid_to", "changed_at", "-number", "-name", "-valid_from", "-valid_to",
    "-changed_at",
]  # fmt: skip
"""`store.listing.SORTS`, each also in falling order."""


def _code(value: str) -> str:
    system, bar, code = value.partition("|")
    if not bar:
        raise ValueError("must be system|code, such as kva|CJE20")
    return f"{system}|{code_in(system, code)}"


_Text = Annotated[str, Query(max_length=60), AfterValidator(readable)]
_FILTERS = (
    "region", "state", "number", "kind", "basis", "care_provider", "unit", "care_service", "usable_by", "valid_on",
    "expires_before", "changed_since", "q",
)  # fmt: skip
_KNOWN = frozenset({*_FILTERS, "side", "sort", "limit", "page"})


async def _known_filters(request: Request) -> None:
    """A filter that is unknown or given twice is refused: it must not be left out in silence."""
    given = [name for name, _ in request.query_params.multi_items()]
    for name in given:
        if name not in _KNOWN:
            raise invalid(name, f"is not a known filter: {', '.join(_FILTERS)}, side, sort, limit, page", status=400)
        if given.count(name) > 1:
            raise invalid(name, "is given more than once", status=400)


async def _filters(
    region: RegionCode | None = None,
    state: State | None = None,
    number: _Text | None = None,
    kind: Kind | None = None,
    basis: Basis | None = None,
    care_provider: HsaId | None = None,
    unit: HsaId | None = None,
    care_service: Annotated[str, Query(max_length=80), AfterValidator(_code)] | None = None,
    usable_by: RegionCode | None = None,
    valid_on: date | None = None,
    expires_before: date | None = None,
    changed_since: AwareDatetime | None = None,
    q: _Text | None = None,
) -> listing.Filters:
    given = {name: value for name, value in locals().items() if value is not None}
    return listing.Filters(**given)


@router.get(
    "/agreements",
    response_model=None,
    responses={200: {"model": AgreementList}},
    dependencies=[Depends(_known_filters)],
)
async def find(
    caller: CallerOf,
    session: Transaction,
    paging: Paging,
    filters: Annotated[listing.Filters, Depends(_filters)],
    sort: Sort = "number",
    side: Side | None = None,
) -> Response:
    """Published agreements, and for administrators also their own region's others, as each reader sees them.

    `care_service` is `system|code`; `usable_by` a region that may use it without asking; `q` a part of number or name;
    `side=public` shows what everybody sees, to administrators too.
    """
    actor = actor_of(caller)
    ids, total = await listing.find(
        session, actor, filters, sort=sort, limit=paging.limit, offset=paging.offset, side=side
    )
    items = await all_shown(session, await store.get_many(session, ids), actor, side)
    return written({"items": items, "total": total, "page": paging.page, "limit": paging.limit})
