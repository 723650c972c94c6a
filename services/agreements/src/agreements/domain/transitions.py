"""An agreement's life from draft to its end: one table of who may do what in which state."""

from dataclasses import dataclass
from enum import StrEnum

from agreements.domain.agreement import Actor, Agreement, State
from rules.roles import Role


class Action(StrEnum):
    """What can be done to an agreement after it is registered."""

    SUBMIT = "submit"
    APPROVE = "approve"
    REJECT = "reject"
    WITHDRAW = "withdraw"
    TERMINATE = "terminate"
    PURGE = "purge"
    """Became confidential: everything but an audit line is removed, here and everywhere it was told."""
    EDIT = "edit"
    """The form's way of changing the content."""
    TAKE = "take"
    """A file's, a push's or a pull's way: the region's system has said it is ready for review."""
    EXPIRE = "expire"
    """Its last day has passed."""


BY_NAME = frozenset(Action) - {Action.EDIT, Action.TAKE, Action.EXPIRE}
"""What a person asks for by the action's name."""


class Refused(Exception):
    """The actor may not do this, or not now. `status` follows HTTP: 403 never for this actor, 409 not in this state.

    `field` is what the caller has to fill in, where that is all that is missing.
    """

    def __init__(self, status: int, reason: str, field: str | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.field = field


class Clock(StrEnum):
    """The one role that no token carries."""

    CLOCK = "clock"


@dataclass(frozen=True)
class Gates:
    """Which reviews stand between a draft and the public; see `rules.agreement_profiles`."""

    region: bool = True
    another_person: bool = True
    """The region's review is by somebody who wrote nothing of it."""
    agency: bool = True

    def after(self, wanted: State) -> State:
        """The state reached when `wanted` is, with the gates that do not apply passed by."""
        if wanted is State.SUBMITTED and not self.region:
            wanted = State.REGION_APPROVED
        if wanted is State.REGION_APPROVED and not self.agency:
            wanted = State.PUBLISHED
        return wanted


BOTH = Gates()


@dataclass(frozen=True)
class Transition:
    """One row of the table: an action takes an agreement from one state to another, in one role's hands."""

    action: Action
    before: State
    after: State | None
    """None: back to what the public sees, `public_state`."""
    roles: frozenset[Role | Clock]
    been_public: bool | None = None
    """Only where the public has (True) or has never (False) seen a version of it; None: either way."""
    in_force: bool = False
    """Only while the public sees a version of it as in force: what has ended cannot end again."""
    reason_needed: bool = False
    another_person: bool = False
    """The author may not do it: the region's own review is by somebody else."""


_ADMIN: frozenset[Role | Clock] = frozenset({Role.AGREEMENT_ADMIN})
_WRITERS: frozenset[Role | Clock] = frozenset({Role.AGREEMENT_ADMIN, Role.REGION_SYSTEM})
_AGENCY: frozenset[Role | Clock] = frozenset({Role.AGENCY_REVIEWER})
_PURGERS: frozenset[Role | Clock] = frozenset({Role.AGREEMENT_ADMIN, Role.AGENCY_REVIEWER})
_CLOCK: frozenset[Role | Clock] = frozenset({Clock.CLOCK})
_WAITING = (State.DRAFT, State.SUBMITTED, State.REGION_APPROVED)
_LIVING = (*_WAITING, State.PUBLISHED)

TRANSITIONS: tuple[Transition, ...] = (
    Transition(Action.EDIT, State.DRAFT, State.DRAFT, _ADMIN),
    Transition(Action.EDIT, State.PUBLISHED, State.DRAFT, _ADMIN),
    # Prolonged after its last day: through the gates again.
    Transition(Action.EDIT, State.EXPIRED, State.DRAFT, _ADMIN),
    *(Transition(Action.TAKE, state, State.SUBMITTED, _WRITERS) for state in (*_LIVING, State.EXPIRED)),
    # Nobody outside has ever seen it: its number is not burnt, and it begins anew.
    Transition(Action.EDIT, State.WITHDRAWN, State.DRAFT, _ADMIN, been_public=False),
    Transition(Action.TAKE, State.WITHDRAWN, State.SUBMITTED, _WRITERS, been_public=False),
    Transition(Action.SUBMIT, State.DRAFT, State.SUBMITTED, _WRITERS),
    Transition(Action.APPROVE, State.SUBMITTED, State.REGION_APPROVED, _ADMIN, another_person=True),
    Transition(Action.APPROVE, State.REGION_APPROVED, State.PUBLISHED, _AGENCY),
    Transition(Action.REJECT, State.SUBMITTED, State.DRAFT, _ADMIN, reason_needed=True),
    Transition(Action.REJECT, State.REGION_APPROVED, State.DRAFT, _AGENCY, reason_needed=True),
    # A change that is withdrawn leaves what the public sees as it is.
    *(Transition(Action.WITHDRAW, state, None, _ADMIN, been_public=True) for state in _WAITING),
    *(Transition(Action.WITHDRAW, state, State.WITHDRAWN, _ADMIN, been_public=False) for state in _WAITING),
    Transition(Action.WITHDRAW, State.PUBLISHED, State.WITHDRAWN, _ADMIN, reason_needed=True),
    *(
        Transition(Action.TERMINATE, state, State.TERMINATED, _ADMIN, in_force=True, reason_needed=True)
        for state in _LIVING
    ),
    Transition(Action.EXPIRE, State.PUBLISHED, State.EXPIRED, _CLOCK, in_force=True),
    # What is being changed goes on: only the version that the public sees ends.
    *(Transition(Action.EXPIRE, state, state, _CLOCK, in_force=True) for state in _WAITING),
    *(
        Transition(Action.PURGE, state, State.PURGED, _PURGERS, reason_needed=True)
        for state in State
        if state is not State.PURGED
    ),
)


def check_region(region: str, actor: Actor) -> None:
    """An agreement administrator works for the own region only. Raises Refused."""
    if actor.region != region:
        raise Refused(403, f"belongs to region {region}; you act for region {actor.region or '(none in your token)'}")


def transition(
    agreement: Agreement, action: Action, actor: Actor, reason: str | None, gates: Gates = BOTH
) -> Transition:
    """The row of the table that applies. Raises Refused where there is none for this state, role, region or person."""
    if Role.AGENCY_REVIEWER not in actor.roles:
        # First of all: another region must not learn in what state the agreement is.
        check_region(agreement.region, actor)
    rows = [row for row in TRANSITIONS if row.action == action and row.before == agreement.state]
    rows = [row for row in rows if row.been_public in (None, agreement.has_been_public)]
    if not rows:
        waits = action is Action.EDIT and agreement.state in (State.SUBMITTED, State.REGION_APPROVED)
        how = ": have it rejected, or withdraw it, and change it then" if waits else ""
        raise Refused(409, f"cannot {action} an agreement that is {agreement.state}{how}")
    row = rows[0]
    if row.in_force and not agreement.is_public:
        raise Refused(409, f"cannot {action} an agreement that is not in force: withdraw what is being changed instead")
    if row.roles.isdisjoint(actor.roles):
        raise Refused(403, f"to {action} an agreement that is {agreement.state} needs the role {_told(row.roles)}")
    if Role.AGENCY_REVIEWER not in row.roles & actor.roles:
        check_region(agreement.region, actor)
    if row.another_person and gates.another_person and actor.subject == agreement.author:
        raise Refused(403, "the region's review must be made by another person than the author")
    if row.reason_needed and not (reason or "").strip():
        raise Refused(422, "is required for this step", field="reason")
    return row


def allowed_actions(agreement: Agreement, actor: Actor, gates: Gates = BOTH) -> list[Action]:
    """What this actor may do to the agreement now."""
    allowed = []
    for action in Action:
        if action in BY_NAME or action is Action.EDIT:
            try:
                transition(agreement, action, actor, "a reason", gates)
            except Refused:
                continue
            allowed.append(action)
    return allowed


def _told(roles: frozenset[Role | Clock]) -> str:
    return " or ".join(sorted(roles))
