"""The note each engine's directory keeps about the process that serves it, so that a later command finds it again."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from engines.process import Child

NOTE = "state.json"


@dataclass(frozen=True)
class State:
    """One engine's process. `started` tells it from a later one with the same id; `outside` is data kept elsewhere."""

    pid: int
    started: str
    ports: tuple[int, ...]
    address: str
    log: str
    stop_signal: int
    durable: bool
    outside: str | None = None

    @property
    def child(self) -> Child:
        """The process, dead or alive."""
        return Child(self.pid, self.started)


def read(directory: Path) -> State | None:
    """The note in the engine's directory; None when there is none or it cannot be understood."""
    try:
        fields = json.loads((directory / NOTE).read_text())
        return State(**{**fields, "ports": tuple(fields["ports"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def write(directory: Path, state: State) -> None:
    """Replace the note in one step, together with a plain `pid` file."""
    fresh = directory / f"{NOTE}.new"
    fresh.write_text(json.dumps(asdict(state), indent=2) + "\n")
    fresh.replace(directory / NOTE)
    (directory / "pid").write_text(f"{state.pid}\n")
