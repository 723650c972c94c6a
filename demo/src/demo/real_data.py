"""Holds the project's rules and the demo's places against real files that may not be copied into the project.

`python -m demo.real_data FOLDER` checks each file that is there and names each that is missing; hospital lists, places
and an HSA sample are read by catalog-sync's adapters (`demo.real_lists`). Nothing is written.
"""

import argparse
import csv
import json
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from demo.real_lists import Loaded, load
from demo.sweden import build
from rules.distance import kilometres
from rules.identifiers import hsa_id, kva_code, municipality_code, postal_code

_HSA_OIDS = ("1.2.752.29.4.19", "1.2.752.129.2.1.4.1")
# In the widest municipalities the seat lies this far from the middle; farther, it lies in another one.
_LARGEST_OFFSET_KM = 70.0


@dataclass(frozen=True)
class Finding:
    """What one check found in one file."""

    file: str
    checked: int
    faults: list[str]


def check(folder: Path) -> Iterator[Finding | str]:
    """A Finding per file that is there, else the name of the missing file."""
    checks: dict[str, Callable[[Path], Finding]] = {
        "kva_nomesco_description_thehyve.csv": _kva,
        "se_postal_to_municipality.csv": _postal_codes,
        "swedish_municipalities.geojson": _municipality_points,
        "kchd_fhir_measurereport_bundle.json": _hsa_ids,
    }
    for name, run in checks.items():
        file = folder / name
        yield run(file) if file.exists() else name


def _kva(file: Path) -> Finding:
    with file.open(encoding="utf-8-sig", newline="") as rows:
        codes = [row["source_code"] for row in csv.DictReader(rows)]
    return Finding(file.name, len(codes), _refused(kva_code, codes))


def _postal_codes(file: Path) -> Finding:
    with file.open(encoding="utf-8-sig", newline="") as rows:
        pairs = [(row["postal_code"], row["municipality_code"]) for row in csv.DictReader(rows)]
    faults = _refused(postal_code, [code for code, _ in pairs])
    return Finding(file.name, len(pairs), faults + _refused(municipality_code, [code for _, code in pairs]))


def _hsa_ids(file: Path) -> Finding:
    """Every identifier with one of the two HSA-id OIDs, wherever it stands."""
    found: list[str] = []

    def look(part: object) -> None:
        if isinstance(part, dict):
            if str(part.get("system", "")).removeprefix("urn:oid:") in _HSA_OIDS and "value" in part:
                found.append(str(part["value"]))
            for inner in part.values():
                look(inner)
        elif isinstance(part, list):
            for inner in part:
                look(inner)

    look(json.loads(file.read_text(encoding="utf-8")))
    return Finding(file.name, len(found), _refused(hsa_id, found))


def _municipality_points(file: Path) -> Finding:
    """The demo's municipality points against independent centroids."""
    ours = {code["code"]: code["place"]["point"] for code in build().codes if code["system"] == "municipality"}
    features = json.loads(file.read_text(encoding="utf-8"))["features"]
    faults = []
    for feature in features:
        code, (lat, lon) = feature["properties"]["id"], feature["properties"]["geo_point_2d"]
        point = ours.get(code)
        if point is None:
            faults.append(f"{code}: no point of ours")
            continue
        offset = kilometres(float(point["lat"]), float(point["lon"]), lat, lon)
        if offset > _LARGEST_OFFSET_KM:
            faults.append(f"{code}: {offset:.0f} km from the centroid")
    return Finding(file.name, len(features), faults)


def _refused(rule: Callable[[str], str], values: list[str]) -> list[str]:
    faults = []
    for value in values:
        try:
            rule(value)
        except ValueError as error:
            # A refused value may be somebody's number: only its form is told.
            faults.append(f"{re.sub('[0-9]', '9', value)}: {error}")
    return faults


def main(argv: list[str] | None = None) -> int:
    """Exit code 0: all that is there is fine; 1: faults, or nothing was there."""
    parser = argparse.ArgumentParser(
        prog="python -m demo.real_data",
        description="Hold our rules, places and adapters against real files you have. Nothing is written.",
        epilog="example: python -m demo.real_data ~/data --json",
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    asked = parser.parse_args(argv)
    found = [*check(asked.folder), *load(asked.folder)]
    findings = [one for one in found if isinstance(one, Finding)]
    loaded = [one for one in found if isinstance(one, Loaded)]
    missing = [one for one in found if isinstance(one, str)]
    if asked.json:
        lists = [asdict(one) | {"repaired_rows": one.repaired_rows} for one in loaded]
        told = {"checked": [asdict(one) for one in findings], "loaded": lists, "missing": missing}
        sys.stdout.write(json.dumps(told, ensure_ascii=False, indent=2) + "\n")
    else:
        _print(findings, loaded, missing)
    good = not any([*(one.faults for one in findings), *(one.faults for one in loaded)])
    return 0 if (findings or loaded) and good else 1


def _print(findings: list[Finding], loaded: list[Loaded], missing: list[str]) -> None:
    write = sys.stdout.write
    write(f"{'file':<55} {'checked':>8} {'refused':>8}\n")
    for one in findings:
        write(f"{one.file:<55} {one.checked:>8} {len(one.faults):>8}\n")
        _faults(one.faults)
    write(f"\n{'file':<55} {'rows':>8} {'as is':>8} {'repaired':>8} {'rejected':>8}\n")
    for row in loaded:
        counts = (row.rows, row.as_they_are, row.repaired_rows, row.rejected_rows)
        write(f"{row.file:<55} " + " ".join(f"{count:>8}" for count in counts) + "\n")
        for name, ways in (("repaired", row.repaired), ("rejected", row.rejected)):
            for way, count in ways.items():
                write(f"    {count:>4} {name}: {way}\n")
        for line in row.told:
            write(f"         {line}\n")
        _faults(row.faults)
    for file in missing:
        write(f"{file:<55} is not there\n")


def _faults(faults: list[str]) -> None:
    for fault in faults[:10]:
        sys.stdout.write(f"    {fault}\n")


if __name__ == "__main__":
    sys.exit(main())
