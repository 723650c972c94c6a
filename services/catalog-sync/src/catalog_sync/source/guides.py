"""Which guide a catalogue follows, and with it which mapping reads it: each guide's mapping is one file."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx

from catalog_sync.domain.places import NOWHERE, Places
from catalog_sync.domain.reading import Guide, Reading, SourceAway
from catalog_sync.source import hsa_r5, interpreting, national_catalogue
from rules.fhir_fields import Resource

_OPTIONAL = ("OrganizationAffiliation", "Group")


class UnknownGuide(SourceAway):
    """The source follows a guide that no mapping here reads. Nothing has been changed."""


@dataclass(frozen=True)
class Readable:
    """One implementation guide that can be read."""

    canonical: str
    """How its profiles' addresses begin."""
    guide: Guide
    mapper: interpreting.Mapper


NATIONAL_DRAFT = Readable("http://electronichealth.se/fhir/katalog", national_catalogue.GUIDE, national_catalogue)
HSA = Readable("https://hsa.inera.se/fhir", hsa_r5.GUIDE, hsa_r5)
READABLE = (NATIONAL_DRAFT, HSA)
"""Those that can be read; docs/decisions tell what the next one needs."""

# On its way: a catalogue that follows it is named, and not misread as the draft before it.
_COMING = ("http://electronichealth.se/fhir/hvo",)


def chosen(statement: Resource, setting: str | None = None) -> Readable:
    """The guide a CapabilityStatement tells of by its canonicals; one that tells of none, in R4, is the national draft.

    A setting overrules it. Raises UnknownGuide, with the guide's name.
    """
    if setting is not None:
        return _named(setting)
    told = list(_canonicals(statement))
    for one in READABLE:
        if any(_under(canonical, one.canonical) for canonical in told):
            return one
    # HL7's own addresses stand in every statement and name no guide.
    foreign = [canonical for canonical in told if not canonical.startswith(("http://hl7.org/", "https://hl7.org/"))]
    coming = [guide for guide in _COMING if any(_under(canonical, guide) for canonical in told)]
    if coming or foreign:
        raise _unknown([*coming, *foreign][0])
    version = str(statement.get("fhirVersion", "4"))
    if not version.startswith("4"):
        raise _unknown(f"none it names, in FHIR {version}")
    return NATIONAL_DRAFT


async def guide_of(client: httpx.AsyncClient, setting: str | None = None, places: Places = NOWHERE) -> Guide:
    """How the catalogue is read: its guide, the types it serves, and the places that mend its addresses.

    Raises SourceAway.
    """
    statement = await _statement(client)
    one = chosen(statement, setting)
    served = {str(row.get("type")) for part in statement.get("rest", []) for row in part.get("resource", [])}
    types = (*one.guide.types, *(name for name in _OPTIONAL if name in served))
    return Guide(one.guide.name, types, one.guide.beside, partial(interpreting.reading_of, one.mapper, types, places))


async def read(client: httpx.AsyncClient, setting: str | None = None, places: Places = NOWHERE) -> Reading:
    """The whole catalogue, read by the guide it follows. Raises SourceAway."""
    guide = await guide_of(client, setting, places)
    rows = await interpreting.rows_of(client, guide.types)
    return guide.interpret(*(rows[name] for name in guide.types))


async def _statement(client: httpx.AsyncClient) -> Mapping[str, Any]:
    """What the server says of itself; empty where it says nothing."""
    try:
        answer = await client.get("metadata", headers={"Accept": "application/fhir+json"})
        if answer.status_code != httpx.codes.OK:
            raise SourceAway(f"metadata: HTTP {answer.status_code}")
        found = answer.json()
    except (httpx.TransportError, httpx.InvalidURL, ValueError) as error:
        raise SourceAway(f"metadata: {type(error).__name__}") from None
    return found if isinstance(found, dict) and found.get("resourceType") == "CapabilityStatement" else {}


def _named(setting: str) -> Readable:
    found = next((one for one in READABLE if setting == one.canonical), None)
    if found is None:
        raise _unknown(setting)
    return found


def _canonicals(statement: Resource) -> Iterator[str]:
    for name in ("implementationGuide", "instantiates"):
        yield from map(str, statement.get(name, []))
    for part in statement.get("rest", []):
        for row in part.get("resource", []):
            yield from map(str, [*([row["profile"]] if "profile" in row else []), *row.get("supportedProfile", [])])


def _under(canonical: str, guide: str) -> bool:
    return canonical == guide or canonical.startswith((f"{guide}/", f"{guide}|"))


def _unknown(guide: str) -> UnknownGuide:
    known = " and ".join(one.canonical for one in READABLE)
    return UnknownGuide(
        f"the catalogue follows a guide that cannot be read here: {guide}. Read are {known}; "
        "CATALOGUE_GUIDE chooses one of them by hand"
    )
