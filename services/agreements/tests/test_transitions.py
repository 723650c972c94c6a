"""Who may do what in which state: every cell of role x region x person x state x action, against the table."""

from datetime import UTC, datetime
from itertools import product

import pytest

from agreements.domain import (
    TRANSITIONS,
    Action,
    Actor,
    Agreement,
    Refused,
    State,
    allowed_actions,
    may_read,
    transition,
)
from rules.roles import Role

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ROLES = [
    frozenset(),
    frozenset({"navigator"}),
    frozenset({Role.AGREEMENT_ADMIN}),
    frozenset({Role.AGENCY_REVIEWER}),
    frozenset(Role),
]
CELLS = list(product(ROLES, ["14", "01", None], ["author", "other"], State, Action))


def agreement(state: State) -> Agreement:
    return Agreement("id", "14", "n", state, 1, "author", {}, None, NOW, NOW)


def expected(roles: frozenset[str], region: str | None, person: str, state: State, action: Action) -> State | None:
    """What the design says in words, told a second time: None is a refusal."""
    own_admin = Role.AGREEMENT_ADMIN in roles and region == "14"
    match (state, action):
        case (State.DRAFT, Action.SUBMIT) if own_admin:
            return State.SUBMITTED
        case (State.SUBMITTED, Action.APPROVE) if own_admin and person == "other":
            return State.REGION_APPROVED
        case (State.SUBMITTED, Action.REJECT) if own_admin:
            return State.DRAFT
        case (State.REGION_APPROVED, Action.APPROVE) if Role.AGENCY_REVIEWER in roles:
            return State.PUBLISHED
        case (State.REGION_APPROVED, Action.REJECT) if Role.AGENCY_REVIEWER in roles:
            return State.DRAFT
        case (State.DRAFT | State.SUBMITTED | State.REGION_APPROVED | State.PUBLISHED, Action.WITHDRAW) if own_admin:
            return State.WITHDRAWN
        case (State.PUBLISHED, Action.TERMINATE) if own_admin:
            return State.TERMINATED
    return None


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("action", Action)
def test_every_cell_of_the_table_is_as_the_design_says(state: State, action: Action):
    for roles, region, person, *_ in (cell for cell in CELLS if cell[3:] == (state, action)):
        actor = Actor(person, roles, region)
        wanted = expected(roles, region, person, state, action)
        cell = f"{sorted(roles)} of {region}, {person}: {action} when {state}"
        if wanted is None:
            with pytest.raises(Refused) as refused:
                transition(agreement(state), action, actor, "a reason")
            assert refused.value.status in {403, 409}, cell
            assert refused.value.reason, cell
        else:
            assert transition(agreement(state), action, actor, "a reason").after is wanted, cell
        assert (action in allowed_actions(agreement(state), actor)) is (wanted is not None), cell


def test_nobody_acts_on_what_has_ended():
    for state in (State.TERMINATED, State.WITHDRAWN):
        assert allowed_actions(agreement(state), Actor("other", frozenset(Role), "14")) == []


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("action", Action)
def test_a_stranger_is_refused_alike_in_every_state_and_so_learns_nothing_of_it(state: State, action: Action):
    for actor in (
        Actor("x", frozenset({Role.AGREEMENT_ADMIN}), "01"),
        Actor("x", frozenset({Role.AGREEMENT_ADMIN}), None),
    ):
        with pytest.raises(Refused) as refused:
            transition(agreement(state), action, actor, None)
        assert refused.value.status == 403
        assert state not in refused.value.reason


@pytest.mark.parametrize("row", TRANSITIONS, ids=lambda row: f"{row.action}-{row.before}")
@pytest.mark.parametrize("reason", [None, "", "   "])
def test_a_reason_is_asked_for_where_somebody_else_must_understand_the_step(row, reason):
    actor = Actor("other", frozenset(Role), "14")
    if row.action in {Action.REJECT, Action.TERMINATE} or (row.action, row.before) == (
        Action.WITHDRAW,
        State.PUBLISHED,
    ):
        with pytest.raises(Refused) as refused:
            transition(agreement(row.before), row.action, actor, reason)
        assert refused.value.status == 422
    else:
        assert transition(agreement(row.before), row.action, actor, reason) == row


def test_only_the_agency_publishes_and_only_after_the_regions_own_review():
    into = [row for row in TRANSITIONS if row.after is State.PUBLISHED]
    assert [(row.before, row.role) for row in into] == [(State.REGION_APPROVED, Role.AGENCY_REVIEWER)]
    gates = [row for row in TRANSITIONS if row.after is State.REGION_APPROVED]
    assert [(row.before, row.role, row.another_person) for row in gates] == [
        (State.SUBMITTED, Role.AGREEMENT_ADMIN, True)
    ]


@pytest.mark.parametrize("state", State)
def test_what_is_not_published_is_read_by_its_region_and_by_the_agency_in_its_turn_only(state: State):
    def reads(role: str, region: str | None) -> bool:
        return may_read(agreement(state), Actor("x", frozenset({role}), region))

    assert reads(Role.AGREEMENT_ADMIN, "14")
    public = state is State.PUBLISHED
    assert reads(Role.AGENCY_REVIEWER, None) is (public or state is State.REGION_APPROVED)
    for role, region in (
        (Role.AGREEMENT_ADMIN, "01"),
        (Role.AGREEMENT_ADMIN, None),
        ("navigator", "14"),
        ("provider", "14"),
    ):
        assert reads(role, region) is public
