"""Answers a question: looks up its codes and places, asks the index, explains each hit."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from contracts.types import System, code_in
from rules.identifiers import municipality_code, postal_code
from search.domain import facets, grounds, hit, matching, region_profile, tiers
from search.domain.document import offer_id
from search.domain.grounds import Unfit
from search.domain.held import Meaning
from search.domain.matching import Asked
from search.domain.question import Question, Spot
from search.domain.terms import Terms
from search.index import facets as counted
from search.index import query
from search.index.history import Searched
from search.store import places, sources

_CLOSE = 0.6
_CODES = {4: "municipality", 5: "postal code"}
"""By the number of digits, where no such code can be."""
_CARE_SYSTEMS = frozenset({System.CARE_SERVICE, System.CARE_SERVICE_DEMO, System.KVA, System.ICD10})


class Unanswerable(ValueError):
    """A question that makes no sense as it stands: which field, and why."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


@dataclass(frozen=True)
class Found:
    """The hits of one page, how many there are in all, and what is counted beside them."""

    items: list[dict[str, Any]]
    total: int
    facets: dict[str, list[dict[str, Any]]]
    """Per count: `value`, `text` and `count`, as if its own filter were not there."""
    without: list[dict[str, Any]]
    """Where nothing is found: per filter in use (`filter`), how many there would be without it alone (`total`, `text`),
    most first."""


async def search(session: AsyncSession, index: Searched, question: Question) -> Found:
    """The hits, best first, each with its explanation. Raises EngineAway."""
    asked = query.with_counts(question)
    answers = await index.searches([body for body, _ in asked])
    hits = answers[0]["hits"]
    counts: dict[str, counted.Counts] = {}
    for (_, names), answer in zip(asked, answers, strict=True):
        counts |= counted.counts(names, answer)
    total = hits["total"]["value"]
    rows = hits["hits"]
    counted_codes = {key for key, _ in counts.get("care_service", ())}
    # Once for all that speaks of codes: the texts of the counts, and why each hit is found.
    known = await sources.meanings(session, _codes_of(rows, question) | counted_codes)
    return Found(
        _hits(index, rows, question, known),
        total,
        _facets(known, {name: counts[name] for name in facets.names(question)}),
        await _without(index, question) if total == 0 else [],
    )


def _facets(
    known: Mapping[str, Meaning], counts: Mapping[str, list[tuple[str, int]]]
) -> dict[str, list[dict[str, Any]]]:
    def text(name: str, value: str) -> str:
        return known[value].text if name == "care_service" and value in known else facets.text(name, value)

    return {
        name: [{"value": value, "text": text(name, value), "count": count} for value, count in rows]
        for name, rows in counts.items()
    }


async def _without(index: Searched, question: Question) -> list[dict[str, Any]]:
    names = facets.filters(question)
    if not names:
        return []
    answers = await index.searches([query.counting(facets.without(question, name)) for name in names])
    totals = [(name, answer["hits"]["total"]["value"]) for name, answer in zip(names, answers, strict=True)]
    return [
        {"filter": name, "total": total, "text": facets.told(name, total)}
        for name, total in sorted(totals, key=lambda row: (-row[1], row[0]))
    ]


async def one(session: AsyncSession, index: Searched, offer: str, question: Question) -> dict[str, Any] | Unfit | None:
    """One offer as the hit of the same question, or what is against showing it; None: there is none of this id.

    Raises EngineAway.
    """
    answer = await index.search(query.by_id(offer))
    for row in answer["hits"]["hits"]:
        against = grounds.unfit(row["_source"], question)
        known = await sources.meanings(session, _codes_of([row], question))
        return against or _hits(index, [row], question, known)[0]
    return None


async def region_profiles(
    session: AsyncSession, hits: Iterable[Mapping[str, Any]], question: Question
) -> dict[str, dict[str, Any]]:
    """By region code: what each region where a hit lies, and the patient's own, tells of brokering.

    Once per answer and not per hit: a page of hits lies in a few regions, and a profile is longer than a hit.
    """
    own = question.patient_region
    regions = sorted({one["care_unit"]["region"] for one in hits} | ({own} if own is not None else set()))
    known = await sources.profiles(session, regions) if regions else {}
    return {
        region: region_profile.shown(region, known.get(region), of_patient=region == own, today=question.today)
        for region in regions
    }


