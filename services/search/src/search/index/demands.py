"""What a question demands of an offer, as OpenSearch clauses. `domain/grounds` says the same of bases in Python."""

from typing import Any

from search.domain.grounds import AGREED
from search.domain.question import Question, Spot
from search.domain.waits import ALL_PATIENTS
from search.index import words

Clause = dict[str, Any]


def of(question: Question) -> list[Clause]:
    """Everything that must hold. Demands on a basis nest together: they must hold on the same one."""
    demands: list[Clause] = [on_one_basis(current(question)), *_admitted(question)]
    if question.care_services is not None:
        demands.append({"terms": {"codes": list(question.care_services)}})
    if question.words is not None:
        demands.append(words.clause(question))
    if question.near is not None and question.max_distance_km is not None:
        demands.append({"geo_distance": {"distance": f"{question.max_distance_km}km", "place": point(question.near)}})
    if question.max_wait_days is not None:
        demands.append(wait_at_most(question.max_wait_days, question))
    return demands


def this(offer: str) -> list[Clause]:
    """The offer of an id, `HSA-id|system|code`: its document's own id may say more."""
    unit, _, care_service = offer.partition("|")
    return [{"term": {"unit": unit}}, {"term": {"care_service": care_service}}]


def current(question: Question) -> list[Clause]:
    """In force today, let through by the filters on bases, and not known to refuse the patient."""
    clauses = [*_in_force(question), *_admitting(question)]
    if question.basis is not None:
        clauses.append({"term": {"bases.kind": question.basis}})
    if question.reimbursement_model is not None:
        clauses.append({"term": {"bases.reimbursement_model": question.reimbursement_model}})
    if question.self_referral is not None:
        clauses.append({"term": {"bases.self_referral": question.self_referral}})
    return clauses


def on_one_basis(clauses: list[Clause]) -> Clause:
    """The clauses hold on one and the same basis."""
    return {"nested": {"path": "bases", "query": {"bool": {"filter": clauses}}}}


def wait_at_most(days: int, question: Question) -> Clause:
    """The wait that ranks is known, and no longer than this."""
    return {"range": {wait_field(question): {"lte": days}}}


def wait_field(question: Question) -> str:
    """Where the days stand that an offer ranks with."""
    return f"{question.guarantee}_days.{question.patient_region or ALL_PATIENTS}"


def point(spot: Spot) -> dict[str, float]:
    """A point as the engine wants it."""
    return {"lat": spot.lat, "lon": spot.lon}


def _in_force(question: Question) -> list[Clause]:
    today = question.today.isoformat()
    return [
        _none({"range": {"bases.valid_from": {"gt": today}}}),
        _none({"range": {"bases.valid_to": {"lt": today}}}),
    ]


def _admitting(question: Question) -> list[Clause]:
    clauses = []
    if question.age is not None:
        clauses += [
            _none({"range": {"bases.age_min": {"gt": question.age}}}),
            _none({"range": {"bases.age_max": {"lt": question.age}}}),
        ]
    if question.sex is not None:
        other = {
            "bool": {"must": {"exists": {"field": "bases.sex"}}, "must_not": {"term": {"bases.sex": question.sex}}}
        }
        clauses.append(_none(other))
    return clauses


def _admitted(question: Question) -> list[Clause]:
    """There is no agreement, or one that does not refuse the patient: what the catalogue says does not help."""
    admitting = _admitting(question)
    if not admitting:
        return []
    agreed = [*_in_force(question), {"terms": {"bases.kind": [kind.value for kind in AGREED]}}]
    either = [_none(on_one_basis(agreed)), on_one_basis([*agreed, *admitting])]
    return [{"bool": {"should": either, "minimum_should_match": 1}}]


def _none(clause: Clause) -> Clause:
    return {"bool": {"must_not": clause}}
