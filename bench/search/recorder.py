"""Which requests to the engine search makes for each question: the ceiling sends the very same ones."""

from collections.abc import Sequence
from typing import Any

import httpx
from fastapi import FastAPI, Request, Response

from bench.plumbing.failed import BenchError
from bench.search import world
from bench.search.clients import Call
from bench.search.world import ALIAS, World
from bench.serving import served


async def recorded(living: World, questions: Sequence[dict[str, Any]]) -> list[Call]:
    """For each question what the real api sends to the engine until it has the answer."""
    ground = living.ground
    seen: list[dict[str, Any]] = []
    calls: list[Call] = []
    async with (
        httpx.AsyncClient(base_url=ground.opensearch, timeout=60, trust_env=False) as engine,
        served(_passing(engine, seen)) as between,
        world.api(ground, living.database, ALIAS, OPENSEARCH_URL=between) as ours,
        httpx.AsyncClient(timeout=60, trust_env=False) as http,
    ):
        for question, (call,) in zip(questions, living.asked(questions, port=ours.port), strict=True):
            seen.clear()
            answer = await http.post(call["url"], content=call["body"], headers=call["headers"])
            if not answer.is_success or not seen:
                raise BenchError(f"{question} was answered with {answer.status_code}: {answer.text[:300]}")
            calls.append([{**one, "url": f"{ground.opensearch}{one['url']}"} for one in seen])
    return calls


def _passing(engine: httpx.AsyncClient, seen: list[dict[str, Any]]) -> FastAPI:
    app = FastAPI()

    @app.api_route("/{path:path}", methods=["GET", "POST"])
    async def forward(path: str, request: Request) -> Response:
        body = await request.body()
        target = f"/{path}?{request.url.query}"
        headers = {"content-type": request.headers.get("content-type", "application/json")}
        seen.append({"url": target, "headers": headers, "body": body.decode()})
        answer = await engine.request(request.method, target, content=body, headers=headers)
        return Response(answer.content, answer.status_code, media_type=answer.headers["content-type"])

    return app
