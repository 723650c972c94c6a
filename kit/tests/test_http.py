"""HTTP as every service speaks it: problems, limits, paging, conditional edits, the log line, the trace context."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any, Literal

import httpx
import pytest
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, field_validator

from engines import eventually
from kit import http, telemetry
from kit.http import ExpectedVersion, Paging, Problem, etag, invalid

LogLines = Callable[[], list[dict[str, Any]]]


class Cat(BaseModel):
    kind: Literal["cat"]


class Dog(BaseModel):
    kind: Literal["dog"]


class Thing(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    size: int
    tags: list[str] = []
    pet: Annotated[Cat | Dog, Field(discriminator="kind")] | None = None

    @field_validator("name")
    @classmethod
    def _plain(cls, name: str) -> str:
        if not name.isalpha():
            raise ValueError("Only letters are allowed")
        return name


_STREAMED: list[int] = []
"""The pieces that the application has got of a streamed body."""


def _application() -> FastAPI:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield

    async def open_to_all() -> None: ...

    app = http.application("test", lifespan=lifespan, authorise=open_to_all, body_limit=2048, streamed={"/stream"})

    @app.post("/things")
    async def post(thing: Thing) -> Thing:
        return thing

    @app.get("/things")
    async def find(page: Paging, size: int = 0) -> dict[str, int]:
        return {"offset": page.offset, "limit": page.limit, "page": page.page}

    @app.put("/things/{number}")
    async def put(number: int, version: ExpectedVersion) -> Response:
        return Response(str(version), headers={"ETag": etag(version + 1)})

    @app.post("/stream")
    async def stream(request: Request) -> Response:
        _STREAMED.clear()
        async for part in request.stream():
            _STREAMED.extend([len(part)] if part else [])
        return Response(str(sum(_STREAMED)))

    @app.get("/teapot")
    async def teapot() -> None:
        raise Problem(418, "no coffee here", headers={"Retry-After": "9"}, brand="Höganäs")

    @app.get("/field")
    async def field() -> None:
        raise invalid("services.0.unit", "does not exist")

    @app.get("/mistake")
    async def mistake() -> None:
        raise KeyError("Anna Andersson")

    @app.get("/half")
    async def half() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            yield b"first half"
            raise KeyError("Anna Andersson")

        return StreamingResponse(parts())

    @app.get("/trace")
    async def trace() -> str | None:
        return telemetry.traceparent()

    @app.post("/size")
    async def size(request: Request) -> int:
        return len(await request.body())

    return app


@pytest.fixture
async def call() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(_application(), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


def _problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["status"] == status
    assert {"type", "title", "detail", "instance"} <= body.keys()
    return body


async def test_a_problem_tells_status_words_place_and_its_own_members(call: httpx.AsyncClient) -> None:
    answer = await call.get("/teapot?q=1")
    body = _problem(answer, 418)
    assert (body["detail"], body["brand"]) == ("no coffee here", "Höganäs")
    assert re.fullmatch(r"urn:trace:[0-9a-f]{32}", body["instance"])
    assert answer.headers["retry-after"] == "9"
    body = _problem(await call.get("/field"), 422)
    assert body["errors"] == [{"field": "services.0.unit", "reason": "does not exist"}]
    assert body["detail"] == "services.0.unit: does not exist"


async def test_all_wrong_fields_of_a_body_are_told_at_once_and_no_value_is_repeated(call: httpx.AsyncClient) -> None:
    sent = {
        "name": "secret-1",
        "size": "secret-2",
        "tags": ["a", 7707],
        "more": "secret-3",
        "pet": {"kind": "secret-4"},
    }
    answer = await call.post("/things", json=sent)
    body = _problem(answer, 422)
    assert {row["field"]: row["reason"] for row in body["errors"]} == {
        "name": "only letters are allowed",
        "size": "must be a whole number",
        "tags.1": "must be a text",
        "more": "is not a known field",
        "pet": "must be one of 'cat', 'dog'",
    }
    assert "secret" not in answer.text
    assert "7707" not in answer.text
    assert body["detail"].endswith("; and 2 more")


async def test_a_body_that_is_no_json_or_missing_is_a_422(call: httpx.AsyncClient) -> None:
    headers = {"content-type": "application/json"}
    body = _problem(await call.post("/things", content=b'{"name": "secret', headers=headers), 422)
    assert body["errors"] == [{"field": "body", "reason": "is not JSON"}]
    body = _problem(await call.post("/things", content=b"{}", headers={"content-type": "text/plain"}), 422)
    assert body["errors"] == [{"field": "body", "reason": "is not a JSON object: send application/json"}]
    body = _problem(await call.post("/things"), 422)
    assert body["errors"] == [{"field": "body", "reason": "field required"}]
    _problem(await call.post("/things", content=b"\xff\xfe", headers=headers), 422)


async def test_a_wrong_query_or_path_is_a_400(call: httpx.AsyncClient) -> None:
    body = _problem(await call.get("/things?limit=abc&page=0&size=x"), 400)
    assert [row["field"] for row in body["errors"]] == ["limit", "page", "size"]
    body = _problem(await call.put("/things/abc", headers={"If-Match": '"1"'}), 400)
    assert body["errors"][0]["field"] == "number"


async def test_an_unknown_path_and_a_wrong_method_are_problems_too(call: httpx.AsyncClient) -> None:
    _problem(await call.get("/nothing"), 404)
    answer = await call.delete("/teapot")
    _problem(answer, 405)
    assert answer.headers["allow"] == "GET"


async def test_an_unexpected_exception_is_a_500_without_details_and_the_log_has_the_place(
    call: httpx.AsyncClient, log_lines: LogLines
) -> None:
    answer = await call.get("/mistake")
    assert _problem(answer, 500)["detail"] == "an internal error; it is logged"
    (line,) = [line for line in log_lines() if line["event"] == "request failed"]
    assert line["where"].startswith("KeyError < mistake ")
    assert "Anna" not in answer.text + str(log_lines())


async def test_the_log_line_of_a_request_holds_the_route_and_never_the_query(
    call: httpx.AsyncClient, log_lines: LogLines
) -> None:
    trace = f"00-{'a1' * 16}-{'b2' * 8}-01"
    await call.get("/things?size=1&q=secret", headers={"traceparent": trace})
    await call.get("/nothing/secret?q=secret")
    first, second = [line for line in log_lines() if line["event"] == "request"]
    assert (first["method"], first["route"], first["status"], first["trace"]) == ("GET", "/things", 200, "a1" * 16)
    assert (second["route"], second["status"]) == ("-", 404)
    assert first["ms"] >= 0
    assert "secret" not in str(log_lines())


async def test_paging_has_a_default_and_limits(call: httpx.AsyncClient) -> None:
    assert (await call.get("/things")).json() == {"offset": 0, "limit": 20, "page": 1}
    assert (await call.get("/things?limit=100&page=100")).json()["offset"] == 9900
    for query in ("limit=101", "limit=0", "page=0", "limit=100&page=101", f"page={10**30}"):
        _problem(await call.get(f"/things?{query}"), 400)


async def test_an_edit_needs_the_version_it_is_based_on(call: httpx.AsyncClient) -> None:
    assert _problem(await call.put("/things/1"), 428)["detail"].startswith("If-Match is required")
    for wrong in ("17", 'W/"17"', "*", '"a"', '"1", "2"', '""', f'"{2**63}"'):
        body = _problem(await call.put("/things/1", headers={"If-Match": wrong}), 400)
        assert body["errors"][0]["field"] == "If-Match"
    answer = await call.put("/things/1", headers={"If-Match": '"1770000000000000"'})
    assert (answer.text, answer.headers["etag"]) == ("1770000000000000", '"1770000000000001"')


async def test_a_trace_context_goes_through_and_a_malformed_one_is_replaced(call: httpx.AsyncClient) -> None:
    good = f"00-{'a1' * 16}-{'b2' * 8}-01"
    assert (await call.get("/trace", headers={"traceparent": good})).json() == good
    seen = set()
    for bad in ("", "rubbish", good.upper(), f"00-{'0' * 32}-{'b2' * 8}-01", f"00-{'a1' * 16}-{'0' * 16}-01"):
        seen.add((await call.get("/trace", headers={"traceparent": bad})).json())
        assert bad not in seen
    assert len(seen) == 5
    assert all(telemetry.follow(trace) == trace for trace in seen)


@pytest.fixture
async def served(unused_port: int) -> AsyncIterator[int]:
    """The application behind a real server, for what only exists on the wire."""
    server = uvicorn.Server(
        uvicorn.Config(_application(), port=unused_port, log_config=None, access_log=False, timeout_graceful_shutdown=1)
    )
    server.capture_signals = contextlib.nullcontext
    task = asyncio.create_task(server.serve())
    await eventually(lambda: server.started)
    yield unused_port
    server.should_exit = True
    await task


async def test_a_body_over_the_limit_is_refused_with_and_without_a_stated_length(served: int) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b"x" * 100

    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{served}") as client:
        for content in (b"x" * 4000, chunks()):
            body = _problem(await client.post("/size", content=content), 413)
            assert body["detail"] == "the body is larger than 2 KiB"
        assert (await client.post("/size", content=b"x" * 2048)).text == "2048"


async def test_a_body_that_is_streamed_reaches_the_application_piece_by_piece(served: int) -> None:
    first = asyncio.Event()

    async def chunks() -> AsyncIterator[bytes]:
        yield b"x" * 3000
        await first.wait()
        yield b"y" * 3000

    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{served}") as client:
        sending = asyncio.create_task(client.post("/stream", content=chunks()))
        await eventually(lambda: _STREAMED == [3000])
        first.set()
        assert (await sending).text == "6000"


async def test_a_caller_who_hangs_up_in_the_middle_of_the_body_has_asked_for_nothing(
    served: int, log_lines: LogLines
) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", served)
    writer.write(b"POST /size HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n" + b"x" * 500)
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{served}") as client:
        await client.post("/size", content=b"y")
    assert [line["event"] for line in log_lines() if line.get("route") == "/size"] == ["request"]


async def test_an_answer_that_fails_half_way_is_broken_off_and_its_data_not_logged(
    served: int, log_lines: LogLines
) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{served}") as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get("/half")
    assert any(line["event"] == "request failed" for line in log_lines())
    assert "Anna" not in str(log_lines())


def test_the_generated_description_shows_problems_in_the_house_shape() -> None:
    described = _application().openapi()
    schema = described["paths"]["/things"]["post"]["responses"]["4XX"]["content"]["application/problem+json"]["schema"]
    assert schema["required"] == ["type", "title", "status", "detail", "instance"]
    assert schema["properties"]["errors"]["items"]["required"] == ["field", "reason"]


async def test_the_client_has_a_deadline(unused_port: int) -> None:
    never = asyncio.Event()

    async def mute(_: Any, writer: asyncio.StreamWriter) -> None:
        await never.wait()
        writer.close()

    server = await asyncio.start_server(mute, "127.0.0.1", unused_port)
    async with http.client(f"http://127.0.0.1:{unused_port}", timeout=0.1) as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.get("/")
    never.set()
    server.close()
    await server.wait_closed()


async def test_neither_a_path_nor_a_name_of_the_callers_own_is_repeated(call: httpx.AsyncClient) -> None:
    for path in ("/19121212-1212", "/%31%39121212-1212", "/page/?19121212-1212=1", "/page?19121212-1212=1"):
        answer = await call.get(path)
        assert "1212" not in answer.text
        assert "1212" not in answer.headers.get("location", "")
