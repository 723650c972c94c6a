"""What every engine has to tell so that one piece of code can start, watch and stop all of them."""

import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """How one engine is run in one prepared directory.

    `ready` raises `NotReadyError` until the engine serves, and `EngineError` when waiting longer is of no use.
    `patience` is the longest accepted start in seconds. `user` is the account to run as (None: the present one).
    `outside` is a data directory that had to be placed outside the engine's own one.
    """

    argv: Sequence[str]
    address: str
    ready: Callable[[], None]
    env: Mapping[str, str] = field(default_factory=dict)
    stop_signal: signal.Signals = signal.SIGTERM
    patience: float = 60.0
    user: str | None = None
    outside: Path | None = None


class Recipe(Protocol):
    """One engine's module: kafka, opensearch, postgres or oidc."""

    @property
    def PORTS(self) -> Sequence[range]:  # noqa: N802 - a module constant
        """The ranges its ports are taken from; the first is the one its clients use."""

    def missing(self) -> str | None:
        """What this machine lacks to run the engine as a process and how to get it; None when nothing is missing."""

    def plan(self, directory: Path, ports: Sequence[int], *, durable: bool, say: Say) -> Plan:
        """Prepare `directory` (idempotent: data from an earlier run is kept) and tell how to run the engine there."""
