"""What an operator sees: aligned tables, progress, questions, and faults on one line with an exit code."""

import argparse
import getpass
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import uvloop
from aiokafka.errors import KafkaError

from upkeep import database_faults
from upkeep.reading import Unreachable

DONE, FAILED, USAGE, INTERRUPTED, UNREAD = 0, 1, 2, 130, 141
"""Exit codes: done · some of it failed, or nothing matched, or it was declined · wrong usage · stopped by Ctrl-C ·
whoever read the output has closed the pipe."""


class Declined(Exception):
    """Nothing was changed, because the operator did not agree."""


class _Unread(Exception):
    """Nobody reads the output any more."""


class Misused(Exception):
    """The command was not used as it must be; the message is one line."""


def run(command: str, work: Callable[[], Coroutine[Any, Any, int]]) -> int:
    """Do a command's work; its exit code. What stops it is told on one line of stderr."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # its reasons come as exceptions too, and are told once
    try:
        code = uvloop.run(work())
        with _read():
            sys.stdout.flush()
    except _Unread:
        # What is still in the buffer must not fail when the process ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNREAD
    except Declined:
        return _stopped(command, "nothing was changed", FAILED)
    except Misused as error:
        return _stopped(command, str(error), USAGE)
    except Unreachable as error:
        return _stopped(command, str(error), FAILED)
    except KafkaError as error:
        return _stopped(command, f"Kafka refuses or is away ({type(error).__name__}); run it again", FAILED)
    except KeyboardInterrupt:
        return _stopped(command, "interrupted: what is done stays done, the rest is as it was", INTERRUPTED)
    except Exception as error:
        reason = database_faults.told(error)
        if isinstance(error, OSError) and error.filename is not None:
            reason = f"{error.filename}: {error.strerror}"
        if reason is None:
            raise
        return _stopped(command, reason, FAILED)
    return code


def _stopped(command: str, reason: str, code: int) -> int:
    sys.stderr.write(f"{command}: {reason}\n")
    return code


def out(line: str = "") -> None:
    """One line of the result."""
    with _read():
        sys.stdout.write(f"{line}\n")


@contextmanager
def _read() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise _Unread from None


def safe(text: str) -> str:
    """The text without anything that could steer the terminal."""
    return "".join(one if one.isprintable() else f"\\x{ord(one):02x}" for one in text)


def words(file: str | None) -> list[str]:
    """The lines of a file, `-` for standard input, without empty ones; none for no file. Raises Misused."""
    try:
        lines = (
            () if file is None else sys.stdin if file == "-" else Path(file).read_text(encoding="utf-8").splitlines()
        )
        return [line.strip() for line in lines if line.strip()]
    except UnicodeDecodeError:
        raise Misused("the words are not UTF-8") from None


def table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """Lines of columns that stand under their heads; numbers to the right, everything else to the left."""
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(head), *(len(row[at]) for row in texts)) if texts else len(head) for at, head in enumerate(heads)]
    right = [bool(rows) and all(isinstance(row[at], int) for row in rows) for at in range(len(heads))]
    return [
        "  ".join(
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in [list(heads), *texts]
    ]


def progress(what: str) -> Callable[[int, int], None]:
    """Tells `what: done of all` on stderr, a bar that moves; only where somebody watches."""
    tell = telling()
    return lambda done, of: tell(what, done, of) if sys.stderr.isatty() else None


def telling() -> Callable[[str, int, int], None]:
    """Tells `what: done of all` on stderr: a bar that moves on a terminal, else a line every few seconds."""
    last = (float("-inf"), "")

    def tell(what: str, done: int, of: int) -> None:
        nonlocal last
        watched = sys.stderr.isatty()
        now, over = time.monotonic(), done >= of
        if what == last[1] and not over and now < last[0] + (0.1 if watched else 5.0):
            return
        last = (now, what)
        line = f"{what}: {done} of {of}"
        # Cleared to its end: a shorter line would leave the rest of a longer one.
        sys.stderr.write(f"\r{line}  {bar(done, of)}\x1b[K" + "\n" * over if watched else f"{line}\n")
        sys.stderr.flush()

    return tell


def bar(done: int, of: int, width: int = 24) -> str:
    """How far something is: filled and empty places, and percent."""
    share = min(1.0, done / of) if of else 1.0
    filled = int(share * width)
    return f"[{'#' * filled}{'.' * (width - filled)}] {int(share * 100)} %"


def agreed(question: str, *, yes: bool) -> None:
    """Ask before anything changes. Raises Declined, or Misused where nobody can be asked and `yes` is not given."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise Misused("this changes something and nobody can be asked here: add --yes")
    with _interruptible():
        sys.stderr.write(f"{question} Proceed? [y/N] ")
        sys.stderr.flush()
        answer = sys.stdin.readline()
    if answer.strip().lower() not in ("y", "yes"):
        raise Declined


@contextmanager
def _interruptible() -> Iterator[None]:
    """Ctrl-C ends what blocks in here: the loop's own handler would note it and let the reading go on."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        sys.stderr.write("\n")
        raise
    finally:
        signal.signal(signal.SIGINT, before)


def person() -> str:
    """Who sits at the terminal, for what is noted of a decision; "unknown" where the machine has no name for it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user has no name
        return "unknown"


def from_one(text: str) -> int:
    """An argument that is a number from 1. Raises argparse's own error."""
    if not text.isdecimal() or not 0 < int(text) < 2**31:
        raise argparse.ArgumentTypeError("is not a number from 1")
    return int(text)


def moment(at: datetime | None) -> str:
    """A time as tables show it, to the second; a dash for none."""
    return f"{at:%Y-%m-%d %H:%M:%S}" if at is not None else "-"
