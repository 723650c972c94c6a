"""Who may do what in which state: each cell of role, region, person, state, public and action, told a second time."""

from itertools import product
from pathlib import Path

import pytest

import agreements
from agreements.domain.agreement import ENDED, Actor, State, may_read
from agreements.domain.moving import state_after
from agreements.domain.transitions import (
    BY_NAME,
    TRANSITIONS,
    Action,
    Clock,
    Gates,
    Refused,
    allowed_actions,
    transition,
)
from rules.roles import Role

WAITING = (State.DRAFT, State.SUBMITTED, State.REGION_APPROVED)
PAGE = Path(agreements.__file__).parents[4] / "docs/operations/agreement-life.md"
ROLES: list[frozenset[str]] = [
    frozenset(),
    frozenset({"navigator"}),
    frozenset({Role.AGREEMENT_ADMIN}),
    frozenset({Role.REGION_SYSTEM}),
    frozenset({Role.AGENCY_REVIEWER}),
    frozenset({Clock.CLOCK}),
    frozenset(Role),
]
# What is worked on, and what the public sees of it: every pair that can be.
STANDING: list[tuple[State, State | None]] = [
    *product(WAITING, (None, State.PUBLISHED, State.EXPIRED)),
    *((state, state) for state in (State.PUBLISHED, *sorted(ENDED))),
    (State.WITHDRAWN, None),
    (State.PURGED, None),
]
BACK = "back to what the public sees"


def in_words(
    roles: frozenset[str], region: str | None, person: str, state: State, public: State | None, action: Action
) -> State | str | None:
    """What the design says, told a second time: the state it leads to, BACK, or None for a refusal."""
    own = region == "14"
    admin = own and Role.AGREEMENT_ADMIN in roles
    writer = admin or (own and Role.REGION_SYSTEM in roles)
    agency = Role.AGENCY_REVIEWER in roles
    clock = own and Clock.CLOCK in roles
    match action, state:
        case Action.EDIT, (State.DRAFT | State.PUBLISHED | State.EXPIRED) if admin:
            return State.DRAFT
        case Action.TAKE, _ if writer and (state not in ENDED or state is State.EXPIRED):
            return State.SUBMITTED
        case Action.SUBMIT, State.DRAFT if writer:
            return State.SUBMITTED
        case Action.EDIT, State.WITHDRAWN if admin and public is None:
            return State.DRAFT
        case Action.TAKE, State.WITHDRAWN if writer and public is None:
            return State.SUBMITTED
        case Action.APPROVE, State.SUBMITTED if admin and person == "other":
            return State.REGION_APPROVED
        case Action.REJECT, State.SUBMITTED if admin:
            return State.DRAFT
        case Action.APPROVE, State.REGION_APPROVED if agency:
            return State.PUBLISHED
        case Action.REJECT, State.REGION_APPROVED if agency:
            return State.DRAFT
        case Action.WITHDRAW, (State.DRAFT | State.SUBMITTED | State.REGION_APPROVED) if admin:
            return State.WITHDRAWN if public is None else BACK
        case Action.WITHDRAW, State.PUBLISHED if admin:
            return State.WITHDRAWN
        case Action.TERMINATE, _ if admin and public is State.PUBLISHED:
            return State.TERMINATED
        case Action.EXPIRE, _ if clock and public is State.PUBLISHED:
            return State.EXPIRED if state is State.PUBLISHED else state
        case Action.PURGE, _ if (admin or agency) and state is not State.PURGED:
            return State.PURGED
    return None


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize(("state", "public"), STANDING)
def test_every_cell_of_the_table_is_as_the_design_says(standing, state: State, public: State | None, action: Action):
    one = standing(state, public)
    for roles, region, person in product(ROLES, ("14", "01", None), ("author", "other")):
        actor = Actor(person, roles, region)
        wanted = in_words(roles, region, person, state, public, action)
        cell = f"{sorted(roles)} of {region}, {person}: {action} when {state}, public {public}"
        if wanted is None:
            with pytest.raises(Refused) as refused:
                transition(one, action, actor, "a reason")
            assert refused.value.status in {403, 409}, cell
            assert refused.value.reason, cell
        else:
            row = transition(one, action, actor, "a reason")
            assert (BACK if row.after is None else row.after) == wanted, cell
            assert state_after(one, row) == (public if wanted == BACK else wanted), cell
        offered = action in BY_NAME or action is Action.EDIT
        assert (action in allowed_actions(one, actor)) is (offered and wanted is not None), cell


@pytest.mark.parametrize(("state", "public"), [pair for pair in STANDING if pair[0] in ENDED])
def test_what_has_ended_is_only_prolonged_or_purged(standing, state: State, public: State | None):
    everybody = Actor("other", frozenset(Role), "14")
    left = {Action.PURGE} if state is not State.PURGED else set()
    # What was withdrawn before anybody outside saw it begins anew.
    left |= {Action.EDIT} if state is State.EXPIRED or (state is State.WITHDRAWN and public is None) else set()
    assert set(allowed_actions(standing(state, public), everybody)) == left


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize(("state", "public"), STANDING)
def test_a_stranger_is_refused_alike_in_every_state_and_so_learns_nothing_of_it(standing, state, public, action):
    told = set()
    for role, region in product((Role.AGREEMENT_ADMIN, Role.REGION_SYSTEM, "navigator"), ("01", None)):
        with pytest.raises(Refused) as refused:
            transition(standing(state, public), action, Actor("x", frozenset({role}), region), None)
        assert refused.value.status == 403
        told.add(refused.value.reason.replace("01", "(none in your token)"))
    assert told == {"belongs to region 14; you act for region (none in your token)"}


