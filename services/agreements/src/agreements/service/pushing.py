"""Agreements that regions push on their own topics: taken, with a receipt for every record in the same transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

import intake
from agreements.domain.agreement import Actor, Way
from agreements.service import checking
from agreements.service.checking import Found
from agreements.service.intake import Sent, Verdict, take
from agreements.service.sent_form import repeatable
from contracts import AgreementAnswered, encode
from contracts.agreements import SUBMITTED, Answer, Reason
from kit import outbox, telemetry
from kit.database import is_transient, next_version
from kit.logging import where
from rules.roles import Role

log = structlog.get_logger(__name__)

_CHUNK = 200
_LONGEST_REFERENCE = 300
# Some thousand reasons would not fit in one record, and nobody reads them.
_MOST_REASONS = 100
_OURS = Found("", "could not be judged for a fault of ours, which is logged: send it again later")


class CatalogueAway(OSError):
    """The copy of the catalogue is not complete: like an engine that is away, it is waited for."""


@dataclass(frozen=True, slots=True)
class Pushed:
    """One record of a region's topic."""

    value: bytes
    """Read when its turn comes: some thousand of them, read all at once, take hundreds of megabytes."""
    key: str | None
    """The record's own, where it may be repeated: the region's reference."""
    partition: int
    offset: int
    sent_at: datetime | None
    """By the record itself: one that is given out again keeps its old time."""

    @property
    def reference(self) -> str:
        return self.key or f"{self.partition}/{self.offset}"


def reference_of(key: bytes | None) -> str | None:
    """The record key as a reference; None for none, and for what must not be repeated."""
    try:
        return repeatable(key.decode(), _LONGEST_REFERENCE) if key is not None else None
    except UnicodeDecodeError:
        return None


async def answer(session: AsyncSession, region: str, records: Sequence[Pushed]) -> None:
    """Take a region's records in order and put one receipt for each in the outbox. Repeated, all are `unchanged`.

    Nothing of a record is kept but what was taken: none is ever parked or logged. Raises CatalogueAway.
    """
    for begin in range(0, len(records), _CHUNK):
        part = records[begin : begin + _CHUNK]
        verdicts = await _judged(session, region, part)
        now = datetime.now(UTC)
        receipts = [_receipt(region, one, verdict, now) for one, verdict in zip(part, verdicts, strict=True)]
        trace = telemetry.traceparent()
        await outbox.add(session, [encode(receipt, at=now, traceparent=trace) for receipt in receipts])


async def _judged(session: AsyncSession, region: str, records: Sequence[Pushed]) -> list[Verdict]:
    """The verdicts; where a fault of ours meets one record, that one alone goes without."""
    try:
        async with session.begin_nested():
            return await _take(session, region, records)
    except checking.NotReady:
        raise CatalogueAway("the copy of the catalogue is not complete yet") from None
    except Exception as error:  # whatever a record provokes, the others get their answers
        if is_transient(error):
            raise
        if len(records) == 1:
            log.error("pushed agreement not judged", region=region, offset=records[0].offset, where=where(error))
            return [Verdict(Answer.REJECTED, found=(_OURS,))]
    middle = len(records) // 2
    return await _judged(session, region, records[:middle]) + await _judged(session, region, records[middle:])


async def _take(session: AsyncSession, region: str, records: Sequence[Pushed]) -> list[Verdict]:
    now = datetime.now(UTC)
    # The broker's ACLs say that it was the region's own system.
    actor = Actor(SUBMITTED.of_region(region), frozenset({Role.REGION_SYSTEM}), region)
    sent = [_sent(one, now) for one in records]
    return await take(session, Way.KAFKA, region, actor, sent, sent_at=now)


def _sent(one: Pushed, now: datetime) -> Sent:
    read = intake.item(one.value)
    if read.confidential:
        return Sent({"confidential": True, "number": read.marked_number})
    found = [Found(finding.field, finding.reason) for finding in read.findings]
    return Sent(read.content, found, one.sent_at or now)


def _receipt(region: str, one: Pushed, verdict: Verdict, now: datetime) -> AgreementAnswered:
    found = verdict.found[:_MOST_REASONS]
    reasons = [Reason(field=row.field, reason=row.reason, suggestion=checking.suggested(row)) for row in found]
    if len(verdict.found) > len(found):
        more = f"and {len(verdict.found) - len(found)} more"
        reasons.append(Reason(field="", reason=more, suggestion=None))
    return AgreementAnswered(
        version=next_version(None),
        reference=one.reference,
        region=region,
        answer=verdict.answer,
        agreement_id=verdict.agreement_id,
        revision=verdict.revision,
        reasons=tuple(reasons),
        submitted_partition=one.partition,
        submitted_offset=one.offset,
        answered_at=now,
    )
