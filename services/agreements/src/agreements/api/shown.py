"""An agreement as its readers see it: the version and the fields that are for them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import Depends, Request
from fastapi.responses import Response
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from agreements.domain.agreement import Actor, Agreement, State, is_owner, may_read_working
from agreements.domain.differences import differences
from agreements.domain.transitions import Action
from agreements.service.open_steps import open_steps
from agreements.store import past
from contracts.agreement_form import AgreementForm, Service
from contracts.audience import Audience, audience_at, seen
from kit.auth import Caller, CallerOf
from kit.http import Problem, invalid
from rules.roles import SEES_TERMS

Side = Literal["public"]
"""Asked for by those who see what is worked on: what everybody else sees meanwhile."""

READ_ONLY = frozenset(
    {
        "id", "state", "public_state", "version", "rejected", "published_at", "created_at", "changed_at",
        "allowed_actions",
    }
)  # fmt: skip
"""What is told of an agreement and is not its content: a form that is sent back with it loses it."""


async def shown(session: AsyncSession, one: Agreement, actor: Actor, side: Side | None = None) -> dict[str, Any]:
    """One agreement for one reader."""
    return (await all_shown(session, [one], actor, side))[0]


async def all_shown(
    session: AsyncSession, some: Sequence[Agreement], actor: Actor, side: Side | None = None
) -> list[dict[str, Any]]:
    """Agreements for one reader, each with what this reader may do to it."""
    steps = await open_steps(session, some, actor)
    sent_back = [one.id for one in some if one.state is State.DRAFT and is_owner(one.region, actor)]
    rejected = await past.rejections(session, sent_back) if sent_back else {}
    return [_shown(one, actor, steps[one.id], side, rejected.get(one.id)) for one in some]


def _shown(
    one: Agreement, actor: Actor, steps: Sequence[Action], side: Side | None, rejected: Row[Any] | None
) -> dict[str, Any]:
    """What is worked on for those who may read that, for others what is public; fields by audience."""
    working = (side is None and may_read_working(one, actor)) or one.public_body is None
    mine: dict[str, Any] = {"revision": one.revision} if is_owner(one.region, actor) else {}
    if rejected is not None and working:
        mine["rejected"] = {"reason": rejected.reason, "at": rejected.at, "by": rejected.actor}
    body = one.body if working or one.public_body is None else one.public_body
    return {
        "id": one.id,
        "state": one.state if working else one.public_state,
        "public_state": one.public_state,
        "version": one.version if working else one.public_version,
        **seen_by(body, audience(one, actor), actor),
        **mine,
        "published_at": one.published_at,
        "created_at": one.created_at,
        "changed_at": one.changed_at if working else one.public_at,
        "allowed_actions": steps,
    }


def differing(before: Mapping[str, Any] | None, after: Mapping[str, Any], reader: Audience) -> list[dict[str, Any]]:
    """How one version differs from another, to a reader's eyes; `audience` says who sees the field once it is public.

    Of what a region notes for itself, its own people alone are told.
    """
    told = [
        {**asdict(found), "audience": audience_at(AgreementForm, found.field)} for found in differences(before, after)
    ]
    return [found for found in told if reader is Audience.OWNER or found["audience"] is not Audience.OWNER]


def written(answer: Mapping[str, Any]) -> Response:
    """A large answer as JSON: what FastAPI does to each value of a dict takes longer than finding it."""
    return Response(orjson.dumps(answer, option=orjson.OPT_UTC_Z), media_type="application/json")


def known_only(*names: str) -> Callable[[Request], Awaitable[None]]:
    """A dependency that refuses any other query parameter: a filter must not be left out in silence."""

    async def check(request: Request) -> None:
        for given in request.query_params:
            if given not in names:
                raise invalid(given, f"is not a known filter: {', '.join(names)}", status=400)

    return check


def actor_of(caller: Caller) -> Actor:
    """Who calls, in the domain's words."""
    return Actor(caller.subject, caller.roles, caller.region, caller.units)


async def _actor_of(caller: CallerOf) -> Actor:
    return actor_of(caller)


ActorOf = Annotated[Actor, Depends(_actor_of)]
"""Who calls this request."""


async def _known_form(agreement_id: str) -> str:
    # What does not look like an id of ours cannot be one, and PostgreSQL does not take every text.
    try:
        return str(UUID(agreement_id))
    except ValueError:
        raise Problem(404, "there is no such agreement") from None


AgreementId = Annotated[str, Depends(_known_form)]


def audience(one: Agreement, actor: Actor) -> Audience:
    """To which circle this reader of this agreement belongs."""
    # The agency's reviewers see what is worked on, but not what a region notes for itself.
    if is_owner(one.region, actor):
        return Audience.OWNER
    return Audience.PUBLIC if actor.roles.isdisjoint(SEES_TERMS) else Audience.REGIONS


_PARTIES = ("extension_option", "document_url")
"""Of the fields for regions, those that the counterpart has signed. Use by other regions is between regions."""


def seen_by(body: Mapping[str, Any], circle: Audience, actor: Actor) -> dict[str, Any]:
    """The content with the fields of the reader's circle; a care provider also sees the terms of what it performs.

    Those of the services that name one of its units, and what both parties have signed where that is all of them.
    """
    told = seen(AgreementForm, body, circle)
    if circle is not Audience.PUBLIC or not actor.units:
        return told
    performs = [not actor.units.isdisjoint(service["units"]) for service in body["services"]]
    told["services"] = [
        seen(Service, service, Audience.REGIONS) if performed else public
        for service, public, performed in zip(body["services"], told["services"], performs, strict=True)
    ]
    if all(performs):
        told |= {name: body[name] for name in _PARTIES if name in body}
    return told
