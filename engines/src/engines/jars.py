"""Jars of an engine: fetched once with Maven, then served from the user's cache, also without a network."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

from engines.errors import EngineError
from engines.java import find
from engines.recipe import Say

MEGABYTES = {"kafka": 43, "opensearch": 85, "oidc": 29, "connect": 33, "debezium": 8, "hapi": 40}


def cache_directory() -> Path:
    """Where jars are kept between runs, shared by all checkouts of this user."""
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "vardformedling" / "jars"


def directory(name: str) -> Path:
    """The directory the engine's jars have or will have; its name changes when the pom does."""
    return cache_directory() / f"{name}-{hashlib.sha256(_pom(name)).hexdigest()[:12]}"


def missing(name: str) -> str | None:
    """Why the jars cannot be had: None when they are cached or Maven is there to fetch them."""
    if directory(name).is_dir() or shutil.which("mvn"):
        return None
    return "Maven (`mvn`) is needed once to fetch the jars: install it (Debian: apt-get install maven)"


def fetch(name: str, say: Say) -> Path:
    """The directory with the engine's jars, filled on first use. Raises EngineError with Maven's reason."""
    target = directory(name)
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with _one_at_a_time(target.with_suffix(".lock")):
        if not target.is_dir():
            say(f"[jars] fetching {name} ({MEGABYTES[name]} MB, first time only)")
            _download(name, target)
    return target


def classpath(libraries: Path) -> str:
    """All jars of the directory in a fixed order (a class data archive is valid for one order only)."""
    return os.pathsep.join(str(jar) for jar in sorted(libraries.glob("*.jar")))


def _download(name: str, target: Path) -> None:
    if reason := missing(name):
        raise EngineError(f"{name}: {reason}")
    with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=target.parent) as temporary:
        pom = Path(temporary) / "pom.xml"
        pom.write_bytes(_pom(name))
        libraries = Path(temporary) / "jars"
        command = ["mvn", "-q", "-B", "-f", str(pom), "dependency:copy-dependencies", f"-DoutputDirectory={libraries}"]
        environment = dict(os.environ)
        if not shutil.which("java"):
            environment.setdefault("JAVA_HOME", str(find(17).home))
        answer = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        if answer.returncode != 0:
            tail = "\n".join((answer.stdout + answer.stderr).strip().splitlines()[-8:])
            raise EngineError(f"Maven could not fetch the jars of {name} (exit code {answer.returncode}):\n{tail}")
        libraries.rename(target)


def _pom(name: str) -> bytes:
    return resources.files("engines").joinpath("poms", f"{name}.xml").read_bytes()


@contextmanager
def _one_at_a_time(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
