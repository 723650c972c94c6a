"""What every call of this application may ask for: the codes as they are now, and filters that must be known ones."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request

from catalog_sync.service.code_index import CodeIndex
from catalog_sync.service.following import Following
from kit.http import Problem, invalid


async def _codes(request: Request) -> CodeIndex:
    following: Following = request.app.state.following
    if following.index is None:
        raise Problem(503, "the codes have not been read yet; try again shortly", headers={"Retry-After": "2"})
    return following.index


Codes = Annotated[CodeIndex, Depends(_codes)]
"""The codes; 503 until they have been read."""


def known_filters(*names: str) -> Callable[[Request], Awaitable[None]]:
    """A filter that is unknown or given twice is refused: it must not be left out in silence."""

    async def check(request: Request) -> None:
        given = [name for name, _ in request.query_params.multi_items()]
        for name in given:
            if name not in names:
                raise invalid(name, f"is not a known filter: {', '.join(names)}", status=400)
            if given.count(name) > 1:
                raise invalid(name, "is given more than once", status=400)

    return check
