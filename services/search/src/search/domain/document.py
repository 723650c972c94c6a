"""An offer as a document: care unit x care service, with every basis, wait and text that is known of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rules.regions import REGIONS, collaboration_region
from search.domain.question import Basis
from search.domain.waits import days_by_region

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Sources:
    """Everything known about one offer, as the messages told it."""

    unit: Json | None
    code_key: str
    code_text: str | None
    municipality: str | None
    offerings: Sequence[Json]
    agreements: Sequence[Json]
    waits: Sequence[Json]
    codes: Mapping[str, str | None]
    """The `system|code` keys that lead to this offer, with their texts; None for one we have not heard of yet."""


def offer_id(unit: str, code_key: str) -> str:
    """`HSA-id|system|code`."""
    return f"{unit}|{code_key}"


def build(sources: Sources) -> dict[str, Any] | None:
    """The document, or None when there is nothing to show: unit unknown or closed, or no basis left."""
    unit = sources.unit
    if unit is None or unit["status"] != "active":
        return None
    bases = _distinct([*_from_agreements(sources, unit["hsa_id"]), *_from_catalogue(sources)])
    if not bases:
        return None
    waits = sorted((_wait(wait) for wait in sources.waits), key=_wait_order)
    place = unit["place"]
    point = place["point"]
    code_text = sources.code_text or sources.code_key
    texts = {text for text in sources.codes.values() if text is not None}
    return {
        "care_unit": {
            "hsa_id": unit["hsa_id"],
            "name": unit["name"],
            "care_provider": unit["care_provider"]["name"],
            "municipality": place["municipality"],
            "municipality_name": sources.municipality,
            "region": place["region"],
            "collaboration_region": collaboration_region(place["municipality"] or place["region"]),
            "contacts": unit["contacts"],
            "source": unit["source"],
        },
        "place": {"lat": float(point["lat"]), "lon": float(point["lon"])} if point is not None else None,
        "precision": point["precision"] if point is not None else None,
        "care_service": sources.code_key,
        "care_service_text": code_text,
        "codes": sorted({sources.code_key, *sources.codes}),
        "text": [code_text, *sorted(texts), unit["name"], place["locality"] or "", sources.municipality or ""],
        "bases": bases,
        "waits": waits,
        "treatment_days": days_by_region(waits, sources.code_key),
        "deleted": False,
    }


def _from_agreements(sources: Sources, unit: str) -> Iterable[dict[str, Any]]:
    """Each service that leads here is a basis of its own: its terms must not mix with another's."""
    for agreement in sources.agreements:
        if agreement["status"] == "published":
            for service in agreement["services"]:
                keys = {f"{code['system']}|{code['code']}" for code in service["care_services"]}
                if unit in service["units"] and keys & sources.codes.keys():
                    yield _agreed(agreement, service)


def _agreed(agreement: Json, service: Json) -> dict[str, Any]:
    use = agreement["use_by_others"]
    named = use["regions"] if use["use"] == "named_regions" else []
    payment, group = service["reimbursement"], service["target_group"]
    return {
        "kind": Basis.OWN if agreement["basis"] == "own_provision" else Basis.AGREEMENT,
        "agreement_id": agreement["agreement_id"],
        "number": agreement["number"],
        "name": agreement["name"],
        "region": agreement["region"],
        "valid_from": agreement["valid_from"],
        "valid_to": agreement["valid_to"],
        "use": use["use"],
        "usable_by": sorted(REGIONS if use["use"] == "yes" else {*agreement["commissioning_regions"], *named}),
        "on_request": use["use"] == "on_request",
        "question": use["question"],
        "reimbursement_model": payment["model"] if payment is not None else None,
        "age_min": group["age_min"] if group is not None else None,
        "age_max": group["age_max"] if group is not None else None,
        "sex": group["sex"] if group is not None else None,
        "document_url": agreement["document_url"],
        "observed_at": agreement["changed_at"],
    }


def _from_catalogue(sources: Sources) -> Iterable[dict[str, Any]]:
    for offering in sources.offerings:
        if offering["status"] == "active":
            yield {
                "kind": Basis.CATALOGUE,
                "valid_from": offering["valid_from"],
                "valid_to": offering["valid_to"],
                "usable_by": [],
                "on_request": False,
                "observed_at": offering["source"]["observed_at"],
            }


def _distinct(bases: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Two services with the same terms are one basis."""
    kept: list[dict[str, Any]] = []
    for basis in bases:
        if basis not in kept:
            kept.append(basis)
    return kept


def _wait(wait: Json) -> dict[str, Any]:
    service = wait["care_service"]
    return {
        "measure": wait["measure"],
        "days": float(wait["value"]) if wait["value"] is not None and wait["unit"] == "days" else None,
        "paying_region": wait["paying_region"],
        "code": f"{service['system']}|{service['code']}",
        "kind": wait["kind"],
        "source": wait["source"]["system"],
        "period": f"{wait['period_start']}/{wait['period_end']}",
        "observed_at": wait["source"]["observed_at"],
        "stale_after": wait["stale_after"],
    }


def _wait_order(wait: Json) -> tuple[str, str, str]:
    return wait["measure"], wait["code"], wait["paying_region"] or ""
