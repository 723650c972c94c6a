"""An offer as a document: care unit x care service, with every basis, wait and text that is known of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rules.regions import REGIONS, collaboration_region
from search.domain.question import Basis

Json = Mapping[str, Any]

_TREATMENT, _VISIT = "treatment_median", "visit_median"


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
    codes: Mapping[str, str]
    """The `system|code` keys that lead to this offer, with their texts."""


def offer_id(unit: str, code_key: str) -> str:
    """`HSA-id|system|code`."""
    return f"{unit}|{code_key}"


def build(sources: Sources) -> dict[str, Any] | None:
    """The document, or None when there is nothing to show: unit unknown or closed, or no basis left."""
    unit = sources.unit
    if unit is None or unit["status"] != "active":
        return None
    bases = [*_from_agreements(sources), *_from_catalogue(sources)]
    if not bases:
        return None
    waits = sorted((_wait(wait) for wait in sources.waits), key=lambda wait: str(wait["measure"]))
    place = unit["place"]
    point = place["point"]
    code_text = sources.code_text or sources.code_key
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
        "text": [code_text, *sorted(set(sources.codes.values())), unit["name"], sources.municipality or ""],
        "bases": bases,
        "waits": waits,
        "treatment_days": _days(waits, _TREATMENT),
        "visit_days": _days(waits, _VISIT),
        "deleted": False,
    }


def _from_agreements(sources: Sources) -> Iterable[dict[str, Any]]:
    for agreement in sources.agreements:
        if agreement["status"] != "published":
            continue
        use = agreement["use_by_others"]
        open_to_all = use["use"] == "yes"
        named = use["regions"] if use["use"] == "named_regions" else []
        usable_by = sorted(REGIONS) if open_to_all else sorted({*agreement["commissioning_regions"], *named})
        service = _service_of(agreement, sources)
        payment, group = service["reimbursement"], service["target_group"]
        yield {
            "kind": Basis.OWN if agreement["basis"] == "own_provision" else Basis.AGREEMENT,
            "agreement_id": agreement["agreement_id"],
            "number": agreement["number"],
            "name": agreement["name"],
            "region": agreement["region"],
            "valid_from": agreement["valid_from"],
            "valid_to": agreement["valid_to"],
            "use": use["use"],
            "usable_by": usable_by,
            "on_request": use["use"] == "on_request",
            "question": use["question"],
            "reimbursement_model": payment["model"] if payment is not None else None,
            "age_min": group["age_min"] if group is not None else None,
            "age_max": group["age_max"] if group is not None else None,
            "sex": group["sex"] if group is not None else None,
            "document_url": agreement["document_url"],
            "observed_at": agreement["changed_at"],
        }


def _service_of(agreement: Json, sources: Sources) -> Json:
    """The agreement's own service that leads here; it names this unit and one of these codes."""
    unit = sources.unit["hsa_id"] if sources.unit is not None else ""
    for service in agreement["services"]:
        keys = {f"{code['system']}|{code['code']}" for code in service["care_services"]}
        if unit in service["units"] and keys & sources.codes.keys():
            found: Json = service
            return found
    raise ValueError(f"agreement {agreement['agreement_id']} names no service for this offer")


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


def _wait(wait: Json) -> dict[str, Any]:
    return {
        "measure": wait["measure"],
        "days": float(wait["value"]) if wait["value"] is not None and wait["unit"] == "days" else None,
        "kind": wait["kind"],
        "source": wait["source"]["system"],
        "period": f"{wait['period_start']}/{wait['period_end']}",
        "observed_at": wait["source"]["observed_at"],
        "stale_after": wait["stale_after"],
    }


def _days(waits: Sequence[Json], measure: str) -> float | None:
    return next((wait["days"] for wait in waits if wait["measure"] == measure and wait["days"] is not None), None)
