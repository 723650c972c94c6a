"""What a question demands of an offer, as OpenSearch clauses. Python says the same: `domain/grounds`, `domain/capacity`
of bases, `domain/expected` of when."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from search.domain.grounds import AGREED
from search.domain.question import Basis, Question, Spot
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
        demands.append(expected_within(question.max_wait_days, question))
    if question.free_capacity is not None:
        announced = on_one_basis(free(question))
        demands.append(announced if question.free_capacity else none(announced))
    return demands


def this(offer: str) -> list[Clause]:
    """The offer of an id, `HSA-id|system|code`: its document's own id may say more."""
    unit, _, care_service = offer.partition("|")
    return [{"term": {"unit": unit}}, {"term": {"care_service": care_service}}]


def current(question: Question, kinds: Iterable[Basis] = Basis) -> list[Clause]:
    """Of these kinds, in force, let through by the filters on bases, and not known to refuse the patient."""
    clauses = [*_in_force(question, frozenset(kinds)), *_admitting(question)]
    if question.basis is not None:
        clauses.append({"term": {"bases.kind": question.basis}})
    if question.reimbursement_model is not None:
        clauses += [{"term": {"bases.reimbursement_model": question.reimbursement_model}}, *within_reach(question)]
    if question.self_referral is not None:
        clauses.append({"term": {"bases.self_referral": question.self_referral}})
    return clauses


def usable_by(region: str) -> Clause:
    """The region may use the basis without asking anybody."""
    return {"term": {"bases.usable_by": region}}


def may_ask(region: str) -> list[Clause]:
    """The region may use the basis after asking."""
    anybody = none({"exists": {"field": "bases.on_request_by"}})
    return [{"term": {"bases.on_request": True}}, either(anybody, {"term": {"bases.on_request_by": region}})]


def within_reach(question: Question) -> list[Clause]:
    """The patient's region may use the basis, or ask for it; nothing is demanded without a patient region."""
    region = question.patient_region
    return [] if region is None else [either(usable_by(region), {"bool": {"filter": may_ask(region)}})]


def on_one_basis(clauses: list[Clause]) -> Clause:
    """The clauses hold on one and the same basis."""
    return {"nested": {"path": "bases", "query": {"bool": {"filter": clauses}}}}


def usable(question: Question) -> list[Clause]:
    """Free capacity that the patient's region may use and that does not refuse the patient; no filter on bases."""
    clauses = [*_in_force(question, frozenset({Basis.CAPACITY})), *_admitting(question)]
    if question.patient_region is not None:
        clauses.append(usable_by(question.patient_region))
    return clauses


def free(question: Question) -> list[Clause]:
    """The same, where places are promised."""
    return [*usable(question), promised()]


def promised() -> Clause:
    """Places are promised."""
    return {"range": {"bases.places": {"gte": 1}}}


def begins_by(days: int, question: Question) -> Clause:
    """Its first day comes in so many days, or before."""
    return {"range": {"bases.valid_from": {"lte": (question.today + timedelta(days=days)).isoformat()}}}


def expected_within(days: int, question: Question) -> Clause:
    """The care is known to be expected in so many days, or before; never in a day that has passed."""
    if days < 0:
        return {"match_none": {}}
    announced = on_one_basis([*free(question), begins_by(days, question)])
    return either({"range": {wait_field(question): {"lte": days}}}, announced)


def expected_known(question: Question) -> Clause:
    """Something is known of when the care is expected."""
    return either({"exists": {"field": wait_field(question)}}, on_one_basis(free(question)))


def wait_field(question: Question) -> str:
    """Where the days stand that an offer ranks with."""
    return f"{question.guarantee}_days.{question.patient_region or ALL_PATIENTS}"


def point(spot: Spot) -> dict[str, float]:
    """A point as the engine wants it."""
    return {"lat": spot.lat, "lon": spot.lon}


def _in_force(question: Question, kinds: frozenset[Basis]) -> list[Clause]:
    clauses: list[Clause] = [{"term": {"bases.in_force": question.today.isoformat()}}]
    if kinds != frozenset(Basis):
        clauses.append({"terms": {"bases.kind": sorted(kinds)}})
    if Basis.CAPACITY in kinds:
        # Only where it is asked for: it changes with every minute, and spoils what the engine remembers.
        clauses.append(none({"range": {"bases.expires_at": {"lte": question.moment.isoformat()}}}))
    return clauses


def _admitting(question: Question) -> list[Clause]:
    clauses = []
    if question.age is not None:
        clauses += [
            none({"range": {"bases.age_min": {"gt": question.age}}}),
            none({"range": {"bases.age_max": {"lt": question.age}}}),
        ]
    if question.sex is not None:
        other = {
            "bool": {"must": {"exists": {"field": "bases.sex"}}, "must_not": {"term": {"bases.sex": question.sex}}}
        }
        clauses.append(none(other))
    return clauses


def _admitted(question: Question) -> list[Clause]:
    """No agreement is within reach, or one that does not refuse the patient, or free capacity: the rest do not help."""
    admitting = _admitting(question)
    if not admitting:
        return []
    agreed = [*_in_force(question, frozenset(AGREED)), *within_reach(question)]
    return [
        either(none(on_one_basis(agreed)), on_one_basis([*agreed, *admitting]), on_one_basis(usable(question))),
    ]


def none(clause: Clause) -> Clause:
    """The clause does not hold."""
    return {"bool": {"must_not": clause}}


def either(*clauses: Clause) -> Clause:
    """One of the clauses holds, or several."""
    return {"bool": {"should": list(clauses), "minimum_should_match": 1}}
