"""The canonical addresses that name code systems, value sets and concept maps to the rest of the world (FHIR)."""

from collections.abc import Mapping

OWN = "https://vardformedling.example/fhir"
"""Below this address stands what is ours alone: our stand-in codes, value sets and maps."""

SWEDISH_SNOMED = "http://snomed.info/sct/45991000052106"
"""The Swedish edition of SNOMED CT, as a version of `http://snomed.info/sct`."""

ADDRESSES: Mapping[str, str] = {
    "vt": "http://snomed.info/sct",
    "kva": "http://electronichealth.se/id/kva",
    "icd": "http://hl7.org/fhir/sid/icd-10-se",
    "hsa-verksamhetskod": "urn:oid:1.2.752.129.2.2.1.3",
    "region": "urn:oid:1.2.752.129.2.2.1.18",
    "municipality": "urn:oid:1.2.752.129.2.2.1.17",
}
"""Code system → the address it has with others. Those not here have one of ours."""

TITLES: Mapping[str, str] = {
    "vt": "Nationella vårdtjänster (urval ur SNOMED CT)",
    "vt-demo": "Vårdtjänster, egna koder där licensierade saknas",
    "kva": "Klassifikation av vårdåtgärder (KVÅ)",
    "icd": "ICD-10-SE",
    "mvo": "Medicinska verksamhetsområden (MVO)",
    "hsa-verksamhetskod": "HSA verksamhetskod",
    "care-area": "Vårdområden",
    "region": "Regioner",
    "municipality": "Kommuner",
    "postal-code": "Postnummer",
}
"""What people call a code system."""


def address(system: str) -> str:
    """A code system's canonical address."""
    return ADDRESSES.get(system) or f"{OWN}/CodeSystem/{system}"


def system_at(canonical: str) -> str:
    """The code system an address stands for; "" for none that could be ours."""
    for system, known in ADDRESSES.items():
        if canonical == known:
            return system
    prefix = f"{OWN}/CodeSystem/"
    name = canonical.removeprefix(prefix) if canonical.startswith(prefix) else ""
    return "" if name in ADDRESSES else name
