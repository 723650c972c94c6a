"""An offer as a document: care unit x care service, with every basis, wait and text that is known of it.

What a unit or an agreement gives to a document is the same in each of its documents: it is made once for many.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rules.guarantee import Guarantee
from rules.regions import REGIONS, collaboration_region
from search.domain import capacity, eligibility
from search.domain.question import Basis
from search.domain.waits import days_by_region

Json = Mapping[str, Any]

TERMS_OF_USE = ("through", "question", "price", "invoiced_by", "volume_left")
"""Whom another region turns to and what it asks, at whose price, who invoices, how many patients more."""
CONDITIONS = ("referral_required", "payment_commitment_required", "self_referral", "self_referral_how")

_EARLIEST, _LATEST = "0001-01-01", "9999-12-31"
_NAMED_AS_A_TOWN = {"01", "03", "06", "08", "18"}
"""Stockholm, Uppsala, Jönköping, Kalmar, Örebro: by these names people mean the town, not all of the region."""
_REGION_WORDS = {code: region.name for code, region in REGIONS.items() if code not in _NAMED_AS_A_TOWN}


@dataclass(frozen=True)
class Unit:
    """What a care unit gives to the document of each of its offers."""

    hsa_id: str
    fields: Json
    words: Sequence[str]


@dataclass(frozen=True)
class Service:
    """What one service of an agreement gives: a basis at these units, for these `system|code` keys."""

    units: frozenset[str]
    codes: frozenset[str]
    basis: Json


@dataclass(slots=True)
class Sources:
    """Everything known about one offer. Offerings and waits are as the messages told them."""

    unit: Unit | None
    code_key: str
    code_text: str | None
    offerings: Sequence[Json]
    services: Sequence[Service]
    waits: Sequence[Json]
    codes: Mapping[str, str | None]
    """The `system|code` keys that lead to this offer, with their texts; None for one we have not heard of yet."""
    designations: Collection[str] = ()
    """Other words for any of these codes, lay words among them."""
    announcements: Sequence[Json] = ()
    """Open offers of capacity at this unit for these codes, as the messages told them."""


def offer_id(unit: str, code_key: str) -> str:
    """`HSA-id|system|code`."""
    return f"{unit}|{code_key}"


def unit_of(told: Json, municipality: str | None) -> Unit | None:
    """What a unit gives, with its municipality's name; None when it is closed."""
    if told["status"] != "active":
        return None
    place = told["place"]
    point = place["point"]
    region = collaboration_region(place["municipality"] or place["region"])
    fields = {
        "care_unit": {
            "hsa_id": told["hsa_id"],
            "name": told["name"],
            "care_provider": told["care_provider"]["name"],
            "municipality": place["municipality"],
            "municipality_name": municipality,
            "region": place["region"],
            "collaboration_region": region,
            "contacts": told["contacts"],
            "source": told["source"],
        },
        # What is searched stands beside what is shown.
        "unit": told["hsa_id"],
        "region": place["region"],
        "collaboration_region": region,
        "place": {"lat": float(point["lat"]), "lon": float(point["lon"])} if point is not None else None,
        "precision": point["precision"] if point is not None else None,
    }
    words = [told["name"], place["locality"] or "", municipality or "", _REGION_WORDS.get(place["region"], "")]
    return Unit(told["hsa_id"], fields, words)


def services_of(agreement: Json) -> list[Service]:
    """What an agreement gives, service by service; nothing when it is not in force any more."""
    if agreement["status"] != "published":
        return []
    return [
        Service(
            frozenset(service["units"]),
            frozenset(f"{code['system']}|{code['code']}" for code in service["care_services"]),
            _agreed(agreement, service),
        )
        for service in agreement["services"]
    ]


def build(sources: Sources) -> dict[str, Any] | None:
    """The document, or None when there is nothing to show: unit unknown or closed, or no basis left."""
    unit = sources.unit
    if unit is None:
        return None
    announced = map(_announced, sources.announcements)
    bases = _distinct([*_from_agreements(sources, unit.hsa_id), *announced, *_from_catalogue(sources)])
    if not bases:
        return None
    waits = sorted((_wait(wait) for wait in sources.waits), key=_wait_order)
    code_text = sources.code_text or sources.code_key
    texts = {text for text in sources.codes.values() if text is not None}
    service_words = [code_text, *sorted(texts - {code_text}), *sorted(sources.designations)]
    return {
        **unit.fields,
        "care_service": sources.code_key,
        "care_service_text": code_text,
        "codes": sorted({sources.code_key, *sources.codes}),
        "care_service_words": service_words,
        "text": [*service_words, *unit.words],
        "bases": bases,
        "waits": waits,
        **{
            f"{guarantee}_days": days_by_region(waits, sources.code_key, guarantee) if waits else {}
            for guarantee in Guarantee
        },
        "deleted": False,
    }


