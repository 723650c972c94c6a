"""What an answer counts beside its hits, and which filter each count leaves out: its own, so that others can be chosen.

The same with every single filter left out tells which of them to blame where nothing was found.
"""

from dataclasses import replace
from typing import Any

from rules.regions import REGIONS
from search.domain.question import Question

_WITHOUT: dict[str, dict[str, Any]] = {
    "q": {"words": None, "word_codes": ()},
    "care_service": {"care_services": None},
    "max_distance_km": {"max_distance_km": None},
    "max_wait_days": {"max_wait_days": None},
    "reimbursement_model": {"reimbursement_model": None},
    "basis": {"basis": None},
    "self_referral": {"self_referral": None},
    "free_capacity": {"free_capacity": None},
    "age": {"age": None},
    "sex": {"sex": None},
}
"""Each filter of the API, and the question without it."""

_WORDS = {
    "q": "sökorden",
    "care_service": "vårdtjänsten",
    "max_distance_km": "gränsen för avstånd",
    "max_wait_days": "gränsen för väntetid",
    "reimbursement_model": "ersättningsmodellen",
    "basis": "grunden",
    "self_referral": "villkoret om egen remiss",
    "free_capacity": "villkoret om ledig kapacitet",
    "age": "patientens ålder",
    "sex": "patientens kön",
}

_OWN = {
    "care_service": "care_service",
    "region": None,
    "basis": "basis",
    "wait": "max_wait_days",
    "free_capacity": "free_capacity",
}
_FOR_REGIONS = {"reimbursement_model": "reimbursement_model"}
"""Each count, and the filter that is its own."""

WAITS: tuple[tuple[str, int | None, int | None], ...] = (
    ("0-30", None, 30),
    ("31-60", 30, 60),
    ("61-90", 60, 90),
    ("91-120", 90, 120),
    ("121-180", 120, 180),
    ("over-180", 180, None),
)
"""Days above the first limit, up to and with the second: the steps in which waits are reported nationally."""
UNKNOWN_WAIT = "unknown"
FREE, NOT_FREE = "true", "false"

_TEXTS = {
    "basis": {"agreement": "Avtal", "own": "Egen regi", "capacity": "Ledig kapacitet", "catalogue": "Enhetens utbud"},
    "free_capacity": {FREE: "Ledig kapacitet", NOT_FREE: "Ingen ledig kapacitet känd"},
    "region": {code: region.name for code, region in REGIONS.items()},
    "reimbursement_model": {
        "fixed_price": "Fast pris",
        "drg": "DRG",
        "per_day": "Per vårddag",
        "per_visit": "Per besök",
        "capitation": "Kapitering",
        "grant": "Anslag",
    },
    "wait": {
        **{name: f"{name.replace('-', '–')} dagar" for name, _, most in WAITS if most is not None},
        "over-180": "Mer än 180 dagar",
        UNKNOWN_WAIT: "Uppgift saknas",
    },
}


def names(question: Question) -> list[str]:
    """The counts of a question; reimbursement is for those who see terms."""
    return [*_OWN, *(_FOR_REGIONS if question.terms else ())]


def own_filter(facet: str) -> str | None:
    """The API's name of the filter that a count leaves out."""
    return {**_OWN, **_FOR_REGIONS}[facet]


def filters(question: Question) -> list[str]:
    """The filters in use, by the API's names."""
    return [name for name in _WITHOUT if without(question, name) != question]


def without(question: Question, name: str) -> Question:
    """The question with one filter left out."""
    return replace(question, **_WITHOUT[name])


def text(facet: str, value: str) -> str:
    """A counted value in Swedish; as it is where we have no word for it."""
    return _TEXTS.get(facet, {}).get(value, value)


def told(name: str, total: int) -> str:
    """What leaving out one filter would give."""
    return f"Utan {_WORDS[name]}: {total} {'träff' if total == 1 else 'träffar'}"
