"""Documents of offers: everything that is known about some of them is gathered, then put together one by one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from kit.logging import where
from search.domain.document import Sources, build
from search.store import sources
from search.store.offers import Dirty
from search.store.sources import Pair

log = structlog.get_logger(__name__)

Document = dict[str, Any]


@dataclass(frozen=True)
class _Gathered:
    """Rows that concern a batch of offers, by their own key or by the (unit, care service) they lead to."""

    units: dict[str, Any]
    lines: dict[Pair, list[Any]]
    offerings: dict[str, Any]
    agreements: dict[str, Any]
    waits: dict[Pair, list[Any]]
    codes: dict[str, Any]


async def of(session: AsyncSession, batch: Sequence[Dirty]) -> tuple[dict[str, Document | None], dict[str, str]]:
    """The offers' documents (None: nothing to show), and why some could not be built; both by offer id."""
    gathered = await _gather(session, batch)
    documents: dict[str, Document | None] = {}
    faults: dict[str, str] = {}
    for one in batch:
        try:
            documents[one.id] = build(_assemble(one, gathered))
        except (LookupError, TypeError, ValueError) as error:
            # A state that an older or newer release has stored: it must not stop the offers behind it.
            faults[one.id] = f"cannot be built: {type(error).__name__}: {error}"
            log.error("document not built", offer=one.id, where=where(error))
    return documents, faults


async def _gather(session: AsyncSession, batch: Sequence[Dirty]) -> _Gathered:
    pairs = [(one.unit, one.code_key) for one in batch]
    units = await sources.units(session, (unit for unit, _ in pairs))
    lines = await sources.about(session, pairs)
    waits = await sources.waits(session, units)
    wait_targets = await sources.targets(session, (row.code_key for row in waits))
    places = {key for unit in units.values() if (key := _municipality(unit)) is not None}
    return _Gathered(
        units=units,
        lines=_by_pair(((row.unit, row.target), row) for row in lines),
        offerings=await sources.offerings(session, (row.source for row in lines if row.kind == "offering")),
        agreements=await sources.agreements(session, (row.source for row in lines if row.kind == "agreement")),
        waits=_by_pair(((row.subject, key), row.content) for row in waits for key in wait_targets[row.code_key]),
        codes=await sources.codes(session, {*places, *(row.code_key for row in lines), *(key for _, key in pairs)}),
    )


def _by_pair(rows: Iterable[tuple[Pair, Any]]) -> dict[Pair, list[Any]]:
    found: dict[Pair, list[Any]] = {}
    for pair, row in rows:
        found.setdefault(pair, []).append(row)
    return found


def _assemble(one: Dirty, known: _Gathered) -> Sources:
    pair = (one.unit, one.code_key)
    lines = known.lines.get(pair, [])
    unit = known.units.get(one.unit)
    return Sources(
        unit=unit,
        code_key=one.code_key,
        code_text=_text(known, one.code_key),
        municipality=_text(known, _municipality(unit)) if unit is not None else None,
        offerings=[known.offerings[source] for source in _named(lines, "offering")],
        agreements=[known.agreements[source] for source in _named(lines, "agreement")],
        waits=known.waits.get(pair, []),
        codes={row.code_key: _text(known, row.code_key) for row in lines},
    )


def _named(lines: Sequence[Any], kind: str) -> list[str]:
    return sorted({row.source for row in lines if row.kind == kind})


def _municipality(unit: Any) -> str | None:
    code = unit["place"]["municipality"]
    return f"municipality|{code}" if code is not None else None


def _text(known: _Gathered, key: str | None) -> str | None:
    row = known.codes.get(key) if key is not None else None
    return row.text if row is not None else None
