"""What makes an agreement right beyond the shape of its fields. Pure, so that a region can check before it sends."""

from collections.abc import Iterator, Mapping
from typing import Any

from rules.personal_numbers import holds_personal_number

Fault = tuple[str, str]
"""A dotted field path and the reason, in words. Never the refused value."""

Agreement = Mapping[str, Any]
"""An agreement as JSON: field names of the form, dates as ISO text, so that they compare as text."""


def faults(agreement: Agreement) -> list[Fault]:
    """Everything wrong with an agreement that can be told from itself alone, all at once."""
    return [
        *_period("", agreement),
        *_parties(agreement),
        *_use(agreement),
        *_services(agreement),
        *text_faults("", agreement),
    ]


def _period(path: str, part: Mapping[str, Any]) -> Iterator[Fault]:
    start, end = part.get("valid_from"), part.get("valid_to")
    if start is not None and end is not None and end < start:
        yield f"{path}valid_to", "the period ends before it starts"


def _parties(agreement: Agreement) -> Iterator[Fault]:
    own = agreement["basis"] == "own_provision"
    if own and agreement.get("care_provider") is not None:
        yield "care_provider", "own provision has no counterpart: leave it out"
    if not own and agreement.get("care_provider") is None:
        yield "care_provider", "is required, unless basis is own_provision"
    if agreement["kind"] == "assignment" and not agreement.get("assignment_id"):
        yield "assignment_id", "is required for an assignment (uppdrags-id)"
    if agreement["region"] not in agreement["commissioning_regions"]:
        yield "commissioning_regions", "must hold the region that registers the agreement"


def _use(agreement: Agreement) -> Iterator[Fault]:
    use = agreement["use_by_others"]
    if use["use"] == "named_regions" and not use["regions"]:
        yield "use_by_others.regions", "must name the regions when use is named_regions"
    if use["use"] != "named_regions" and use["regions"]:
        yield "use_by_others.regions", "is for use named_regions only"
    if use["use"] == "on_request" and not use.get("question"):
        yield "use_by_others.question", "must say what to ask when use is on_request"


def _services(agreement: Agreement) -> Iterator[Fault]:
    for number, service in enumerate(agreement["services"]):
        path = f"services.{number}."
        group = service.get("target_group") or {}
        low, high = group.get("age_min"), group.get("age_max")
        if low is not None and high is not None and high < low:
            yield f"{path}target_group.age_max", "is lower than age_min"
        yield from _period(f"{path}reimbursement.", service.get("reimbursement") or {})


def text_faults(path: str, value: object) -> Iterator[Fault]:
    """Every text in the value is searched for personal numbers, whatever its field is called.

    Codes of care services are not: they are looked up, and a SNOMED CT identifier may read as such a number.
    """
    if isinstance(value, str) and holds_personal_number(value):
        yield path, "holds something like a personal number: no patient may be identified here"
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            if name != "care_services":
                yield from text_faults(f"{path}.{name}" if path else name, inner)
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from text_faults(f"{path}.{number}", inner)
