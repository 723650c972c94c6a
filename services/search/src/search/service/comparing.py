"""A filled index is compared before searches are led to it: with the rows, and with the index that is searched now."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import orjson

from search.domain.document import offer_id
from search.index.engine import Index
from search.service import indexes
from search.service.following import documents
from search.store import followed, offers
from search.store.followed import Followed

_SAMPLE = 500
_NAMED = 5
# More than this share of what is shown, and more than these few, never disappear unasked: as rows are never removed.
_LARGEST_SHARE, _FEW = 0.5, 10

Step = Callable[[str, int, int], None]
Document = Mapping[str, Any]


@dataclass
class Comparison:
    """What a new index shows, beside the rows and beside the index that is searched now."""

    index: str
    before: str | None = None
    """The index that is searched now; None where there is none."""
    offers: int = 0
    """Rows: every offer there is or was."""
    shown: int = 0
    hidden: int = 0
    """Documents of offers that there are no more."""
    refused: int = 0
    """Documents the index would not take; the table refused_document says why."""
    shown_before: int = 0
    appear: int = 0
    disappear: int = 0
    gone: list[str] = field(default_factory=list)
    """Some of the offers that disappear."""
    looked_at: int = 0
    """Offers at random whose documents were compared with the rows and with the index that is searched now."""
    differ: int = 0
    """Of these, how many are not as the rows have them."""
    changed: int = 0
    """Of these, how many are not as they are shown now."""
    fields: dict[str, int] = field(default_factory=dict)
    """Which fields of them changed, and in how many documents."""
    wrong: str | None = None
    """Why the index does not agree with the rows; None when it does."""

    @property
    def documents(self) -> int:
        """How many documents the index holds."""
        return self.shown + self.hidden

    @property
    def loses(self) -> str | None:
        """What is said where more offers would disappear than may do so unasked."""
        if self.disappear <= max(_FEW, self.shown_before * _LARGEST_SHARE):
            return None
        return f"{self.disappear} of {self.shown_before} offers that {self.before} shows would disappear"

    def lines(self) -> list[str]:
        """For people."""
        counts = f"shows {self.shown} offers, hides {self.hidden}, refuses {self.refused}"
        told = [f"{self.index} {counts}; the rows hold {self.offers}"]
        if self.before is not None:
            fields = ", ".join(f"{name} {count}" for name, count in sorted(self.fields.items()))
            told.append(
                f"beside {self.before}: {self.appear} appear, {self.disappear} disappear;"
                f" of {self.looked_at} looked at, {self.changed} changed" + (f" ({fields})" if fields else "")
            )
        if self.gone:
            told.append(f"disappear: {', '.join(self.gone)}" + (", …" if self.disappear > len(self.gone) else ""))
        return told

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        names = ("index", "before", "offers", "shown", "hidden", "refused", "shown_before", "appear", "disappear")
        return {name: getattr(self, name) for name in (*names, "gone", "looked_at", "differ", "changed", "fields")}


async def compare(
    connection: asyncpg.Connection, index: Index, one: Followed, step: Step = lambda *_: None
) -> Comparison:
    """Look at a whole index that has caught up. Without the rest where it does not agree with the rows in number.

    Raises EngineAway.
    """
    made = Comparison(one.name, refused=await followed.refuses(connection, one.name))
    made.wrong = await indexes.complete(connection, index, one)
    if made.wrong is not None:
        return made
    made.offers = await offers.count(connection)
    made.shown = await index.count_shown(one.name)
    made.hidden = await index.count(one.name) - made.shown
    existing = await index.existing()
    made.before = next((name for name, other in existing.items() if other.searched and name != one.name), None)
    if made.before is not None:
        made.shown_before = await index.count_shown(made.before)
        await _disappearing(index, made, made.before, step)
    await _sample(connection, index, made, one)
    if made.differ:
        made.wrong = f"of a sample, {made.differ} documents differ from the rows"
    return made


async def _disappearing(index: Index, made: Comparison, before: str, step: Step) -> None:
    """Both indexes' offers side by side, in one order: those that only one of them shows."""
    looked_at = 0

    async def each(name: str) -> AsyncIterator[tuple[str, str]]:
        nonlocal looked_at
        async for page in index.shown(name):
            looked_at += len(page)
            step("offers compared", looked_at, max(looked_at, made.shown + made.shown_before))
            for offer in page:
                yield offer

    now, then = each(made.index), each(before)
    new, old = await anext(now, None), await anext(then, None)
    while new is not None or old is not None:
        if old is None or (new is not None and new < old):
            made.appear += 1
            new = await anext(now, None)
        elif new is None or old < new:
            made.disappear += 1
            if len(made.gone) < _NAMED:
                made.gone.append(offer_id(*old))
            old = await anext(then, None)
        else:
            new, old = await anext(now, None), await anext(then, None)


async def _sample(connection: asyncpg.Connection, index: Index, made: Comparison, one: Followed) -> None:
    """Some documents against the rows, and against those shown now. Those refused or changed since do not count."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        batch = await offers.sample(connection, one.cursor, _SAMPLE)
        built, _ = await documents(connection, batch)
        refused = await followed.refused(connection, one.name)
    ids = {row: offer_id(row.unit, row.code_key) for row in built}
    held = await index.read(one.name, list(ids.values()))
    shown = await index.read(made.before, list(ids.values())) if made.before is not None else {}
    fields: Counter[str] = Counter()
    for row, document in built.items():
        revision, found = held.get(ids[row], (0, None))
        if revision > row.revision or (row.unit, row.code_key) in refused:
            continue
        made.looked_at += 1
        wanted = {"deleted": True} if document is None else orjson.loads(orjson.dumps(document))
        made.differ += (revision, found) != (row.revision, wanted)
        if ids[row] in shown:
            differing = _differing(wanted, shown[ids[row]][1])
            made.changed += bool(differing)
            fields.update(differing)
    made.fields = dict(fields)


def _differing(new: Document, old: Document) -> list[str]:
    return [name for name in {*new, *old} if new.get(name) != old.get(name)]
