"""Idempotency-Key: the same POST sent twice is done once, and answered the same."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import orjson
from fastapi import Header
from sqlalchemy import Column, DateTime, Integer, MetaData, Table, Text, func, select
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession

from kit.http import Problem

IdempotencyKey = Annotated[str | None, Header(min_length=1, max_length=200)]
"""The header, where the caller sends one."""


def table(tables: MetaData) -> Table:
    """The table of keys seen, for a service's own metadata. Rows older than a day may be deleted."""
    return Table(
        "idempotency",
        tables,
        Column("caller", Text, primary_key=True),
        Column("key", Text, primary_key=True),
        Column("request", Text, nullable=False, comment="digest of the request"),
        Column("status", Integer),
        Column("answer", JSONB),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    )


_TABLE = table(MetaData())


async def once(
    session: AsyncSession, key: str | None, caller: str, request: bytes, work: Callable[[], Awaitable[dict[str, Any]]]
) -> tuple[dict[str, Any], bool]:
    """Do the work unless this caller has sent the key before; (answer, whether it is a repeat).

    Key and effect commit together, a concurrent twin waits for that. Problem 422 when the key had another request.
    """
    if key is None:
        return await work(), False
    # Whatever callers make their keys of, a personal number even, is not kept.
    key = hashlib.sha256(key.encode()).hexdigest()
    digest = hashlib.sha256(request).hexdigest()
    claim = insert(_TABLE).values(caller=caller, key=key, request=digest).on_conflict_do_nothing()
    where = (_TABLE.c.caller == caller) & (_TABLE.c.key == key)
    if (await session.execute(claim.returning(_TABLE.c.key))).first() is None:
        earlier = (await session.execute(select(_TABLE).where(where))).one()
        if earlier.request != digest:
            raise Problem(422, "this Idempotency-Key has been used for another request: choose a new key")
        return dict(earlier.answer), True
    answer: dict[str, Any] = orjson.loads(orjson.dumps(await work()))
    await session.execute(_TABLE.update().where(where).values(status=201, answer=answer))
    return answer, False
