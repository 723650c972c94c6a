"""One engine as a process of this machine: started in its directory, found again, killed, stopped."""

import shutil
import signal
from collections.abc import Mapping
from pathlib import Path

from engines import kafka, oidc, opensearch, postgres, process, state
from engines.errors import EngineError
from engines.ports import Claim, claim_all
from engines.recipe import Plan, Recipe, Say

RECIPES: Mapping[str, Recipe] = {"kafka": kafka, "opensearch": opensearch, "postgres": postgres, "oidc": oidc}


class LocalEngine:
    """An engine that runs, or ran, in `home / name`."""

    def __init__(self, name: str, home: Path, *, durable: bool, keep: bool, say: Say) -> None:
        """`keep` lets it outlive this process; `durable` as in `engines.start`."""
        self.name = name
        self.directory = home / name
        self.log = self.directory / "log.txt"
        self._durable = durable
        self._keep = keep
        self._say = say
        self._claims: list[Claim] = []
        self._plan: Plan | None = None

    @property
    def state(self) -> state.State | None:
        """What its directory notes about it."""
        return state.read(self.directory)

    @property
    def alive(self) -> bool:
        """Whether its process runs."""
        note = self.state
        return note is not None and note.child.alive()

    @property
    def address(self) -> str:
        """Where it serves. Raises EngineError when it was never started."""
        note = self.state
        if note is None:
            raise EngineError(f"{self.name} was never started in {self.directory}")
        return note.address

    def start(self) -> str:
        """Start it unless it runs already, wait until it serves, return its address. Raises EngineError with why."""
        note = self.state
        if note is not None and note.child.alive():
            other = "" if note.durable == self._durable else f", durable={note.durable}: stop it first to change that"
            self._say(f"[{self.name}] already runs at {note.address}{other}")
            return note.address
        if self._plan is None:
            self.directory.mkdir(parents=True, exist_ok=True)
            self._claims = claim_all(RECIPES[self.name].PORTS, note.ports if note else ())
            try:
                self._plan = RECIPES[self.name].plan(
                    self.directory, [claim.port for claim in self._claims], durable=self._durable, say=self._say
                )
            except EngineError:
                self._release()
                raise
        self._run(self._plan)
        return self._plan.address

    def kill(self) -> None:
        """End it as a power cut would: SIGKILL, nothing flushed."""
        if note := self.state:
            note.child.kill()

    def ask_to_stop(self) -> None:
        """Send the polite signal and do not wait."""
        if note := self.state:
            note.child.send(signal.Signals(note.stop_signal))

    def pause(self) -> None:
        """End it politely, but keep its data and its claim on the ports for a new start."""
        if note := self.state:
            note.child.end(signal.Signals(note.stop_signal))

    def stop(self) -> None:
        """End it politely. Data placed outside its directory is removed unless the engine was started to be kept."""
        if note := self.state:
            note.child.end(signal.Signals(note.stop_signal))
            if note.outside and not self._keep:
                shutil.rmtree(note.outside, ignore_errors=True)
        self._release()

    def _run(self, plan: Plan) -> None:
        begin = self.log.stat().st_size if self.log.exists() else 0
        child = process.launch(
            plan.argv,
            log=self.log,
            env=plan.env,
            user=plan.user,
            death_signal=None if self._keep else plan.stop_signal,
        )
        outside = str(plan.outside) if plan.outside else None
        ports = tuple(claim.port for claim in self._claims)
        state.write(
            self.directory,
            state.State(
                pid=child.pid,
                started=child.started,
                ports=ports,
                address=plan.address,
                log=str(self.log),
                stop_signal=int(plan.stop_signal),
                durable=self._durable,
                outside=outside,
            ),
        )
        try:
            process.await_ready(self.name, child, plan.ready, patience=plan.patience, log=self.log, begin=begin)
        except EngineError:
            child.kill()
            self._release()
            raise

    def _release(self) -> None:
        for claim in self._claims:
            claim.release()
        self._claims = []
        self._plan = None
