"""A hit as it is shown: every fact with its source and age, in the API's fixed shape."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from rules.distance import kilometres
from rules.regions import REGIONS
from search.domain import capacity, deadline, eligibility, expected, explanation, grounds, tiers, waits
from search.domain.age import provenance
from search.domain.document import TERMS_OF_USE
from search.domain.explanation import Why
from search.domain.question import Question
from search.domain.tiers import Tier

Json = Mapping[str, Any]

FOR_REGIONS = frozenset({*TERMS_OF_USE, "reimbursement_model", "document_url"})
"""Fields of an agreement in a hit that are for regions only, as the contract marks them. For others they are left out:
null would read as something the agreement says."""


def shown(document: Json, offer: str, question: Question, tier: Tier | None, matched: Sequence[Json]) -> dict[str, Any]:
    """The hit. `tier` is None where no patient region was given; `matched` are the reasons why it was found."""
    unit, (system, _, code) = document["care_unit"], document["care_service"].partition("|")
    distance = _distance(document, question)
    current = [basis for basis in document["bases"] if grounds.in_force(basis, question)]
    agreed = [basis for basis in _usable_first(current, question) if basis.get("agreement_id")]
    bases = grounds.of(document, question)
    # As the count of bases, which leaves out its own filter.
    any_kind = bases if question.basis is None else grounds.of(document, replace(question, basis=None))
    # By identity: a look for equals would compare every basis with every other, field by field.
    let_through = {id(basis) for basis in bases}
    admitting = [basis for basis in agreed if id(basis) in let_through]
    if tier is not None and question.patient_region is not None:
        bases = tiers.stands_on(tier, bases, question)
    verdict, questions = eligibility.best(bases, question)
    known = expected.of(document, question)
    due = deadline.of(known, question)
    return {
        "id": offer,
        "care_unit": {
            "hsa_id": unit["hsa_id"],
            "name": unit["name"],
            "municipality": unit["municipality"],
            "municipality_name": unit["municipality_name"],
            "region": unit["region"],
            "distance_km": distance,
        },
        "care_service": {"system": system, "code": code, "text": document["care_service_text"]},
        "basis": sorted({basis["kind"] for basis in any_kind}),
        "agreements": [_agreement(basis, question) for basis in agreed],
        "waits": [_wait(wait, question.today) for wait in document["waits"]],
        "capacity": capacity.shown(known.capacity, question),
        "eligibility": verdict,
        "deadline": due,
        "explain": explanation.of(
            document, question, Why(tier, matched, distance, agreed, admitting, bases, tuple(questions), known, due)
        ),
    }


def _usable_first(bases: Iterable[Json], question: Question) -> list[Json]:
    region = question.patient_region
    return sorted(
        bases,
        key=lambda basis: (region not in basis["usable_by"], basis.get("region") or "", basis.get("number") or ""),
    )


def _agreement(basis: Json, question: Question) -> dict[str, Any]:
    region, terms = question.patient_region, basis["terms_of_use"]
    shown = {
        "id": basis["agreement_id"],
        "basis": basis["kind"],
        "number": basis["number"],
        "region": basis["region"],
        "leading_region": basis["leading_region"],
        "valid_from": basis["valid_from"],
        "valid_to": basis["valid_to"],
        "usable_by": "all" if len(basis["usable_by"]) == len(REGIONS) else basis["usable_by"],
        "usable": None if region is None else region in basis["usable_by"],
        "on_request": basis["on_request"] if region is None else grounds.may_ask(basis, region),
        **terms,
        "question": terms["question"] if basis["on_request"] else None,
        "reimbursement_model": basis["reimbursement_model"],
        "target_group": eligibility.target_group(basis),
        "eligibility": eligibility.verdict(basis, question),
        "conditions": basis["conditions"],
        "document_url": basis["document_url"],
    }
    return shown if question.terms else {name: value for name, value in shown.items() if name not in FOR_REGIONS}


def _wait(wait: Json, today: date) -> dict[str, Any]:
    days = wait["days"]
    return {
        "measure": wait["measure"],
        "days": int(days) if days is not None and days == int(days) else days,
        "kind": wait["kind"],
        "period": wait["period"],
        "paying_region": wait["paying_region"],
        "code": wait["code"],
        "stale": waits.stale(wait, today),
        **provenance(wait["source"], wait["observed_at"], today),
    }


def _distance(document: Json, question: Question) -> float | None:
    place, near = document["place"], question.near
    if place is None or near is None:
        return None
    return round(kilometres(near.lat, near.lon, place["lat"], place["lon"]), 1)
