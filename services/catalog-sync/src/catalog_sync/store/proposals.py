"""What a run would change, until it is applied: one row a thing, with what it was compared with."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Row, delete, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from catalog_sync.domain.differences import Act
from catalog_sync.domain.reading import Fact, Kind
from catalog_sync.store.runs import State
from catalog_sync.store.tables import one_of, proposed, run


@dataclass(frozen=True)
class Proposal:
    """A difference between what a source tells and what is known."""

    act: Act
    fact: Fact
    base: str | None
    """Fingerprint of what it was compared with; None: unknown until then."""


class Claim(NamedTuple):
    """Which row of the source tells of a thing, as far as this run has come."""

    act: Act
    reference: str


_ADD = text("""
INSERT INTO proposed (run, kind, key, act, reference, base, fingerprint, content, before)
SELECT :run, g.kind, g.key, g.act, g.reference, g.base, g.fingerprint, CAST(g.content AS jsonb), fact.content
FROM unnest(CAST(:kinds AS text[]), CAST(:keys AS text[]), CAST(:acts AS text[]), CAST(:references AS text[]),
    CAST(:bases AS text[]), CAST(:fingerprints AS text[]), CAST(:contents AS text[]))
    AS g (kind, key, act, reference, base, fingerprint, content)
LEFT JOIN fact USING (kind, key)
ON CONFLICT (run, kind, key) DO UPDATE SET act = excluded.act, reference = excluded.reference, base = excluded.base,
    fingerprint = excluded.fingerprint, content = excluded.content, before = excluded.before
""")


async def add(session: AsyncSession, number: int, proposals: Sequence[Proposal]) -> None:
    """Propose differences; a later one about the same thing replaces the earlier."""
    if not proposals:
        return
    given = {
        "kinds": [one.fact.kind.value for one in proposals],
        "keys": [one.fact.key for one in proposals],
        "acts": [one.act.value for one in proposals],
        "references": [one.fact.reference for one in proposals],
        "bases": [one.base for one in proposals],
        "fingerprints": [one.fact.fingerprint for one in proposals],
        "contents": [orjson.dumps(one.fact.content).decode() for one in proposals],
    }
    await session.execute(_ADD, {"run": number, **given})


async def withdraw(session: AsyncSession, number: int, kind: Kind, keys: Collection[str]) -> None:
    """Take back what this run has proposed of some things: they are as they are known."""
    mine = (proposed.c.run == number) & (proposed.c.kind == kind) & one_of(proposed.c.key, keys)
    await session.execute(delete(proposed).where(mine))


async def outdate(session: AsyncSession, number: int, kind: Kind, keys: Collection[str]) -> None:
    """This run has looked at some things anew: what held runs would make of them is no longer right."""
    held = list(await session.scalars(select(run.c.id).where(run.c.state == State.HELD, run.c.id != number)))
    if held:
        mine = proposed.c.run.in_(held) & (proposed.c.kind == kind) & one_of(proposed.c.key, keys)
        await session.execute(update(proposed).where(mine).values(outcome="stale"))


_SAME = text("""
WITH older AS (SELECT kind, key, act, base, fingerprint FROM proposed WHERE run = :older),
    newer AS (SELECT kind, key, act, base, fingerprint FROM proposed WHERE run = :newer)
SELECT NOT EXISTS ((TABLE older EXCEPT TABLE newer) UNION ALL (TABLE newer EXCEPT TABLE older))
""")


async def same(session: AsyncSession, older: int, newer: int) -> bool:
    """Whether two runs would change the same, from and to the same."""
    return bool(await session.scalar(_SAME, {"older": older, "newer": newer}))


async def renew(session: AsyncSession, number: int) -> None:
    """What a held run would change has been looked at anew, and is right as it was."""
    await session.execute(update(proposed).where(proposed.c.run == number).values(outcome=None))


async def claims(session: AsyncSession, number: int, kind: Kind, keys: Collection[str]) -> dict[str, Claim]:
    """What this run has proposed so far of some things."""
    query = select(proposed.c.key, proposed.c.act, proposed.c.reference)
    mine = (proposed.c.run == number) & (proposed.c.kind == kind) & one_of(proposed.c.key, keys)
    return {row.key: Claim(Act(row.act), row.reference) for row in await session.execute(query.where(mine))}


async def counts(session: AsyncSession, number: int, *, applied: bool = False) -> dict[Kind, dict[Act, int]]:
    """How many things of each kind this run would make, change and end; or has `applied`, new ones then not kept."""
    query = select(proposed.c.kind, proposed.c.act, func.count()).where(proposed.c.run == number)
    if applied:
        query = query.where(proposed.c.outcome == "applied")
    found: dict[Kind, dict[Act, int]] = {}
    for kind, act, number_of in await session.execute(query.group_by(proposed.c.kind, proposed.c.act)):
        found.setdefault(Kind(kind), {})[Act(act)] = number_of
    return found


_NEXT = text("""
SELECT kind, key, act, reference, base, fingerprint, CAST(content AS text) FROM proposed
WHERE run = :run AND kind = :kind AND key > :after AND outcome IS NULL ORDER BY key LIMIT :limit
""")


async def next_to_apply(session: AsyncSession, number: int, kind: Kind, after: str, limit: int) -> list[Proposal]:
    """The next proposals of a kind that wait, by key."""
    return [
        Proposal(Act(row[2]), Fact(Kind(row[0]), row[1], orjson.loads(row[6])), row[4])
        for row in await session.execute(_NEXT, {"run": number, "kind": kind, "after": after, "limit": limit})
    ]


async def settle(session: AsyncSession, number: int, kind: Kind, outcomes: Mapping[str, str]) -> None:
    """Note what became of proposals, by key: applied or stale. What is new and applied is kept with the fact itself."""
    for outcome in set(outcomes.values()):
        keys = [key for key, found in outcomes.items() if found == outcome]
        mine = (proposed.c.run == number) & (proposed.c.kind == kind) & one_of(proposed.c.key, keys)
        if outcome == "applied":
            await session.execute(delete(proposed).where(mine, proposed.c.act == Act.NEW))
        await session.execute(update(proposed).where(mine).values(outcome=outcome))


async def shown(session: AsyncSession, number: int, limit: int | None) -> list[Row[Any]]:
    """What a run changes or would change, ended things first, then changed, then new."""
    order = func.array_position(text("ARRAY['ended', 'changed', 'new']"), proposed.c.act)
    query = select(proposed).where(proposed.c.run == number).order_by(order, proposed.c.kind.desc(), proposed.c.key)
    return list(await session.execute(query.limit(limit)))


async def stale(session: AsyncSession, number: int) -> dict[Act, int]:
    """How many of a run's proposals are stale, by what they would have done."""
    query = select(proposed.c.act, func.count()).where(proposed.c.run == number, proposed.c.outcome == "stale")
    return {Act(act): number_of for act, number_of in await session.execute(query.group_by(proposed.c.act))}


def keys_by_kind(facts: Iterable[Fact]) -> dict[Kind, list[str]]:
    """Keys of facts by kind."""
    found: dict[Kind, list[str]] = {}
    for fact in facts:
        found.setdefault(fact.kind, []).append(fact.key)
    return found
