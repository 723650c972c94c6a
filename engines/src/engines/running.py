"""A set of engines: started together, watched and ended as one."""

import atexit
import fcntl
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from engines import process
from engines.errors import EngineError
from engines.local import LocalEngine
from engines.providers import Engine, ExternalEngine, Wish, choose, from_environment
from engines.recipe import Say

NAMES = ("kafka", "opensearch", "postgres", "oidc")
_say_lock = threading.Lock()


@dataclass(frozen=True)
class Addresses:
    """Where the engines serve; None for those that were not asked for.

    kafka is "host:port", opensearch "http://host:port", postgres "postgresql://user@host:port" without a database
    name, oidc the issuer's URL.
    """

    kafka: str | None = None
    opensearch: str | None = None
    postgres: str | None = None
    oidc: str | None = None


@dataclass(frozen=True)
class Row:
    """One engine's line in the status table. `state` is up, down or external; `memory` is in megabytes."""

    name: str
    state: str
    address: str
    pid: int | None
    memory: int
    log: str


class Engines:
    """The engines `start` has started. Usable as a context manager that stops them."""

    def __init__(self, engines: Mapping[str, Engine]) -> None:
        """Take over engines that run already."""
        self._engines = dict(engines)

    @property
    def addresses(self) -> Addresses:
        """Where they serve; the same before and after `restart`."""
        return Addresses(**{name: engine.address for name, engine in self._engines.items()})

    def stop(self) -> None:
        """End all of them politely, at the same time. Repeating it does no harm."""
        atexit.unregister(self.stop)
        # No threads here: a process that is about to end may not start any.
        for engine in self._engines.values():
            if isinstance(engine, LocalEngine):
                engine.ask_to_stop()
        for engine in self._engines.values():
            engine.stop()

    def kill(self, name: str) -> None:
        """End one as a power cut would (SIGKILL). Raises EngineError when it is not a process of ours."""
        self._named(name).kill()

    def restart(self, name: str) -> None:
        """Start one again on the same data and the same port; one that still runs is stopped first."""
        engine = self._named(name)
        if isinstance(engine, LocalEngine):
            engine.pause()
        engine.start()

    def status(self) -> list[Row]:
        """One row for each engine, in the order of NAMES."""
        return [_row(self._engines[name]) for name in NAMES if name in self._engines]

    def logs(self, name: str, lines: int = 20) -> str:
        """The last lines one of them has written; empty for an engine somebody else runs."""
        engine = self._named(name)
        return process.tail(engine.log, lines) if isinstance(engine, LocalEngine) else ""

    def __enter__(self) -> "Engines":
        """The set itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop them."""
        self.stop()

    def _named(self, name: str) -> Engine:
        if name not in self._engines:
            raise EngineError(f"{name} is not among the engines started here: {', '.join(self._engines)}")
        return self._engines[name]


def to_stderr(line: str) -> None:
    """Write one progress line to standard error."""
    with _say_lock:
        sys.stderr.write(line + "\n")
        sys.stderr.flush()


def start(
    names: Sequence[str] = NAMES, *, home: Path, durable: bool = False, keep: bool = False, say: Say = to_stderr
) -> Engines:
    """Start engines at the same time and return when all of them serve.

    Each lives in `home / name`; what runs there already is taken over. `durable` keeps data safe at kill -9 and gives
    more memory; `keep` lets them outlive this process (otherwise they end with it). `say` gets lines for people.
    Raises EngineError when one cannot be started; those already started are stopped then.
    """
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        raise EngineError(f"no such engine: {', '.join(unknown)} (there are {', '.join(NAMES)})")
    home = home.absolute()
    home.mkdir(parents=True, exist_ok=True)
    wish = Wish(home=home, durable=durable, keep=keep, say=say)
    chosen = {name: choose(name, wish) for name in dict.fromkeys(names)}
    engines = Engines(chosen)
    with _alone(home):
        fresh = Engines({name: engine for name, engine in chosen.items() if not engine.alive})
        if not keep:
            atexit.register(engines.stop)
        try:
            _start_all(list(chosen.values()), fresh)
        except BaseException:
            fresh.stop()
            atexit.unregister(engines.stop)
            raise
    return engines


def attach(names: Sequence[str] = NAMES, *, home: Path) -> Engines:
    """The engines of an earlier `start(..., keep=True)` in the same home, running or not; nothing is started."""
    known: dict[str, Engine] = {}
    for name in names:
        if external := from_environment(name):
            known[name] = external
            continue
        engine = LocalEngine(name, home.absolute(), durable=False, keep=True, say=to_stderr)
        if engine.state is not None:
            known[name] = engine
    return Engines(known)


def _start_all(chosen: Sequence[Engine], fresh: Engines) -> None:
    with ThreadPoolExecutor(max_workers=len(chosen) or 1) as pool:
        attempts = [pool.submit(engine.start) for engine in chosen]
        try:
            failures = [error for attempt in attempts if (error := attempt.exception()) is not None]
        except KeyboardInterrupt:
            fresh.stop()  # the pool waits for its threads, and they wait for engines that are starting
            raise
    for failure in failures:
        if not isinstance(failure, EngineError):
            raise failure
    if failures:
        raise EngineError("\n".join(str(failure) for failure in failures))


def _row(engine: Engine) -> Row:
    if isinstance(engine, LocalEngine) and (note := engine.state):
        alive = note.child.alive()
        memory = note.child.memory()
        return Row(engine.name, "up" if alive else "down", note.address, note.pid if alive else None, memory, note.log)
    state = "external" if isinstance(engine, ExternalEngine) else "container"
    return Row(engine.name, state if engine.alive else "down", engine.address, None, 0, "")


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    with (home / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
