"""A question as an OpenSearch body. Demands on one basis nest together: they must hold on the same one."""

from typing import Any

from rules.regions import collaboration_regions
from search.domain.question import Question, Sort, Spot
from search.domain.tiers import TIERS, Tier, Usable, Where
from search.domain.waits import ALL_PATIENTS
from search.index import words

Clause = dict[str, Any]


def body(question: Question, *, offer: str | None = None) -> dict[str, Any]:
    """The whole request; for one `offer` only, where its id is given."""
    demands: list[Clause] = [_on_one_basis(_current(question))]
    if offer is not None:
        demands.append({"ids": {"values": [offer]}})
    if question.care_services is not None:
        demands.append({"terms": {"codes": list(question.care_services)}})
    if question.words is not None:
        demands.append(words.clause(question))
    if question.near is not None and question.max_distance_km is not None:
        demands.append({"geo_distance": {"distance": f"{question.max_distance_km}km", "place": _point(question.near)}})
    if question.max_wait_days is not None:
        demands.append({"range": {_treatment_days(question): {"lte": question.max_wait_days}}})
    ranking = _ranking(question)
    return {
        "from": question.offset,
        "size": question.limit,
        "track_total_hits": True,
        "query": {"bool": {"filter": demands, **({"must": ranking} if ranking is not None else {})}},
        "sort": _order(question),
        "_source": True,
    }


def _current(question: Question) -> list[Clause]:
    """In force today, and of the kind and reimbursement model asked for."""
    today = question.today.isoformat()
    clauses: list[Clause] = [
        {"bool": {"must_not": {"range": {"bases.valid_from": {"gt": today}}}}},
        {"bool": {"must_not": {"range": {"bases.valid_to": {"lt": today}}}}},
    ]
    if question.basis is not None:
        clauses.append({"term": {"bases.kind": question.basis}})
    if question.reimbursement_model is not None:
        clauses.append({"term": {"bases.reimbursement_model": question.reimbursement_model}})
    return clauses


def _on_one_basis(clauses: list[Clause]) -> Clause:
    return {"nested": {"path": "bases", "query": {"bool": {"filter": clauses}}}}


def _ranking(question: Question) -> Clause | None:
    """Each tier a constant score, best highest; the hit's score is that of its best tier."""
    if question.patient_region is None:
        return None
    return {
        "dis_max": {
            "queries": [
                {
                    "constant_score": {
                        "filter": _in_tier(tier, question, question.patient_region),
                        "boost": len(TIERS) - place,
                        "_name": tier.id,
                    }
                }
                for place, tier in enumerate(TIERS)
            ]
        }
    }


def _in_tier(tier: Tier, question: Question, region: str) -> Clause:
    basis = [*_current(question), {"terms": {"bases.kind": [kind.value for kind in tier.kinds]}}]
    if tier.usable is Usable.YES:
        basis.append({"term": {"bases.usable_by": region}})
    if tier.usable is Usable.ON_REQUEST:
        basis.append({"term": {"bases.on_request": True}})
    if tier.riksavtalet is not None:
        under: Clause = {"term": {"bases.riksavtalet": True}}
        basis.append(under if tier.riksavtalet else {"bool": {"must_not": under}})
    clauses = [_on_one_basis(basis)]
    if tier.where is Where.OWN_REGION:
        clauses.append({"term": {"region": region}})
    if tier.where is Where.COLLABORATION_REGION:
        clauses.append({"terms": {"collaboration_region": sorted(collaboration_regions(region))}})
    return {"bool": {"filter": clauses}}


def _order(question: Question) -> list[Clause]:
    """Ties end on the offer's id, so that pages never overlap."""
    tier: list[Clause] = [{"_score": "desc"}] if question.patient_region is not None else []
    # An unknown wait is neither zero nor endless: it comes after the known ones, and the explanation says so.
    wait: list[Clause] = [{_treatment_days(question): {"order": "asc", "missing": "_last"}}]
    distance: list[Clause] = [_nearest(question.near)] if question.near is not None else []
    first = {
        Sort.BEST: [*tier, *wait, *distance],
        Sort.WAIT: [*wait, *tier, *distance],
        Sort.DISTANCE: [*distance, *tier, *wait],
    }[question.sort]
    return [*first, {"care_service": "asc"}, {"unit": "asc"}]


def _treatment_days(question: Question) -> str:
    return f"treatment_days.{question.patient_region or ALL_PATIENTS}"


def _nearest(near: Spot) -> Clause:
    return {"_geo_distance": {"place": _point(near), "order": "asc", "unit": "km"}}


def _point(spot: Spot) -> dict[str, float]:
    return {"lat": spot.lat, "lon": spot.lon}