def _codes_of(rows: Sequence[Mapping[str, Any]], question: Question) -> set[str]:
    return matching.codes_of([row["_source"] for row in rows], question) if rows else set()


def _hits(
    index: Searched, rows: Sequence[Mapping[str, Any]], question: Question, known: Mapping[str, Meaning]
) -> list[dict[str, Any]]:
    """The engine's rows as hits, each with its explanation; `known` are the codes of the question and of the hits."""
    asked = matching.asked(question, index.terms, known)
    return [_hit(row, question, asked, index.terms) for row in rows]


def _hit(row: Mapping[str, Any], question: Question, asked: Asked, terms: Terms) -> dict[str, Any]:
    document = row["_source"]
    matched = matching.of(document, question, row.get("matched_queries", ()), asked, terms)
    shown = offer_id(document["unit"], document["care_service"])
    return hit.shown(document, shown, question, tiers.first(document, question), matched)


async def care_services(session: AsyncSession, asked: str) -> tuple[str, ...]:
    """The code asked for and what it maps to. Raises Unanswerable with a suggestion for an unknown one."""
    system, _, code = asked.partition("|")
    if system not in _CARE_SYSTEMS or not code.isprintable() or not code:
        raise Unanswerable("care_service", "must be system|code with system vt, vt-demo, kva or icd, such as kva|CJE20")
    try:
        key = f"{system}|{code_in(system, code)}"
    except ValueError as error:
        raise Unanswerable("care_service", str(error)) from None
    if key not in await sources.codes(session, [key]):
        near = await sources.codes_like(session, key[: len(system) + 3])
        best = difflib.get_close_matches(key, near, n=1, cutoff=_CLOSE)
        raise Unanswerable("care_service", "unknown code" + (f": did you mean {best[0]}?" if best else ""))
    return (key, *(await sources.targets(session, [key]))[key])


async def spot(session: AsyncSession, asked: str) -> Spot:
    """The point of a postal code, municipality code or `lat,lon`. Raises Unanswerable."""
    if "," in asked:
        return _coordinates(asked)
    for system, check in (("postal-code", postal_code), ("municipality", municipality_code)):
        try:
            key = f"{system}|{check(asked)}"
        except ValueError:
            continue
        found = (await sources.codes(session, [key])).get(key)
        if found is None or found.place is None or found.place["point"] is None:
            known = await places.keys(session, key[: len(system) + 3])
            near = difflib.get_close_matches(key, known, n=1, cutoff=_CLOSE)
            hint = f": did you mean {_named(near[0], known[near[0]])}?" if near else ""
            raise Unanswerable("near", f"we know no place for this {system.replace('-', ' ')}{hint}")
        point = found.place["point"]
        return Spot(float(point["lat"]), float(point["lon"]), point["precision"], found.text)
    towns = {name.casefold(): (key, name) for key, name in (await places.keys(session, "municipality|")).items()}
    near = difflib.get_close_matches(asked.casefold(), towns, n=1, cutoff=_CLOSE) if asked[:1].isalpha() else []
    hint = f"; did you mean {_named(*towns[near[0]])}?" if near else ""
    if asked.isdecimal() and len(asked) in _CODES:
        raise Unanswerable("near", f"we know no place for this {_CODES[len(asked)]}")
    ways = "a postal code (11428), a municipality code (0180) or lat,lon (59.33,18.07)"
    raise Unanswerable("near", f"must be {ways}{hint}")


def _named(key: str, name: str) -> str:
    # A postal code's name begins with the code.
    return f"{key.partition('|')[2]} ({name.lstrip('0123456789 ')})"


def _coordinates(asked: str) -> Spot:
    parts = asked.split(",")
    try:
        lat, lon = (float(part) for part in parts)
    except ValueError:
        raise Unanswerable("near", "must be two numbers: lat,lon such as 59.33,18.07") from None
    if 55 <= lon <= 69.1 and 10.5 <= lat <= 24.2:
        raise Unanswerable("near", "latitude and longitude seem to be swapped: write lat,lon such as 59.33,18.07")
    if not (54 <= lat <= 70 and 9 <= lon <= 26):
        raise Unanswerable("near", "lies outside Sweden")
    return Spot(lat, lon, "own", asked)
