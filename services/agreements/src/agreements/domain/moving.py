"""What a step of its life makes of an agreement: its new state, and what the public sees of it from then on."""

import dataclasses
from datetime import date, datetime

from agreements.domain.agreement import Agreement, State, is_over
from agreements.domain.transitions import BOTH, Action, Gates, Transition
from rules.calendar import swedish_day


def state_after(old: Agreement, row: Transition, gates: Gates = BOTH) -> State:
    """The state that a row of the table leads to, with the gates that do not apply passed by."""
    if row.after is not None:
        return gates.after(row.after)
    assert old.public_state is not None  # noqa: S101 such a row holds only for what has been public
    return old.public_state


def publishes(old: Agreement, row: Transition, gates: Gates = BOTH) -> bool:
    """True where the step makes the content that is worked on the public one: it must be right on that day."""
    return row.after is not None and state_after(old, row, gates) is State.PUBLISHED


def moved(old: Agreement, row: Transition, version: int, now: datetime, gates: Gates = BOTH) -> Agreement:
    """The agreement after the step, at its new version. New content is put into `old` before, its own version is not.

    What the public sees changes in four cases only: published, expired, ended before its time, purged.
    """
    after = state_after(old, row, gates)
    changed = dataclasses.replace(old, state=after, version=version, changed_at=now)
    if row.after is None:
        # What was being changed is given up for what the public sees, or saw last.
        assert old.public_body is not None  # noqa: S101 only what has been public goes back to it
        return dataclasses.replace(changed, body=old.public_body, edited_at=now)
    if publishes(old, row, gates):
        changed = dataclasses.replace(
            changed, public_body=old.body, ended_on=None, published_at=old.published_at or now
        )
        return _seen(changed, State.PUBLISHED)
    if row.action is Action.EXPIRE:
        return _seen(changed, State.EXPIRED)
    if after is State.PURGED:
        return _emptied(changed)
    if after in (State.TERMINATED, State.WITHDRAWN) and old.public_body is not None:
        # An end before its time; the change that was under way ends with it.
        return _seen(dataclasses.replace(changed, body=old.public_body, ended_on=_ended_on(old, now)), after)
    return changed


def _seen(changed: Agreement, public_state: State) -> Agreement:
    return dataclasses.replace(
        changed, public_state=public_state, public_version=changed.version, public_at=changed.changed_at
    )


def _ended_on(old: Agreement, now: datetime) -> date | None:
    # Its period was over and the clock had not come round yet: nothing ended before its time.
    day = swedish_day(now)
    return None if is_over(old.public_body or {}, day) else day


def _emptied(changed: Agreement) -> Agreement:
    """Nothing of the content and nobody's name is left; the id stands in for the number, which must be unique."""
    empty = dataclasses.replace(
        changed,
        number=changed.id,
        author="",
        body={},
        revision=None,
        sent_digest=None,
        edited_at=changed.changed_at,
        public_body=None,
        ended_on=None,
        published_at=None,
    )
    return _seen(empty, State.PURGED) if changed.has_been_public else empty
