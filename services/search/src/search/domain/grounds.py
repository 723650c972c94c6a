"""Which of an offer's bases a question may stand on. The index asks the same in its own words: `index/query`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from search.domain import capacity
from search.domain.eligibility import refuses, target_group
from search.domain.question import Basis, Question

Json = Mapping[str, Any]

AGREED = (Basis.AGREEMENT, Basis.OWN)
"""The bases that are agreed. Where each of those that the patient's region may use or ask for refuses the patient, what
the catalogue or another region's agreement says does not help; free capacity for such a patient does."""


def may_ask(basis: Json, region: str) -> bool:
    """The region may use the basis after asking: anybody, or those that it names (`on_request_by`)."""
    asked_by = basis.get("on_request_by")
    return bool(basis["on_request"]) and (asked_by is None or region in asked_by)


def within_reach(basis: Json, question: Question) -> bool:
    """The patient's region may use the basis, or ask for it; without a patient region every basis is."""
    region = question.patient_region
    return region is None or region in basis["usable_by"] or may_ask(basis, region)


def in_force(basis: Json, question: Question) -> bool:
    """From its first day to its last, both included; free capacity from the day it is announced."""
    if basis["kind"] == Basis.CAPACITY:
        return capacity.current(basis, question)
    today, start, end = question.today.isoformat(), basis["valid_from"], basis["valid_to"]
    return (start is None or start <= today) and (end is None or today <= end)


def of(document: Json, question: Question) -> list[Json]:
    """The bases in force that every filter lets through and that are not known to refuse the patient."""
    current = [basis for basis in document["bases"] if in_force(basis, question)]
    agreed = [basis for basis in current if basis["kind"] in AGREED and within_reach(basis, question)]
    refused = bool(agreed) and all(refuses(basis, question) for basis in agreed)
    if refused and not capacity.usable(document, question):
        return []
    return [basis for basis in current if _asked_for(basis, question) and not refuses(basis, question)]


class Against(StrEnum):
    """Why an offer that exists is not shown."""

    NOT_IN_FORCE = "not_in_force"
    REFUSES_PATIENT = "refuses_patient"
    FILTERED = "filtered"


@dataclass(frozen=True)
class Unfit:
    """Why an offer is not shown, with what is known of it for machines."""

    against: Against
    facts: Mapping[str, Any]


def unfit(document: Json, question: Question) -> Unfit | None:
    """Why the question cannot stand on any of an offer's bases; None where it can."""
    if of(document, question):
        return None
    current = [basis for basis in document["bases"] if in_force(basis, question)]
    if not current:
        today = question.today.isoformat()
        starts = [one["valid_from"] for one in document["bases"] if one["kind"] != Basis.CAPACITY]
        begins = [start for start in starts if start and start > today]
        ended = [one["valid_to"] for one in document["bases"] if one["valid_to"] and one["valid_to"] < today]
        facts = {"begins": min(begins, default=None), "ended": max(ended, default=None)}
        return Unfit(Against.NOT_IN_FORCE, facts)
    if of(document, replace(question, age=None, sex=None)):
        agreed = [basis for basis in current if basis["kind"] in AGREED and within_reach(basis, question)]
        refusing = agreed or [basis for basis in current if refuses(basis, question)]
        facts = {
            "basis": sorted({basis["kind"] for basis in refusing}),
            "target_groups": _distinct(map(target_group, refusing)),
        }
        return Unfit(Against.REFUSES_PATIENT, facts)
    return Unfit(Against.FILTERED, {"basis": sorted({basis["kind"] for basis in current})})


def _distinct(groups: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    known = list(groups)
    return [one for number, one in enumerate(known) if one not in known[:number]]


def _asked_for(basis: Json, question: Question) -> bool:
    return (
        question.basis in {None, basis["kind"]}
        and (
            question.reimbursement_model is None
            or (question.reimbursement_model == basis.get("reimbursement_model") and within_reach(basis, question))
        )
        and question.self_referral in {None, basis.get("self_referral")}
    )
