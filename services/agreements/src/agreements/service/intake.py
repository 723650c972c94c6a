"""Many sent agreements of one region at once, by file, push or pull: judged, compared with what is here, and taken."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from agreements.domain.agreement import Actor, Agreement, State, Way, is_over
from agreements.domain.moving import moved
from agreements.domain.transitions import Action, Gates, Refused, check_region, transition
from agreements.service import secrecy, sent_form
from agreements.service.announcing import announce
from agreements.service.checking import PERIOD_OVER, Found, check_catalogue
from agreements.service.review_settings import gates_of
from agreements.service.sent_form import Read
from agreements.store import agreements as store
from agreements.store import past
from contracts.agreements import Answer
from kit.database import next_version
from rules.calendar import swedish_day


@dataclass(frozen=True, slots=True)
class Sent:
    """One agreement as a region sent it."""

    content: Any
    """JSON in the shape of `AgreementForm`, or a form that has been checked; anything else is a rejection, no error."""
    found: Sequence[Found] = ()
    """What reading has found wrong already: then it is rejected."""
    sent_at: datetime | None = None
    """When, if not with the others: a record that is given out again keeps its old time."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one. It repeats no refused value, and tells nothing of what is covered by secrecy."""

    answer: Answer
    number: str | None = None
    """The region's own; None where it cannot be told."""
    revision: int | None = None
    """As sent."""
    agreement_id: str | None = None
    found: tuple[Found, ...] = ()


async def take(
    session: AsyncSession,
    way: Way,
    region: str,
    actor: Actor,
    sent: Sequence[Sent],
    *,
    sent_at: datetime,
) -> list[Verdict]:
    """Take what is right and newer than what is here; a verdict for each, in order. Repeated, all is unchanged.

    In the caller's transaction, with a fixed number of queries however many there are; some hundreds at once are best.
    Raises only what stops them all: Refused (the actor is not of the region) and NotReady (try again later).
    """
    check_region(region, actor)
    now = datetime.now(UTC)
    today = swedish_day(now)
    verdicts: dict[int, Verdict] = {}
    waiting: dict[int, Read] = {}
    marked: list[int] = []
    for place, one in enumerate(sent):
        if sent_form.is_confidential(one.content):
            marked.append(place)
            continue
        # A clock that goes ahead must not let a sending pass an edit made after it.
        read = tuple(one.found) or sent_form.read(one.content, region, min(one.sent_at or sent_at, now), today)
        if isinstance(read, Read):
            waiting[place] = read
        else:
            number, revision = sent_form.number_of(one.content), sent_form.revision_of(one.content)
            verdicts[place] = Verdict(Answer.REJECTED, number, revision, None, read)
    if marked:
        numbers = [sent_form.written_number(sent[place].content) for place in marked]
        told = await secrecy.refuse(session, way, region, actor, numbers)
        for place, mark in zip(marked, told, strict=True):
            verdicts[place] = Verdict(Answer.REJECTED, agreement_id=mark.standing, found=(mark.found,))
    faults = await check_catalogue(session, [read.body for read in waiting.values()], today)
    for (place, read), found in zip(list(waiting.items()), faults, strict=True):
        if found:
            del waiting[place]
            number = sent_form.repeatable(read.number)
            verdicts[place] = Verdict(Answer.REJECTED, number, read.revision, None, tuple(found))
    gates = await gates_of(session, [region], today)
    taking = _Taking(way, region, actor, gates[region], now)
    while waiting:
        # A number that somebody else has registered in the meantime is judged again, by what is there now.
        verdicts |= await taking.all(session, waiting)
        waiting = {place: read for place, read in waiting.items() if place not in verdicts}
    return [verdicts[place] for place in range(len(sent))]


_KEPT_HERE = frozenset({Way.FILE, Way.HTTP})
"""Ways whose verdicts a purge empties: there a reviewer's own words are told. On a topic they would outlive it."""

_Judged = tuple[Answer, Agreement | None, tuple[Found, ...]]
"""The answer, the agreement as it is then (None: as it was), and what must be known."""


