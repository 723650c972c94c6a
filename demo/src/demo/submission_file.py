"""`python -m demo.submission_file --to avtal.xlsx`: a region's own file, with a known number of rows wrong in 15 ways.

The same seed gives the same file. Synthetic, as everything in the demo; the number that reads as a person's is one of
those the tax agency publishes for tests.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random
from typing import Any, BinaryIO

from contracts.agreement_form import AgreementForm
from demo.sweden import Sweden, build
from intake import COLUMNS
from intake.writing import Written, rows_of, write_xlsx

Row = list[Written]

_AT = {column.heading: index for index, column in enumerate(COLUMNS)}
_PERSON = "19121212-1212"


@dataclass(frozen=True)
class Clinic:
    """A unit and the care provider it belongs to."""

    unit: str
    provider: str
    provider_name: str
    provider_number: str


@dataclass(frozen=True)
class Known:
    """What the file's right rows are made of: it must be in the catalogue that judges them."""

    region: str
    clinics: Sequence[Clinic]
    closed_unit: str
    codes: Sequence[str]
    """KVÅ."""


@dataclass(frozen=True)
class Made:
    """The rows, and which agreements are wrong in which way: number → way."""

    rows: list[Row]
    planted: dict[str, str]


def known_in(sweden: Sweden, region: str) -> Known:
    """The open private clinics of the demo, and codes of its three care areas."""
    clinics = [
        Clinic(one.hsa_id, one.provider.hsa_id, one.provider.name, one.provider.identity_number)
        for one in sweden.units
        if one.active and one.kind != "hospital" and one.provider.ownership == "private"
    ]
    closed = next(one.hsa_id for one in sweden.units if not one.active)
    return Known(region, clinics, closed, ("CJE20", "JAB30", "NGB49"))


def make(known: Known, agreements: int, services: int, wrong: int, seed: int = 1) -> Made:
    """So many agreements of so many rows each; `wrong` of them have one fault, in all their rows."""
    random = Random(f"{seed} file")
    numbers = [f"FIL {known.region}-{place + 1:05d}" for place in range(agreements)]
    ways = list(WAYS)
    chosen = sorted(random.sample(range(agreements), wrong))
    planted = {numbers[place]: ways[order % len(ways)] for order, place in enumerate(chosen)}
    rows: list[Row] = []
    for place, number in enumerate(numbers):
        form = content(known, number, place, services)
        own = [list(row) for row in rows_of(AgreementForm.model_validate(form).as_json())]
        if number in planted:
            for row in own:
                WAYS[planted[number]](row, known)
        rows += own
    return Made(rows, planted)


def content(known: Known, number: str, place: int, services: int) -> dict[str, Any]:
    """One right agreement, in the form's shape."""
    clinic = known.clinics[place % len(known.clinics)]
    return {
        "region": known.region,
        "number": number,
        "name": f"Operation efter avtal {place + 1} (syntetiskt)",
        "law": "LOU",
        "direct_award": False,
        "care_provider": {
            "hsa_id": clinic.provider,
            "name": clinic.provider_name,
            "organisation_number": clinic.provider_number,
        },
        "valid_from": "2026-01-01",
        "valid_to": f"{2027 + place % 3}-12-31",
        "extension_option": "Option på 12 + 12 månader",
        "document_url": f"https://avtal.example/{known.region}/{place + 1}",
        "description": "Syntetiska uppgifter.",
        "use_by_others": {"use": "on_request", "through": "Förmedlingskontoret", "question": "Finns volym kvar?"},
        "revision": 1,
        "services": [_service(known, clinic, place + step) for step in range(services)],
    }


def _service(known: Known, clinic: Clinic, place: int) -> dict[str, Any]:
    return {
        "care_services": [{"system": "kva", "code": known.codes[place % len(known.codes)]}],
        "units": [clinic.unit],
        "target_group": {"age_min": 18, "age_max": 90, "bmi_max": "40", "asa_max": 3},
        "conditions": {"referral_required": True, "referral_attachments": ["Hälsodeklaration"]},
        "included": ["assessment", "procedure", "follow_up"],
        "reimbursement": {"model": "fixed_price", "amount": f"{7000 + place % 900}.50"},
        "contacts": [{"purpose": "referral", "channel": "phone", "value": "08-123 45 67", "note": "vardagar 8–10"}],
        "expected_capacity": {"count": 100 + place % 400},
    }


