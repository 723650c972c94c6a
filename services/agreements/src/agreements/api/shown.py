"""An agreement as its readers see it: the version and the fields that are for them."""

from typing import Any

from agreements.domain.agreement import Actor, Agreement, is_owner, may_read_working
from agreements.domain.transitions import allowed_actions
from contracts.agreement_form import AgreementForm
from contracts.audience import Audience, seen
from kit.auth import Caller
from rules.roles import Role

_REGIONS = frozenset({Role.NAVIGATOR, Role.AGREEMENT_ADMIN, Role.REGION_SYSTEM, Role.AGENCY_REVIEWER, Role.OPERATOR})
"""Who works for a region or the agency, and sees terms and prices."""


def shown(one: Agreement, actor: Actor) -> dict[str, Any]:
    """What is worked on for those who may read that, for others what is public; fields by audience."""
    working = may_read_working(one, actor) or one.public_body is None
    body = one.body if working or one.public_body is None else one.public_body
    return {
        "id": one.id,
        "state": one.state if working else one.public_state,
        "public_state": one.public_state,
        "version": one.version if working else one.public_version,
        **seen(AgreementForm, body, audience(one, actor)),
        "published_at": one.published_at,
        "created_at": one.created_at,
        "changed_at": one.changed_at if working else one.public_at,
        "allowed_actions": allowed_actions(one, actor),
    }


def actor_of(caller: Caller) -> Actor:
    """Who calls, in the domain's words."""
    return Actor(caller.subject, caller.roles, caller.region, caller.units)


def audience(one: Agreement, actor: Actor) -> Audience:
    """To which circle this reader of this agreement belongs."""
    if is_owner(one.region, actor) or may_read_working(one, actor):
        return Audience.OWNER
    if not actor.roles.isdisjoint(_REGIONS) or _performs(one, actor):
        return Audience.REGIONS
    return Audience.PUBLIC


def _performs(one: Agreement, actor: Actor) -> bool:
    """A care provider knows the terms of its own agreements."""
    named = {unit for service in (one.public_body or {}).get("services", ()) for unit in service["units"]}
    return not actor.units.isdisjoint(named)
