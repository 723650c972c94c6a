"""What is written in the laboratory: care offerings whose every trace tells key and version.

The version stands in the message, in search's row, and as `observed_at` in the document's basis.
"""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from contracts import CareOfferingUpdated, CareUnitUpdated, CodeUpdated, Envelope, encode

TOPIC = CareOfferingUpdated.topic.name
PARKED = f"{TOPIC}-parked-search"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(version: int) -> datetime:
    """A version as a time: microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=version)


def version_at(observed_at: str) -> int:
    """The version that was written as this time."""
    return (datetime.fromisoformat(observed_at) - _EPOCH) // timedelta(microseconds=1)


@dataclass(frozen=True)
class Offered:
    """The offerings of one laboratory: a unit of its own, and care services of its own."""

    unit: str
    codes: Sequence[str]

    @property
    def keys(self) -> list[str]:
        """Record keys, which are the documents' ids too."""
        return [f"{self.unit}|vt-demo|{code}" for code in self.codes]

    def event(self, key: str, version: int, *, large: bool = False) -> Envelope:
        """The message of one version, ready for the outbox; a large one has 200 kB that cannot be compressed."""
        unit, system, code = key.split("|")
        told = {
            "version": version,
            "unit": unit,
            "care_service": {"system": system, "code": code},
            "status": "active",
            "encounter_means": (),
            "target_group": None,
            "referral_required": None,
            "referral_guidance": secrets.token_hex(100_000) if large else None,
            "self_referral": None,
            "contacts": (),
            "valid_from": None,
            "valid_to": None,
            "source": _source(moment(version)),
        }
        return encode(CareOfferingUpdated.model_validate(told), at=moment(version))

    def first(self) -> Iterable[Envelope]:
        """What is announced before: the unit and the codes."""
        yield encode(CareUnitUpdated.model_validate(_unit(self.unit)), at=datetime.now(UTC))
        for code in self.codes:
            yield encode(CodeUpdated.model_validate(_code(code)), at=datetime.now(UTC))


def offered(number: int, count: int) -> Offered:
    """So many offerings of a unit with this number."""
    return Offered(f"SE5561234567-F{number}", [f"f{number}-{one:03}" for one in range(count)])


def _source(at: datetime) -> dict[str, Any]:
    return {"system": "faults", "reference": None, "observed_at": at}


def _unit(hsa_id: str) -> dict[str, Any]:
    return {
        "version": 1,
        "hsa_id": hsa_id,
        "status": "active",
        "name": "Kliniken",
        "care_provider": {"hsa_id": "SE5561234567-0001", "name": "Exempel AB", "organisation_number": None},
        "part_of": None,
        "ownership": None,
        "care_forms": (),
        "specialties": (),
        "place": {
            "street": None,
            "postal_code": None,
            "locality": None,
            "municipality": "0180",
            "region": "01",
            "point": None,
        },
        "contacts": (),
        "opened_on": None,
        "closed_on": None,
        "merged_into": None,
        "staff_categories": [],
        "beds": None,
        "source": _source(datetime.now(UTC)),
    }


def _code(code: str) -> dict[str, Any]:
    return {
        "version": 1,
        "system": "vt-demo",
        "code": code,
        "status": "active",
        "text": f"Vårdtjänst {code}",
        "release": None,
        "valid_from": None,
        "valid_to": None,
        "maps": (),
        "place": None,
        "care_area": None,
        "designations": [],
        "changed_at": datetime.now(UTC),
    }
