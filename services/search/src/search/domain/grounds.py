"""Which of an offer's bases a question may stand on. The index asks the same in its own words: `index/query`."""

from collections.abc import Mapping
from typing import Any

from search.domain import capacity
from search.domain.eligibility import Verdict, judged
from search.domain.question import Basis, Question

Json = Mapping[str, Any]

AGREED = (Basis.AGREEMENT, Basis.OWN)
"""The bases that are agreed. Where each of them refuses the patient, what the catalogue says does not help; free
capacity for such a patient does."""


def in_force(basis: Json, question: Question) -> bool:
    """From its first day to its last, both included; free capacity from the day it is announced."""
    if basis["kind"] == Basis.CAPACITY:
        return capacity.current(basis, question)
    today = question.today
    start, end = basis["valid_from"], basis["valid_to"]
    return (start is None or start <= today.isoformat()) and (end is None or today.isoformat() <= end)


def of(document: Json, question: Question) -> list[Json]:
    """The bases in force that every filter lets through and that are not known to refuse the patient."""
    current = [basis for basis in document["bases"] if in_force(basis, question)]
    agreed = [basis for basis in current if basis["kind"] in AGREED]
    refused = bool(agreed) and all(judged(basis, question)[0] is Verdict.NO for basis in agreed)
    if refused and not capacity.usable(document, question):
        return []
    return [basis for basis in current if _asked_for(basis, question) and judged(basis, question)[0] is not Verdict.NO]


def _asked_for(basis: Json, question: Question) -> bool:
    return (
        question.basis in {None, basis["kind"]}
        and question.reimbursement_model in {None, basis.get("reimbursement_model")}
        and question.self_referral in {None, basis.get("self_referral")}
    )
