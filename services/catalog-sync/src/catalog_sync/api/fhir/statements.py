"""What this FHIR service can do, told by itself: CapabilityStatement and TerminologyCapabilities."""

from catalog_sync.api.fhir.parameters import Kind
from catalog_sync.api.fhir.resources import Resource, filled, systems, version
from catalog_sync.api.fhir.value_sets import EXPAND
from catalog_sync.domain.canonical import address
from catalog_sync.service.code_index import CodeIndex

_RELEASED = "2026-03-01"
_PUBLISHER = "Vårdförmedlingstjänsten"
_OPERATIONS = {
    "CodeSystem": ("lookup", "validate-code"),
    "ValueSet": ("expand", "validate-code"),
    "ConceptMap": ("translate",),
}
_SEARCHED = {
    "_id": "token",
    "url": "uri",
    "version": "token",
    "name": "string",
    "title": "string",
    "status": "token",
}

SEARCH_PARAMETERS = frozenset(_SEARCHED)
"""What resources can be searched by; all of them must hold."""


def capability_statement(base: str) -> Resource:
    """The statement at `metadata`: resources, searches, operations. Needs no codes, and no token."""
    return {
        "resourceType": "CapabilityStatement",
        "id": "terminology",
        "name": "VardformedlingTerminology",
        "title": "Kodverk, vårdområden och mappningar",
        "status": "active",
        "date": _RELEASED,
        "publisher": _PUBLISHER,
        "kind": "instance",
        "instantiates": ["http://hl7.org/fhir/CapabilityStatement/terminology-server"],
        "software": {"name": "catalog-sync", "version": "0.1.0"},
        "implementation": {"description": "Terminology service of Vårdförmedlingstjänsten", "url": base},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json"],
        "rest": [
            {
                "mode": "server",
                "security": {
                    "cors": False,
                    "service": [
                        {
                            "coding": [
                                {
                                    "system": "http://terminology.hl7.org/CodeSystem/restful-security-service",
                                    "code": "OAuth",
                                }
                            ]
                        }
                    ],
                    "description": "A bearer token of the OpenID provider on every call but this one.",
                },
                "resource": [_resource(kind) for kind in _OPERATIONS],
            }
        ],
    }


def terminology_capabilities(index: CodeIndex, base: str) -> Resource:
    """The statement at `metadata?mode=terminology`: code systems with their versions, and what operations take."""
    return {
        "resourceType": "TerminologyCapabilities",
        "id": "terminology",
        "name": "VardformedlingTerminologyCapabilities",
        "status": "active",
        "date": _RELEASED,
        "publisher": _PUBLISHER,
        "kind": "instance",
        "implementation": {"description": "Terminology service of Vårdförmedlingstjänsten", "url": base},
        "codeSystem": [
            filled(
                uri=address(system),
                version=[filled(code=version(index, system), isDefault=True)] if version(index, system) else None,
            )
            for system in systems(index)
        ],
        "expansion": {
            "hierarchical": False,
            "paging": True,
            "incomplete": False,
            "parameter": [{"name": name} for name, kind in EXPAND.items() if kind is not Kind.LATER],
            "textFilter": "Beginning of a code, or words in any form, lay words and words of the care area too.",
        },
        "codeSearch": "explicit",
        "validateCode": {"translations": False},
        "translation": {"needsMap": False},
        "closure": {"translation": False},
    }


def _resource(kind: str) -> Resource:
    definitions = "http://hl7.org/fhir/OperationDefinition"
    return {
        "type": kind,
        "interaction": [{"code": "read"}, {"code": "search-type"}],
        "searchParam": [{"name": name, "type": kind_of} for name, kind_of in _SEARCHED.items()],
        "operation": [{"name": name, "definition": f"{definitions}/{kind}-{name}"} for name in _OPERATIONS[kind]],
    }
