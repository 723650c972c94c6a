"""The door adds nothing and takes nothing away: what a caller sends is what a service gets, and the other way round."""

import gzip
import io
import time
from collections.abc import AsyncIterator

import pytest

from engines import eventually
from gateway.api import POLICY, router
from gateway.domain import BASE

pytestmark = pytest.mark.engine

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
async def test_method_path_query_headers_and_body_arrive_as_they_were_sent(door, agreements, token, method):
    body = b"" if method in {"GET", "DELETE"} else '{"a": "å\u2028"}'.encode()
    headers = {
        "If-Match": '"17"',
        "Idempotency-Key": "k-1",
        "traceparent": TRACE,
        "Accept": "text/csv",
        "Content-Type": "application/json; charset=utf-8",
        "X-Own": "kept",
    }
    path = "/agreements/1/submit?q=gr%C3%A5%20starr&q=2&tom=&plus=a+b"
    answer = await door.call(method, BASE + path, headers=headers.items(), data=body or None)
    assert answer.status_code == 200
    (seen,) = agreements.seen
    assert (seen["method"], seen["body"]) == (method, body)
    assert f"{seen['raw_path']}?{seen['query']}" == path
    for name, value in headers.items():
        assert agreements.header(name.lower()) == value
    assert agreements.header("authorization") == f"Bearer {token}"


SEGMENTS = (
    "SE2321000016-A1%7Cvt%7C123",
    "%C3%A5%C3%A4%C3%B6",
    "a%2Fb",
    "a%20b%25c",
    "a%3Fb%23c",
    "%2e%2e",
    "a+b;c=d@e",
    "a|b",
    "%7c",
)


async def test_an_id_with_signs_of_its_own_arrives_unchanged(door, search):
    for segment in SEGMENTS:
        for path in (f"/offers/{segment}", f"/offers/{segment}/more"):
            assert (await door.call("GET", BASE + path)).status_code == 200
            assert search.seen[-1]["raw_path"] == path


async def test_status_headers_and_body_of_the_answer_come_back_unchanged(door, search):
    search.headers = [
        (b"content-type", b"application/problem+json"),
        (b"etag", b'"7"'),
        (b"www-authenticate", b"Bearer"),
        (b"set-cookie", b"a=1"),
        (b"set-cookie", b"b=2"),
        (b"x-name", "å".encode("latin-1")),
    ]
    search.body = b'{"detail": "\xc3\xa5"}'
    for status in (200, 201, 202, 400, 404, 409, 412, 422, 428, 500, 503):
        search.status = status
        answer = await door.call("GET", f"{BASE}/offers")
        assert (answer.status_code, answer.content) == (status, search.body)
        for name, value in search.headers:
            assert (name, value) in [(key.lower(), inner) for key, inner in answer.headers.raw]
        assert answer.headers["content-length"] == str(len(search.body))


async def test_a_compressed_answer_stays_as_it_is(door, search):
    search.headers = [(b"content-type", b"application/json"), (b"content-encoding", b"gzip")]
    search.body = gzip.compress(b'{"a": 1}')
    answer = await door.call("GET", f"{BASE}/offers", headers=[("Accept-Encoding", "gzip")])
    assert (answer.headers["content-encoding"], answer.content) == ("gzip", b'{"a": 1}'), "httpx reads it"


@pytest.mark.parametrize("status", [204, 304])
async def test_an_answer_without_a_body_stays_without(door, search, status):
    search.status, search.headers, search.body = status, [(b"etag", b'"7"')], b""
    answer = await door.call("GET", f"{BASE}/offers")
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (status, b"", '"7"')


async def test_the_callers_own_headers_are_all_there_are(door, search):
    await door.call("GET", f"{BASE}/offers", headers=[("User-Agent", "region"), ("Accept", "*/*")])
    names = {name for name, _ in search.seen[-1]["headers"]}
    assert names <= {"host", "authorization", "user-agent", "accept", "accept-encoding", "traceparent"}


async def test_headers_of_one_connection_are_not_passed_on(door, search):
    one_hop = {"Connection": "keep-alive, X-Hop", "X-Hop": "1", "TE": "trailers", "Keep-Alive": "timeout=9"}
    one_hop |= {"Proxy-Authorization": "Basic YTpi", "Upgrade": "h2c"}
    search.headers = [(b"connection", b"x-hop"), (b"x-hop", b"1"), (b"keep-alive", b"timeout=9"), (b"x-kept", b"1")]
    answer = await door.call("GET", f"{BASE}/offers", headers=one_hop.items())
    sent = {name for name, _ in search.seen[-1]["headers"]}
    assert not sent & {name.lower() for name in one_hop}
    assert "x-hop" not in answer.headers
    assert answer.headers["x-kept"] == "1"


async def test_a_call_without_a_trace_gets_one(door, search):
    await door.call("GET", f"{BASE}/offers")
    assert len((search.header("traceparent") or "").split("-")) == 4


async def test_a_location_leads_back_through_the_door(door, agreements):
    inside = door.upstream["agreements"]
    for location, seen in (
        ("/agreements/7", f"{BASE}/agreements/7"),
        (f"{inside}/agreements/7", f"{BASE}/agreements/7"),
        ("https://avtal.example/7", "https://avtal.example/7"),
    ):
        agreements.status, agreements.headers = 307, [(b"location", location.encode())]
        answer = await door.call("POST", f"{BASE}/agreements/", data=b"{}")
        assert (answer.status_code, answer.headers["location"]) == (307, seen)


