"""CodeSystem, ValueSet and ConceptMap resources, made from the codes as they are now."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, Protocol

from catalog_sync.domain.canonical import OWN, SWEDISH_SNOMED, TITLES, address
from catalog_sync.domain.codes import Code, MapLine
from catalog_sync.service import terminology
from catalog_sync.service.code_index import CodeIndex
from contracts.types import System

Resource = dict[str, Any]

PROPERTIES: Sequence[tuple[str, str, str]] = (
    ("inactive", "boolean", "Får inte användas den dag som frågan gäller."),
    ("validFrom", "dateTime", "Första dagen som koden får användas."),
    ("validTo", "dateTime", "Sista dagen som koden får användas."),
    ("careArea", "code", "Vårdområde som koden hör till."),
)
"""What a code tells beside its text: name, type, description."""

_OWN_SYSTEMS = frozenset({"vt-demo", "care-area"})
_CASE_DOES_NOT_COUNT = frozenset({"kva", "icd"})
_NOT_IN_AN_ID = re.compile(r"[^A-Za-z0-9.-]+")


@dataclass(frozen=True)
class ValueSet:
    """A set of codes with a name: all of a code system, or those of a care area."""

    id: str
    title: str
    system: str | None
    """The code system whose every code it holds; None for a care area's set."""
    area: Code | None

    @property
    def url(self) -> str:
        return f"{OWN}/ValueSet/{self.id}"

    def told(self, index: CodeIndex) -> Sequence[Code]:
        """The codes it is composed of, in the order of lists."""
        if self.area is None:
            return index.by_system.get(self.system or "", [])
        return [index.by_key[key] for key in self.area.members or () if key in index.by_key]

    def members(self, index: CodeIndex, day: date) -> Sequence[Code]:
        """Its codes on a day: none where its care area is not valid then."""
        return self.told(index) if self.status_on(day) == "active" else []

    def holds(self, one: Code, day: date) -> bool:
        """True when a code is in the set on a day."""
        if self.area is None:
            return one.system == self.system
        return self.status_on(day) == "active" and one.key in (self.area.members or ())

    def status_on(self, day: date) -> str:
        """FHIR's word for a set on a day: `draft` before its care area begins, `retired` once it has ended."""
        if self.area is None or self.area.fault_on(day) is None:
            return "active"
        begins = self.area.valid_from
        return "draft" if begins is not None and begins > day and self.area.status == "active" else "retired"


def fhir_id(name: str) -> str:
    """A name as FHIR takes it for an id: at most 64 letters, digits, hyphens and dots."""
    return _NOT_IN_AN_ID.sub("-", name)[:64]


def title(index: CodeIndex, system: str) -> str:
    """What people call a code system: as the files say, else as we know it."""
    told = index.by_key.get(f"{System.CODE_SYSTEM}|{system}")
    return told.text if told is not None else TITLES.get(system, system)


def systems(index: CodeIndex) -> list[str]:
    """The code systems that hold codes; the list of code systems itself is none to others."""
    return [system for system in index.by_system if system != System.CODE_SYSTEM]


def version(index: CodeIndex, system: str) -> str | None:
    """The version of a code system; SNOMED CT's names the Swedish edition."""
    release = index.releases.get(system) or None
    if system != "vt":
        return release
    dated = re.fullmatch(r"20\d{6}", (release or "").replace("-", ""))
    return f"{SWEDISH_SNOMED}/version/{dated[0]}" if dated else SWEDISH_SNOMED


def sets(index: CodeIndex) -> Iterator[ValueSet]:
    """One for each code system, one for each care area."""
    for system in systems(index):
        yield ValueSet(fhir_id(system), f"Alla koder i {title(index, system)}", system, None)
    for area in index.by_system.get("care-area", ()):
        yield ValueSet(fhir_id(f"care-area-{area.code}"), f"Koder i vårdområdet {area.text}", None, area)


def value_set_at(index: CodeIndex, url: str) -> ValueSet | None:
    """The value set with an address: our own, or FHIR's implicit one of a whole code system (`?fhir_vs`)."""
    url = url.partition("|")[0]
    for one in sets(index):
        if url == one.url or (one.system is not None and url == f"{address(one.system)}?fhir_vs"):
            return one
    return None


def map_url(name: str) -> str:
    """A map's address."""
    return f"{OWN}/ConceptMap/{fhir_id(name)}"


class Make(Protocol):
    """Makes a resource, with its codes or without."""

    def __call__(self, *, whole: bool = True) -> Resource: ...


def every(index: CodeIndex, kind: str) -> dict[str, Make]:
    """Every resource of a type by its id, made when it is called for."""
    day = terminology.today()
    match kind:
        case "CodeSystem":
            return {fhir_id(system): partial(code_system, index, system, day) for system in systems(index)}
        case "ValueSet":
            return {one.id: partial(value_set, index, one, day) for one in sets(index)}
        case _:
            return {fhir_id(name): partial(concept_map, index, name, day) for name in index.maps}


