"""Processes of the laboratory: started, killed by signal, waited for, and ended with it."""

import os
import signal
import sys
from asyncio import to_thread
from collections.abc import Mapping
from pathlib import Path

from engines.process import Child, launch, tail

_TESTS = Path(__file__).parents[1]


class Processes:
    """Running processes by name, each with a log below `home`. They end with the process that made them."""

    def __init__(self, home: Path, environment: Mapping[str, str]) -> None:
        self._home = home
        path = os.pathsep.join(filter(None, [str(_TESTS), os.environ.get("PYTHONPATH")]))
        self._environment = {**environment, "PYTHONPATH": path}
        self._running: dict[str, Child] = {}

    def start(self, name: str, module: str, *arguments: str, **environment: str) -> None:
        """`python -m MODULE ARGUMENTS`, under a name that no running process has."""
        assert name not in self._running or not self._running[name].alive(), f"{name} is still running"
        self._running[name] = launch(
            [sys.executable, "-m", module, *arguments],
            log=self.log(name),
            env={**self._environment, **environment},
            death_signal=signal.SIGKILL,
        )

    def log(self, name: str) -> Path:
        """Where a process writes to."""
        return self._home / f"{name}.log"

    def said(self, name: str) -> str:
        """The last lines of its log."""
        return tail(self.log(name), 30)

    def alive(self, name: str) -> bool:
        """Whether it runs."""
        return self._running[name].alive()

    def send(self, name: str, number: signal.Signals) -> None:
        """Send a signal."""
        self._running[name].send(number)

    async def ended(self, name: str, within: float = 30.0) -> None:
        """Wait until it has ended by itself."""
        done = await to_thread(self._running[name].wait, within)
        assert done, f"{name} has not ended in {within:.0f} s: {self.said(name)}"

    async def stop(self, *names: str) -> None:
        """End them politely, all of them when none is named; what does not end is killed."""
        chosen = [self._running[name] for name in names or self._running]
        for child in chosen:
            child.send(signal.SIGCONT)
            child.send(signal.SIGTERM)
        for child in chosen:
            await to_thread(child.end, signal.SIGTERM)
