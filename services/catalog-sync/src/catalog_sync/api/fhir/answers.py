"""What the operations' answers have in common: Parameters, verdicts on codings, and why a code is not known."""

from collections.abc import Callable, Sequence
from typing import Any

from catalog_sync.api.fhir.parameters import Asked, Coding
from catalog_sync.api.fhir.resources import Resource, systems, version
from catalog_sync.domain.canonical import address, system_at
from catalog_sync.domain.codes import Code
from catalog_sync.service import terminology
from catalog_sync.service.code_index import CodeIndex
from kit.http import Problem


def parameters(*rows: tuple[str, str, Any]) -> Resource:
    told: list[Resource] = [{"name": name, kind: value} for name, kind, value in rows if value is not None]
    return {"resourceType": "Parameters", "parameter": told}


def first_valid(
    index: CodeIndex, given: Asked, asked: Sequence[Coding], inside: Callable[[Code], bool], outside: str
) -> Resource:
    """The verdict: true as soon as one of the codings is right, else why the first is wrong."""
    day = given.get("date") or terminology.today()
    wrong: Resource | None = None
    for coding in asked:
        system = system_at(coding.system)
        one = terminology.known(index, f"{system}|{coding.code}")
        if not coding.system:
            message: str | None = "the coding has no system"
        elif one is None:
            message = unknown(index, system, coding.code, given)
        elif not inside(one):
            message = f"the code is {outside}"
        elif coding.display and coding.display.casefold() not in {
            word.casefold() for word in (one.text, *one.designations)
        }:
            message = "the display is not one of the code's texts"
        else:
            message = one.fault_on(day)
        text = one.text if one is not None else None
        if message is None:
            return parameters(("result", "valueBoolean", True), ("display", "valueString", text))
        wrong = wrong or parameters(
            ("result", "valueBoolean", False), ("message", "valueString", message), ("display", "valueString", text)
        )
    return wrong or parameters(("result", "valueBoolean", False))


def unknown(index: CodeIndex, system: str, code: str, given: Asked) -> str:
    """Why a code is not known, with the one that was probably meant; never what was sent."""
    if system not in index.by_system:
        return "unknown code system"
    verdict = terminology.judge(index, f"{system}|{code}", given.get("date") or terminology.today())
    meant = f": did you mean {verdict.suggestion.partition('|')[2]}?" if verdict.suggestion else ""
    return f"{verdict.reason}{meant}"


def system_of(index: CodeIndex, canonical: str) -> str:
    system = system_at(canonical.partition("|")[0])
    if system not in systems(index):
        known = ", ".join(address(one) for one in systems(index))
        raise Problem(404, f"there is no such code system here; there are: {known}")
    return system


def same_version(index: CodeIndex, system: str | None, asked: str | None) -> None:
    if system is not None and asked is not None and asked != version(index, system):
        raise Problem(404, f"that version is not here; there is: {version(index, system) or 'none with a name'}")
