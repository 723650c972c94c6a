"""Every code as a dict in the shape of `contracts.CodeUpdated`, without `version` and `changed_at`.

Code systems, maps and care areas are those that come with catalog-sync; places are the demo's own.
"""

import json
import shutil
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

from catalog_sync.domain.places import point
from catalog_sync.source import code_files
from contracts.types import System
from demo.sweden.geography import Geography

_PLACES = (System.MUNICIPALITY.value, System.POSTAL_CODE.value)


def all_codes(geography: Geography, today: date) -> tuple[dict[str, Any], ...]:
    """Municipalities, postal codes, and what catalog-sync's own code files hold on a day."""
    shipped = code_files.read(code_files.SHIPPED, day=today)
    return (
        *(_municipality(geography, code) for code in geography.municipalities),
        *(_postal_code(geography, code) for code in geography.postal_codes),
        *({name: value for name, value in fact.content.items() if name != "changed_at"} for fact in shipped.facts),
    )


def write_code_files(codes: Iterable[dict[str, Any]], folder: Path) -> tuple[Path, ...]:
    """Copies catalog-sync's own code files to a folder and adds the places, as JSON lines; gives every file."""
    by_system: dict[str, list[str]] = {system: [] for system in _PLACES}
    for code in codes:
        if code["system"] in by_system:
            by_system[code["system"]].append(json.dumps(code, ensure_ascii=False, sort_keys=True))
    shutil.copytree(code_files.SHIPPED, folder, dirs_exist_ok=True)
    for left in folder.glob("*.jsonl"):
        # An earlier demo wrote one for every system.
        left.unlink()
    for system, lines in by_system.items():
        (folder / f"{system}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return tuple(sorted(file for file in folder.rglob("*") if file.is_file()))


def _code(system: str, code: str, text: str, **parts: Any) -> dict[str, Any]:
    return {
        "system": system,
        "code": code,
        "status": "active",
        "text": text,
        "release": None,
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
