"""What regions upload: how far each submission has come, the upload itself until then, and the verdicts."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from agreements.store.tables import column_mapping, submission, submission_upload, submission_verdict
from kit.database import upsert_newer

# Advisory locks are per database; the outbox has a number of its own.
_WORKING = 71_006


async def insert(session: AsyncSession, values: Mapping[str, Any], pieces: Sequence[bytes]) -> None:
    """Keep a new submission and its upload, in pieces so that nobody has to hold it twice."""
    await session.execute(submission.insert().values(**values))
    for place, piece in enumerate(pieces):
        row = {"submission_id": values["id"], "place": place, "content": piece}
        await session.execute(submission_upload.insert(), row)


async def get(session: AsyncSession, submission_id: str) -> Row[Any] | None:
    """One submission, or None."""
    return (await session.execute(select(submission).where(submission.c.id == submission_id))).first()


async def of_region(session: AsyncSession, region: str, limit: int, offset: int) -> tuple[list[Row[Any]], int]:
    """A region's submissions, newest first: one page and the total."""
    query = select(submission).where(submission.c.region == region)
    total = await session.scalar(select(func.count()).select_from(submission).where(submission.c.region == region))
    ordered = query.order_by(submission.c.received_at.desc(), submission.c.id)
    return list(await session.execute(ordered.limit(limit).offset(offset))), total or 0


async def verdicts(
    session: AsyncSession, submission_id: str, wanted: Collection[str], limit: int, offset: int
) -> tuple[list[Row[Any]], int]:
    """A submission's verdicts of some kinds in the order of the file: one page and the total."""
    of = submission_verdict.c
    where = (of.submission_id == submission_id) & of.verdict.in_(wanted)
    total = await session.scalar(select(func.count()).select_from(submission_verdict).where(where))
    query = select(submission_verdict).where(where).order_by(of.place)
    return list(await session.execute(query.limit(limit).offset(offset))), total or 0


async def waiting(session: AsyncSession) -> list[Row[Any]]:
    """The id and time of those that are not worked off, oldest first."""
    of = submission.c
    query = select(of.id, of.received_at).where(of.finished_at.is_(None)).order_by(of.received_at)
    return list(await session.execute(query.limit(1000)))


async def claim(connection: AsyncConnection, submission_id: str) -> bool:
    """Have a submission for this connection alone, until it gives it back or is gone: another worker then goes on."""
    asked = {"kind": _WORKING, "id": submission_id}
    return bool(await connection.scalar(text("SELECT pg_try_advisory_lock(:kind, hashtext(:id))"), asked))


async def upload(session: AsyncSession, submission_id: str) -> AsyncIterator[bytes]:
    """The upload, piece by piece."""
    query = select(submission_upload.c.content).where(submission_upload.c.submission_id == submission_id)
    result = await session.stream_scalars(query.order_by(submission_upload.c.place).execution_options(yield_per=1))
    async for piece in result:
        yield piece


async def begin(session: AsyncSession, submission_id: str, values: Mapping[str, Any]) -> None:
    """Note what was found when it was opened."""
    of = submission.c
    await session.execute(submission.update().where(of.id == submission_id, of.finished_at.is_(None)).values(values))


async def go_on(
    session: AsyncSession,
    submission_id: str,
    done: int,
    rows: Sequence[Mapping[str, Any]],
    counts: Mapping[str, int],
) -> bool:
    """Append verdicts from the place `done`, with the counts of them all; False where somebody else has come further.

    In the transaction of what they tell of.
    """
    of = submission.c
    moved = await session.execute(
        submission.update()
        .where(of.id == submission_id, of.agreements_done == done, of.finished_at.is_(None))
        .values(
            agreements_done=done + len(rows),
            rows_done=of.rows_done + sum(len(row["rows"]) for row in rows),
            counts=counts,
        )
        .returning(of.id)
    )
    if moved.first() is None:
        return False
    numbered = [{"submission_id": submission_id, "place": done + place, **row} for place, row in enumerate(rows)]
    await session.execute(submission_verdict.insert(), numbered)
    return True


async def forget_name(session: AsyncSession, submission_id: str) -> None:
    """Forget what the file was called."""
    await session.execute(submission.update().where(submission.c.id == submission_id).values(name=None))


async def finish(session: AsyncSession, submission_id: str, values: Mapping[str, Any]) -> None:
    """Note how it ended, and delete the upload."""
    await session.execute(submission.update().where(submission.c.id == submission_id).values(values))
    await session.execute(delete(submission_upload).where(submission_upload.c.submission_id == submission_id))


async def forget_before(session: AsyncSession, day: datetime) -> int:
    """Delete the submissions that were finished before a moment, verdicts and all; how many."""
    old = select(submission.c.id).where(submission.c.finished_at < day)
    await session.execute(delete(submission_verdict).where(submission_verdict.c.submission_id.in_(old)))
    gone = await session.execute(delete(submission).where(submission.c.finished_at < day).returning(submission.c.id))
    return len(gone.all())


async def mapping_of(session: AsyncSession, region: str) -> Row[Any] | None:
    """How a region writes its spreadsheets, or None."""
    return (await session.execute(select(column_mapping).where(column_mapping.c.region == region))).first()


async def keep_mapping(session: AsyncSession, row: Mapping[str, Any]) -> bool:
    """Keep a region's mapping at a higher version; False where there is one as high already."""
    return bool(await upsert_newer(session, column_mapping, [row]))
