"""Free ports on the loopback interface, claimed so that two sets started at the same moment do not choose the same."""

import fcntl
import os
import random
import socket
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engines.errors import EngineError

# Below the range systems use for outgoing connections: nobody else takes the port while an engine is being restarted.
GENERAL = range(20000, 32000)


@dataclass(frozen=True)
class Claim:
    """A port number held for this process until `release` or the end of the process."""

    port: int
    lock: int

    def release(self) -> None:
        """Let others have the port."""
        os.close(self.lock)


def answers(port: int) -> bool:
    """Whether something accepts connections on the port."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def is_local(address: str) -> bool:
    """Whether a URL names the loopback interface: no proxy of the environment may be asked about it then."""
    return address.startswith(("http://127.0.0.1:", "http://localhost:"))


def is_free(port: int) -> bool:
    """Whether a server could listen on the port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def claim(candidates: range, previous: int | None = None) -> Claim:
    """A free port of the range, the `previous` one if it can still be had. Raises EngineError when all are taken."""
    order = random.sample(candidates, len(candidates))
    if previous is not None and previous in candidates:
        order.insert(0, previous)
    for port in order:
        held = _hold(port)
        if held is not None:
            return held
    raise EngineError(f"no free port between {candidates.start} and {candidates.stop - 1}: stop another set of engines")


def claim_all(ranges: Sequence[range], previous: Sequence[int] = ()) -> list[Claim]:
    """One claimed port per range."""
    wanted: list[int | None] = [*previous, *[None] * len(ranges)]
    return [claim(candidates, before) for candidates, before in zip(ranges, wanted, strict=False)]


def _hold(port: int) -> Claim | None:
    folder = Path(tempfile.gettempdir()) / f"vardformedling-ports-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    lock = os.open(folder / str(port), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    if is_free(port):
        return Claim(port, lock)
    os.close(lock)
    return None
