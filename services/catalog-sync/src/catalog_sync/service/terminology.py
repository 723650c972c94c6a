"""Questions to the code systems: is a code valid, what does it map to, which codes are meant by these words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from catalog_sync.domain.codes import INVERSE, Code
from catalog_sync.service.code_index import CodeIndex
from contracts.types import code_in
from rules.calendar import swedish_day


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a code may be used, and if not: why, and which one was probably meant."""

    code: str
    valid: bool
    reason: str | None
    suggestion: str | None


@dataclass(frozen=True, slots=True)
class Match:
    """A code that another one maps to. `equivalence` is the match seen from the code that was asked for."""

    system: str
    code: str
    text: str | None
    """None: the map leads to a code that is not known here."""
    equivalence: str
    map: str
    version: str


def today() -> date:
    """The day it is in Sweden."""
    return swedish_day(datetime.now(UTC))


def known(index: CodeIndex, key: str) -> Code | None:
    """The code behind `system|code`, written in any form its system accepts."""
    found = index.by_key.get(key)
    if found is not None:
        return found
    system, bar, code = key.partition("|")
    if not bar:
        return None
    try:
        return index.by_key.get(f"{system}|{code_in(system, code)}")
    except ValueError:
        return None


def validate(index: CodeIndex, keys: Sequence[str], day: date) -> Iterator[Verdict]:
    """A verdict for each key, in their order."""
    by_key = index.by_key
    for key in keys:
        found = by_key.get(key)
        reason = found.fault_on(day) if found is not None else ""
        yield Verdict(key, True, None, None) if reason is None else judge(index, key, day)


def judge(index: CodeIndex, key: str, day: date) -> Verdict:
    """The verdict on one key. A reason never repeats what was sent."""
    found = known(index, key)
    if found is not None:
        reason = found.fault_on(day)
        return Verdict(key, reason is None, reason, None)
    system, bar, code = key.partition("|")
    if not bar:
        return Verdict(key, False, "must be written system|code, for example kva|CJE20", None)
    if system not in index.by_system:
        if (meant := system.strip().lower()) in index.by_system:
            one = known(index, f"{meant}|{code}")
            usable = one is not None and one.fault_on(day) is None
            suggestion = one.key if one is not None and usable else judge(index, f"{meant}|{code}", day).suggestion
            return Verdict(key, False, "unknown code system: it is written in small letters", suggestion)
        return Verdict(key, False, "unknown code system", None)
    suggestion = index.suggestion(system, code.strip().upper() if system in {"kva", "icd"} else code.strip(), day)
    try:
        code_in(system, code)
    except ValueError as error:
        return Verdict(key, False, str(error), suggestion)
    return Verdict(key, False, "unknown code", suggestion)


def find(
    index: CodeIndex, *, question: str | None, system: str | None, valid: bool | None, day: date
) -> Sequence[Code]:
    """Codes by words or beginning of code, in one system or all, valid on the day or not, or both (None)."""
    rows = index.find(question, day) if question else index.by_system.get(system, []) if system else index.codes
    if system:
        rows = [one for one in rows if one.system == system]
    if valid is not None:
        rows = [one for one in rows if (one.fault_on(day) is None) is valid]
    return rows


def translate(
    index: CodeIndex, one: Code, day: date, *, target: str | None = None, map_name: str | None = None
) -> list[Match]:
    """What a code maps to on a day. With a target system: what it maps to there, and what there maps to it."""
    matches = [
        _match(index, line.system, line.code, line.equivalence, line.map, line.version)
        for line in one.maps
        if line.holds_on(day) and target in {None, line.system} and map_name in {None, line.map}
    ]
    return matches if target is None else matches + translate_back(index, one, day, target=target, map_name=map_name)


def translate_back(
    index: CodeIndex, one: Code, day: date, *, target: str | None = None, map_name: str | None = None
) -> list[Match]:
    """The codes that map to this one on a day: the same lines, read from their other end."""
    return [
        _match(index, other.system, other.code, INVERSE.get(line.equivalence, line.equivalence), line.map, line.version)
        for other, line in index.mapped_from.get(one.key, ())
        if line.holds_on(day) and target in {None, other.system} and map_name in {None, line.map}
    ]


def _match(index: CodeIndex, system: str, code: str, equivalence: str, map_name: str, version: str) -> Match:
    known_one = index.by_key.get(f"{system}|{code}")
    return Match(system, code, known_one.text if known_one else None, equivalence, map_name, version)
