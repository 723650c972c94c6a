"""Starts service processes by forking one preloaded parent: imports are paid for once, memory is shared.

The nursery is itself forked before this process has any threads; it is told what to start over a pipe, and when the
pipe closes, because we close it or because we died, it stops all its children. Each child is an ordinary process of
its service, to be killed like one.
"""

import importlib
import json
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn, TextIO

_PRELOADED = ("catalog_sync.main", "agreements.main", "search.main", "gateway.main", "alembic.command", "opensearchpy")
_START_SECONDS = 60
_GRACE_SECONDS = 25
# They reach a whole group, as Ctrl-C does, and so the nursery too; but its parent decides when it stops.
_NOT_OURS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class Child:
    """One process to start: `module.main()` with these arguments and this environment, printing into a log file."""

    name: str
    module: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    log: str


class NotStarted(RuntimeError):
    """A process was not started; the message says why."""


class Nursery:
    """The parent's end. Make it first of all, before any thread or event loop."""

    def __init__(self, preload: Sequence[str] = _PRELOADED, grace: float = _GRACE_SECONDS) -> None:
        """`preload` names the modules all children share; `grace` is how many seconds they have to end by themselves
        when they are told to."""
        down_read, down_write = os.pipe()
        up_read, up_write = os.pipe()
        _flush()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _NOT_OURS)
        self._pid = os.fork()
        if self._pid == 0:
            os.close(down_write)
            os.close(up_read)
            _live(down_read, os.fdopen(up_write, "w", buffering=1), preload, grace)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(down_read)
        os.close(up_write)
        self._commands = os.fdopen(down_write, "w", buffering=1)
        self._reports = os.fdopen(up_read)
        self._changed = threading.Condition()
        self._gone = False
        self.running: dict[str, int] = {}
        """Process ids by name."""
        self.ended: dict[str, int] = {}
        """Exit codes of those that have ended, by name; negative for a signal."""
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def start(self, child: Child) -> None:
        """Start a process; one of the same name must have ended, or be about to.

        Raises NotStarted when that one goes on, when the nursery itself has ended, or when it does not answer.
        """
        name = child.name
        with self._changed:
            if not self._changed.wait_for(lambda: name not in self.running, timeout=_START_SECONDS):
                raise NotStarted(f"{name} is still running")
            self.ended.pop(name, None)
            if not self._gone:
                with suppress(BrokenPipeError):
                    self._commands.write(json.dumps(asdict(child)) + "\n")
                self._changed.wait_for(lambda: self._known(name) or self._gone, timeout=_START_SECONDS)
            if not self._known(name):
                raise NotStarted(f"{name} was not started: the nursery {'has ended' if self._gone else 'is stuck'}")

    def wait(self, name: str, within: float) -> int | None:
        """The exit code of a process that ends by itself; None when it has not ended in so many seconds."""
        with self._changed:
            self._changed.wait_for(lambda: name in self.ended, timeout=within)
            return self.ended.get(name)

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """Send a signal to one process. Raises KeyError when it is not running."""
        os.kill(self.running[name], number)

    def close(self) -> None:
        """Stop all processes and wait for them; those that do not end in their grace are killed."""
        if self._commands.closed:
            return
        with suppress(BrokenPipeError):
            self._commands.close()
        os.waitpid(self._pid, 0)
        self._listener.join()
        # Left over only when the nursery itself was killed.
        for pid in self.running.values():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _known(self, name: str) -> bool:
        return name in self.running or name in self.ended

    def _listen(self) -> None:
        for line in self._reports:
            report = json.loads(line)
            with self._changed:
                if "exit" in report:
                    self.running.pop(report["name"], None)
                    self.ended[report["name"]] = report["exit"]
                else:
                    self.running[report["name"]] = report["pid"]
                self._changed.notify_all()
        with self._changed:
            self._gone = True
            self._changed.notify_all()


def _live(commands: int, reports: TextIO, preload: Sequence[str], grace: float) -> NoReturn:
    code = 1
    try:
        for module in preload:
            importlib.import_module(module)
        _Parent(commands, reports).live(grace)
        code = 0
    except BaseException:  # the nursery must never go on as a copy of its parent
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(code)


class _Parent:
    """The nursery itself: forks what is asked for, reports what ends, stops everything when the pipe closes."""

    def __init__(self, commands: int, reports: TextIO) -> None:
        self._commands = commands
        self._reports = reports
        self._names: dict[int, str] = {}
        self._woken, self._wake = os.pipe()
        for descriptor in (self._woken, self._wake):
            os.set_blocking(descriptor, False)
        # A handler that did the work itself could be interrupted by the next child's end.
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)

    def live(self, grace: float) -> None:
        unread = b""
        while True:
            ready, _, _ = select.select([self._commands, self._woken], [], [])
            if self._woken in ready:
                self._reap()
            if self._commands in ready:
                got = os.read(self._commands, 65536)
                if not got:
                    break
                *lines, unread = (unread + got).split(b"\n")
                for line in lines:
                    self._fork(Child(**json.loads(line)))
        self._signal(signal.SIGTERM)
        until = time.monotonic() + grace
        while self._names and (left := until - time.monotonic()) > 0:
            select.select([self._woken], [], [], left)
            self._reap()
        self._signal(signal.SIGKILL)
        self._reap(wait=True)

    def _fork(self, child: Child) -> None:
        _flush()
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            for descriptor in (self._commands, self._woken, self._wake):
                os.close(descriptor)
            self._reports.close()
            _become(child)
        self._names[pid] = child.name
        self._report(name=child.name, pid=pid)

    def _signal(self, number: int) -> None:
        for pid in self._names:
            os.kill(pid, number)

    def _reap(self, *, wait: bool = False) -> None:
        if not wait:
            with suppress(BlockingIOError):
                os.read(self._woken, 4096)
        while self._names:
            pid, status = os.waitpid(-1, 0 if wait else os.WNOHANG)
            if pid == 0:
                return
            self._report(name=self._names.pop(pid), exit=os.waitstatus_to_exitcode(status))

    def _report(self, **what: Any) -> None:
        # The children of a parent that died must be stopped all the same.
        with suppress(BrokenPipeError):
            self._reports.write(json.dumps(what) + "\n")


def _become(child: Child) -> NoReturn:
    code = 1
    try:
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _NOT_OURS)
        log = os.open(Path(child.log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        for stream in (1, 2):
            os.dup2(log, stream)
        os.environ.update(child.environment)
        sys.argv = [child.module, *child.arguments]
        sys.exit(importlib.import_module(child.module).main())
    except SystemExit as asked:
        if isinstance(asked.code, str):
            sys.stderr.write(asked.code + "\n")
        code = asked.code if isinstance(asked.code, int) else int(asked.code is not None)
    except BaseException:  # a child must never go on as a copy of its parent
        sys.excepthook(*sys.exc_info())
    finally:
        with suppress(OSError, ValueError):
            _flush()
        os._exit(code)


def _flush() -> None:
    """What is not written yet would be written by every copy of this process."""
    sys.stdout.flush()
    sys.stderr.flush()
