"""Letters typed so far as OpenSearch bodies: each word must begin a word of a unit's name, or of its town.

The offers themselves are looked through, so that a suggestion never leads to nothing. Those not in force today are too:
they are tidied away, and a look at every basis would cost more than the letters.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Clause = dict[str, Any]

# A word beginning with the typed letters matches as a whole; with slips, two in long words, none in the first letter.
_SLIPS = {"fuzziness": "AUTO:4,8", "prefix_length": 1, "max_expansions": 40}
_MOST_WORDS = 8
_OFFERS_EACH = 4
_MOST_SERVICES = 2000


def units(typed: Sequence[str], most: int, *, slips: bool, collapsed: bool) -> Clause:
    """Offers of the units that fit best. Not `collapsed`, a unit may come several times, and it costs a third."""
    match = {"query": " ".join(typed[:_MOST_WORDS]), "operator": "and", **(_SLIPS if slips else {})}
    return {
        "size": most if collapsed else most * _OFFERS_EACH,
        "track_total_hits": False,
        "query": {"match": {"unit_words": match}},
        "_source": ["unit", "care_unit.name", "care_unit.municipality_name"],
        **({"collapse": {"field": "unit"}} if collapsed else {}),
    }


def units_found(answer: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The units by HSA-id, best first."""
    found: dict[str, dict[str, Any]] = {}
    for row in answer["hits"]["hits"]:
        found.setdefault(row["_source"]["unit"], row["_source"]["care_unit"])
    return found


def is_cut_off(answer: Mapping[str, Any], most: int) -> bool:
    """There may be more units than came: a few with many offers have filled the answer."""
    return len(answer["hits"]["hits"]) == most * _OFFERS_EACH and len(units_found(answer)) < most


def care_services() -> Clause:
    """One offer of every care service that has any."""
    return {
        "size": _MOST_SERVICES,
        "track_total_hits": False,
        "query": {"match_all": {}},
        "collapse": {"field": "care_service"},
        "sort": ["care_service"],
        "_source": ["care_service", "care_service_text", "care_service_words"],
    }


def care_services_found(answer: Mapping[str, Any]) -> Iterator[tuple[str, str, list[str]]]:
    """Key, text, and all texts with lay words."""
    for row in answer["hits"]["hits"]:
        one = row["_source"]
        yield one["care_service"], one["care_service_text"], one["care_service_words"]