async def test_a_service_sees_nobody_without_a_valid_token(door, search, token):
    head, body, signature = token.split(".")
    for headers in (
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer nonsense"},
        {"Authorization": "Basic YTpi"},
        {"Authorization": f"Bearer {head}.{body}.{signature[:-6]}AAAAAA"},
        {"Authorization": f"Bearer {head}.{body}."},
    ):
        answer = await door.bare(f"{BASE}/offers", headers)
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.json()["detail"]
    assert search.seen == []


async def test_an_expired_token_is_refused_as_such(door, search, monkeypatch):
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 2 * 3600)
    answer = await door.call("GET", f"{BASE}/offers")
    assert (answer.status_code, answer.json()["detail"]) == (401, "the token has expired")
    assert search.seen == []


async def test_an_address_that_leads_nowhere_is_told_so(door, search, agreements):
    for path in ("/nothing", "/", "/offersx", "/livez", "/%2Foffers", "/../offers"):
        answer = await door.call("GET", BASE + path)
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
    assert search.seen + agreements.seen == []


async def test_a_service_that_is_away_is_a_503_and_the_others_go_on(door, serve):
    await serve.stop(door.upstream["search"])
    answer = await door.call("GET", f"{BASE}/offers")
    assert (answer.status_code, answer.json()["detail"]) == (503, "search cannot be reached; try again shortly")
    assert int(answer.headers["retry-after"]) > 0
    assert (await door.call("GET", f"{BASE}/agreements")).status_code == 200
    ready = await door.bare("/readyz", {})
    assert (ready.status_code, ready.json()["checks"]["services"]) == (503, "search cannot be reached")
    assert (await door.bare("/livez", {})).status_code == 200


async def test_a_service_that_does_not_answer_in_time_is_a_504(door, search):
    search.wait.clear()
    answer = await door.call("GET", f"{BASE}/offers")
    assert (answer.status_code, answer.json()["detail"]) == (504, "search did not answer in time")
    assert int(answer.headers["retry-after"]) > 0
    search.wait.set()
    assert (await door.call("GET", f"{BASE}/offers")).status_code == 200


async def test_a_post_is_never_sent_twice_by_the_door_itself(door, search):
    search.wait.clear()
    await door.call("POST", f"{BASE}/offers/search", data=b"{}")
    search.wait.set()
    assert len(search.seen) == 1


async def test_a_body_beyond_the_limit_stops_at_the_door(door, agreements):
    answer = await door.call("POST", f"{BASE}/agreements", data=io.BytesIO(b"x" * (1024 * 1024 + 1)))
    assert answer.status_code == 413
    assert agreements.seen == []


async def test_it_is_ready_when_every_service_is(door, search, agreements):
    search.status = 503
    ready = await door.bare("/readyz", {})
    assert (ready.status_code, ready.json()["checks"]["services"]) == (503, "search is not ready")
    search.status = 200
    await eventually(lambda: _is_ready(door))


async def _is_ready(door) -> bool:
    return (await door.bare("/readyz", {})).json()["ready"]


async def test_the_query_is_not_in_the_log(door, capsys, caplog):
    caplog.set_level(10, logger="kit")
    await door.call("GET", f"{BASE}/offers?q=hemligt")
    said = capsys.readouterr().out + caplog.text
    assert "request" in said
    assert "hemligt" not in said


async def test_anybody_may_ask_what_this_is(door, search, agreements, catalog_sync):
    info = await door.bare(f"{BASE}/api-info", {})
    assert info.json()["api_documentation"] == f"{BASE}/openapi.json"
    schema = {"type": "object", "properties": {"x": {"type": "string"}}}
    for upstream, path in ((search, "/offers"), (agreements, "/agreements"), (catalog_sync, "/codes")):
        upstream.documents["/openapi.json"] = {
            "paths": {path: {"get": {"summary": upstream.name}}, "/internal": {"get": {}}},
            "components": {"schemas": {"Problem": schema}},
        }
    document = (await door.bare(f"{BASE}/openapi.json", {})).json()
    assert list(document["paths"]) == ["/agreements", "/codes", "/offers"]
    assert document["servers"] == [{"url": BASE}]
    assert list(document["components"]["schemas"]) == ["Problem"]


async def test_the_document_of_all_is_not_given_in_part(door, serve, agreements, catalog_sync):
    for upstream in (agreements, catalog_sync):
        upstream.documents["/openapi.json"] = {"paths": {}}
    await serve.stop(door.upstream["search"])
    answer = await door.bare(f"{BASE}/openapi.json", {})
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")


def test_every_call_is_in_the_policy_and_nothing_else():
    assert set(POLICY) == {f"{method} {route.path}" for route in router.routes for method in route.methods}


async def test_an_upload_goes_on_as_it_comes_and_is_not_limited_here(door, agreements):
    """The gateway holds none of it: the service has the first piece before the second is sent."""

    async def upload() -> AsyncIterator[bytes]:
        agreements.begun.clear()
        yield b"first"
        await agreements.begun.wait()
        for _ in range(20):
            yield b"x" * (1024 * 1024)

    answer = await door.call("POST", f"{BASE}/agreement-submissions?name=a.csv", data=upload())
    assert answer.status_code == 200
    assert agreements.seen[-1]["body"] == b"first" + b"x" * (20 * 1024 * 1024)
    answer = await door.call("POST", f"{BASE}/agreements", data=io.BytesIO(b"x" * (1024 * 1024 + 1)))
    assert answer.status_code == 413


async def test_an_upload_that_the_service_refuses_at_once_gets_the_services_answer(door, agreements):
    agreements.early = 413
    agreements.body = b'{"detail": "too large"}'
    answer = await door.call("POST", f"{BASE}/agreement-submissions", data=io.BytesIO(b"x" * (30 * 1024 * 1024)))
    assert (answer.status_code, answer.content) == (413, agreements.body)
