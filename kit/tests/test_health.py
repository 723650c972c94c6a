"""Health of a process: alive, ready, measured."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from kit import database, health, http


class Loop:
    def __init__(self, beat: float) -> None:
        self.beat = beat


async def _get(app: FastAPI, path: str) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        return await client.get(path)


async def _failing() -> str | None:
    raise RuntimeError("postgresql://anna:secret@db")


async def _slow() -> str | None:
    await asyncio.sleep(60)
    return None


async def test_a_process_is_ready_when_every_check_is_well() -> None:
    app = health.application(alive=health.always, ready={"one": health.always, "two": health.always})
    assert (await _get(app, "/livez")).status_code == 200
    answer = await _get(app, "/readyz")
    assert (answer.status_code, answer.json()) == (200, {"ready": True, "checks": {"one": "ok", "two": "ok"}})


async def test_one_bad_check_makes_it_unready_and_the_answer_tells_which_without_secrets() -> None:
    app = health.application(alive=health.always, ready={"good": health.always, "bad": _failing})
    answer = await _get(app, "/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"ready": False, "checks": {"good": "ok", "bad": "the check failed: RuntimeError"}}
    assert (await _get(app, "/livez")).status_code == 200


async def test_a_slow_check_counts_as_failed_within_three_seconds_and_checks_run_side_by_side() -> None:
    app = health.application(alive=health.always, ready={"one": _slow, "two": _slow})
    begun = time.monotonic()
    answer = await _get(app, "/readyz")
    assert time.monotonic() - begun < 4
    assert answer.status_code == 503
    assert answer.json()["checks"] == {"one": "no answer within 3 s", "two": "no answer within 3 s"}


async def test_a_loop_that_has_not_gone_round_for_a_minute_is_not_alive() -> None:
    now = time.monotonic()
    assert await health.beating(Loop(now), Loop(now - 30))() is None
    assert await health.beating(Loop(now), Loop(now - 61))() == "no sign of life from Loop"
    app = health.application(alive=health.beating(Loop(now - 61)), ready={})
    assert (await _get(app, "/livez")).status_code == 503


async def test_metrics_are_served_as_prometheus_reads_them() -> None:
    answer = await _get(health.application(alive=health.always, ready={}), "/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    assert "vf_outbox_rows" in answer.text


async def test_the_three_addresses_need_no_token_and_are_not_in_the_description() -> None:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield

    async def closed() -> None:
        raise http.Problem(401, "no")

    app = http.application("test", lifespan=lifespan, authorise=closed)
    health.add(app, alive=health.always, ready={})
    assert [(await _get(app, path)).status_code for path in ("/livez", "/readyz", "/metrics")] == [200, 200, 200]
    assert app.openapi()["paths"] == {}


@pytest.mark.engine
async def test_postgresql_is_well_while_it_answers(
    engine: AsyncEngine, silent_port: str, log_lines: Callable[[], list[dict[str, Any]]]
) -> None:
    away = database.connect(f"postgresql://postgres@{silent_port}/any")
    app = health.application(
        alive=health.always, ready={"here": health.database(engine), "away": health.database(away)}
    )
    checks = (await _get(app, "/readyz")).json()["checks"]
    assert checks == {"here": "ok", "away": "the check failed: ConnectionRefusedError"}
    await away.dispose()
