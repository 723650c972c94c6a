"""Whom a care service is for, and what a referral must carry: HealthcareService.eligibility in the draft guide.

An eligibility row has a code, a comment, or (by extension) a Group whose characteristics are sex, age, BMI and ASA
class. What cannot be held in the fields becomes a condition in words: a limit that is not understood must not look
like no limit.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from rules.fhir_fields import Resource, Tell, Unusable, codings, contained, extensions, words

_SEX, _AGE, _BMI, _ASA = "184100006", "424144002", "60621009", "302132005"
_VALUE = "sendi-eligibility-value-extension"
_YEARS = frozenset({None, "a", "år", "year", "years"})
_UNREAD = "Ytterligare villkor hos källan"
_OTHER, _PROCEDURE, _PAYMENT = "otherDescription", "specialReferralProcedure", "promissoryNote"
_MUST_PAY = "Betalningsförbindelse krävs."


def codes_of(service: Resource) -> set[str]:
    """Every eligibility code."""
    return {str(coding.get("code")) for row in service.get("eligibility", []) for coding in codings(row.get("code"))}


def guidance_of(service: Resource) -> str | None:
    """What whoever refers must know: the service's comment, its special procedure, a demanded payment commitment."""
    told = [words("comment", service.get("comment"))]
    for row, codes in _rows(service):
        if _PROCEDURE in codes:
            told.append(words("eligibility", row.get("comment")))
        if _PAYMENT in codes:
            told.append(words("eligibility", row.get("comment")) or _MUST_PAY)
    return "\n".join(line for line in told if line is not None) or None


def target_group_of(service: Resource, groups: Mapping[str, Resource], tell: Tell) -> dict[str, Any] | None:
    """The target group, None where none is given. `groups` leads from references to Groups. Raises Unusable."""
    found: dict[str, Any] = {"age_min": None, "age_max": None, "sex": None, "bmi_max": None, "asa_max": None}
    others: list[str] = []
    inside = {f"#{part.get('id')}": part for part in contained(service, "Group")}
    for row, codes in _rows(service):
        if _OTHER in codes:
            others.append(words("eligibility", row.get("comment")) or _UNREAD)
        for ext in extensions(row, _VALUE):
            target = (ext.get("valueReference") or {}).get("reference", "")
            group = inside.get(target) or groups.get(target)
            if group is None:
                tell("eligibility: points to a group that cannot be read")
                others.append(_UNREAD)
                continue
            for characteristic in group.get("characteristic", []):
                if not _take(characteristic, found):
                    tell("eligibility: has a characteristic that no field can hold")
                    others.append(words("eligibility", (characteristic.get("code") or {}).get("text")) or _UNREAD)
    if found["age_min"] is not None and found["age_max"] is not None and found["age_min"] > found["age_max"]:
        raise Unusable("eligibility: the lowest age is above the highest")
    found["other"] = "; ".join(dict.fromkeys(others)) or None
    return found if any(value is not None for value in found.values()) else None


def _rows(service: Resource) -> Iterator[tuple[Resource, set[str]]]:
    for row in service.get("eligibility", []):
        yield row, {str(coding.get("code")) for coding in codings(row.get("code"))}


def _take(characteristic: Resource, found: dict[str, Any]) -> bool:
    """Put one characteristic in its field; False where no field can hold it."""
    codes = {str(coding.get("code")) for coding in codings(characteristic.get("code"))}
    limits = characteristic.get("valueRange") or {}
    low, high = limits.get("low"), limits.get("high")
    if characteristic.get("exclude", False):
        return False
    if _SEX in codes:
        sexes = {str(coding.get("code")) for coding in codings(characteristic.get("valueCodeableConcept"))}
        known = sorted(sexes & {"male", "female"})
        found["sex"] = known[0] if len(known) == 1 else None
        # Both sexes are no limit.
        return len(known) == 2 or found["sex"] is not None
    if _AGE in codes:
        units = {(part or {}).get("code", (part or {}).get("unit")) for part in (low, high)}
        if not (units <= _YEARS and _is_whole(low) and _is_whole(high)):
            return False
        found["age_min"], found["age_max"] = _whole(low), _whole(high)
        return True
    if _BMI in codes:
        found["bmi_max"] = str(_number(high)) if high is not None else None
        return low is None and high is not None
    if _ASA in codes:
        highest = _whole(high) if high is not None else characteristic.get("valueInteger")
        found["asa_max"] = highest if isinstance(highest, int) and 1 <= highest <= 6 else None
        return found["asa_max"] is not None and (low is None or _whole(low) == 1)
    return False


def _number(quantity: Resource) -> Decimal:
    return Decimal(str(quantity["value"]))


def _is_whole(quantity: Resource | None) -> bool:
    return quantity is None or _number(quantity) % 1 == 0


def _whole(quantity: Resource | None) -> int | None:
    return int(_number(quantity)) if quantity is not None else None
