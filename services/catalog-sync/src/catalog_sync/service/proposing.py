"""Comparing: what a source tells against what is known. Every difference becomes a proposal of the run."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from catalog_sync.domain.differences import Act, dated, ended, is_final
from catalog_sync.domain.reading import Fact, Kind, Rejected
from catalog_sync.service.announce import MESSAGES
from catalog_sync.store import facts as known_facts
from catalog_sync.store import proposals
from catalog_sync.store.proposals import Proposal, keys_by_kind
from rules.calendar import swedish_day

BATCH = 1000
"""Rows looked at in one transaction: memory stays flat, and a crash costs no more than that."""


def valid(facts: Iterable[Fact]) -> tuple[list[Fact], list[Rejected]]:
    """The facts that make a message, with the message's own key; the others with the field and the reason."""
    good: list[Fact] = []
    rejected: list[Rejected] = []
    for fact in facts:
        try:
            key = MESSAGES[fact.kind].model_validate({**fact.content, "version": 1}).key()
        except ValidationError as error:
            row = error.errors(include_input=False)[0]
            rejected.append(Rejected(fact.reference, f"{'.'.join(map(str, row['loc']))}: {row['msg']}"))
            continue
        good.append(fact if key == fact.key else Fact(fact.kind, key, fact.content))
    return good, rejected


def same_as_another(fact: Fact) -> Rejected:
    """What is said of a row that tells of the same thing as another row."""
    return Rejected(fact.reference, twice(fact.kind))


def twice(kind: Kind) -> str:
    """The reason."""
    return f"tells of the same {kind} as another row"


async def propose(session: AsyncSession, run: int, facts: Sequence[Fact], now: datetime) -> None:
    """Compare facts, each key once, with what is known."""
    day = swedish_day(now)
    found: list[Proposal] = []
    for kind, keys in keys_by_kind(facts).items():
        known = await known_facts.known(session, kind, keys)
        await proposals.outdate(session, run, kind, keys)
        alike: list[str] = []
        moved: dict[str, str] = {}
        for fact in facts:
            if fact.kind is not kind:
                continue
            row = known.get(fact.key)
            if row is None:
                found.append(Proposal(Act.NEW, fact, None))
                continue
            told = dated(fact, not row.ended, row.closed_on, day)
            if told.fingerprint == row.fingerprint:
                alike.append(told.key)
                if told.reference != row.reference:
                    moved[told.key] = told.reference
            else:
                act = Act.ENDED if is_final(told) and not row.ended else Act.CHANGED
                found.append(Proposal(act, told, row.fingerprint))
        await known_facts.move(session, kind, moved)
        # Another row may have been said to end it, earlier in this run.
        await proposals.withdraw(session, run, kind, alike)
    await proposals.add(session, run, found)


async def propose_ends(session: AsyncSession, run: int, kind: Kind, keys: Sequence[str], now: datetime) -> None:
    """What the source no longer has ends with a final state."""
    await proposals.outdate(session, run, kind, keys)
    stored = await known_facts.contents(session, kind, keys)
    final = [Proposal(Act.ENDED, ended(fact, swedish_day(now)), fact.fingerprint) for fact in stored]
    await proposals.add(session, run, final)
