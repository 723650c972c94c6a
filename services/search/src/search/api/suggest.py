"""Type-ahead: what may be meant by the letters typed so far."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi import Query as Asked
from pydantic import BaseModel, ConfigDict, Field

from kit.auth import Policy
from rules.roles import READERS
from search.api.offers import once
from search.service import suggest

POLICY: Policy = {"GET /suggest": READERS}

router = APIRouter(tags=["suggest"], dependencies=[Depends(once)])


class Typed(BaseModel):
    """What has been typed."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, use_attribute_docstrings=True)

    q: Annotated[str, Field(min_length=1, max_length=300, examples=["grå st"])]
    """Letters of care services, care units or places, in any order of words; the last word may be unfinished."""
    limit: Annotated[int, Field(ge=1, le=20)] = 5
    """At most so many of each kind."""


FIELDS = {"GET /suggest": Typed}


@router.get("/suggest")
async def find(typed: Annotated[Typed, Asked()], request: Request) -> dict[str, Any]:
    """Suggestions, by `kind` and best first in each: care services, then care units, then places.

    `care_service` of a care service, `hsa_id` of a care unit and `near` of a place are what the search takes, or what
    leads on; they are null for other kinds. Å, ä and ö may be typed as a and o; slips are forgiven where nothing begins
    with the letters. Care services and units are those of offers, places are all there are.
    """
    state = request.app.state
    return {"items": await suggest.typed(state.index, state.names, typed.q, typed.limit)}
