"""`python -m faults.relay`: kit's relay as a process of its own, on POSTGRES_URL and KAFKA_BOOTSTRAP.

With `--die-before-delete FILE` it kills itself with SIGKILL once FILE exists, at the next moment at which records are
acknowledged and their rows not yet deleted.
"""

import argparse
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg

from kit import database, logging
from kit.outbox import Relay
from upkeep import process


def main() -> None:
    """Relay until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m faults.relay")
    parser.add_argument("--die-before-delete", type=Path)
    armed: Path | None = parser.parse_args().die_before_delete
    logging.configure("relay")
    if armed is not None:
        die_before_delete(armed.exists)

    async def relay() -> None:
        engine = database.connect(os.environ["POSTGRES_URL"], pool_size=2)
        try:
            await Relay(engine, os.environ["KAFKA_BOOTSTRAP"]).run()
        finally:
            await engine.dispose()

    process.run(relay)


def die_before_delete(armed: Callable[[], bool]) -> None:
    """Make the driver itself die when it is asked to delete sent rows: the relay needs no hook for it."""
    for name in ("execute", "fetch"):
        _dying(name, getattr(asyncpg.Connection, name), armed)


def _dying(name: str, original: Callable[..., Any], armed: Callable[[], bool]) -> None:
    async def asked(connection: Any, query: str, *arguments: Any, **more: Any) -> Any:
        if "DELETE FROM outbox" in query and arguments and arguments[0] and armed():
            os.kill(os.getpid(), signal.SIGKILL)
        return await original(connection, query, *arguments, **more)

    setattr(asyncpg.Connection, name, asked)


if __name__ == "__main__":
    main()
