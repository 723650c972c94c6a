"""kill -9 of the workers in the middle of pushes: everything acknowledged is found afterwards, and nothing twice.

KILL_PUSHES=1000 runs the long form.
"""

import asyncio
import os
from collections import Counter
from typing import Any

import httpx
import pytest

from demo import load
from demo.sweden import build
from engines import eventually

PUSHES = int(os.environ.get("KILL_PUSHES", "200"))

pytestmark = [pytest.mark.flow, pytest.mark.engine, pytest.mark.slow, pytest.mark.timeout(120 + PUSHES / 4)]


async def test_all_agreements_pushed_while_both_workers_are_killed_are_found_and_none_twice(
    system: Any, client: httpx.AsyncClient, navigator: dict[str, str], tokens: dict[str, str], unique: str
):
    queue = iter(load.new_agreements(build(), PUSHES, f"KILL {unique}"))
    pushed: list[str] = []

    async def push() -> None:
        for one in queue:
            pushed.append(await load.push(client, tokens, one))  # noqa: PERF401 the killers watch it grow

    async def kill(name: str, after: int) -> None:
        await eventually(lambda: len(pushed) >= after, within=60 + PUSHES / 10)
        before = system.pid(name)
        system.kill(name)
        await eventually(lambda: system.pid(name) != before, within=30)

    await asyncio.gather(
        *(push() for _ in range(8)),
        kill("agreements-worker", PUSHES // 4),
        kill("search-worker", PUSHES // 2),
        kill("agreements-worker", 3 * PUSHES // 4),
    )
    assert len(set(pushed)) == PUSHES

    async def found() -> Counter[str]:
        """How often each agreement is shown, over all hits."""
        answer = await client.get("/offers", params=load.WHERE_NEW_ONES_ARE_FOUND, headers=navigator)
        assert answer.json()["total"] <= 100
        return Counter(one["id"] for hit in answer.json()["items"] for one in hit["agreements"])

    async def all_found() -> bool:
        return set(pushed) <= set(await found())

    await eventually(all_found, within=60)
    assert {count for one, count in (await found()).items() if one in pushed} == {1}
