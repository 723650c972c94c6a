"""Is what was sent right, as far as can be told without a server? The same rules as in every other way in."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from pydantic import ValidationError

from contracts.agreement_form import AgreementForm
from intake.findings import Finding, capped, repeatable_path
from intake.sent import Sent, told
from rules.agreements import Fault, faults, text_faults
from rules.validation_errors import fault_of

_FAR_AHEAD_YEARS = 5
CONFIDENTIAL = "is covered by secrecy: it is not taken, and nothing of it is kept"
ANOTHER_REGION = "is another region's: a region sends its own agreements"


@dataclass(frozen=True, slots=True)
class Checked:
    """The form, or why there is none: of the two exactly one is filled."""

    form: AgreementForm | None
    findings: tuple[Finding, ...] = ()
    notes: tuple[Finding, ...] = ()
    """What should be known and refuses nothing."""
    confidential: bool = False
    """Refused for secrecy; the finding holds the row and nothing else of it."""


def check(sent: Sent, *, region: str | None, today: date) -> Checked:
    """Everything that is wrong with one agreement, all at once.

    `region` is the one that sends: an agreement without a region is its own, and one of another region is refused.
    None (offline) takes any. Units and codes are not looked up: that needs the catalogue.
    """
    if sent.confidential:
        row = sent.rows[0] if sent.rows else None
        return Checked(None, (Finding("confidential", CONFIDENTIAL, row),), confidential=True)
    if sent.findings and not sent.content:
        return Checked(None, sent.findings, sent.notes)
    content = dict(sent.content)
    if region is not None and content.get("region") in (None, ""):
        content["region"] = region
    form, rows = _shaped(content)
    if form is not None:
        rows = faults(form.as_json())
        if region is not None and form.region != region:
            rows.insert(0, ("region", ANOTHER_REGION))
    else:
        rows = _all_at_once(content, rows)
        other = content.get("region")
        if region is not None and isinstance(other, str) and other != region and not _told(rows, "region"):
            rows.insert(0, ("region", ANOTHER_REGION))
    known = {finding.field for finding in sent.findings}
    findings = [*sent.findings, *(told(sent, *row) for row in dict.fromkeys(rows) if row[0] not in known)]
    if findings or form is None:
        return Checked(None, capped(findings), sent.notes)
    return Checked(form, (), (*sent.notes, *_notes(sent, form, today)))


def _shaped(content: Mapping[str, Any]) -> tuple[AgreementForm | None, list[Fault]]:
    try:
        return AgreementForm.model_validate(content), []
    except ValidationError as error:
        return None, [_repeatable(row) for row in error.errors(include_url=False)]


def _repeatable(row: Mapping[str, Any]) -> Fault:
    field, reason = fault_of(row)
    return repeatable_path(field.split(".")) if field else "", reason


def _told(rows: Sequence[Fault], field: str) -> bool:
    return any(row[0] == field for row in rows)


_STAND_IN: dict[str, Any] = {
    "region": "01",
    "number": "-",
    "name": "-",
    "valid_from": "0001-01-01",
    "care_services": [{"system": "kva", "code": "AA000"}],
    "units": ["SE2321000016-A001"],
    "services": [{"care_services": [{"system": "kva", "code": "AA000"}], "units": ["SE2321000016-A001"]}],
    "hsa_id": "SE2321000016-A001",
    "system": "kva",
    "code": "AA000",
    "model": "drg",
    "count": 1,
    "channel": "phone",
    "value": "-",
}
"""Values that break no rule, for required fields of which nothing right was sent."""

_RESTS_ON = {
    "care_provider": ("basis",),
    "commissioning_regions": ("region",),
    "use_by_others.regions": ("use_by_others.use",),
    "use_by_others.question": ("use_by_others.use",),
    "assignment_id": ("kind",),
}
"""Faults that say nothing where another field could not be read."""


def _all_at_once(content: Mapping[str, Any], rows: list[Fault]) -> list[Fault]:
    """The faults of the shape, and those of the rules in what is left when the misshapen is set aside."""
    found = [*rows, *text_faults("", content)]
    rest: Any = copy.deepcopy(dict(content))
    aside: set[str] = set()
    for _ in range(5):
        try:
            form = AgreementForm.model_validate(rest)
        except ValidationError as error:
            for row in error.errors(include_url=False, include_input=False):
                aside.add(_set_aside(rest, row["loc"], missing=row["type"] == "missing"))
        else:
            found += [fault for fault in faults(form.as_json()) if not _rests_on(fault[0], aside)]
            break
    return [(repeatable_path(field.split(".")), reason) if field else ("", reason) for field, reason in found]


def _set_aside(rest: Any, path: tuple[int | str, ...], *, missing: bool) -> str:
    """Take away what is wrong at a path, up to the last field's name, or put something right where it is missing."""
    steps = list(path)
    while steps and not isinstance(steps[-1], str):
        steps.pop()
    place = rest
    for step in steps[:-1]:
        place = place[step]
    if steps and isinstance(place, dict):
        name = str(steps[-1])
        if missing or name in ("services", "care_services", "units"):
            place[name] = copy.deepcopy(_STAND_IN.get(name, "-"))
        else:
            place.pop(name, None)
    return ".".join(map(str, steps))


def _rests_on(field: str, aside: set[str]) -> bool:
    needed = (field, *_RESTS_ON.get(field, ()))
    return any(gone == one or gone.startswith(f"{one}.") for gone in aside for one in needed)


def _notes(sent: Sent, form: AgreementForm, today: date) -> list[Finding]:
    """What is allowed and rarely meant."""
    if form.valid_to is not None and form.valid_to < today:
        return [told(sent, "valid_to", "the period has ended: nobody will find the agreement")]
    if form.valid_from.year > today.year + _FAR_AHEAD_YEARS:
        return [told(sent, "valid_from", f"the period begins more than {_FAR_AHEAD_YEARS} years ahead: is it meant?")]
    return []
