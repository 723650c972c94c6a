"""What is asked: a mix as of navigators at work, the same in every run.

Of a hundred questions, with the patient's region in all of them (body of `POST /offers/search`):

- 42 words of a treatment (lay words, compounds, inflected) near a postal code with the guarantee's start; in half of
  them the patient's age, in a third the sex
- 15 the same with a limit for the wait or the distance
- 11 a care service by its code, `kva|CJE20` or the stand-in's, near a postal code
- 8 a code, or how codes begin, among the words
- 10 a unit by some of its name
- 5 sorted by wait or by distance
- 5 what counts cost most: filters on basis, reimbursement model, wait, and self-referral or free capacity at once, so
  that each count needs a request of its own
- 4 broad: the patient's region alone, so that every offer matches
"""

from datetime import timedelta
from random import Random
from typing import Any

from bench.national import Country
from rules.regions import REGIONS

Question = dict[str, Any]

BROAD = 4
_WORDS = (
    "grå starr",
    "katarakt",
    "starroperation",
    "kataraktoperation",
    "ljumskbråck",
    "bråck i ljumsken",
    "operation av ljumskbråck",
    "knäprotes",
    "ny knäled",
    "knäoperation",
    "knäledsprotes",
    "linsbyte",
)
_SERVICES = ("kva|CJE20", "kva|JAB30", "kva|NGB49", "vt-demo|katarakt-operation", "vt-demo|knaprotes-operation")
_CODES = ("CJE20", "CJE2", "JAB", "JAB30", "NGB49", "NGB4")


def questions(country: Country, count: int, *, broad: bool = True) -> list[Question]:
    """So many different questions. Without `broad`, only those whose words, codes or units pick what matches."""
    chance = Random(8)  # noqa: S311 no secret
    kinds = {
        _words: 42,
        _limited: 15,
        _service: 11,
        _code: 8,
        _unit: 10,
        _sorted: 5,
        _counted: 5,
        _broad: BROAD if broad else 0,
    }
    chosen = chance.choices(list(kinds), list(kinds.values()), k=count)
    return [{**kind(country, chance), "patient_region": chance.choice(sorted(REGIONS))} for kind in chosen]


def _words(country: Country, chance: Random) -> Question:
    asked: Question = {
        "q": chance.choice(_WORDS),
        "guarantee": "treatment",
        "guarantee_start": (country.today - timedelta(days=chance.randint(0, 80))).isoformat(),
        "near": chance.choice(country.units).postal_code,
    }
    if chance.random() < 1 / 2:
        asked["age"] = chance.randint(15, 95)
    if chance.random() < 1 / 3:
        asked["sex"] = chance.choice(("female", "male"))
    return asked


def _limited(country: Country, chance: Random) -> Question:
    limits = (
        {"max_wait_days": 90},
        {"max_wait_days": 60},
        {"max_distance_km": 100},
        {"max_distance_km": 50, "age": 70},
    )
    return {**_words(country, chance), **chance.choice(limits)}


def _service(country: Country, chance: Random) -> Question:
    return {"care_service": chance.choice(_SERVICES), "near": chance.choice(country.units).postal_code}


def _code(country: Country, chance: Random) -> Question:
    return {"q": chance.choice(_CODES), "near": chance.choice(country.units).postal_code}


def _unit(country: Country, chance: Random) -> Question:
    return {"q": chance.choice(country.units).name}


def _sorted(country: Country, chance: Random) -> Question:
    return {**_words(country, chance), "sort": chance.choice(("wait", "distance"))}


def _counted(country: Country, chance: Random) -> Question:
    basis = {"basis": "agreement", "reimbursement_model": chance.choice(("fixed_price", "drg")), "max_wait_days": 120}
    return {**_words(country, chance), **basis, **chance.choice(({"free_capacity": True}, {"self_referral": False}))}


def _broad(country: Country, chance: Random) -> Question:
    return chance.choice(({}, {"near": chance.choice(country.units).postal_code}))
