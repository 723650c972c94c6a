"""An agreement's life from draft to published: one table of who may do what in which state."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from rules.roles import Role


class State(StrEnum):
    """Where an agreement stands. Only from `published` on is anything of it seen outside this service."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    REGION_APPROVED = "region_approved"
    PUBLISHED = "published"
    TERMINATED = "terminated"
    WITHDRAWN = "withdrawn"


class Action(StrEnum):
    """What can be done to an agreement after it is registered."""

    SUBMIT = "submit"
    APPROVE = "approve"
    REJECT = "reject"
    WITHDRAW = "withdraw"
    TERMINATE = "terminate"


class Refused(Exception):
    """The actor may not do this, or not now. `status` follows HTTP: 403 never for this actor, 409 not in this state.

    `field` is what the caller has to fill in, where that is all that is missing.
    """

    def __init__(self, status: int, reason: str, field: str | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.field = field


@dataclass(frozen=True)
class Actor:
    """Who acts: the token's subject, roles and region."""

    subject: str
    roles: frozenset[str]
    region: str | None


@dataclass(frozen=True)
class Transition:
    """One row of the table: an action takes an agreement from one state to another, in one role's hands."""

    action: Action
    before: State
    after: State
    role: Role
    reason_needed: bool = False
    another_person: bool = False
    """The author may not do it: the region's own review is by somebody else."""


TRANSITIONS: tuple[Transition, ...] = (
    Transition(Action.SUBMIT, State.DRAFT, State.SUBMITTED, Role.AGREEMENT_ADMIN),
    Transition(Action.APPROVE, State.SUBMITTED, State.REGION_APPROVED, Role.AGREEMENT_ADMIN, another_person=True),
    Transition(Action.APPROVE, State.REGION_APPROVED, State.PUBLISHED, Role.AGENCY_REVIEWER),
    Transition(Action.REJECT, State.SUBMITTED, State.DRAFT, Role.AGREEMENT_ADMIN, reason_needed=True),
    Transition(Action.REJECT, State.REGION_APPROVED, State.DRAFT, Role.AGENCY_REVIEWER, reason_needed=True),
    Transition(Action.WITHDRAW, State.DRAFT, State.WITHDRAWN, Role.AGREEMENT_ADMIN),
    Transition(Action.WITHDRAW, State.SUBMITTED, State.WITHDRAWN, Role.AGREEMENT_ADMIN),
    Transition(Action.WITHDRAW, State.REGION_APPROVED, State.WITHDRAWN, Role.AGREEMENT_ADMIN),
    Transition(Action.WITHDRAW, State.PUBLISHED, State.WITHDRAWN, Role.AGREEMENT_ADMIN, reason_needed=True),
    Transition(Action.TERMINATE, State.PUBLISHED, State.TERMINATED, Role.AGREEMENT_ADMIN, reason_needed=True),
)


@dataclass(frozen=True)
class Agreement:
    """An agreement as stored. `body` is the form's content as JSON, already checked."""

    id: str
    region: str
    number: str
    state: State
    version: int
    author: str
    body: Mapping[str, Any]
    published_at: datetime | None
    created_at: datetime
    changed_at: datetime

    @property
    def has_been_public(self) -> bool:
        return self.published_at is not None


def check_region(region: str, actor: Actor) -> None:
    """An agreement administrator works for the own region only. Raises Refused."""
    if actor.region != region:
        raise Refused(403, f"belongs to region {region}; you act for region {actor.region or '(none in your token)'}")


def transition(agreement: Agreement, action: Action, actor: Actor, reason: str | None) -> Transition:
    """The row of the table that applies. Raises Refused where there is none for this state, role, region or person."""
    if Role.AGENCY_REVIEWER not in actor.roles:
        # First of all: another region must not learn in what state the agreement is.
        check_region(agreement.region, actor)
    rows = [row for row in TRANSITIONS if row.action == action and row.before == agreement.state]
    if not rows:
        raise Refused(409, f"cannot {action} an agreement that is {agreement.state}")
    row = rows[0]
    if row.role not in actor.roles:
        raise Refused(403, f"to {action} an agreement that is {agreement.state} needs the role {row.role}")
    if row.role is Role.AGREEMENT_ADMIN:
        check_region(agreement.region, actor)
    if row.another_person and actor.subject == agreement.author:
        raise Refused(403, "the region's review must be made by another person than the author")
    if row.reason_needed and not (reason or "").strip():
        raise Refused(422, "is required for this step", field="reason")
    return row


def allowed_actions(agreement: Agreement, actor: Actor) -> list[Action]:
    """What this actor may do to the agreement now."""
    allowed = []
    for action in Action:
        try:
            transition(agreement, action, actor, reason="a reason")
        except Refused:
            continue
        allowed.append(action)
    return allowed


def may_read(agreement: Agreement, actor: Actor) -> bool:
    """Published ones are for all; others for the own region's administrators, and the agency once its turn comes."""
    if agreement.state is State.PUBLISHED:
        return True
    if Role.AGREEMENT_ADMIN in actor.roles and actor.region == agreement.region:
        return True
    return Role.AGENCY_REVIEWER in actor.roles and agreement.state is State.REGION_APPROVED