def _put(heading: str, cell: Written) -> Callable[[Row, Known], None]:
    def change(row: Row, known: Known) -> None:
        row[_AT[heading]] = cell

    return change


def _misspelt(row: Row, known: Known) -> None:
    code = str(row[_AT["KVÅ-koder"]])
    row[_AT["KVÅ-koder"]] = f"{code[:3]}{int(code[3:]) + 7:02d}"


def _closed(row: Row, known: Known) -> None:
    row[_AT["vårdenheter"]] = known.closed_unit


def _slipped(row: Row, known: Known) -> None:
    unit = str(row[_AT["vårdenheter"]])
    row[_AT["vårdenheter"]] = f"{unit[:11]}{(int(unit[11]) + 1) % 10}{unit[12:]}"


def _unknown(row: Row, known: Known) -> None:
    row[_AT["vårdenheter"]] = f"{known.clinics[0].provider[:13]}FINNSEJ"


def _nobody(row: Row, known: Known) -> None:
    for heading in ("vårdgivare HSA-id", "vårdgivare namn", "organisationsnummer"):
        row[_AT[heading]] = None


def _another_region(row: Row, known: Known) -> None:
    other = "12" if known.region != "12" else "14"
    row[_AT["region"]] = row[_AT["beställande regioner"]] = other


WAYS: Mapping[str, Callable[[Row, Known], None]] = {
    "a code with a slip of the pen": _misspelt,
    "a unit that does not exist": _unknown,
    "a unit that is closed": _closed,
    "a unit whose check digit is wrong": _slipped,
    "no care provider": _nobody,
    "a period that ends before it starts": _put("giltigt till", date(2025, 12, 31)),
    "a day that does not exist": _put("giltigt till", "2027-02-29"),
    "a day that can be read in two ways": _put("giltigt från", "03/04/2026"),
    "no name": _put("namn", None),
    "a word that is not in the list": _put("ersättningsmodell", "styckpris"),
    "ages that cross": _put("ålder till", 5),
    "on request, without the question": _put("fråga att ställa", None),
    "a personal number in a text": _put("beskrivning", f"Gäller {_PERSON}"),
    "another region's": _another_region,
    "covered by secrecy": _put("sekretess", "ja"),
}
"""The 15 ways in which a row is wrong, by name."""


def write(made: Made, file: BinaryIO) -> None:
    """As a workbook."""
    write_xlsx(made.rows, file)


def main(argv: Sequence[str] | None = None) -> int:
    """Write the file, and tell what is wrong in it."""
    parser = argparse.ArgumentParser(
        prog="python -m demo.submission_file",
        description="Write a region's file of agreements, with a known number of them wrong in 15 ways.",
        epilog="example: python -m demo.submission_file --to avtal.xlsx --agreements 2000 --services 5 --wrong 137",
    )
    parser.add_argument("--to", type=Path, required=True, help="the workbook to write")
    parser.add_argument("--region", default="14")
    parser.add_argument("--agreements", type=int, default=2000)
    parser.add_argument("--services", type=int, default=1, help="rows per agreement")
    parser.add_argument("--wrong", type=int, default=137)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="tell every planted fault, for machines")
    asked = parser.parse_args(argv)
    if not 0 <= asked.wrong <= asked.agreements or asked.services < 1:
        parser.error("--wrong must be at most --agreements, and --services at least 1")
    sweden = build(asked.seed, datetime.now(UTC).date())
    made = make(known_in(sweden, asked.region), asked.agreements, asked.services, asked.wrong, asked.seed)
    with asked.to.open("wb") as file:
        write(made, file)
    if asked.json:
        print(json.dumps({"file": str(asked.to), "rows": len(made.rows), "planted": made.planted}, ensure_ascii=False))
        return 0
    print(f"{asked.to}: {len(made.rows)} rows, {len(made.planted)} agreements wrong")
    width = max(map(len, WAYS))
    for way, number in Counter(made.planted.values()).items():
        print(f"  {way:<{width}}  {number:>4}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
