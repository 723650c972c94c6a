"""The parts of an agreement's body that vary: period, use by others, terms of the service."""

from datetime import date, timedelta
from random import Random
from typing import Any

from demo.sweden.areas import KATARAKT, KNAPROTES, CareArea
from rules.regions import REGIONS

_PRICES = {"katarakt": (6900, 11900), "ljumskbrack": (15900, 24900), "knaprotes": (74900, 109900)}
_ATTACHMENTS = {
    "katarakt": ("Biometri", "Synskärpa båda ögon"),
    "ljumskbrack": ("Journalkopia",),
    "knaprotes": ("Röntgenutlåtande", "Hälsodeklaration"),
}
_QUESTIONS = (
    "Finns plats de närmaste två månaderna för patienter från vår region?",
    "Hur många patienter kan ni ta emot, och till vilket pris?",
    "Godtar ni vår betalningsförbindelse och vår remissmall?",
)


def period(random: Random, today: date) -> tuple[date, date | None]:
    """A believable period: mostly running, a few expired, a few not yet begun, some until further notice."""
    kind = random.random()
    if kind < 0.04:
        ended = today - timedelta(days=random.randint(20, 500))
        return date(ended.year - random.randint(2, 4), 1, 1), ended
    if kind < 0.08:
        starts = today + timedelta(days=random.randint(15, 300))
        return starts, date(starts.year + random.randint(2, 4), 12, 31)
    starts = date(today.year - random.randint(1, 3), random.choice((1, 1, 1, 4, 9)), 1)
    if kind < 0.18:
        return starts, None
    return starts, date(today.year + random.randint(0, 3), 12, 31)


def use_by_others(random: Random, region: str, basis: str, number: int) -> dict[str, Any]:
    """Whether and how other regions may use the agreement; of some it is told how many patients more."""
    between_regions = basis in {"own_provision", "national_agreement"}
    weights = (6, 4, 0, 0) if between_regions else (35, 30, 20, 15)
    use = random.choices(("yes", "on_request", "no", "named_regions"), weights)[0]
    others = [code for code in REGIONS if code != region]
    return {
        "use": use,
        "regions": sorted(random.sample(others, random.randint(2, 5))) if use == "named_regions" else [],
        "through": None if use == "no" else f"Vårdlotsen, {REGIONS[region].name}",
        "question": random.choice(_QUESTIONS) if use == "on_request" else None,
        "price": None if use == "no" else _price(use, between_regions),
        "invoiced_by": None if use == "no" else "owning_region" if basis == "own_provision" else "care_provider",
        "volume_left": number * 7 % 60 if use in {"yes", "named_regions"} and number % 4 == 0 else None,
    }


def _price(use: str, between_regions: bool) -> str:
    if between_regions:
        return "price_list"
    return "separate" if use == "on_request" else "agreement"


def target_group(random: Random, area: CareArea) -> dict[str, Any] | None:
    """Whom the service is for; None when the agreement does not say."""
    if area is not KNAPROTES and random.random() < 0.35:
        return None
    knee = area is KNAPROTES
    return {
        "age_min": random.choices((18, 16, 50), (8, 1, 1 if area is not KATARAKT else 2))[0],
        "age_max": None if random.random() < 0.9 else 85,
        "sex": "male" if area.code == "ljumskbrack" and random.random() < 0.05 else None,
        "bmi_max": random.choice(("35", "35", "40")) if knee else None,
        "asa_max": random.choice((2, 3)) if knee or random.random() < 0.1 else None,
        "other": "Rökfri sex veckor före operation" if knee and random.random() < 0.3 else None,
    }


def conditions(random: Random, area: CareArea, out_of_region: bool) -> dict[str, Any]:
    """What must be in place before the patient comes."""
    referral = random.choices((True, False, None), (8, 1, 1))[0]
    return {
        "referral_required": referral,
        "referral_kind": random.choice(("profession", "region", None)) if referral else None,
        "referral_attachments": list(_ATTACHMENTS[area.code]) if referral and random.random() < 0.6 else [],
        "self_referral": None if referral is None else not referral,
        "self_referral_how": "Egen vårdbegäran på mottagningens webbsida" if referral is False else None,
        "payment_commitment_required": True if out_of_region else random.choice((True, False, None)),
        "other": "Tolk bokas av remittenten" if random.random() < 0.1 else None,
    }


def included(random: Random, area: CareArea, assessment_only: bool) -> list[str]:
    """What the price covers."""
    if assessment_only:
        return ["assessment"]
    parts = ["procedure", "follow_up"]
    if random.random() < 0.6:
        parts.insert(0, "assessment")
    if random.random() < 0.5:
        parts.append("complications")
    if area is KATARAKT and random.random() < 0.3:
        parts.append("second_eye")
    if area is KNAPROTES and random.random() < 0.4:
        parts.append("rehabilitation")
    return parts


def reimbursement(random: Random, area: CareArea, own: bool, starts: date, ends: date | None) -> dict[str, Any] | None:
    """How the care is paid."""
    if random.random() < 0.08:
        return None
    if own:
        return {
            "model": random.choice(("grant", "drg", "capitation")),
            "amount": None,
            "valid_from": None,
            "valid_to": None,
        }
    model = random.choices(("fixed_price", "drg", "per_visit", "per_day"), (6, 3, 1, 0.5))[0]
    low, high = _PRICES[area.code]
    amount = f"{random.randrange(low, high, 100)}.00" if model == "fixed_price" and random.random() < 0.6 else None
    return {
        "model": model,
        "amount": amount,
        "valid_from": starts.isoformat() if amount else None,
        "valid_to": ends.isoformat() if amount and ends else None,
    }


def law(random: Random) -> tuple[str, bool]:
    """The procurement law, and whether the agreement was awarded directly."""
    name = random.choices(("LOU", "LOV"), (7, 3))[0]
    return name, name == "LOU" and random.random() < 0.1
