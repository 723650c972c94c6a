"""Five questions as a navigator asks them, each with its answer and every reason in it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

Json = Mapping[str, Any]
_SHOWN = 3
_LABELS = {
    "matched": "träff",
    "ranked_by": "rang",
    "capacity": "ledigt",
    "deadline": "garanti",
    "questions": "fråga",
    "requires": "kräver",
    "lowers": "sänker",
}
"""The parts of an explanation that are reasons, and what they are called."""


@dataclass(frozen=True)
class Asked:
    """One question: what it is about in Swedish, and the body of `POST /offers/search`."""

    title: str
    body: dict[str, Any]


def questions(today: date) -> list[Asked]:
    """The five, with guarantees that began some days before today."""

    def began(days: int) -> str:
        return (today - timedelta(days=days)).isoformat()

    return [
        Asked(
            "Grå starr, 74 år, bor i Skövde; beslut om operation för 40 dagar sedan",
            {
                "q": "grå starr",
                "near": "54130",
                "patient_region": "14",
                "guarantee": "treatment",
                "guarantee_start": began(40),
                "age": 74,
                "sex": "female",
            },
        ),
        Asked(
            "Ny knäled, 68 år, bor i Umeå; bara 25 dagar kvar av garantin",
            {
                "q": "ny knäled",
                "near": "90325",
                "patient_region": "24",
                "guarantee": "treatment",
                "guarantee_start": began(65),
                "age": 68,
            },
        ),
        Asked(
            "Bråck i ljumsken (JAB30), Dalarna: var finns ledig plats?",
            {"care_service": "kva|JAB30", "near": "79131", "patient_region": "20", "free_capacity": True},
        ),
        Asked(
            "Skrivet i hast: ”starroperatoin Stockholm”, för en patient från Gotland",
            {"q": "starroperatoin Stockholm", "patient_region": "09", "sort": "wait"},
        ),
        Asked(
            "Knäprotes inom 10 dagar nära Kiruna: inget finns, men vilket villkor är det som hindrar?",
            {
                "q": "knäprotes",
                "near": "98132",
                "patient_region": "25",
                "max_wait_days": 10,
                "max_distance_km": 300,
            },
        ),
    ]


def lines(number: int, asked: Asked, found: Json) -> Iterator[str]:
    """One answer for people: the first hits, and each reason in its own line."""
    yield f"{number}. {asked.title}"
    yield f"   POST /offers/search {json.dumps(asked.body, ensure_ascii=False)}"
    if found["read_as"]:
        yield f"   {found['read_as']['text']}"
    if found["guarantee"]:
        yield f"   Garantin: {found['guarantee']['text']}, till och med {found['guarantee']['deadline']}"
    yield f"   {found['total']} träffar"
    for one in found["without"]:
        yield f"   {one['text']}"
    for place, hit in enumerate(found["items"][:_SHOWN], 1):
        yield from (f"   {line}" for line in _hit(place, hit))
    yield ""


def _hit(place: int, hit: Json) -> Iterator[str]:
    unit, explain = hit["care_unit"], hit["explain"]
    away = f", {unit['distance_km']:.0f} km" if unit["distance_km"] is not None else ""
    yield f"{place}) {hit['care_service']['text']}: {unit['name']}, {unit['municipality_name']}{away}"
    if explain["tier"]:
        yield f"     plats {explain['tier']['rank']}: {explain['tier']['text']}"
    for name, label in _LABELS.items():
        told = explain[name]
        for reason in told if isinstance(told, list) else [told] if told else []:
            yield f"     {label:<9}{reason['text']}"
    for fact in _facts(explain["facts"]):
        yield f"     {'uppgift':<9}{fact['text']}"


def _facts(facts: Json) -> Iterator[Json]:
    for one in facts.values():
        yield from (row for row in (one if isinstance(one, list) else [one]) if row)