@dataclass(frozen=True)
class _Taking:
    """How some agreements are taken: by which way, for whom, through which gates, when."""

    way: Way
    region: str
    actor: Actor
    gates: Gates
    now: datetime

    async def all(self, session: AsyncSession, waiting: dict[int, Read]) -> dict[int, Verdict]:
        """Compare each with what is here and write what is taken; without those whose new number was just taken."""
        known = await store.lock_numbers(session, self.region, {read.number for read in waiting.values()})
        standing = dict(known)
        drafts = [one.id for one in known.values() if one.state is State.DRAFT]
        rejected = await past.rejections(session, drafts) if drafts else {}
        verdicts: dict[int, Verdict] = {}
        steps: dict[int, tuple[Agreement, str]] = {}
        for place, read in waiting.items():
            old = standing.get(read.number)
            answer, changed, found = self.judge(old, read)
            if answer is Answer.UNCHANGED and old is not None and (why := rejected.get(old.id)) is not None:
                found = (_rejected(why.at, why.reason if self.way in _KEPT_HERE else None),)
            if changed is not None:
                standing[read.number] = changed
                if answer is Answer.ACCEPTED:
                    steps[place] = changed, Action.TAKE if old is not None else "register"
            here = standing.get(read.number)
            number = sent_form.repeatable(read.number)
            verdicts[place] = Verdict(answer, number, read.revision, here.id if here is not None else None, found)
        new = [one for number, one in standing.items() if number not in known]
        inserted = await store.insert_all(session, new)
        await store.update_all(
            session, [one for number, one in standing.items() if number in known and one is not known[number]]
        )
        lost = {one.number for one in new} - inserted
        kept = {place: step for place, step in steps.items() if step[0].number not in lost}
        await store.remember_all(session, list(kept.values()), self.actor.subject)
        told = {one.id: one for one, _ in kept.values() if one.version == one.public_version}
        await announce(session, list(told.values()), self.now)
        return {place: verdict for place, verdict in verdicts.items() if waiting[place].number not in lost}

    def judge(self, old: Agreement | None, read: Read) -> _Judged:
        """What becomes of one.

        A higher revision of the region's own wins, unless it was sent before somebody edited the agreement here.
        """
        if old is None:
            return self.submitted(self.new(read), read)
        higher = read.revision is not None and read.revision > (old.revision or 0)
        if _begins_anew(old, read, higher=higher):
            return self.submitted(old, read)
        if read.digest == old.sent_digest or read.digest == sent_form.digest(sent_form.written_out(old.body)):
            if self.way is Way.PULL and old.state in (State.TERMINATED, State.WITHDRAWN):
                # An interface tells what holds, so it says otherwise than what stands here.
                reason = f"the interface tells it, and the agreement is {old.state} here since"
                return _conflict("number", f"{reason}: register what holds under a new number, or end it there too")
            # What came before this revision is older from now on.
            noted = dataclasses.replace(old, revision=read.revision) if higher else None
            return Answer.UNCHANGED, noted, _standing(old)
        if read.revision is None:
            return _conflict(
                "revision",
                "the number is registered with other content: send a revision, a whole number that rises with each "
                "change, or change the agreement in the form",
            )
        if not higher:
            return _conflict(
                "revision",
                f"the number is registered with other content, and its revision is {old.revision}: send a higher one",
            )
        if old.way is Way.FORM and read.sent_at < old.edited_at:
            return _conflict(
                "revision",
                "the agreement was changed here after this was sent: look at that change, then send the content that "
                "shall hold with a higher revision",
            )
        return self.submitted(old, read, _replaced(old))

    def submitted(self, old: Agreement, read: Read, found: tuple[Found, ...] = ()) -> _Judged:
        """The agreement with the content that was sent, in the state that follows: what is public stays as it is."""
        try:
            row = transition(old, Action.TAKE, self.actor, None, self.gates)
        except Refused as why:
            if why.status == 409:
                return _conflict("number", f"the agreement is {old.state}: register what holds now under a new number")
            return Answer.REJECTED, None, (Found("number", why.reason),)
        if is_over(read.body, swedish_day(self.now)):
            return Answer.REJECTED, None, (PERIOD_OVER,)
        written = dataclasses.replace(
            old,
            body=read.body,
            author=self.actor.subject,
            way=self.way,
            # One that is taken without a revision begins anew; what was told before is still older.
            revision=read.revision if read.revision is not None else old.revision,
            sent_digest=read.digest,
            edited_at=self.now,
        )
        return Answer.ACCEPTED, moved(written, row, next_version(old.version), self.now, self.gates), found

    def new(self, read: Read) -> Agreement:
        """An agreement that has nothing yet but its number."""
        return Agreement(
            id=str(uuid4()),
            region=self.region,
            number=read.number,
            state=State.DRAFT,
            version=next_version(None),
            author=self.actor.subject,
            body=read.body,
            way=self.way,
            revision=None,
            sent_digest=None,
            edited_at=self.now,
            public_body=None,
            public_state=None,
            public_version=None,
            public_at=None,
            ended_on=None,
            published_at=None,
            created_at=self.now,
            changed_at=self.now,
        )


def _begins_anew(old: Agreement, read: Read, *, higher: bool) -> bool:
    """True for what was withdrawn before anybody outside saw it, and is sent after that: newer, or something else."""
    if old.state is not State.WITHDRAWN or old.has_been_public or read.sent_at < old.changed_at:
        return False
    return higher or (read.revision is None and read.digest != old.sent_digest)


def _replaced(old: Agreement) -> tuple[Found, ...]:
    """An edit that a newer sending replaces is never replaced without a word."""
    if old.way is not Way.FORM:
        return ()
    day = swedish_day(old.edited_at)
    return (Found("revision", f"replaces what was written in the form here on {day}: look at it in the review"),)


def _rejected(at: datetime, reason: str | None) -> Found:
    day, how = swedish_day(at), "to have it reviewed again, send it changed with a higher revision"
    if reason is None:
        return Found("number", f"the same has been taken before, and was rejected in the review on {day}: {how}")
    words = " ".join(reason.split())
    return Found("number", f"the same has been taken before, and was rejected in the review on {day} ({words}): {how}")


def _conflict(field: str, reason: str) -> _Judged:
    return Answer.CONFLICT, None, (Found(field, reason),)


def _standing(old: Agreement) -> tuple[Found, ...]:
    """What somebody who sends the same again may not know."""
    if old.state is State.DRAFT and old.way is Way.FORM and old.sent_digest is None:
        return (Found("number", "the same is registered here in the form, as a draft that waits to be submitted"),)
    if old.state is State.WITHDRAWN and not old.has_been_public:
        how = "to begin anew, send it with a higher revision"
        return (Found("number", f"the same has been taken before, and the agreement is withdrawn since: {how}"),)
    if old.state in (State.DRAFT, State.TERMINATED, State.WITHDRAWN):
        return (Found("number", f"the same has been taken before, and the agreement is {old.state} since"),)
    return ()
