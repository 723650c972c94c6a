"""Proves that nothing is left of an agreement that became confidential: looks through every table and every index."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from search.index.engine import Index
from search.service.rebuild import Progress
from search.store import purges

_ALLOWED = frozenset({"agreement", "purged_agreement"})
"""One row each may name a purged agreement: so that older versions stay refused."""


@dataclass(frozen=True)
class Trace:
    """Something that is left. `what` says which of the texts looked for it is, never the text."""

    place: str
    what: str
    count: int


@dataclass
class Proof:
    """What was looked through for one agreement, and what was found."""

    agreement: str
    status: str | None
    """As the rows tell it; None when search was never told of the agreement, or its row is gone."""
    traces: list[Trace]
    rows: int = 0
    documents: int = 0
    tables: int = 0
    indexes: int = 0

    @property
    def holds(self) -> bool:
        """It was purged, and nothing is left."""
        return self.status == "purged" and not self.traces

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        looked = {name: getattr(self, name) for name in ("tables", "rows", "indexes", "documents")}
        found = [{"place": one.place, "what": one.what, "count": one.count} for one in self.traces]
        return {
            "agreement_id": self.agreement,
            "status": self.status,
            "purged": self.holds,
            "traces": found,
            "looked_through": looked,
        }

    def verdict(self) -> str:
        """In one line."""
        looked = (
            f"{self.rows} rows in {self.tables} tables and {self.documents} documents in {self.indexes} indexes"
            " looked through"
        )
        if self.status is None:
            return f"unknown: search has no row of this agreement, so nothing is proven; {looked}"
        if self.status != "purged":
            return f"not purged: the agreement is {self.status}; {looked}"
        return f"{'traces are left' if self.traces else 'nothing is left'}; {looked}"


async def prove(
    session: AsyncSession, searched: Iterable[Index], agreement: str, words: Sequence[str], progress: Progress
) -> Proof:
    """Look for the agreement's id, and for words that were in it, in every table and index. Raises EngineAway.

    `searched` are the offers' indexes and those of their history.
    """
    state = await purges.state(session, agreement)
    proof = Proof(agreement, state[0] if state is not None else None, [])
    if state == ("purged", False):
        proof.traces.append(Trace("table agreement", "content", 1))
    names = ["its id", *(f"word {number}" for number, _ in enumerate(words, 1))]
    wanted = [_in_json(text) for text in (agreement, *words)]
    await _tables(session, proof, names, wanted, progress)
    for index in searched:
        await _indexes(index, proof, names, wanted, progress)
    return proof


async def _tables(
    session: AsyncSession, proof: Proof, names: Sequence[str], wanted: Sequence[str], progress: Progress
) -> None:
    tables = await purges.tables(session)
    for done, table in enumerate(tables, 1):
        rows, counts = await purges.holding(session, table, wanted)
        proof.tables, proof.rows = proof.tables + 1, proof.rows + rows
        allowed = [1 if table in _ALLOWED else 0, *(0 for _ in names[1:])]
        for name, count, fine in zip(names, counts, allowed, strict=True):
            if count > fine:
                proof.traces.append(Trace(f"table {table}", name, count - fine))
        progress("tables", done, len(tables))


async def _indexes(index: Index, proof: Proof, names: Sequence[str], wanted: Sequence[str], progress: Progress) -> None:
    for name in sorted(await index.existing()):
        of, done = await index.count(name), 0
        found: dict[tuple[str, str], int] = {}
        async for offer, document in index.all(name):
            text, done = orjson.dumps(document).decode().lower(), done + 1
            for what, one in zip(names, wanted, strict=True):
                if one.lower() in text:
                    found[offer, what] = found.get((offer, what), 0) + text.count(one.lower())
            if done % 1000 == 0:
                progress(f"documents of {name}", done, max(done, of))
        progress(f"documents of {name}", done, done)
        proof.indexes, proof.documents = proof.indexes + 1, proof.documents + done
        proof.traces += [Trace(f"index {name}, document {offer}", what, n) for (offer, what), n in found.items()]


def _in_json(text: str) -> str:
    return orjson.dumps(text).decode()[1:-1]
