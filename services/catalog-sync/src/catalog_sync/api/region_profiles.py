"""Regions' profiles: read by those who broker patients, edited by the region's own administrator."""

from typing import Any

from fastapi import APIRouter, Depends, Response

from catalog_sync.api.codes import READERS
from catalog_sync.api.profile_form import ProfileForm
from catalog_sync.api.state import known_filters
from catalog_sync.domain.profiles import Profile
from catalog_sync.service import profiles
from contracts.types import RegionCode
from kit.auth import CallerOf, Policy
from kit.database import Transaction
from kit.http import ExpectedVersion, Paging, etag
from rules.regions import REGIONS
from rules.roles import Role

POLICY: Policy = {
    "GET /region-profiles": READERS,
    "GET /region-profiles/{region}": READERS,
    "PUT /region-profiles/{region}": frozenset({Role.AGREEMENT_ADMIN}),
}

router = APIRouter(tags=["region profiles"])


@router.get("/region-profiles", dependencies=[Depends(known_filters("limit", "page"))])
async def find(session: Transaction, paging: Paging) -> dict[str, Any]:
    """The profiles of the regions that have told one, by region code."""
    found = await profiles.every(session)
    items = [shown(one) for one in found[paging.offset : paging.offset + paging.limit]]
    return {"items": items, "total": len(found), "page": paging.page, "limit": paging.limit}


@router.get("/region-profiles/{region}")
async def read(region: RegionCode, response: Response, session: Transaction) -> dict[str, Any]:
    """One region's profile; the ETag is its version."""
    found = await profiles.one(session, region)
    response.headers["ETag"] = etag(found.version)
    return shown(found)


@router.put("/region-profiles/{region}")
async def replace(
    region: RegionCode,
    form: ProfileForm,
    response: Response,
    caller: CallerOf,
    session: Transaction,
    expected_version: ExpectedVersion,
) -> dict[str, Any]:
    """Replace the own region's profile as a whole. If-Match holds the version you read, `"0"` for the first one."""
    changed = await profiles.replace(
        session,
        region,
        form.as_json(),
        expected_version=expected_version,
        actor=caller.subject,
        actors_region=caller.region,
    )
    response.headers["ETag"] = etag(changed.version)
    return shown(changed)


def shown(one: Profile) -> dict[str, Any]:
    """A profile as its readers see it."""
    return {
        "region": one.region,
        "name": REGIONS[one.region].name,
        "version": one.version,
        **one.body,
        "changed_at": one.changed_at,
    }
