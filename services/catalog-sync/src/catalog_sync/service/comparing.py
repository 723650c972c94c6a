"""From the mirror to proposals, batch by batch: each batch is interpreted with everything that it depends on."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from catalog_sync.domain.differences import Act
from catalog_sync.domain.reading import Fact, Guide, Kind, Reading, Rejected
from catalog_sync.service.proposing import BATCH, propose, propose_ends, same_as_another, twice, valid
from catalog_sync.store import facts as known_facts
from catalog_sync.store import mirror, proposals, rejections, runs
from catalog_sync.store.mirror import Stored
from catalog_sync.store.proposals import keys_by_kind
from kit.database import Sessions

_KINDS = (Kind.UNIT, Kind.OFFERING)
_LARGE = 4


async def compare(sessions: Sessions, guide: Guide, run: int, *, whole: bool) -> None:
    """Look at every row that this run is to look at."""
    done = 0
    for resource_type in guide.types:
        while await _compare_batch(sessions, guide, run, resource_type):
            done += 1
            # After 4, 8, 16, … batches: tables have grown by so much.
            if done >= _LARGE and done & (done - 1) == 0:
                async with sessions.begin() as session:
                    await mirror.refresh_statistics(session)
        # Whoever told of the same thing may have been looked at since, and tells of another one now.
        async with sessions.begin() as session:
            again = sum([await mirror.touch_rejected(session, run, guide.name, twice(kind)) for kind in _KINDS])
        while again and await _compare_batch(sessions, guide, run, resource_type):
            pass
    if not whole:
        return
    nameless = (await runs.as_it_is(sessions, run)).nameless
    async with sessions.begin() as session:
        await known_facts.lock_sync(session)
        for kind in _KINDS if not nameless else ():
            gone = await known_facts.untold(session, guide.name, run, kind)
            for begin in range(0, len(gone), BATCH):
                await propose_ends(session, run, kind, gone[begin : begin + BATCH], datetime.now(UTC))


async def _compare_batch(sessions: Sessions, guide: Guide, run: int, resource_type: str) -> bool:
    now = datetime.now(UTC)
    async with sessions.begin() as session:
        await known_facts.lock_sync(session)
        batch = await mirror.next_touched(session, run, resource_type, BATCH)
        if not batch:
            return False
        rows = await mirror.by_reference(session, guide.name, batch)
        there = [row for row in rows if not row.gone]
        described, beside = await _with_dependencies(session, guide, there)
        reading = _interpreted(guide, described)
        looked_at = {*batch, *beside}
        facts, bad = valid(fact for fact in reading.facts if fact.reference in looked_at)
        rejected = [row for row in [*reading.rejected, *bad] if row.resource in looked_at]
        facts, twins = await _first_to_tell(session, guide, run, facts)
        rejected += twins
        # Each row is counted in the batch that it was to be looked at in, not where another depends on it.
        left_out = Counter(str(rule) for resource, rule in reading.left_out if resource in looked_at)
        noted = Counter(one.words for one in reading.noted if one.resource in looked_at)
        await runs.count(session, run, left_out, noted)
        unread = {row.resource for row in rejected}
        await rejections.note(session, guide.name, run, rejected, now)
        await propose(session, run, facts, now)
        await _end_what_is_told_no_more(session, run, set(batch) - unread, facts, now)
        await mirror.looked_at(session, run, guide.name, sorted(looked_at))
    return True


async def _with_dependencies(
    session: AsyncSession, guide: Guide, batch: Sequence[Stored]
) -> tuple[dict[str, Stored], list[str]]:
    """The batch, everything it points to, and what describes it or its unit; the references of what describes it."""
    found = {row.reference: row for row in batch}

    async def follow(rows: Sequence[Stored]) -> None:
        while wanted := {to for row in rows for to in row.refers} - found.keys():
            rows = [row for row in await mirror.by_reference(session, guide.name, wanted) if not row.gone]
            found.update((row.reference, row) for row in rows)

    await follow(batch)
    if any(row.type in guide.beside for row in batch):
        return found, []
    own = {row.reference for row in batch}
    near = own | {to for row in batch for to in row.refers}
    describing = await mirror.pointing_to(session, guide.name, guide.beside, near)
    found.update((row.reference, row) for row in describing)
    await follow(describing)
    return found, [row.reference for row in describing if own & {*row.refers}]


def _interpreted(guide: Guide, rows: Mapping[str, Stored]) -> Reading:
    # In one order, whatever the batch: where two places describe one unit, it is always the same that is taken.
    ordered = [rows[reference] for reference in sorted(rows)]
    return guide.interpret(*[[row.content for row in ordered if row.type == name] for name in guide.types])


async def _first_to_tell(
    session: AsyncSession, guide: Guide, run: int, facts: Sequence[Fact]
) -> tuple[list[Fact], list[Rejected]]:
    """One row a thing: the one that already tells of it stays, unless it is gone, rejected or tells of another."""
    holders: dict[tuple[Kind, str], str] = {}
    for kind, keys in keys_by_kind(facts).items():
        claims = await proposals.claims(session, run, kind, keys)
        known = await known_facts.known(session, kind, keys)
        before = {key: row.reference for key, row in known.items() if not row.ended and key not in claims}
        able = {row.reference for row in await mirror.by_reference(session, guide.name, before.values())}
        able -= await rejections.among(session, guide.name, run, able)
        holders |= {(kind, key): reference for key, reference in before.items() if reference in able}
        holders |= {(kind, key): claim.reference for key, claim in claims.items() if claim.act is not Act.ENDED}
    good: dict[tuple[Kind, str], Fact] = {}
    twins: list[Rejected] = []
    for fact in facts:
        if holders.setdefault((fact.kind, fact.key), fact.reference) == fact.reference:
            good.setdefault((fact.kind, fact.key), fact)
        else:
            twins.append(same_as_another(fact))
    return list(good.values()), twins


async def _end_what_is_told_no_more(
    session: AsyncSession, run: int, references: set[str], facts: Sequence[Fact], now: datetime
) -> None:
    """What a row told of and tells of no more ends; what a row told that cannot be read stays as it was known."""
    told = {(fact.kind, fact.key) for fact in facts}
    left: dict[Kind, list[str]] = {}
    for kind, key, _ in await known_facts.told_by(session, _KINDS, references):
        if (kind, key) not in told:
            left.setdefault(kind, []).append(key)
    for kind, keys in left.items():
        # Another row may have taken it over earlier in this run.
        taken = await proposals.claims(session, run, kind, keys)
        await propose_ends(session, run, kind, [key for key in keys if key not in taken], now)
