"""What a region tells of brokering, as it is shown: whom to call there, and what holds for its own patients."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from rules.regions import REGIONS
from search.domain.age import told

Json = Mapping[str, Any]

_OFFICE = ("office",)
_OWN_PATIENTS = ("invoice", "care_paid_first_by", "travel", "lodging", "companion")


def shown(region: str, profile: Json | None, *, of_patient: bool, today: date) -> dict[str, Any]:
    """One region's profile, in the parts that are of use: another region's rules do not hold for this patient.

    Every part is None, and the text says why, where the region has told nothing or has withdrawn what it told.
    """
    name = REGIONS[region].name
    parts = (*_OFFICE, *(_OWN_PATIENTS if of_patient else ()))
    if profile is None or profile["status"] != "active":
        age = {"source": None, "observed_at": None, "age_days": None, "text": f"Regionprofil: uppgift saknas ({name})"}
        return {"name": name, **dict.fromkeys(parts), **age}
    return {
        "name": name,
        **{part: profile[part] for part in parts},
        **told("Regionprofil", name, profile["changed_at"], today),
    }
