"""Is what was sent right, as far as can be told without a server? The same rules as in every other way in."""

import copy
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date
from typing import Any

from pydantic import ValidationError

from contracts.agreement_form import AgreementForm
from intake.columns import CODE_COLUMNS
from intake.findings import Finding, capped, repeatable_path
from intake.sent import Sent, told
from rules.agreements import Fault, faults, text_faults
from rules.validation_errors import fault_of

_NO_CODES = frozenset({"field required", "must hold at least 1 item"})
_LAYERS = 5
"""So many times something is set aside: a part that was wrong may hide what is missing."""
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


def check(sent: Sent, *, region: str | None, today: date, mandatory: Iterable[str] = ()) -> Checked:
    """Everything that is wrong with one agreement, all at once.

    `region` is the one that sends: an agreement without a region is its own, and one of another region is refused.
    None (offline) takes any. `today` is a Swedish day, `mandatory` the paths its profile demands
    (`rules.agreement_profiles`). Units and codes are not looked up: that needs the catalogue.
    """
    if sent.confidential:
        row = sent.rows[0] if sent.rows else None
        return Checked(None, (Finding("confidential", CONFIDENTIAL, row, sent.mark_heading),), confidential=True)
    if sent.findings and not sent.content:
        return Checked(None, sent.findings, sent.notes)
    content = dict(sent.content)
    if region is not None and content.get("region") in (None, ""):
        content["region"] = region
    unread = {finding.field for finding in sent.findings}
    mandatory = tuple(mandatory)
    form, rows = _shaped(content)
    if form is not None:
        found = faults(form.as_json(), mandatory=mandatory, today=today)
        rows = [fault for fault in found if not _rests_on(fault[0], unread)]
    else:
        rows = _all_at_once(content, rows, unread, mandatory, today)
    sender = content.get("region")
    if region is not None and isinstance(sender, str) and sender.strip() != region and not _told(rows, "region"):
        rows.insert(0, ("region", ANOTHER_REGION))
    rows = [_in_columns(sent, row) for row in rows]
    findings = [*sent.findings, *(told(sent, *row) for row in dict.fromkeys(rows) if row[0] not in unread)]
    if findings or form is None:
        return Checked(None, capped(list(dict.fromkeys(findings))), sent.notes)
    return Checked(form, (), sent.notes)


def _shaped(content: Mapping[str, Any]) -> tuple[AgreementForm | None, list[Fault]]:
    try:
        return AgreementForm.model_validate(content), []
    except ValidationError as error:
        return None, [_repeatable(row) for row in error.errors(include_url=False)]


def _repeatable(row: Mapping[str, Any]) -> Fault:
    field, reason = fault_of(row)
    return repeatable_path(field.split(".")) if field else "", reason


def _in_columns(sent: Sent, fault: Fault) -> Fault:
    """In a table several columns give the codes: none of them is the missing one."""
    field, reason = fault
    if sent.origin is None or not field.endswith(".care_services") or reason not in _NO_CODES:
        return fault
    return field, f"no code: fill in one of {', '.join(column.heading for column in CODE_COLUMNS)}"


def _told(rows: Sequence[Fault], field: str) -> bool:
    return any(row[0] == field for row in rows)


_STAND_IN: dict[str, Any] = {
    "region": "01",
    "number": "x",
    "name": "x",
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
    "care_provider": ("basis", "region"),
    "assignment_id": ("kind",),
    "commissioning_regions": ("region", "basis"),
    "leading_region": ("basis", "commissioning_regions"),
    "law": ("basis", "kind"),
    "direct_award": ("law", "basis", "kind"),
    "choice_of_care": ("law", "basis"),
    "valid_to": ("valid_from",),
    "use_by_others.regions": ("use_by_others.use", "region"),
    "use_by_others.question": ("use_by_others.use",),
    "services.target_group.age_max": ("services.target_group.age_min",),
    "services.conditions.self_referral_how": ("services.conditions.self_referral",),
    "services.reimbursement.valid_from": ("valid_from", "valid_to"),
    "services.reimbursement.valid_to": ("valid_from", "valid_to", "services.reimbursement.valid_from"),
}
"""Faults that say nothing where another field could not be read; paths without indexes."""


def _all_at_once(
    content: Mapping[str, Any], rows: list[Fault], unread: Set[str], mandatory: Sequence[str], today: date
) -> list[Fault]:
    """The faults of the shape, and those of the rules in what is left when the misshapen is set aside."""
    found = [*rows, *text_faults("", content)]
    rest: Any = copy.deepcopy(dict(content))
    aside = set(unread)
    for _ in range(_LAYERS):
        try:
            form = AgreementForm.model_validate(rest)
        except ValidationError as error:
            for row in error.errors(include_url=False, include_input=False):
                aside.add(_set_aside(rest, row["loc"], missing=row["type"] == "missing"))
        else:
            ruled = faults(form.as_json(), mandatory=mandatory, today=today)
            found += [fault for fault in ruled if not _rests_on(fault[0], aside)]
            break
    return [(repeatable_path(field.split(".")) if field else "", reason) for field, reason in found]


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


def _rests_on(field: str, aside: Set[str]) -> bool:
    """True where a fault comes from what was set aside: the field itself, part of it, or what it rests on."""
    if not aside:
        return False
    mine, gone = _unnumbered(field), [_unnumbered(one) for one in aside]
    needed = (mine, *(other for name, others in _RESTS_ON.items() if _within(mine, name) for other in others))
    return any(_within(one, other) or _within(other, one) for one in gone for other in needed)


def _unnumbered(path: str) -> str:
    return ".".join(step for step in path.split(".") if not step.isdecimal())


def _within(path: str, outer: str) -> bool:
    return path == outer or path.startswith(f"{outer}.")