def code_system(index: CodeIndex, system: str, day: date, *, whole: bool = True) -> Resource:
    """A code system, with its codes when whole."""
    codes = index.by_system[system]
    about = {
        "caseSensitive": system not in _CASE_DOES_NOT_COUNT,
        # What others own may be loaded in part.
        "content": "complete" if system in _OWN_SYSTEMS else "fragment",
        "count": len(codes),
        "property": [{"code": name, "type": kind, "description": text} for name, kind, text in PROPERTIES],
    }
    if whole:
        about["concept"] = [
            filled(
                code=one.code,
                display=one.text,
                designation=designations(one),
                property=properties(index, one, day),
            )
            for one in codes
        ]
    head = _head("CodeSystem", fhir_id(system), address(system), title(index, system), version(index, system), whole)
    return {**head, "experimental": system == "vt-demo", **about}


def value_set(index: CodeIndex, one: ValueSet, day: date, *, whole: bool = True) -> Resource:
    """A value set: what it is composed of, and whether it is in use on a day."""
    head = _head("ValueSet", one.id, one.url, one.title, one.area.release if one.area else None, whole)
    head["status"] = one.status_on(day)
    if not whole:
        return head
    if one.area is None:
        return {**head, "compose": {"include": [_include(index, one.system or "", ())]}}
    by_system: dict[str, list[Code]] = {}
    for member in one.told(index):
        by_system.setdefault(member.system, []).append(member)
    rows = [_include(index, system, codes) for system, codes in by_system.items()]
    # FHIR wants at least one: an area whose codes are not known holds nothing of its own code system.
    return {**head, "compose": {"include": rows or [_include(index, "care-area", (one.area,))]}}


def concept_map(index: CodeIndex, name: str, day: date, *, whole: bool = True) -> Resource:
    """A map, with the lines that hold on a day when whole."""
    lines = index.maps[name]
    newest = max(line.version for _, line in lines)
    head = _head("ConceptMap", fhir_id(name), map_url(name), name, newest, whole)
    if not whole:
        return head
    groups: dict[tuple[str, str], dict[str, list[MapLine]]] = {}
    for one, line in lines:
        if line.holds_on(day):
            groups.setdefault((one.system, line.system), {}).setdefault(one.code, []).append(line)
    return filled(**head, group=[_group(index, *ends, rows) for ends, rows in groups.items()])


def designations(one: Code) -> list[Resource]:
    """A code's other words, all Swedish."""
    return [{"language": "sv", "value": word} for word in one.designations]


def properties(index: CodeIndex, one: Code, day: date) -> list[Resource]:
    """A code's properties as its code system declares them."""
    rows: list[Resource] = [{"code": "inactive", "valueBoolean": one.fault_on(day) is not None}]
    if one.valid_from is not None:
        rows.append({"code": "validFrom", "valueDateTime": one.valid_from.isoformat()})
    if one.valid_to is not None:
        rows.append({"code": "validTo", "valueDateTime": one.valid_to.isoformat()})
    return rows + [
        {"code": "careArea", "valueCode": area.code}
        for area in index.areas_of.get(one.key, ())
        if area.fault_on(day) is None
    ]


def filled(**fields: Any) -> Resource:
    """A resource's or part's fields without the empty ones, which FHIR does not allow."""
    return {name: value for name, value in fields.items() if value not in (None, [], {}, "")}


def _head(kind: str, identity: str, url: str, name: str, release: str | None, whole: bool) -> Resource:
    tag = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}
    return filled(
        resourceType=kind,
        id=identity,
        meta=None if whole else {"tag": [tag]},
        language="sv",
        url=url,
        version=release,
        name=_computer_name(identity),
        title=name,
        status="active",
    )


def _computer_name(identity: str) -> str:
    """A name that programs may use as it is: begins with a capital letter, no signs but underscores."""
    words = re.split(r"[^A-Za-z0-9]+", identity)
    name = "".join(word[:1].upper() + word[1:] for word in words)
    return name if name[:1].isalpha() else f"N{name}"


def _include(index: CodeIndex, system: str, codes: Sequence[Code]) -> Resource:
    return filled(
        system=address(system),
        version=version(index, system),
        concept=[{"code": one.code, "display": one.text} for one in codes],
    )


def _group(index: CodeIndex, source: str, target: str, rows: dict[str, list[MapLine]]) -> Resource:
    def text(system: str, code: str) -> str | None:
        known = index.by_key.get(f"{system}|{code}")
        return known.text if known is not None else None

    elements = [
        filled(
            code=code,
            display=text(source, code),
            target=[
                filled(code=line.code, display=text(target, line.code), equivalence=line.equivalence) for line in lines
            ],
        )
        for code, lines in rows.items()
    ]
    return filled(
        source=address(source),
        sourceVersion=version(index, source),
        target=address(target),
        targetVersion=version(index, target),
        element=elements,
    )