def _from_agreements(sources: Sources, unit: str) -> Iterable[Json]:
    """Each service that leads here is a basis of its own: its terms must not mix with another's."""
    for service in sources.services:
        if unit in service.units and not service.codes.isdisjoint(sources.codes):
            yield service.basis


def _agreed(agreement: Json, service: Json) -> dict[str, Any]:
    use = agreement["use_by_others"]
    named = use["regions"] if use["use"] == "named_regions" else []
    own, others = agreement["commissioning_regions"], REGIONS if use["use"] == "yes" else named
    # The volume is what other regions may use: used up, those may still ask.
    used_up = bool(others) and use.get("volume_left") == 0
    payment, group = service["reimbursement"], service["target_group"]
    return {
        "kind": Basis.OWN if agreement["basis"] == "own_provision" else Basis.AGREEMENT,
        "agreement_id": agreement["agreement_id"],
        "number": agreement["number"],
        "name": agreement["name"],
        "region": agreement["region"],
        "valid_from": agreement["valid_from"],
        "valid_to": agreement["valid_to"],
        "in_force": _days(agreement["valid_from"], agreement["valid_to"]),
        "use": use["use"],
        "usable_by": sorted({*own, *(others if not used_up else ())}),
        "on_request": used_up or use["use"] == "on_request",
        # None: whoever asks.
        "on_request_by": sorted(named) if used_up and use["use"] == "named_regions" else None,
        # The regions' agreement on each other's patients: also the ground to use another region's own provision.
        "riksavtalet": agreement["basis"] in {"own_provision", "national_agreement"},
        "leading_region": agreement.get("leading_region"),
        # Stored by an older release, an agreement says less.
        "terms_of_use": {name: use.get(name) for name in TERMS_OF_USE},
        "conditions": {name: service["conditions"].get(name) for name in CONDITIONS},
        "reimbursement_model": payment["model"] if payment is not None else None,
        "self_referral": service["conditions"]["self_referral"],
        **eligibility.fields(group),
        "document_url": agreement["document_url"],
        "observed_at": agreement["changed_at"],
    }


def _announced(told: Json) -> dict[str, Any]:
    return {
        "kind": Basis.CAPACITY,
        "announcement_id": told["announcement_id"],
        "region": told["region"],
        "valid_from": told["period_start"],
        "valid_to": told["period_end"],
        # It counts from the day it is announced, and not once it is used up; when it expires is asked by the minute.
        "in_force": _days(None, told["period_end"]) if told["left"] is None or told["left"] > 0 else None,
        "expires_at": told["expires_at"],
        # In the contract, no region named means all of them.
        "usable_by": sorted(told["usable_by"] or REGIONS),
        "on_request": False,
        "count": told["count"],
        "left": told["left"],
        "places": capacity.places(told["left"], told["level"]),
        "level": told["level"],
        **eligibility.fields(told["target_group"]),
        "contacts": told["contacts"],
        "text": told["text"],
        "observed_at": told["changed_at"],
    }


def _from_catalogue(sources: Sources) -> Iterable[Json]:
    for offering in sources.offerings:
        if offering["status"] == "active":
            yield {
                "kind": Basis.CATALOGUE,
                "valid_from": offering["valid_from"],
                "valid_to": offering["valid_to"],
                "in_force": _days(offering["valid_from"], offering["valid_to"]),
                "usable_by": [],
                "on_request": False,
                "self_referral": offering["self_referral"],
                **eligibility.fields(offering["target_group"]),
                "observed_at": offering["source"]["observed_at"],
            }


def _days(first: str | None, last: str | None) -> dict[str, str]:
    """Both included, as the one field by which the index knows what is in force on a day."""
    return {"gte": first or _EARLIEST, "lte": last or _LATEST}


def _distinct(bases: Iterable[Json]) -> list[Json]:
    """Two services with the same terms are one basis."""
    kept: list[Json] = []
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
