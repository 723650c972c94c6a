"""Serves a synthetic catalogue: `python -m bench.catalogue.server UNITS PORT`. Pages are joined from encoded rows.

It does as little as it can, so that the reader is measured and not the server.
"""

import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

import uvicorn

from bench.catalogue.synthetic import Synthetic, made

Send = Callable[[Mapping[str, Any]], Awaitable[None]]


def app(catalogue: Synthetic) -> Callable[..., Awaitable[None]]:
    """The catalogue as an ASGI application; `POST /rename?count=100` changes it."""
    pages: dict[tuple[str, str], bytes] = {}

    async def serve(scope: Mapping[str, Any], _: Any, send: Send) -> None:
        query = {name: values[0] for name, values in parse_qs(scope["query_string"].decode()).items()}
        path = scope["path"].rstrip("/")
        if path == "/rename":
            pages.clear()
            catalogue.rename(int(query["count"]))
            await _answer(send, 200, b"{}")
            return
        if path == "/fhir/metadata":
            await _answer(send, 200, b'{"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1"}')
            return
        kind, _, identity = path.removeprefix("/fhir/").partition("/")
        if kind not in catalogue.encoded or (identity and identity not in catalogue.encoded[kind]):
            await _answer(send, 404, b"{}")
        elif identity:
            await _answer(send, 200, catalogue.encoded[kind][identity])
        else:
            asked = (kind, scope["query_string"].decode())
            if asked not in pages:
                pages[asked] = _page(catalogue, kind, query, f"http://127.0.0.1:{scope['server'][1]}/fhir")
            await _answer(send, 200, pages[asked])

    return serve


def _page(catalogue: Synthetic, kind: str, query: Mapping[str, str], base: str) -> bytes:
    count, offset = int(query.get("_count", "200")), int(query.get("_offset", "0"))
    since = query.get("_lastUpdated")
    ids = catalogue.ids(kind, since.removeprefix("ge") if since is not None else None)
    shown = ids[offset : offset + count]
    more = f"&_lastUpdated={since}" if since is not None else ""
    following = f"{base}/{kind}?_count={count}&_offset={offset + count}{more}"
    link = f'[{{"relation":"next","url":"{following}"}}]' if len(ids) > offset + count else "[]"
    entries = b",".join(
        b'{"resource":%b,"search":{"mode":"match"}}' % catalogue.encoded[kind][identity] for identity in shown
    )
    head = f'{{"resourceType":"Bundle","type":"searchset","total":{len(ids)},"link":{link},"entry":['
    return head.encode() + entries + b"]}"


async def _answer(send: Send, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"application/fhir+json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


if __name__ == "__main__":
    uvicorn.run(app(made(int(sys.argv[1]))), port=int(sys.argv[2]), log_config=None, access_log=False, lifespan="off")
