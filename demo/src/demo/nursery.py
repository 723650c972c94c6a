"""Starts service processes by forking one preloaded parent: imports are paid for once, memory is shared.

The nursery is itself forked before this process has any threads; it is told what to start over a pipe, and when the
pipe closes it stops all its children. Each child is an ordinary process of its service, to be killed like one.
"""

import importlib
import json
import os
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn, TextIO

_PRELOADED = ("catalog_sync.main", "agreements.main", "search.main", "gateway.main", "alembic.command", "opensearchpy")


@dataclass(frozen=True)
class Child:
    """One process to start: `module.main()` with these arguments and this environment, printing into a log file."""

    name: str
    module: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    log: str


class Nursery:
    """The parent's end. Make it first of all, before any thread or event loop."""

    def __init__(self) -> None:
        down_read, down_write = os.pipe()
        up_read, up_write = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(down_write)
            os.close(up_read)
            _run(os.fdopen(down_read), os.fdopen(up_write, "w", buffering=1))
        os.close(down_read)
        os.close(up_write)
        self._commands = os.fdopen(down_write, "w", buffering=1)
        self._reports = os.fdopen(up_read)
        self._changed = threading.Condition()
        self.running: dict[str, int] = {}
        """Process ids by name."""
        self.ended: dict[str, int] = {}
        """Exit codes of those that have ended, by name; negative for a signal."""
        threading.Thread(target=self._listen, daemon=True).start()

    def start(self, child: Child) -> None:
        """Start a process; a second one of the same name only after the first has ended."""
        with self._changed:
            self.ended.pop(child.name, None)
        self._commands.write(json.dumps(asdict(child)) + "\n")
        with self._changed:
            self._changed.wait_for(lambda: child.name in self.running or child.name in self.ended, timeout=30)

    def wait(self, name: str, within: float) -> int | None:
        """The exit code of a process that ends by itself; None when it has not ended in so many seconds."""
        with self._changed:
            self._changed.wait_for(lambda: name in self.ended, timeout=within)
            return self.ended.get(name)

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """Send a signal to one process."""
        os.kill(self.running[name], number)

    def close(self) -> None:
        """Stop all processes, and wait for them."""
        for pid in list(self.running.values()):
            os.kill(pid, signal.SIGTERM)
        with self._changed:
            self._changed.wait_for(lambda: not self.running, timeout=25)
        self._commands.close()

    def _listen(self) -> None:
        for line in self._reports:
            report = json.loads(line)
            with self._changed:
                if "pid" in report:
                    self.running[report["name"]] = report["pid"]
                else:
                    self.running.pop(report["name"], None)
                    self.ended[report["name"]] = report["exit"]
                self._changed.notify_all()


def _run(commands: TextIO, reports: TextIO) -> NoReturn:
    """The nursery itself: fork what is asked for, report what ends."""
    # Ctrl-C at a terminal reaches the whole group: the parent decides when we stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for module in _PRELOADED:
        importlib.import_module(module)
    names: dict[int, str] = {}

    def reap(*_: object) -> None:
        while names:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            _report(reports, name=names.pop(pid), exit=os.waitstatus_to_exitcode(status))

    signal.signal(signal.SIGCHLD, reap)
    for line in commands:
        child = Child(**json.loads(line))
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        pid = os.fork()
        if pid == 0:
            commands.close()
            reports.close()
            _become(child)
        names[pid] = child.name
        _report(reports, name=child.name, pid=pid)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
    for pid in list(names):
        os.kill(pid, signal.SIGTERM)
    os._exit(0)


def _report(reports: TextIO, **what: Any) -> None:
    try:
        reports.write(json.dumps(what) + "\n")
    except BrokenPipeError:
        os._exit(0)


def _become(child: Child) -> NoReturn:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
    log = os.open(Path(child.log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for stream in (1, 2):
        os.dup2(log, stream)
    os.environ.update(child.environment)
    sys.argv = [child.module, *child.arguments]
    code = 0
    try:
        importlib.import_module(child.module).main()
    except SystemExit as asked:
        if isinstance(asked.code, str):
            sys.stderr.write(asked.code + "\n")
        code = asked.code if isinstance(asked.code, int) else int(asked.code is not None)
    except BaseException:  # a child must never go on as a copy of its parent
        sys.excepthook(*sys.exc_info())
        code = 1
    sys.stdout.flush()
    os._exit(code)
