"""Waiting for what happens soon: a check is tried again until it holds, never after a fixed sleep."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar, overload

T = TypeVar("T")

_PAUSE_SECONDS = 0.05


@overload
async def eventually(check: Callable[[], Awaitable[T]], within: float = ...) -> T: ...
@overload
async def eventually(check: Callable[[], T], within: float = ...) -> T: ...
async def eventually(check: Callable[[], T | Awaitable[T]], within: float = 10.0) -> T:
    """The first true result of the check. AssertionError after `within` seconds, with the last result or failure.

    A check that raises AssertionError or OSError counts as not yet true.
    """
    until = time.monotonic() + within
    while True:
        seen: object
        try:
            result = check()
            found: T = await result if inspect.isawaitable(result) else result
            if found:
                return found
            seen = found
        except (AssertionError, OSError) as error:
            seen = error
        if time.monotonic() > until:
            raise AssertionError(f"not within {within:g} s; last seen: {seen!r}")
        await asyncio.sleep(_PAUSE_SECONDS)
