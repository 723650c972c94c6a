"""The files a command is given: agreements, a mapping, a list of codes."""

import difflib
import io
import json
import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

from contracts.types import code_in
from intake import STANDARD, Reading, UnreadableFile, read
from intake.limits import MIB
from region_cli.terminal import Cannot, in_one_line
from rules.agreements import Fault

STDIN = Path("-")


def is_piped(path: Path) -> bool:
    """True for standard input and for a pipe: what can be read once, and not looked through twice."""
    return path == STDIN or path.is_fifo() or path.is_char_device()


@cache
def piped(path: Path) -> bytes:
    """All that a pipe gives. Raises Cannot."""
    try:
        content = sys.stdin.buffer.read(_MOST + 1) if path == STDIN else _read(path)
    except OSError as error:
        raise Cannot(f"{path}: {error.strerror}") from None
    if len(content) > _MOST:
        raise Cannot(f"{path}: is larger than {_MOST // MIB} MiB: send it in several files")
    return content


_MOST = STANDARD.file_bytes


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_MOST + 1)


def size_of(path: Path) -> int:
    """In bytes. Raises Cannot."""
    with opened(path) as file:
        return file.seek(0, 2)


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The file, open for reading from its beginning, a pipe too. Raises Cannot."""
    if is_piped(path):
        with io.BytesIO(piped(path)) as held:
            yield held
        return
    try:
        file = path.open("rb")
    except OSError as error:
        raise Cannot(f"{path}: {error.strerror}") from None
    with file:
        yield file


def reading_of(file: BinaryIO, path: Path, mapping: Mapping[str, Any] | None) -> Reading:
    """The agreements in a file. Raises Cannot with everything that is wrong with it as a whole."""
    try:
        return read(file, mapping=mapping)
    except UnreadableFile as error:
        raise Cannot(
            "\n".join(f"{path}: {in_one_line(finding)}" for finding in error.findings), error.findings
        ) from None


def mapping_in(path: Path | None) -> Mapping[str, Any] | None:
    """A mapping from TOML or JSON. Raises Cannot."""
    if path is None:
        return None
    with opened(path) as file:
        text = _text(file, path)
    try:
        found: Any = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except ValueError as error:
        if path.suffix == ".json":
            raise Cannot(f"{path}: is no JSON: {error}") from None
        quoted = '(a key with å, ä, ö or a blank stands in quotation marks: "Vårdgivare" = "vårdgivare namn")'
        raise Cannot(f"{path}: is no TOML: {error} {quoted}") from None
    if not isinstance(found, dict):
        raise Cannot(f"{path}: must hold [headings], [constants] and [values]")
    return found


def _text(file: BinaryIO, path: Path) -> str:
    try:
        return file.read().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Cannot(f"{path}: is not UTF-8 text") from None


@dataclass(frozen=True)
class Codes:
    """Codes that are known to hold, by code system; a system that is not in the list is not checked."""

    known: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, path: Path) -> "Codes":
        """From a text file with `system|code` a line; `#` begins a comment. Raises Cannot with the first wrong line."""
        found: dict[str, set[str]] = {}
        with opened(path) as file:
            lines = _text(file, path).splitlines()
        for number, line in enumerate(lines, start=1):
            if not (word := line.partition("#")[0].strip()):
                continue
            system, bar, code = word.partition("|")
            try:
                if not bar:
                    raise ValueError("must be system|code, for example kva|CJE20")
                found.setdefault(system, set()).add(code_in(system, code))
            except ValueError as error:
                raise Cannot(f"{path}:{number}: {error}") from None
        return cls({system: frozenset(codes) for system, codes in found.items()})

    def faults(self, agreement: Mapping[str, Any]) -> Iterator[tuple[Fault, str | None]]:
        """Every code of an agreement (the form's JSON) that is not in the list, with a suggestion."""
        for at, service in enumerate(agreement["services"]):
            for number, code in enumerate(service["care_services"]):
                known = self.known.get(code["system"])
                if known is None or code["code"] in known:
                    continue
                near = difflib.get_close_matches(code["code"], known, n=1, cutoff=0.6)
                field = f"services.{at}.care_services.{number}.code"
                yield (field, "is not in your list of codes"), f"did you mean {near[0]}?" if near else None
