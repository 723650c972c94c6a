"""What makes an agreement right beyond the shape of its fields. Pure, so that a region can check before it sends."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from rules.personal_numbers import holds_personal_number
from rules.regions import REGIONS

Fault = tuple[str, str]
"""A dotted field path and the reason, in words. Never the refused value."""

Agreement = Mapping[str, Any]
"""An agreement as JSON: field names of the form, dates as ISO text, so that they compare as text."""

EARLIEST = date(1990, 1, 1)
"""No agreement in use is older; an empty date cell of a spreadsheet reads as 1900 or 1904."""
STARTS_WITHIN_YEARS = 5
"""A region that registers an agreement has awarded it; nobody awards care that begins later than this."""
ENDS_WITHIN_YEARS = 20
"""Framework agreements run four years (7 kap. 2 § LOU), with reasons longer. Until further notice has no last day."""

LED = frozenset({"joint_agreement", "bilateral_agreement"})
"""Bases of several regions, one of which leads: the others turn to it."""
_BETWEEN_REGIONS = "national_agreement"
OWN_PROVISION = "own_provision"
"""The basis of what a region does itself: no counterpart, and its own units alone."""
_OWNERS = {region.organisation_number: code for code, region in REGIONS.items()}
_MINUTE = re.compile(r"20\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])([01]\d|2[0-3])[0-5]\d")
"""A revision that is a moment, as in 202603011430: systems number their changes so."""
_OLDEST = 130
_BMI = (15, 100)
"""A highest BMI below 15 would let nobody in: a slip of the decimal point."""
_ASA = (1, 6)


def faults(agreement: Agreement, *, mandatory: Iterable[str] = (), today: date | None = None) -> list[Fault]:
    """Everything wrong with an agreement that can be told from itself alone, all at once.

    `mandatory` are the paths that a profile demands (`rules.agreement_profiles`), such as `services.*.reimbursement`.
    Periods far from `today`, a Swedish day, are told as probably wrong; None leaves that out.
    """
    return [
        *_missing(agreement, mandatory),
        *_period("", agreement, today),
        *_parties(agreement),
        *_commissioners(agreement),
        *_procurement(agreement),
        *_use(agreement),
        *_services(agreement, today),
        *text_faults("", agreement),
    ]


def _missing(agreement: Agreement, mandatory: Iterable[str]) -> Iterator[Fault]:
    for path in mandatory:
        if _applies(path, agreement):
            for found, value in _at(agreement, path.split("."), ""):
                if _says_nothing(value):
                    yield found, "is mandatory"


def _applies(path: str, agreement: Agreement) -> bool:
    """False for what an agreement of this kind cannot have: a profile is one list for all kinds."""
    basis, kind = agreement["basis"], agreement["kind"]
    match path.split(".")[0]:
        case "law" | "direct_award":
            # An arrangement (överenskommelse) is with another public body.
            return basis not in {OWN_PROVISION, _BETWEEN_REGIONS} and kind != "arrangement"
        case "care_provider":
            return bool(basis != OWN_PROVISION)
        case "leading_region":
            return basis in LED
        case "assignment_id" | "assignment_document_url":
            return bool(kind == "assignment")
        case _:
            return True


def _at(value: Any, names: Sequence[str], path: str) -> Iterator[tuple[str, Any]]:
    """Every place the names lead to, with what is there; `*` stands for each one of a list."""
    if not names:
        yield path, value
    elif names[0] == "*":
        for number, inner in enumerate(value if isinstance(value, list | tuple) else ()):
            yield from _at(inner, names[1:], f"{path}.{number}")
    else:
        inner = value.get(names[0]) if isinstance(value, Mapping) else None
        yield from _at(inner, names[1:], f"{path}.{names[0]}".lstrip("."))


def _says_nothing(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(_says_nothing(inner) for inner in value.values())
    return value is None or (isinstance(value, str | list | tuple) and len(value) == 0)


def _period(path: str, part: Mapping[str, Any], today: date | None) -> Iterator[Fault]:
    start, end = part.get("valid_from"), part.get("valid_to")
    if start is not None and end is not None and end < start:
        yield f"{path}valid_to", "the period ends before it starts"
        return
    if start is not None and start < EARLIEST.isoformat():
        yield f"{path}valid_from", f"is before {EARLIEST.year}: probably the wrong year"
    if start is not None and today is not None and start > _years_after(today, STARTS_WITHIN_YEARS):
        yield f"{path}valid_from", f"is more than {STARTS_WITHIN_YEARS} years ahead: probably the wrong year"
    elif end is not None and today is not None and end > _years_after(today, ENDS_WITHIN_YEARS):
        why = f"is more than {ENDS_WITHIN_YEARS} years ahead: leave it out where it holds until further notice"
        yield f"{path}valid_to", why


def _years_after(day: date, years: int) -> str:
    # As text, so that 29 February needs no care.
    return f"{day.year + years:04d}{day.isoformat()[4:]}"


def _parties(agreement: Agreement) -> Iterator[Fault]:
    own = agreement["basis"] == OWN_PROVISION
    provider = agreement.get("care_provider")
    if own and provider is not None:
        yield "care_provider", "own provision has no counterpart: leave it out"
    if not own and provider is None:
        yield "care_provider", "is required, unless basis is own_provision"
    if agreement["kind"] == "assignment" and not agreement.get("assignment_id"):
        yield "assignment_id", "is required for an assignment (uppdrags-id)"
    if agreement["basis"] == _BETWEEN_REGIONS and provider is not None and not _of_another_region(agreement):
        yield "care_provider", "must be another region's, by its HSA-id or number: Riksavtalet is between regions"


def _of_another_region(agreement: Agreement) -> bool:
    """Regions' companies have numbers of their own, and HSA-ids under their region's."""
    provider = agreement["care_provider"]
    owners = {_OWNERS.get(str(provider.get("organisation_number"))), _OWNERS.get(str(provider["hsa_id"])[2:12])}
    return bool(owners - {None, agreement["region"]})


def _commissioners(agreement: Agreement) -> Iterator[Fault]:
    """Who commissions, and who of them leads (seed report 001, 5.2: which region has the agreement)."""
    basis, regions = agreement["basis"], agreement["commissioning_regions"]
    leading = agreement.get("leading_region")
    if agreement["region"] not in regions:
        yield "commissioning_regions", "must hold the region that registers the agreement"
    yield from _twice("commissioning_regions", regions)
    if basis == "bilateral_agreement" and len(set(regions)) != 2:
        yield "commissioning_regions", "must be exactly two for a bilateral agreement"
    if basis == "joint_agreement" and len(set(regions)) < 2:
        yield "commissioning_regions", "must be at least two for a joint agreement"
    if basis in LED and leading is None:
        yield "leading_region", "is required for a joint or bilateral agreement"
    if basis not in LED and leading is not None:
        yield "leading_region", "is for joint and bilateral agreements only"
    if basis in LED and leading is not None and leading not in regions:
        yield "leading_region", "must be one of the commissioning regions"


def _procurement(agreement: Agreement) -> Iterator[Fault]:
    """The law, the procedure and the system of choice agree with each other and with the basis."""
    basis, law = agreement["basis"], agreement.get("law")
    direct, choice = bool(agreement.get("direct_award")), bool(agreement.get("choice_of_care"))
    if law is not None and basis in {OWN_PROVISION, _BETWEEN_REGIONS}:
        yield "law", "own provision and care under Riksavtalet are not procured: leave it out"
    elif direct and law != "LOU":
        # Direktupphandling, 19 a kap. LOU. LOV lets in everybody who fulfils the terms; LOL and LOF know no award.
        yield "direct_award", "is a procedure under LOU only"
    if choice and law != "LOV" and basis != OWN_PROVISION:
        yield "choice_of_care", "is for law LOV, and for own provision within such a system"
    if law == "LOV" and not choice and basis not in {OWN_PROVISION, _BETWEEN_REGIONS}:
        # Lagen om valfrihetssystem (2008:962).
        yield "choice_of_care", "must be true with LOV, the act on systems of choice"


def _use(agreement: Agreement) -> Iterator[Fault]:
    use = agreement["use_by_others"]
    if use["use"] == "named_regions" and not use["regions"]:
        yield "use_by_others.regions", "must name the regions when use is named_regions"
    if use["use"] != "named_regions" and use["regions"]:
        yield "use_by_others.regions", "is for use named_regions only"
    if use["use"] == "named_regions" and agreement["region"] in use["regions"]:
        yield "use_by_others.regions", "must not name the region itself: it is about others"
    yield from _twice("use_by_others.regions", use["regions"])
    if use["use"] == "on_request" and not use.get("question"):
        yield "use_by_others.question", "must say what to ask when use is on_request"


def _services(agreement: Agreement, today: date | None) -> Iterator[Fault]:
    for number, service in enumerate(agreement["services"]):
        path = f"services.{number}."
        yield from _twice(f"{path}units", service["units"])
        yield from _twice(f"{path}care_services", service["care_services"])
        yield from _target_group(f"{path}target_group.", service.get("target_group") or {})
        conditions = service.get("conditions") or {}
        if conditions.get("self_referral_how") and not conditions.get("self_referral"):
            yield f"{path}conditions.self_referral_how", "is for services that take self-referrals: say so, or leave it"
        payment = service.get("reimbursement") or {}
        yield from _period(f"{path}reimbursement.", payment, today)
        yield from _paid_meanwhile(f"{path}reimbursement.", payment, agreement)


def _target_group(path: str, group: Mapping[str, Any]) -> Iterator[Fault]:
    """Ages in whole years, BMI in kg/m², ASA class I-VI as 1-6."""
    low, high = group.get("age_min"), group.get("age_max")
    for name, age in (("age_min", low), ("age_max", high)):
        if age is not None and not 0 <= age <= _OLDEST:
            yield f"{path}{name}", f"must be 0 to {_OLDEST} years"
    if low is not None and high is not None and high < low:
        yield f"{path}age_max", "is lower than age_min"
    if not _within(_BMI, group.get("bmi_max")):
        yield f"{path}bmi_max", f"must be {_BMI[0]} to {_BMI[1]}"
    if not _within(_ASA, group.get("asa_max")):
        yield f"{path}asa_max", f"must be a class, {_ASA[0]} to {_ASA[1]}"


def _within(limits: tuple[int, int], value: Any) -> bool:
    if value is None:
        return True
    try:
        # Decimals come as text, so that no digit is lost.
        return limits[0] <= Decimal(str(value)) <= limits[1]
    except InvalidOperation:
        return False


def _paid_meanwhile(path: str, payment: Mapping[str, Any], agreement: Agreement) -> Iterator[Fault]:
    """A price may hold for a part of the agreement's period, or longer for its extension; not wholly beside it."""
    begins, ends = agreement.get("valid_from"), agreement.get("valid_to")
    start, end = payment.get("valid_from"), payment.get("valid_to")
    if begins is not None and ends is not None and ends < begins:
        return
    if start is not None and ends is not None and start > ends:
        yield f"{path}valid_from", "is after the agreement's last day"
    if end is not None and begins is not None and end < begins:
        yield f"{path}valid_to", "is before the agreement's first day"


def _twice(path: str, values: Sequence[Any]) -> Iterator[Fault]:
    for position, value in enumerate(values):
        if value in values[:position]:
            yield f"{path}.{position}", "is named twice"


def text_faults(path: str, value: object) -> Iterator[Fault]:
    """Every text and number in the value is searched for personal numbers, whatever its field is called.

    Codes of care services are not: they are looked up, and a SNOMED CT identifier may read as such a number.
    """
    if isinstance(value, str):
        if holds_personal_number(value):
            yield path, "holds something like a personal number: no patient may be identified here"
    elif isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        if not (path == "revision" and _MINUTE.fullmatch(str(value))):
            yield from text_faults(path, str(value) if isinstance(value, int) else f"{value:f}")
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            if name != "care_services":
                yield from text_faults(f"{path}.{name}" if path else name, inner)
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from text_faults(f"{path}.{number}", inner)
