"""Start, watch and end one child process whose output goes to a log file."""

import os
import queue
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from engines.errors import EngineError, NotReadyError
from engines.observe import children, memory, start_time

POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Child:
    """A process named by its id and its start time, so that a reused id is not mistaken for it."""

    pid: int
    started: str

    def alive(self) -> bool:
        """Whether this very process still runs (one that has ended but was not yet waited for does not)."""
        alive = bool(self.started) and start_time(self.pid) == self.started
        if not alive and (process := _started_here.get(self.pid)) is not None:
            process.poll()
        return alive

    def send(self, number: signal.Signals) -> None:
        """Send a signal, unless the process is gone."""
        if self.alive():
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def end(self, polite: signal.Signals, patience: float = 20.0) -> None:
        """Ask it to stop, wait up to `patience` seconds, then kill it. Returns when it is gone."""
        self.send(polite)
        if not self.wait(patience):
            self.kill()

    def kill(self) -> None:
        """End it and its own children at once (SIGKILL) and wait until all are gone."""
        family = [self, *(Child(pid, start_time(pid) or "") for pid in (children(self.pid) if self.alive() else ()))]
        for member in family:
            member.send(signal.SIGKILL)
        for member in family:
            member.wait(5.0)

    def wait(self, seconds: float) -> bool:
        """Wait for the end; False when it still runs after that many seconds."""
        deadline = time.monotonic() + seconds
        while self.alive():
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_SECONDS)
        # A process of many threads looks ended a moment before it can be waited for.
        if (process := _started_here.get(self.pid)) is not None:
            with suppress(subprocess.TimeoutExpired):
                process.wait(5.0)
        return True

    def memory(self) -> int:
        """Resident memory in megabytes, 0 when it is gone."""
        return memory(self.pid) if self.alive() else 0


def launch(
    argv: Sequence[str],
    *,
    log: Path,
    env: Mapping[str, str],
    user: str | None = None,
    death_signal: signal.Signals | None = None,
) -> Child:
    """Start the command in its own session. With `death_signal` it gets that signal when this process dies.

    That needs `setpriv` (util-linux); elsewhere only an orderly end of this process takes the child along.
    Raises EngineError when the command cannot be executed.
    """
    if death_signal is not None and (setpriv := shutil.which("setpriv")):
        argv = [setpriv, "--pdeathsig", death_signal.name.removeprefix("SIG"), "--", *argv]

    def spawn() -> subprocess.Popen[bytes]:
        with log.open("ab") as output:
            return subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **env},
                cwd=log.parent if user is None else "/",
                user=user,
                start_new_session=True,
            )

    try:
        process = _on_lasting_thread(spawn)
    except OSError as error:
        raise EngineError(f"{argv[0]} cannot be started: {error}") from None
    _started_here[process.pid] = process
    return Child(process.pid, start_time(process.pid) or "")


def await_ready(
    name: str, child: Child, ready: Callable[[], None], *, patience: float, log: Path, begin: int = 0
) -> None:
    """Wait until `ready` returns. Raises EngineError when the process ends first or `patience` seconds have passed."""
    deadline = time.monotonic() + patience
    while True:
        alive = child.alive()
        try:
            ready()
            return
        except NotReadyError as reason:
            lines = f"the last lines of {log}:\n{tail(log, 20, begin)}"
            if not alive:
                # Of many threads, it looks ended a moment before its exit code can be had.
                child.wait(0)
                raise EngineError(f"{name} {_ending(child.pid)}; {lines}") from None
            if time.monotonic() > deadline:
                raise EngineError(f"{name} is not ready after {patience:.0f} s ({reason}); {lines}") from None
        time.sleep(POLL_SECONDS)


def tail(log: Path, lines: int, begin: int = 0) -> str:
    """The last lines of a log file, of those behind byte `begin`; empty when there is no such file."""
    try:
        with log.open("rb") as source:
            size = source.seek(0, os.SEEK_END)
            source.seek(max(begin, size - 400 * lines - 4000))
            text = source.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


Spawn = Callable[[], subprocess.Popen[bytes]]
_started_here: dict[int, subprocess.Popen[bytes]] = {}
_work: queue.SimpleQueue[tuple[Spawn, Future[subprocess.Popen[bytes]]]] = queue.SimpleQueue()
_threads: list[threading.Thread] = []
_starting = threading.Lock()


def _on_lasting_thread(spawn: Spawn) -> subprocess.Popen[bytes]:
    """Run `spawn` on a thread that lives as long as this process: the death signal follows the starting thread."""
    with _starting:
        if not any(thread.is_alive() for thread in _threads):
            _threads[:] = [threading.Thread(target=_serve, name="engine-starter", daemon=True)]
            _threads[0].start()
    future: Future[subprocess.Popen[bytes]] = Future()
    _work.put((spawn, future))
    return future.result()


def _serve() -> None:
    while True:
        spawn, future = _work.get()
        try:
            future.set_result(spawn())
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            future.set_exception(error)


def _ending(pid: int) -> str:
    process = _started_here.get(pid)
    code = None if process is None else process.poll()
    if code is None:
        return "ended"
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"
