"""Health of a process: /livez (the loop is alive), /readyz (what is needed to serve is there), /metrics."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

import orjson
from fastapi import FastAPI, Request
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

Check = Callable[[], Awaitable[str | None]]
"""None when all is well, else what is wrong, in words."""

_CHECK_SECONDS = 3.0
# Longer than any pause a loop takes on purpose.
_LONGEST_SILENCE_SECONDS = 60.0


class Beating(Protocol):
    """A loop that notes when it last went round."""

    beat: float


def add(app: FastAPI, *, alive: Check, ready: Mapping[str, Check]) -> None:
    """Serve the three addresses on an application, without a token and outside its OpenAPI."""

    # Plain routes: the application's access rule and OpenAPI are for its own calls.
    async def livez(_: Request) -> Response:
        wrong = await _within(alive)
        return Response(wrong or "ok", 503 if wrong else 200, media_type="text/plain")

    async def readyz(_: Request) -> Response:
        found = await asyncio.gather(*map(_within, ready.values()))
        wrong = any(reason is not None for reason in found)
        body = {"ready": not wrong, "checks": {name: reason or "ok" for name, reason in zip(ready, found, strict=True)}}
        return Response(orjson.dumps(body), 503 if wrong else 200, media_type="application/json")

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    for path, endpoint in {"/livez": livez, "/readyz": readyz, "/metrics": metrics}.items():
        app.router.add_route(path, endpoint, methods=["GET"], include_in_schema=False)


async def _within(check: Check) -> str | None:
    try:
        return await asyncio.wait_for(check(), _CHECK_SECONDS)
    except TimeoutError:
        return f"no answer within {_CHECK_SECONDS:.0f} s"
    except Exception as error:  # a check that fails is an answer too; its message may hold an address or data
        return f"the check failed: {type(error).__name__}"


def application(*, alive: Check, ready: Mapping[str, Check]) -> FastAPI:
    """An application that serves nothing else, for a worker process."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    add(app, alive=alive, ready=ready)
    return app


async def always() -> str | None:
    """A check for what is well as long as it can answer."""
    return None


def database(engine: AsyncEngine) -> Check:
    """PostgreSQL answers."""

    async def check() -> str | None:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
        return None

    return check


def beating(*loops: Beating) -> Check:
    """Each loop has gone round lately. A loop that waits for an engine still goes round: only a stuck one does not."""

    async def check() -> str | None:
        silent = [type(loop).__name__ for loop in loops if time.monotonic() - loop.beat > _LONGEST_SILENCE_SECONDS]
        return f"no sign of life from {', '.join(silent)}" if silent else None

    return check
