"""The operations on ValueSet: whether a code is in a set, and which codes are."""

from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import uuid4

from catalog_sync.api.fhir.answers import first_valid
from catalog_sync.api.fhir.parameters import Asked, Kind, codings
from catalog_sync.api.fhir.resources import Resource, ValueSet, designations, filled, value_set_at, version
from catalog_sync.domain.canonical import address
from catalog_sync.service import terminology
from catalog_sync.service.code_index import CodeIndex
from kit.http import Problem

VALIDATE: Mapping[str, Kind] = {
    "url": Kind.WORD,
    "valueSetVersion": Kind.WORD,
    "code": Kind.WORD,
    "system": Kind.WORD,
    "systemVersion": Kind.WORD,
    "display": Kind.WORD,
    "coding": Kind.CODING,
    "codeableConcept": Kind.CONCEPT,
    "date": Kind.DAY,
    "abstract": Kind.TRUTH,
    "displayLanguage": Kind.WORD,
    "context": Kind.LATER,
    "valueSet": Kind.LATER,
}
EXPAND: Mapping[str, Kind] = {
    "url": Kind.WORD,
    "valueSetVersion": Kind.WORD,
    "filter": Kind.WORD,
    "date": Kind.DAY,
    "offset": Kind.NUMBER,
    "count": Kind.NUMBER,
    "includeDesignations": Kind.TRUTH,
    "includeDefinition": Kind.TRUTH,
    "activeOnly": Kind.TRUTH,
    "excludeNested": Kind.TRUTH,
    "excludeNotForUI": Kind.TRUTH,
    "excludePostCoordinated": Kind.TRUTH,
    "displayLanguage": Kind.WORD,
    "context": Kind.LATER,
    "contextDirection": Kind.LATER,
    "designation": Kind.LATER,
    "valueSet": Kind.LATER,
    "exclude-system": Kind.LATER,
    "system-version": Kind.LATER,
    "check-system-version": Kind.LATER,
    "force-system-version": Kind.LATER,
}

_MOST_AT_ONCE = 10_000
_SWITCHES = ("activeOnly", "includeDesignations")


def validate(index: CodeIndex, given: Asked, held: ValueSet | None) -> Resource:
    """ValueSet/$validate-code: whether a code is in the set and may be used on a day."""
    the_set = held or _value_set(index, given)
    system = given.get("system") or (address(the_set.system) if the_set.system else "")
    if "code" in given and not system:
        raise Problem(400, "system: is needed beside code: the set holds several systems", issue="required")
    day = given.get("date") or terminology.today()
    return first_valid(
        index, given, codings(given, system), lambda one: the_set.holds(one, day), "not in the value set"
    )


def expand(index: CodeIndex, given: Asked, held: ValueSet | None) -> Resource:
    """ValueSet/$expand: the set's codes, all or those that a filter finds, a page at a time."""
    the_set = held or _value_set(index, given)
    day = given.get("date") or terminology.today()
    rows = the_set.members(index, day)
    if "filter" in given:
        inside = {one.key for one in rows}
        rows = [one for one in index.find(given["filter"], day) if one.key in inside]
    if given.get("activeOnly"):
        rows = [one for one in rows if one.fault_on(day) is None]
    offset, count = given.get("offset", 0), given.get("count")
    if count is None and len(rows) > _MOST_AT_ONCE:
        raise Problem(
            422, f"the set holds {len(rows)} codes: ask for a page with count and offset, or filter", issue="too-costly"
        )
    page = rows[offset : offset + min(count if count is not None else _MOST_AT_ONCE, _MOST_AT_ONCE)]
    used = sorted({one.system for one in page})
    parameter = [
        *({"name": name, "valueString": given[name]} for name in ("filter",) if name in given),
        *({"name": name, "valueInteger": given[name]} for name in ("offset", "count") if name in given),
        *({"name": name, "valueBoolean": given[name]} for name in _SWITCHES if name in given),
        {"name": "date", "valueDateTime": day.isoformat()},
        *({"name": "version", "valueUri": f"{address(system)}|{version(index, system) or ''}"} for system in used),
    ]
    contains = [
        filled(
            system=address(one.system),
            version=version(index, one.system),
            code=one.code,
            display=one.text,
            inactive=True if one.fault_on(day) is not None else None,
            designation=designations(one) if given.get("includeDesignations") else None,
        )
        for one in page
    ]
    expansion = {
        "identifier": f"urn:uuid:{uuid4()}",
        "timestamp": datetime.now(UTC).isoformat(timespec="seconds"),
        "total": len(rows),
        "offset": offset,
        "parameter": parameter,
        **({"contains": contains} if contains else {}),
    }
    return {
        "resourceType": "ValueSet",
        "id": the_set.id,
        "url": the_set.url,
        "title": the_set.title,
        "status": the_set.status_on(day),
        "expansion": expansion,
    }


def _value_set(index: CodeIndex, given: Asked) -> ValueSet:
    if "url" not in given:
        raise Problem(400, "url: is needed, to say which value set", issue="required")
    found = value_set_at(index, given["url"])
    if found is None:
        raise Problem(404, "there is no value set with this address; search ValueSet for those that are")
    return found
