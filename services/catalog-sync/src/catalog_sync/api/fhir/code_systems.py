"""The operations on CodeSystem: what is known of a code, and whether it may be used."""

from collections.abc import Mapping

from catalog_sync.api.fhir.answers import first_valid, parameters, same_version, system_of, unknown
from catalog_sync.api.fhir.parameters import Asked, Kind, codings
from catalog_sync.api.fhir.resources import Resource, designations, properties, title, version
from catalog_sync.domain.canonical import address
from catalog_sync.service import terminology
from catalog_sync.service.code_index import CodeIndex
from kit.http import Problem

LOOKUP: Mapping[str, Kind] = {
    "code": Kind.WORD,
    "system": Kind.WORD,
    "version": Kind.WORD,
    "coding": Kind.CODING,
    "date": Kind.DAY,
    "displayLanguage": Kind.WORD,
    "property": Kind.WORDS,
}
VALIDATE: Mapping[str, Kind] = {
    "url": Kind.WORD,
    "code": Kind.WORD,
    "version": Kind.WORD,
    "display": Kind.WORD,
    "coding": Kind.CODING,
    "codeableConcept": Kind.CONCEPT,
    "date": Kind.DAY,
    "abstract": Kind.TRUTH,
    "displayLanguage": Kind.WORD,
    "codeSystem": Kind.LATER,
}


def lookup(index: CodeIndex, given: Asked) -> Resource:
    """CodeSystem/$lookup: what is known of a code. Problem 404 where nothing is."""
    (coding,) = codings(given, given.get("system", ""))
    if not coding.system:
        raise Problem(400, "system: is needed beside code", issue="required")
    system = system_of(index, coding.system)
    same_version(index, system, given.get("version"))
    one = terminology.known(index, f"{system}|{coding.code}")
    if one is None:
        raise Problem(404, unknown(index, system, coding.code, given))
    day = given.get("date") or terminology.today()
    wanted = set(given.get("property", ()))
    rows = [row for row in properties(index, one, day) if not wanted or row["code"] in wanted or "*" in wanted]
    return parameters(
        ("name", "valueString", title(index, system)),
        ("version", "valueString", version(index, system)),
        ("display", "valueString", one.text),
        *(("designation", "part", _parts(language="sv", value=row["value"])) for row in designations(one)),
        *(("property", "part", _property(row)) for row in rows),
    )


def validate(index: CodeIndex, given: Asked, system: str | None) -> Resource:
    """CodeSystem/$validate-code: whether a code may be used on a day, and has the display that was given."""
    if system is None:
        if "url" not in given and "code" in given:
            raise Problem(400, "url: is needed beside code", issue="required")
        system = system_of(index, given["url"]) if "url" in given else None
    same_version(index, system, given.get("version"))
    asked = codings(given, address(system) if system else "")
    return first_valid(index, given, asked, lambda one: system in {None, one.system}, f"not in {system}")


def _property(row: Resource) -> list[Resource]:
    (value,) = (name for name in row if name.startswith("value"))
    return [{"name": "code", "valueCode": row["code"]}, {"name": "value", value: row[value]}]


def _parts(*, language: str, value: str) -> list[Resource]:
    return [{"name": "language", "valueCode": language}, {"name": "value", "valueString": value}]