@pytest.mark.parametrize("row", TRANSITIONS, ids=lambda row: f"{row.action}-{row.before}")
@pytest.mark.parametrize("reason", [None, "", "   "])
def test_a_reason_is_asked_for_where_somebody_else_must_understand_the_step(standing, row, reason):
    actor = Actor("other", frozenset({*Role, Clock.CLOCK}), "14")
    public = State.PUBLISHED if row.in_force or row.been_public else None
    of_itself = row.before in {State.PUBLISHED, *ENDED} and row.been_public is not False
    one = standing(row.before, row.before if of_itself else public)
    if row.action in {Action.REJECT, Action.TERMINATE, Action.PURGE} or (row.action, row.before) == (
        Action.WITHDRAW,
        State.PUBLISHED,
    ):
        with pytest.raises(Refused) as refused:
            transition(one, row.action, actor, reason)
        assert (refused.value.status, refused.value.field) == (422, "reason")
    else:
        assert transition(one, row.action, actor, reason) == row


def test_only_the_agency_publishes_and_only_after_the_regions_own_review():
    into = [row for row in TRANSITIONS if row.after is State.PUBLISHED]
    assert [(row.before, row.roles) for row in into] == [(State.REGION_APPROVED, {Role.AGENCY_REVIEWER})]
    gates = [row for row in TRANSITIONS if row.after is State.REGION_APPROVED and row.action is not Action.EXPIRE]
    assert [(row.before, row.roles, row.another_person) for row in gates] == [
        (State.SUBMITTED, {Role.AGREEMENT_ADMIN}, True)
    ]


@pytest.mark.parametrize(
    ("gates", "submitted", "region_approved"),
    [
        (Gates(), State.SUBMITTED, State.REGION_APPROVED),
        (Gates(region=False), State.REGION_APPROVED, State.REGION_APPROVED),
        (Gates(agency=False), State.SUBMITTED, State.PUBLISHED),
        (Gates(region=False, agency=False), State.PUBLISHED, State.PUBLISHED),
    ],
)
def test_a_gate_that_does_not_apply_is_passed_by(standing, gates, submitted, region_approved):
    admin = Actor("other", frozenset({Role.AGREEMENT_ADMIN}), "14")
    submit = transition(standing(State.DRAFT), Action.SUBMIT, admin, None, gates)
    assert state_after(standing(State.DRAFT), submit, gates) is submitted
    approve = transition(standing(State.SUBMITTED), Action.APPROVE, admin, None, gates)
    assert state_after(standing(State.SUBMITTED), approve, gates) is region_approved


def test_where_another_person_is_not_asked_for_the_author_reviews(standing):
    author, one = Actor("author", frozenset({Role.AGREEMENT_ADMIN}), "14"), standing(State.SUBMITTED)
    assert Action.APPROVE not in allowed_actions(one, author)
    assert Action.APPROVE in allowed_actions(one, author, Gates(another_person=False))


@pytest.mark.parametrize(("state", "public"), STANDING)
def test_what_is_not_public_is_read_by_its_region_and_by_the_agency_in_its_turn_only(standing, state, public):
    def reads(role: str, region: str | None) -> bool:
        return may_read(standing(state, public), Actor("x", frozenset({role}), region))

    in_force = public is State.PUBLISHED
    assert reads(Role.AGREEMENT_ADMIN, "14")
    assert reads(Role.REGION_SYSTEM, "14")
    assert reads(Role.AGENCY_REVIEWER, None) is (in_force or state is State.REGION_APPROVED)
    for role, region in (
        (Role.AGREEMENT_ADMIN, "01"),
        (Role.AGREEMENT_ADMIN, None),
        ("navigator", "14"),
        ("provider", "14"),
    ):
        assert reads(role, region) is in_force


def test_the_table_on_the_page_for_people_on_call_is_the_one_in_the_code():
    """Regenerate: print(table())."""
    assert table() in PAGE.read_text(encoding="utf-8")


def table() -> str:
    """TRANSITIONS for people: a line a step and state, a column a role."""
    columns = (Role.AGREEMENT_ADMIN, Role.REGION_SYSTEM, Role.AGENCY_REVIEWER, Clock.CLOCK)
    lines = [
        "| step | from | to | " + " | ".join(columns) + " | asks for |",
        "|---|---|---|" + "---|" * len(columns) + "---|",
    ]
    for row in TRANSITIONS:
        asks = ["a reason"] * row.reason_needed + ["another person than who wrote it"] * row.another_person
        asks += ["a version in force"] * row.in_force
        asks += ["a version that has been public"] * (row.been_public is True)
        asks += ["never been public"] * (row.been_public is False)
        may = ["yes" if role in row.roles else "–" for role in columns]
        cells = [row.action, row.before, row.after or BACK, *may, ", ".join(asks) or "–"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)
