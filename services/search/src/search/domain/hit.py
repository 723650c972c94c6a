"""A hit as it is shown: the facts with their source and age, and in plain Swedish why it ranks where it does."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from rules.calendar import swedish_day
from rules.regions import REGIONS
from search.domain import tiers
from search.domain.distance import kilometres
from search.domain.question import Question
from search.domain.tiers import Tier

Json = Mapping[str, Any]


def shown(document: Json, offer: str, question: Question, tier: Tier | None, matched: set[str]) -> dict[str, Any]:
    """The hit in the API's fixed shape. `tier` is None where no patient region was given: nothing is ranked by it."""
    unit, system_code = document["care_unit"], document["care_service"].split("|", 1)
    distance = _distance(document, question)
    current = [basis for basis in document["bases"] if _holds(basis, question.today)]
    agreements = [basis for basis in current if basis.get("agreement_id")]
    waits = [_wait(wait, question.today) for wait in document["waits"]]
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
        "care_service": {
            "system": system_code[0],
            "code": system_code[1],
            "text": document["care_service_text"],
        },
        "basis": sorted({basis["kind"] for basis in current}),
        "agreements": [_agreement(basis, question) for basis in _usable_first(agreements, question)],
        "waits": waits,
        "capacity": None,
        "eligibility": "ask",
        "deadline": None,
        "explain": {
            "tier": {"rank": tiers.rank(tier), "id": tier.id, "text": tier.text} if tier is not None else None,
            "matched": _matched(document, question, matched),
            "lowers": _lowers(document, question, distance),
            "facts": {
                "care_unit": _provenance(unit["source"]["system"], unit["source"]["observed_at"], question.today),
                "agreements": [
                    {"id": basis["agreement_id"], **_provenance("agreements", basis["observed_at"], question.today)}
                    for basis in agreements
                ],
            },
        },
    }


def _agreement(basis: Json, question: Question) -> dict[str, Any]:
    region = question.patient_region
    return {
        "id": basis["agreement_id"],
        "number": basis["number"],
        "region": basis["region"],
        "valid_from": basis["valid_from"],
        "valid_to": basis["valid_to"],
        "usable_by": "all" if len(basis["usable_by"]) == len(REGIONS) else basis["usable_by"],
        "usable": None if region is None else region in basis["usable_by"],
        "on_request": basis["on_request"],
        "question": basis["question"] if basis["on_request"] else None,
        "reimbursement_model": basis["reimbursement_model"],
        "document_url": basis["document_url"],
    }


def _usable_first(agreements: list[Json], question: Question) -> list[Json]:
    region = question.patient_region
    return sorted(agreements, key=lambda basis: (region not in basis["usable_by"], basis["region"], basis["number"]))


def _wait(wait: Json, today: date) -> dict[str, Any]:
    stale_after = wait["stale_after"]
    days = wait["days"]
    return {
        "measure": wait["measure"],
        "days": int(days) if days is not None and days == int(days) else days,
        "kind": wait["kind"],
        "period": wait["period"],
        "stale": stale_after is not None and date.fromisoformat(stale_after) < today,
        **_provenance(wait["source"], wait["observed_at"], today),
    }


def _provenance(source: str, observed_at: str, today: date) -> dict[str, Any]:
    age = (today - swedish_day(datetime.fromisoformat(observed_at))).days
    return {"source": source, "observed_at": observed_at, "age_days": max(0, age)}


def _holds(basis: Json, today: date) -> bool:
    start, end = basis["valid_from"], basis["valid_to"]
    return (start is None or start <= today.isoformat()) and (end is None or today.isoformat() <= end)


def _distance(document: Json, question: Question) -> float | None:
    place, near = document["place"], question.near
    if place is None or near is None:
        return None
    return round(kilometres(near.lat, near.lon, place["lat"], place["lon"]), 1)


def _matched(document: Json, question: Question, matched: set[str]) -> list[str]:
    told = []
    if question.care_services is not None:
        told.append(f"Vårdtjänst: {document['care_service_text']}")
    if question.words is not None:
        words = "Alla ord finns i vårdtjänst, enhet eller ort"
        told.append("Koden finns i utbud eller avtal" if "code" in matched else words)
    return told


def _lowers(document: Json, question: Question, distance: float | None) -> list[str]:
    told = []
    if document["treatment_days"] is None:
        told.append("Väntetid till behandling: uppgift saknas; rankas efter kända väntetider i samma grupp")
    if question.near is not None and distance is None:
        told.append("Enhetens läge är okänt; rankas sist på avstånd")
    if document["precision"] not in {None, "own"}:
        told.append("Enhetens läge är ungefärligt (ortens mittpunkt)")
    return told
