"""Below /fhir every refusal is an OperationOutcome, whoever refuses: the access rule, the router, the outer limits."""

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rules.operation_outcome import operation_outcome

_PROBLEM = b"application/problem+json"
_FHIR = b"application/fhir+json"


class InFhirsWords:
    """Turns problem+json below /fhir into an OperationOutcome on its way out."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/fhir"):
            await self._app(scope, receive, send)
            return
        begun: Message | None = None
        body = b""

        async def told(message: Message) -> None:
            nonlocal begun, body
            if message["type"] == "http.response.start" and _is_problem(message):
                begun = message
            elif begun is None:
                await send(message)
            else:
                body += message.get("body", b"")
                if not message.get("more_body", False):
                    outcome = orjson.dumps(operation_outcome(orjson.loads(body)))
                    kept = [(name, value) for name, value in begun["headers"] if name.lower() not in _REPLACED]
                    sized = (b"content-length", str(len(outcome)).encode())
                    await send({**begun, "headers": [*kept, (b"content-type", _FHIR), sized]})
                    await send({"type": "http.response.body", "body": outcome})

        await self._app(scope, receive, told)


_REPLACED = frozenset({b"content-type", b"content-length"})


def _is_problem(message: Message) -> bool:
    return any(name.lower() == b"content-type" and value.startswith(_PROBLEM) for name, value in message["headers"])
