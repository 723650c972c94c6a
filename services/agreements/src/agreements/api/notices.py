"""Notices of a region's agreements that end soon."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AfterValidator

from agreements.api.shown import ActorOf
from agreements.domain.transitions import check_region
from agreements.service.expiry import NOTICE_DAYS
from agreements.service.review_settings import choices
from agreements.store import agreements as agreement_store
from agreements.store import endings, refusals
from contracts.types import RegionCode
from kit.auth import Policy
from kit.database import Transaction
from kit.http import Paging
from rules.calendar import swedish_day
from rules.roles import Role

POLICY: Policy = {"GET /agreement-notices": frozenset({Role.AGREEMENT_ADMIN, Role.REGION_SYSTEM})}

router = APIRouter(tags=["notices"])

_MARKED_KEPT = timedelta(days=90)
_MOST_MARKED = 1000


def _told_before(days: int | None) -> int | None:
    if days is not None and days not in NOTICE_DAYS:
        raise ValueError(f"must be one of {', '.join(map(str, sorted(NOTICE_DAYS)))}: so many days before is told")
    return days


@router.get("/agreement-notices")
async def notices(
    actor: ActorOf,
    session: Transaction,
    paging: Paging,
    region: RegionCode | None = None,
    days: Annotated[int | None, Query(), AfterValidator(_told_before)] = None,
) -> dict[str, Any]:
    """What ends soon in the caller's region, as long as it still ends as told; the nearest first.

    `days` is how long before it was told, `to` where the region wants it told, `changing` a new version on its way.
    `marked`: what was sent with the mark of secrecy lately though registered here, purged or to be purged.
    """
    wanted = region or actor.region or ""
    check_region(wanted, actor)
    found, total = await endings.notices(session, wanted, days, limit=paging.limit, offset=paging.offset)
    standing = {one.id: one for one in await agreement_store.get_many(session, [row.agreement_id for row in found])}
    today = swedish_day(datetime.now(UTC))
    return {
        "items": [
            {
                "agreement_id": row.agreement_id,
                "number": row.number,
                "name": row.name,
                "valid_to": row.valid_to,
                "days": row.days,
                "days_left": (row.valid_to - today).days,
                "told_at": row.at,
                "changing": standing[row.agreement_id].state != standing[row.agreement_id].public_state,
            }
            for row in found
        ],
        "marked": [
            {"agreement_id": row.agreement_id, "at": row.at, "way": row.way, "actor": row.actor, "why": row.why}
            for row in await refusals.of_registered(session, wanted, datetime.now(UTC) - _MARKED_KEPT, _MOST_MARKED)
        ],
        "to": (await choices(session, [wanted]))[wanted].notices_to,
        "total": total,
        "page": paging.page,
        "limit": paging.limit,
    }
