"""CPU seconds by group of processes, as the system counts them."""

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

Pids = Mapping[str, Sequence[int]]
"""Groups of processes by name, each as the ids of its first processes; their children count too, unless named here."""

_PROC = Path("/proc")
_TICK = os.sysconf("SC_CLK_TCK")
# Fields of /proc/PID/stat behind the name: parent, and the four times (own user and system, those of ended children).
_PARENT, _TIMES = 1, slice(11, 15)
# Of the first line of /proc/stat: user to steal, of which idle and waiting for the disk are no work.
_BUSY, _IDLE = slice(1, 9), slice(4, 6)
_TRIES = 5


@dataclass(frozen=True)
class Spent:
    """What a piece of work took: seconds by the clock, CPU seconds by group.

    `others` is the rest of the machine: strangers, and those who write and read for the measurement.
    """

    seconds: float
    cpu: dict[str, float]


class Meter:
    """Counts from when it is made until `stop`, in whichever process that is asked."""

    def __init__(self, pids: Pids) -> None:
        self._pids = pids
        self._before = _cpu(pids)
        self._begun = time.monotonic()

    def stop(self) -> Spent:
        """What was spent since the beginning."""
        seconds = time.monotonic() - self._begun
        now = _cpu(self._pids)
        return Spent(round(seconds, 3), {name: round(now[name] - self._before[name], 2) for name in now})


def _cpu(pids: Pids) -> dict[str, float]:
    # Seconds move from a child that ends to its parent: what was read while one ended counts it twice or not at all.
    for _ in range(_TRIES):
        groups, members = _groups(pids)
        if _groups(pids)[1] == members:
            break
    line = (_PROC / "stat").read_text().split("\n", 1)[0].split()
    busy = (sum(map(int, line[_BUSY])) - sum(map(int, line[_IDLE]))) / _TICK
    return {**groups, "others": busy - sum(groups.values())}


def _groups(pids: Pids) -> tuple[dict[str, float], set[int]]:
    """CPU seconds of each group so far, and the processes that are members of any."""
    families: dict[int, list[int]] = {}
    times: dict[int, int] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdigit() and (fields := _fields(entry)):
            families.setdefault(int(fields[_PARENT]), []).append(int(entry.name))
            times[int(entry.name)] = sum(map(int, fields[_TIMES]))
    named = {pid for roots in pids.values() for pid in roots}
    members: set[int] = set()

    def of(pid: int) -> int:
        members.add(pid)
        return times.get(pid, 0) + sum(of(child) for child in families.get(pid, ()) if child not in named)

    return {name: sum(map(of, roots)) / _TICK for name, roots in pids.items()}, members


def _fields(process: Path) -> list[str]:
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()
    except OSError:  # it has ended meanwhile
        return []
