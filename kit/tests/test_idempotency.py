"""Idempotency-Key: one effect and one answer, however often and however at once."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import Table, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from kit import database
from kit.database import Sessions
from kit.http import Problem
from kit.idempotency import once

pytestmark = pytest.mark.engine


@pytest.fixture
def sessions(engine: AsyncEngine) -> Sessions:
    return database.sessions(engine)


@pytest.fixture
def work(thing: Table) -> Callable[[AsyncSession], Callable[[], Awaitable[dict[str, Any]]]]:
    """Creates a thing with a new id each time, so that every effect shows."""

    def of(session: AsyncSession) -> Callable[[], Awaitable[dict[str, Any]]]:
        async def create() -> dict[str, Any]:
            made = await session.scalar(text("INSERT INTO thing SELECT 'n' || count(*), 1 FROM thing RETURNING id"))
            return {"id": made, "tags": ["å"]}

        return create

    return of


async def _count(sessions: Sessions, table: str = "thing") -> int:
    async with sessions() as session:
        return int(await session.scalar(text(f"SELECT count(*) FROM {table}")) or 0)


async def _call(sessions: Sessions, work: Any, key: str | None = "k", caller: str = "anna", body: bytes = b"{}") -> Any:
    async with sessions.begin() as session:
        return await once(session, key, caller, body, work(session))


async def test_the_same_key_twice_is_one_effect_and_the_same_answer(sessions: Sessions, work: Any) -> None:
    assert await _call(sessions, work) == ({"id": "n0", "tags": ["å"]}, False)
    assert await _call(sessions, work) == ({"id": "n0", "tags": ["å"]}, True)
    assert await _count(sessions) == 1


async def test_without_a_key_every_request_has_its_effect(sessions: Sessions, work: Any) -> None:
    assert (await _call(sessions, work, key=None))[0]["id"] == "n0"
    assert (await _call(sessions, work, key=None))[0]["id"] == "n1"
    assert await _count(sessions, "idempotency") == 0


async def test_a_key_belongs_to_its_caller(sessions: Sessions, work: Any) -> None:
    assert (await _call(sessions, work, caller="anna"))[1] is False
    assert (await _call(sessions, work, caller="bo"))[1] is False
    assert await _count(sessions) == 2


async def test_the_same_key_for_another_request_is_refused(sessions: Sessions, work: Any) -> None:
    await _call(sessions, work)
    with pytest.raises(Problem) as refused:
        await _call(sessions, work, body=b'{"other": 1}')
    assert refused.value.status == 422
    assert await _count(sessions) == 1


async def test_several_at_once_are_one_effect_and_all_get_its_answer(sessions: Sessions, work: Any) -> None:
    answers = await asyncio.gather(*(_call(sessions, work) for _ in range(8)))
    assert [answer for answer, _ in answers] == [{"id": "n0", "tags": ["å"]}] * 8
    assert sorted(repeat for _, repeat in answers) == [False] + [True] * 7
    assert await _count(sessions) == 1


async def test_work_that_failed_leaves_no_key_and_may_be_tried_again(sessions: Sessions, work: Any) -> None:
    def failing(session: AsyncSession) -> Callable[[], Awaitable[dict[str, Any]]]:
        async def fail() -> dict[str, Any]:
            await work(session)()
            raise Problem(409, "not now")

        return fail

    with pytest.raises(Problem, match="not now"):
        await _call(sessions, failing)
    assert (await _count(sessions), await _count(sessions, "idempotency")) == (0, 0)
    assert (await _call(sessions, work))[1] is False
