"""Takes every trace of one agreement's content out of this database, and looks for what may be left."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, Text, bindparam, cast, delete, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from agreements.domain.agreement import Agreement
from agreements.store.tables import draft, history, notice, submission, tables
from agreements.store.tables import submission_verdict as verdict

_outbox: Table = tables.tables["outbox"]
_idempotency: Table = tables.tables["idempotency"]

_COLUMNS = text("""
SELECT table_name, column_name, udt_name FROM information_schema.columns JOIN information_schema.tables
  USING (table_schema, table_name)
WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' ORDER BY table_name, ordinal_position
""")

# Where the id itself may stand for ever: it says that there was an agreement, and nothing of it.
_MAY_HOLD_THE_ID = frozenset(
    {
        ("agreement", "id"),
        ("agreement", "number"),
        ("agreement_history", "agreement_id"),
        ("agreement_listed", "agreement_id"),
        ("agreement_listed", "number"),
        ("agreement_listed", "words"),
        ("refusal", "agreement_id"),
    }
)


@dataclass(frozen=True)
class Trace:
    """A place that still holds something."""

    table: str
    column: str
    rows: int


async def forget(session: AsyncSession, one: Agreement) -> None:
    """Delete all that other rows than its own hold of an agreement: history, notices, answers, what waits.

    Its row is locked. An answer is known by the id in it; of a verdict its row and what became of it stay.
    """
    await session.execute(delete(history).where(history.c.agreement_id == one.id))
    await session.execute(delete(notice).where(notice.c.agreement_id == one.id))
    of_region = select(submission.c.id).where(submission.c.region == one.region)
    told = (verdict.c.number == one.number) & verdict.c.submission_id.in_(of_region)
    emptied: dict[str, Any] = {"number": None, "agreement_id": None, "findings": []}
    await session.execute(update(verdict).where((verdict.c.agreement_id == one.id) | told).values(emptied))
    answers = cast(_idempotency.c.answer, Text).contains(one.id, autoescape=True)
    await session.execute(delete(_idempotency).where(answers))
    await session.execute(delete(_outbox).where(_outbox.c.aggregateid == one.id))


async def versions(session: AsyncSession, agreement_id: str) -> list[Mapping[str, Any]]:
    """Everything an agreement has said, version by version."""
    return list(await session.scalars(select(history.c.body).where(history.c.agreement_id == agreement_id)))


async def drafts(session: AsyncSession, region: str) -> list[tuple[str, Mapping[str, Any], str | None]]:
    """A region's drafts: id, content, and the agreement each began as a copy of."""
    query = select(draft.c.id, draft.c.content, draft.c.copied_from).where(draft.c.region == region)
    return [(row.id, row.content, row.copied_from) for row in await session.execute(query)]


async def forget_drafts(session: AsyncSession, ids: Collection[str]) -> None:
    """Delete drafts."""
    await session.execute(delete(draft).where(draft.c.id.in_(ids)))


async def traces(session: AsyncSession, needle: str, *, is_id: bool) -> list[Trace]:
    """Every table and column of this database whose text, JSON or bytes hold the needle.

    With `is_id`, without the columns where an id may stand.
    """
    found = []
    for table, column, kind in (await session.execute(_COLUMNS)).all():
        if is_id and (table, column) in _MAY_HOLD_THE_ID:
            continue
        # Names come from the database's own catalogue, the needle is bound.
        held = (
            f"position(convert_to(:needle, 'UTF8') IN \"{column}\") > 0"
            if kind == "bytea"
            else f'position(:needle IN "{column}"::text) > 0'
        )
        query = text(f'SELECT count(*) FROM "{table}" WHERE {held}').bindparams(bindparam("needle", needle))
        if rows := await session.scalar(query):
            found.append(Trace(table, column, rows))
    return found


async def lines_kept(session: AsyncSession, agreement_id: str) -> list[tuple[str, bool]]:
    """The history that is left of an agreement: (action, whether it holds content)."""
    query = select(history.c.action, cast(history.c.body, Text) != "{}")
    rows = await session.execute(query.where(history.c.agreement_id == agreement_id).order_by(history.c.seq))
    return [(action, bool(holds)) for action, holds in rows]


async def waiting_to_be_sent(session: AsyncSession, agreement_id: str) -> int:
    """Announcements of the agreement that the relay has not sent yet."""
    query = select(func.count()).select_from(_outbox).where(_outbox.c.aggregateid == agreement_id)
    return await session.scalar(query) or 0
