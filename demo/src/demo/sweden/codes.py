"""Every code as a dict in the shape of `contracts.CodeUpdated`, without `version` and `changed_at`."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from contracts.types import System
from demo.sweden.areas import AREAS, ASSESSMENT, ASSESSMENT_TEXT, CATARACT_KVA, KATARAKT, CareArea
from demo.sweden.geography import Geography, Spot
from demo.sweden.tables import table

RELEASE = "demo-2026"
"""The release every code belongs to."""
MAP_NAME = "kva-till-vt-demo"
"""The map from KVÅ to the stand-in care services."""

RETIRED = {
    "katarakt-linsbyte": "Linsbyte vid katarakt (ersatt av Kataraktoperation)",
    "ljumskbrack-dagkirurgi": "Dagkirurgisk ljumskbråcksoperation (ersatt av Ljumskbråcksoperation)",
    "knaprotes-halv": "Halv knäprotes (ersatt av Knäprotesoperation)",
}
"""Retired stand-in codes: once valid, no longer to be used."""

# In the 2017 file but not in the official cataract list. That they are retired is this demo's invention.
_RETIRED_KVA = frozenset({"CJC05", "CJC15", "CJC25"})
_PREFIXES = {"katarakt": ("CJC", "CJD", "CJE"), "ljumskbrack": ("JAB",), "knaprotes": ("NGB",)}


def all_codes(geography: Geography) -> tuple[dict[str, Any], ...]:
    """Municipalities, postal codes, KVÅ, stand-in care services and care areas."""
    kva = {row["source_code"]: row["source_description"] for row in table("kva_care_areas.csv")}
    return (
        *(_municipality(geography, code) for code in geography.municipalities),
        *(_postal_code(geography, code) for code in geography.postal_codes),
        *(_kva(code, text) for code, text in kva.items()),
        *_care_services(),
        *(_care_area(area, kva) for area in AREAS),
    )


def write_code_files(codes: Iterable[dict[str, Any]], folder: Path) -> tuple[Path, ...]:
    """Writes the codes as JSON lines, one file per code system, for example `kva.jsonl`."""
    by_system: dict[str, list[str]] = {}
    for code in codes:
        by_system.setdefault(code["system"], []).append(json.dumps(code, ensure_ascii=False, sort_keys=True))
    folder.mkdir(parents=True, exist_ok=True)
    paths = tuple(folder / f"{system}.jsonl" for system in sorted(by_system))
    for path in paths:
        path.write_text("\n".join(by_system[path.stem]) + "\n", encoding="utf-8")
    return paths


def point(spot: Spot, precision: str) -> dict[str, str]:
    """A point as the contract writes it: decimals as text, five places (about a metre)."""
    return {"lat": f"{spot.lat:.5f}", "lon": f"{spot.lon:.5f}", "precision": precision}


def _code(system: str, code: str, text: str, **parts: Any) -> dict[str, Any]:
    return {
        "system": system,
        "code": code,
        "status": "active",
        "text": text,
        "release": RELEASE,
        "valid_from": None,
        "valid_to": None,
        "maps": [],
        "place": None,
        "care_area": None,
        "designations": [],
        **parts,
    }


def _municipality(geography: Geography, code: str) -> dict[str, Any]:
    municipality = geography.municipalities[code]
    place = {
        "street": None,
        "postal_code": None,
        "locality": municipality.seat,
        "municipality": code,
        "region": municipality.region,
        "point": point(municipality.spot, "municipality"),
    }
    return _code(System.MUNICIPALITY.value, code, municipality.name, place=place)


def _postal_code(geography: Geography, code: str) -> dict[str, Any]:
    postal = geography.postal_codes[code]
    place = {
        "street": None,
        "postal_code": code,
        "locality": postal.locality,
        "municipality": postal.municipality,
        "region": postal.municipality[:2],
        "point": point(postal.spot, postal.precision),
    }
    return _code(System.POSTAL_CODE.value, code, f"{code[:3]} {code[3:]} {postal.locality}", place=place)


def _kva(code: str, text: str) -> dict[str, Any]:
    if code in _RETIRED_KVA:
        return _code(System.KVA.value, code, text, status="retired", valid_from="1997-01-01", valid_to="2024-12-31")
    area = next(area for area in AREAS if code.startswith(_PREFIXES[area.code]))
    line = {
        "target": {"system": System.CARE_SERVICE_DEMO.value, "code": area.service},
        "equivalence": "wider",
        "map": MAP_NAME,
        "map_version": RELEASE,
        "source": "demo (syntetisk)",
        "reviewed_by": None,
        "valid_from": "2025-01-01",
        "valid_to": None,
    }
    return _code(System.KVA.value, code, text, valid_from="1997-01-01", maps=[line])


def _care_services() -> Iterable[dict[str, Any]]:
    system = System.CARE_SERVICE_DEMO.value
    for area in AREAS:
        yield _code(system, area.service, area.service_text, valid_from="2020-01-01")
    yield _code(system, ASSESSMENT, ASSESSMENT_TEXT, valid_from="2020-01-01")
    for code, text in RETIRED.items():
        yield _code(system, code, text, status="retired", valid_from="2020-01-01", valid_to="2024-12-31")


def _care_area(area: CareArea, kva: dict[str, str]) -> dict[str, Any]:
    services = [area.service, ASSESSMENT] if area is KATARAKT else [area.service]
    official = [
        code for code in kva if code.startswith(_PREFIXES[area.code]) and (area is not KATARAKT or code in CATARACT_KVA)
    ]
    members = [{"system": System.CARE_SERVICE_DEMO.value, "code": code} for code in services]
    members += [{"system": System.KVA.value, "code": code} for code in official]
    part = {
        "members": members,
        "guidance": area.guidance,
        "guarantee": [_guarantee("visit", "referral_issued"), _guarantee("treatment", "decision_on_treatment")],
    }
    return _code(System.CARE_AREA.value, area.code, area.name, valid_from="2020-01-01", care_area=part)


def _guarantee(measure: str, starts: str) -> dict[str, Any]:
    return {"measure": measure, "days": 90, "starts": starts, "valid_from": "2010-07-01", "valid_to": None}
