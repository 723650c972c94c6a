"""The operation on ConceptMap: what a code maps to."""

from collections.abc import Mapping

from catalog_sync.api.fhir.answers import parameters, system_of, unknown
from catalog_sync.api.fhir.parameters import Asked, Kind, codings
from catalog_sync.api.fhir.resources import Resource, filled, map_url, value_set_at, version
from catalog_sync.domain.canonical import address, system_at
from catalog_sync.service import terminology
from catalog_sync.service.code_index import CodeIndex
from kit.http import Problem

TRANSLATE: Mapping[str, Kind] = {
    "url": Kind.WORD,
    "conceptMapVersion": Kind.WORD,
    "code": Kind.WORD,
    "system": Kind.WORD,
    "version": Kind.WORD,
    "coding": Kind.CODING,
    "codeableConcept": Kind.CONCEPT,
    "source": Kind.WORD,
    "target": Kind.WORD,
    "targetsystem": Kind.WORD,
    "reverse": Kind.TRUTH,
    "conceptMap": Kind.LATER,
    "dependency": Kind.LATER,
}


def translate(index: CodeIndex, given: Asked, map_name: str | None) -> Resource:
    """ConceptMap/$translate: what a code maps to today; with `reverse`, what maps to it."""
    if map_name is None and "url" in given:
        map_name = _map(index, given["url"])
    target = _target(index, given)
    asked = codings(given, given.get("system", ""))
    if any(not one.system for one in asked):
        raise Problem(400, "system: is needed beside code", issue="required")
    back = bool(given.get("reverse"))
    day = terminology.today()
    matches: list[terminology.Match] = []
    message = None
    for coding in asked:
        system = system_at(coding.system)
        one = terminology.known(index, f"{system}|{coding.code}")
        if one is None:
            message = message or unknown(index, system, coding.code, given)
        elif back:
            matches += terminology.translate_back(index, one, day, target=target, map_name=map_name)
        else:
            forward = terminology.translate(index, one, day, map_name=map_name)
            matches += [match for match in forward if target in {None, match.system}]
    if not matches:
        return parameters(
            ("result", "valueBoolean", False),
            ("message", "valueString", message or "the code has no map line that holds today and leads there"),
        )
    return parameters(("result", "valueBoolean", True), *(("match", "part", _match(index, one)) for one in matches))


def _map(index: CodeIndex, url: str) -> str:
    for name in index.maps:
        if map_url(name) == url.partition("|")[0]:
            return name
    raise Problem(404, "there is no concept map with this address; search ConceptMap for those that are")


def _target(index: CodeIndex, given: Asked) -> str | None:
    """The code system that matches must be of, by its own address or by the address of its value set."""
    if "targetsystem" in given:
        return system_of(index, given["targetsystem"])
    if "target" not in given:
        return None
    found = value_set_at(index, given["target"])
    if found is None or found.system is None:
        raise Problem(404, "target: is not the value set of a whole code system here")
    return found.system


def _match(index: CodeIndex, one: terminology.Match) -> list[Resource]:
    concept = filled(system=address(one.system), version=version(index, one.system), code=one.code, display=one.text)
    return [
        {"name": "equivalence", "valueCode": one.equivalence},
        {"name": "concept", "valueCoding": concept},
        {"name": "source", "valueUri": map_url(one.map)},
    ]
