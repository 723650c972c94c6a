"""Whatever people, systems and the clock do, in whatever order: what the public sees follows the rules."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from agreements.domain.agreement import ENDED, Actor, Agreement, State, Way, is_over
from agreements.domain.moving import moved, publishes
from agreements.domain.transitions import Action, Clock, Gates, Refused, allowed_actions, transition
from rules.roles import Role

FIRST = date(2026, 3, 1)
ACTS = [action for action in Action if action not in {Action.EDIT, Action.TAKE, Action.EXPIRE}]
PEOPLE = [
    *(Actor(name, frozenset({Role.AGREEMENT_ADMIN}), "14") for name in ("anna", "arne")),
    Actor("system", frozenset({Role.REGION_SYSTEM}), "14"),
    Actor("agency", frozenset({Role.AGENCY_REVIEWER}), None),
]
STEPS, WHO = st.sampled_from(ACTS), st.sampled_from(PEOPLE)


class Life(RuleBasedStateMachine):
    """One agreement, its gates, and beside it what a person would remember of it."""

    @initialize(
        gates=st.builds(Gates, region=st.booleans(), another_person=st.booleans(), agency=st.booleans()),
        published=st.booleans(),
    )
    def registered(self, gates: Gates, published: bool) -> None:
        self.gates = gates
        self.day = FIRST
        self.steps = 0
        self.approved_by: set[str] = set()
        """The gates that the content in work has passed."""
        self.told: list[tuple[int, State, str | None]] = []
        """What has been announced: version, state, and the content's mark."""
        self.one = self._new(self._content(30))
        if published:
            # Half of the lives begin where most others never come.
            for action, actor in ((Action.SUBMIT, 0), (Action.APPROVE, 1), (Action.APPROVE, 3)):
                self._step(action, PEOPLE[actor])
            assert self.one.state is State.PUBLISHED

    def _content(self, days: int) -> dict[str, str]:
        self.steps += 1
        return {"mark": f"content {self.steps}", "valid_to": (self.day + timedelta(days=days)).isoformat()}

    def _new(self, body: dict[str, str]) -> Agreement:
        now = self._now()
        nothing = {"public_body": None, "public_state": None, "public_version": None, "public_at": None}
        sending = {"way": Way.FORM, "revision": None, "sent_digest": None, "ended_on": None, "published_at": None}
        times = {"edited_at": now, "created_at": now, "changed_at": now}
        who = {"id": "id", "region": "14", "number": "n", "author": "anna", "version": 1}
        return Agreement(**who, state=State.DRAFT, body=body, **sending, **nothing, **times)

    def _now(self) -> datetime:
        return datetime(self.day.year, self.day.month, self.day.day, 12, tzinfo=UTC)

    def _step(self, action: Action, actor: Actor, body: dict[str, str] | None = None) -> bool:
        before = self.one
        try:
            row = transition(before, action, actor, "a reason", self.gates)
        except Refused:
            return False
        old = before if body is None else replace(before, body=body, author=actor.subject)
        if publishes(old, row, self.gates) and is_over(old.body, self.day):
            return False
        self.one = after = moved(old, row, before.version + 1, self._now(), self.gates)
        assert after.version > before.version
        self._remember_gates(action, before, row.roles)
        if after.public_version != before.public_version:
            mark = None if after.public_body is None else after.public_body["mark"]
            assert after.public_state is not None
            if after.public_state is State.PUBLISHED:
                assert self.approved_by >= self._asked(), "nothing is public before its gates"
                assert (after.public_body, after.state) == (after.body, State.PUBLISHED)
            else:
                assert after.public_body in (before.public_body, None), "an end changes nothing of what was agreed"
                assert before.is_public or after.public_state is State.PURGED, "what has ended does not end again"
            self.told.append((after.version, after.public_state, mark))
        else:
            assert (after.public_body, after.public_state) == (before.public_body, before.public_state)
            assert after.ended_on == before.ended_on
        return True

    def _asked(self) -> set[str]:
        return {name for name, asked in (("region", self.gates.region), ("agency", self.gates.agency)) if asked}

    def _remember_gates(self, action: Action, before: Agreement, roles: frozenset[Role | Clock]) -> None:
        if action is Action.APPROVE:
            self.approved_by.add("agency" if Role.AGENCY_REVIEWER in roles else "region")
        elif action not in {Action.EXPIRE, Action.SUBMIT}:
            self.approved_by = set()

    @rule(action=STEPS, actor=WHO)
    def somebody_acts(self, action: Action, actor: Actor) -> None:
        self._step(action, actor)

    @rule(choice=st.data(), onward=st.booleans())
    def somebody_who_may_takes_a_step(self, choice: st.DataObject, onward: bool) -> None:
        """Most of what people try is refused, and most of the rest ends it: half of the time it goes on."""
        wanted = {Action.SUBMIT, Action.APPROVE} if onward else set(ACTS) - {Action.PURGE}
        may = [(action, actor) for actor in PEOPLE for action in allowed_actions(self.one, actor, self.gates)]
        if chosen := [pair for pair in may if pair[0] in wanted]:
            self._step(*choice.draw(st.sampled_from(chosen)))

    @rule(days=st.integers(1, 40))
    def its_author_changes_it(self, days: int) -> None:
        self._step(Action.EDIT, PEOPLE[0], self._content(days))

    @rule(actor=WHO, days=st.integers(-2, 40))
    def somebody_edits(self, actor: Actor, days: int) -> None:
        if self._step(Action.EDIT, actor, self._content(days)):
            assert self.one.state is State.DRAFT

    @rule(actor=WHO, days=st.integers(-2, 40))
    def a_system_sends(self, actor: Actor, days: int) -> None:
        body = self._content(days)
        if not self.gates.region and not self.gates.agency and is_over(body, self.day):
            return
        self.approved_by = set()
        self._step(Action.TAKE, actor, body)

    @rule(days=st.integers(1, 25))
    def days_pass_and_the_clock_comes_round(self, days: int) -> None:
        self.day += timedelta(days=days)
        if self.one.is_public and is_over(self.one.public_body or {}, self.day):
            working = self.one.state
            assert self._step(Action.EXPIRE, Actor("clock", frozenset({Clock.CLOCK}), "14"))
            assert self.one.state is (State.EXPIRED if working is State.PUBLISHED else working)
            assert self.one.ended_on is None, "it ended as agreed"

    @invariant()
    def what_has_ended_is_not_in_force(self) -> None:
        one = self.one
        if one.state in ENDED:
            assert not one.is_public
            assert one.public_state in {one.state, None}
        if one.state is State.PUBLISHED:
            assert (one.is_public, one.public_body) == (True, one.body)
        if one.is_public:
            assert one.ended_on is None
            assert not is_over(one.public_body or {}, self.day)

    @invariant()
    def versions_told_rise_and_a_purge_is_the_last_word(self) -> None:
        versions = [version for version, _, _ in self.told]
        assert versions == sorted(set(versions))
        assert State.PURGED not in [state for _, state, _ in self.told[:-1]]
        if self.one.state is State.PURGED:
            assert (self.one.body, self.one.public_body, self.one.author) == ({}, None, "")
            assert self.told == [] or self.told[-1][1:] == (State.PURGED, None)
        elif self.told:
            assert (self.one.public_version, self.one.public_state) == self.told[-1][:2]
        else:
            assert not self.one.has_been_public


class TestLife(Life.TestCase):
    settings = hypothesis_settings(max_examples=150, stateful_step_count=30, deadline=None)
