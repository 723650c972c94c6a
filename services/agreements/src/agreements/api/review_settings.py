"""What a region chooses of its own gate and its notices."""

import re
from typing import Any, Literal

from fastapi import APIRouter, Response
from pydantic import ValidationInfo, field_validator

from agreements.api.shown import ActorOf
from agreements.service import review_settings
from agreements.service.review_settings import Choice
from contracts.agreement_form import Text
from contracts.form import Form
from contracts.types import RegionCode
from kit.auth import Policy
from kit.database import Transaction
from kit.http import ExpectedVersion, etag
from rules.roles import Role
from rules.texts import impersonal

_ADMIN = frozenset({Role.AGREEMENT_ADMIN})

POLICY: Policy = {"GET /agreement-settings/{region}": _ADMIN, "PUT /agreement-settings/{region}": _ADMIN}

router = APIRouter(tags=["settings"])

_MAILBOX = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_TELEPHONE = re.compile(r"\+?[0-9][0-9 ()-]{4,30}")
# The Swedish numbering plan's series for mobile telephones: such a number is, as a rule, one person's.
_MOBILE = re.compile(r"(0|\+46|0046)7[02369]")


class NoticesTo(Form):
    """Where notices are to reach the region: a function's mailbox or telephone, never a person's.

    Personal numbers and mobile telephones are refused; whose a mailbox is cannot be seen, the region answers for that.
    """

    channel: Literal["email", "phone"]
    value: Text

    @field_validator("value")
    @classmethod
    def _reaches_a_function(cls, value: str, info: ValidationInfo) -> str:
        impersonal(value)
        match info.data.get("channel"):
            case "email" if _MAILBOX.fullmatch(value) is None:
                raise ValueError("must be a mailbox, such as avtal@region.example")
            case "phone" if _TELEPHONE.fullmatch(value) is None:
                raise ValueError("must be a telephone number, such as 010-123 45 67")
            case "phone" if _MOBILE.match(re.sub(r"[ ()-]", "", value)):
                raise ValueError("must be a function's number: a mobile number is, as a rule, a person's")
        return value


class RegionSettings(Form):
    """A region's choices; what is left out stays as it is."""

    region_review: bool = True
    """Does the region review its agreements before the agency does?"""
    another_person: bool = True
    """Must the region's reviewer be another person than those who wrote?"""
    notices_to: NoticesTo | None = None
    """null: nowhere but to those who ask."""
    purge_when_marked: bool = True
    """Is what is registered purged at once when the region sends its number with the mark `confidential`?"""


@router.get("/agreement-settings/{region}")
async def read(region: RegionCode, response: Response, actor: ActorOf, session: Transaction) -> dict[str, Any]:
    """What the caller's region has chosen, with everything it chose before."""
    now, every = await review_settings.read(session, actor, region)
    response.headers["ETag"] = etag(now.version)
    return {**_shown(now), "history": [{**_shown(one), "actor": one.actor, "at": one.at} for one in every]}


@router.put("/agreement-settings/{region}")
async def choose(
    region: RegionCode,
    asked: RegionSettings,
    response: Response,
    actor: ActorOf,
    session: Transaction,
    expected_version: ExpectedVersion,
) -> dict[str, Any]:
    """Choose for the caller's region, as far as the profile in force leaves it a choice."""
    chosen = await review_settings.choose(
        session, actor, region, expected_version, asked.model_dump(exclude_unset=True)
    )
    response.headers["ETag"] = etag(chosen.version)
    return _shown(chosen)


def _shown(one: Choice) -> dict[str, Any]:
    return {
        "region": one.region,
        "version": one.version,
        "region_review": one.region_review,
        "another_person": one.another_person,
        "notices_to": one.notices_to,
        "purge_when_marked": one.purge_when_marked,
    }
