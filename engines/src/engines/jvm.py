"""What the three engines on Java have in common."""

import sys
from pathlib import Path

from engines import jars, java
from engines.errors import EngineError

# Measured on two cores: the serial collector and the first compiler tier alone save a fifth of the start and 80 MB.
# They cost throughput later, so whoever asks for a durable engine (demo, benchmarks) gets the runtime's defaults.
QUICK_START = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


def missing(name: str, minimum: int) -> str | None:
    """What this machine lacks to run the engine: a new enough Java, or a way to get its jars."""
    try:
        java.find(minimum)
    except EngineError as error:
        return str(error)
    return jars.missing(name)


def environment() -> dict[str, str]:
    """Settings a Java child needs: in the C locale Java cannot open files whose names hold letters beyond ASCII."""
    return {"LC_ALL": "C.UTF-8"} if sys.platform == "linux" else {}


def command(name: str, runtime: java.Java, libraries: Path, *, quick: bool) -> list[str]:
    """The beginning of a command line: the program, the classes, a recorded class cache if there is one."""
    recorded = class_cache(name, runtime)
    cached = (f"-XX:AOTCache={recorded}", "-Xlog:aot*=off") if recorded.is_file() else ()
    return [str(runtime.path), *cached, *(QUICK_START if quick else ()), "-cp", jars.classpath(libraries)]


def class_cache(name: str, runtime: java.Java) -> Path:
    """Where the engine's recorded class cache is kept; it fits one set of jars and one Java only."""
    directory = jars.directory(name)
    return directory.with_name(f"{directory.name}-{runtime.release}.aot")
