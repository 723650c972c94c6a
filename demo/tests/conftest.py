import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from textwrap import dedent

import pytest

from demo.sweden import Sweden, build

TODAY = date(2026, 3, 15)

CHILDREN = {
    "tells": """
        import json, os, signal, sys
        def main():
            files = [os.path.realpath(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd")]
            print(json.dumps({
                "arguments": sys.argv,
                "colour": os.environ.get("COLOUR"),
                "shape": os.environ.get("SHAPE"),
                "inherited": os.environ["INHERITED"],
                "blocked": [int(number) for number in signal.pthread_sigmask(signal.SIG_BLOCK, ())],
                "pipes": [name for name in files if "pipe:" in name],
            }))
            print("to stderr", file=sys.stderr)
    """,
    "ends": """
        import os, signal, sys
        def main():
            how = sys.argv[1]
            if how == "return":
                return None
            if how == "raise":
                raise ValueError("a fault of its own")
            if how.startswith("signal"):
                os.kill(os.getpid(), int(sys.argv[2]))
            sys.exit({"none": None, "words": "cannot go on"}.get(how, how) if not how.isdigit() else int(how))
    """,
    "waits": """
        import signal, sys, threading
        def main():
            if "stubborn" in sys.argv:
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
            print("up", flush=True)
            threading.Event().wait()
    """,
}
PREAMBLE = """
import json, os, signal, sys, threading
sys.path.insert(0, {modules!r})
from demo.nursery import Child, Nursery

def child(name, module, *arguments, **environment):
    return Child(name, module, arguments, environment, name + ".log")

"""


@pytest.fixture(scope="session")
def sweden() -> Sweden:
    return build(1, TODAY)


@pytest.fixture
def script(tmp_path: Path) -> Iterator[Callable[[str], "subprocess.Popen[str]"]]:
    """Starts a script in a process and a process group of its own, in the folder that the logs land in."""
    started: list[subprocess.Popen[str]] = []
    modules = tmp_path / "modules"
    modules.mkdir()
    for name, text in CHILDREN.items():
        (modules / f"{name}.py").write_text(dedent(text))

    def start(text: str) -> "subprocess.Popen[str]":
        whole = PREAMBLE.format(modules=str(modules)) + dedent(text)
        process = subprocess.Popen(
            [sys.executable, "-c", whole],
            cwd=tmp_path,
            env={**os.environ, "INHERITED": "yes", "PYTHONUNBUFFERED": ""},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if _alive(process.pid):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.fixture
def alive() -> Callable[[int], list[int]]:
    """The processes of a group that have not ended."""
    return _alive


def _alive(group: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, its_group = stat.read_text().rpartition(")")[2].split()[:3]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(its_group) == group and state not in "ZX":
            found.append(int(stat.parent.name))
    return found
