"""Who serves an engine: an address from the environment, a local process, or a container, in that order."""

import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from engines import containers, kafka, oidc, opensearch, postgres
from engines.errors import EngineError, NotReadyError
from engines.local import RECIPES, LocalEngine
from engines.recipe import Say

VARIABLES = {
    "kafka": "KAFKA_BOOTSTRAP",
    "opensearch": "OPENSEARCH_URL",
    "postgres": "POSTGRES_URL",
    "oidc": "OIDC_ISSUER",
}
CHECKS = {"kafka": kafka.check, "opensearch": opensearch.check, "postgres": postgres.check, "oidc": oidc.check}
FORCE = "ENGINES_PROVIDER"


class Provider(StrEnum):
    """Where an engine comes from."""

    ENVIRONMENT = "environment"
    LOCAL = "local"
    CONTAINERS = "containers"


class ExternalEngine:
    """An engine somebody else runs; this package only uses its address."""

    def __init__(self, name: str) -> None:
        """Take the address from the environment."""
        self.name = name
        self.address = os.environ[VARIABLES[name]].rstrip("/")

    @property
    def alive(self) -> bool:
        """Whether it answers now."""
        try:
            CHECKS[self.name](self.address)
        except (NotReadyError, EngineError):
            return False
        return True

    def start(self) -> str:
        """Make sure that it answers. Raises EngineError naming the variable when it does not."""
        try:
            CHECKS[self.name](self.address)
        except NotReadyError as reason:
            raise EngineError(f"{self.name}: {VARIABLES[self.name]}={self.address} is set, but {reason}") from None
        return self.address

    def kill(self) -> None:
        """Refused: it belongs to somebody else."""
        raise EngineError(f"{self.name} comes from {VARIABLES[self.name]}: it is not ours to kill")

    def stop(self) -> None:
        """Leave it running."""


class ContainerEngine:
    """An engine in a container that ends with this process."""

    def __init__(self, name: str) -> None:
        """Nothing is started yet."""
        self.name = name
        self._container: containers.Container | None = None

    @property
    def address(self) -> str:
        """Where it serves. Raises EngineError before the start."""
        if self._container is None:
            raise EngineError(f"{self.name} was not started")
        return self._container.address

    @property
    def alive(self) -> bool:
        """Whether it was started and not stopped."""
        return self._container is not None

    def start(self) -> str:
        """Start the container unless it runs."""
        self._container = self._container or containers.start(self.name)
        return self._container.address

    def kill(self) -> None:
        """Refused: a container's port would change."""
        raise EngineError(f"{self.name} runs in a container: killing is supported for local processes only")

    def stop(self) -> None:
        """Remove the container."""
        if self._container is not None:
            self._container.handle.stop()
            self._container = None


Engine = ExternalEngine | LocalEngine | ContainerEngine


@dataclass(frozen=True)
class Wish:
    """How engines are to be started, the same for all of a set."""

    home: Path
    durable: bool
    keep: bool
    say: Say


def choose(name: str, wish: Wish) -> Engine:
    """The first provider that can serve the engine. Raises EngineError saying why none can and what to do about it."""
    if external := from_environment(name):
        return external
    forced = _forced()
    reasons = [f"{VARIABLES[name]} is not set"]
    if forced in (None, Provider.LOCAL):
        reason = RECIPES[name].missing()
        if reason is None:
            return LocalEngine(name, wish.home, durable=wish.durable, keep=wish.keep, say=wish.say)
        reasons.append(f"as a local process: {reason}")
    if forced in (None, Provider.CONTAINERS):
        reason = "a container would end with this command" if wish.keep else containers.missing(name)
        if reason is None:
            return ContainerEngine(name)
        reasons.append(f"as a container: {reason}")
    raise EngineError(f"{name} cannot be served here.\n" + "\n".join(f"  - {reason}" for reason in reasons))


def from_environment(name: str) -> ExternalEngine | None:
    """The engine whose address the environment gives, if it gives one and local ones are not forced."""
    allowed = _forced() in (None, Provider.ENVIRONMENT)
    return ExternalEngine(name) if allowed and os.environ.get(VARIABLES[name]) else None


def _forced() -> Provider | None:
    value = os.environ.get(FORCE)
    if not value:
        return None
    try:
        return Provider(value)
    except ValueError:
        allowed = ", ".join(Provider)
        raise EngineError(f"{FORCE}={value} is not known: use one of {allowed}") from None
