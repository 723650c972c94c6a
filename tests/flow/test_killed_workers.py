"""kill -9 of the workers in the middle of pushes: everything acknowledged is found afterwards, and nothing twice."""

import asyncio
from collections import Counter
from dataclasses import replace
from typing import Any

import httpx
import pytest

from demo import load
from demo.sweden import build
from engines import eventually

pytestmark = [pytest.mark.flow, pytest.mark.engine, pytest.mark.slow, pytest.mark.timeout(240)]

PUSHES = 200


async def test_all_agreements_pushed_while_both_workers_are_killed_are_found_and_none_twice(
    system: Any, client: httpx.AsyncClient, navigator: dict[str, str], tokens: dict[str, str], unique: str
):
    model = next(one for one in build().agreements if one.region == "14" and one.body["basis"] == "own_agreement")
    waiting = []
    for number in range(PUSHES):
        name = f"KILL {unique}-{number:04d}"
        service = {**model.body["services"][0], "care_services": [{"system": "kva", "code": "NGB49"}]}
        waiting.append(replace(model, number=name, body={**model.body, "number": name, "services": [service]}))
    queue = iter(waiting)
    pushed: list[str] = []

    async def push() -> None:
        for one in queue:
            pushed.append(await load.push(client, tokens, one))  # noqa: PERF401 the killers watch it grow

    async def kill(name: str, after: int) -> None:
        await eventually(lambda: len(pushed) >= after, within=120)
        before = system.pid(name)
        system.kill(name)
        await eventually(lambda: system.pid(name) != before, within=30)

    await asyncio.gather(
        *(push() for _ in range(8)),
        kill("agreements-worker", PUSHES // 4),
        kill("search-worker", PUSHES // 2),
    )
    assert len(set(pushed)) == PUSHES
    unit = model.body["services"][0]["units"][0]
    offer = f"{unit}|vt-demo|knaprotes-operation"

    async def found() -> Counter[str]:
        answer = await client.get(f"/offers/{offer}", headers=navigator)
        return Counter(one["id"] for one in answer.json().get("agreements", []))

    async def all_found() -> bool:
        return set(pushed) <= set(await found())

    await eventually(all_found, within=60)
    assert {count for one, count in (await found()).items() if one in pushed} == {1}
    hits = await client.get(
        "/offers", params={"care_service": "kva|NGB49", "limit": 100, "basis": "agreement"}, headers=navigator
    )
    assert [hit["id"] for hit in hits.json()["items"]].count(offer) == 1
