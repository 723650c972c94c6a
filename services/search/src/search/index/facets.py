"""Counts beside the hits as aggregations, exact ones. A count whose own filter is in use needs a request of its own.

What is dear is looking at bases: counts on them share one look, and when care is expected is first counted by the wait
alone; only offers with free capacity, which are few, are then looked at again.
"""

import struct
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from typing import Any

from search.domain.facets import FREE, NOT_FREE, UNKNOWN_WAIT, WAITS
from search.domain.question import Question
from search.index.demands import Clause, begins_by, current, free, on_one_basis, wait_field, within_reach

Counts = list[tuple[str, int]]
"""Value and number of offers."""

_MOST = 100
_ON_BASES = {"basis": "bases.kind", "reimbursement_model": "bases.reimbursement_model"}
_ON_OFFERS = {"care_service": "care_service", "region": "region"}
_LIMITS = [most for _, _, most in WAITS if most is not None]


def aggregations(names: Collection[str], question: Question) -> dict[str, Clause]:
    """The aggregations of these counts over what the question finds."""
    found: dict[str, Clause] = {
        name: {"terms": {"field": field, "size": _MOST}} for name, field in _ON_OFFERS.items() if name in names
    }
    if on_bases := [name for name in _ON_BASES if name in names]:
        # Only the bases that let the offer be found: another one's kind or model would find nothing.
        letting = {
            "filter": {"bool": {"filter": current(question)}},
            "aggs": {name: _of_offers(name, question) for name in on_bases},
        }
        found["bases"] = {"nested": {"path": "bases"}, "aggs": {"found": letting}}
    if "wait" in names:
        found |= _waits(question)
    if "wait" in names or "free_capacity" in names:
        begun = _begun(question) if "wait" in names else {}
        found["free"] = {"filter": on_one_basis(free(question)), "aggs": begun}
    return found


def counts(names: Collection[str], answer: Mapping[str, Any]) -> dict[str, Counts]:
    """Each count, out of the engine's answer. Waits in the order of their steps, else most first."""
    counted, total = answer["aggregations"], answer["hits"]["total"]["value"]
    found: dict[str, Counts] = {}
    for name in names:
        if name in _ON_OFFERS:
            found[name] = _most_first([(row["key"], row["doc_count"]) for row in counted[name]["buckets"]])
        elif name in _ON_BASES:
            rows = counted["bases"]["found"][name]["reached"]["buckets"]
            found[name] = _most_first([(row["key"], row["offers"]["doc_count"]) for row in rows])
        elif name == "wait":
            found[name] = _expected(counted, total)
        else:
            announced = counted["free"]["doc_count"]
            found[name] = [(FREE, announced), (NOT_FREE, total - announced)]
    return found


def _of_offers(name: str, question: Question) -> Clause:
    # A model counts where its filter would find it: on what the region may use or ask for.
    reached = within_reach(question) if name == "reimbursement_model" else []
    terms = {"terms": {"field": _ON_BASES[name], "size": _MOST}, "aggs": {"offers": {"reverse_nested": {}}}}
    return {"filter": {"bool": {"filter": reached}}, "aggs": {"reached": terms}}


def _waits(question: Question) -> dict[str, Clause]:
    """Offers by the wait that ranks, whatever capacity is free; those without one apart."""
    field = wait_field(question)
    steps = [
        {"key": step, **({"from": _above(over)} if over is not None else {}), **({"to": _above(most)} if most else {})}
        for step, over, most in WAITS
    ]
    return {
        "waits": {"range": {"field": field, "keyed": True, "ranges": steps}},
        UNKNOWN_WAIT: {"missing": {"field": field}},
    }


def _begun(question: Question) -> dict[str, Clause]:
    """Of the offers with free capacity: those without a wait, and what waits those have that begin by each limit."""
    begun = {str(days): on_one_basis([*free(question), begins_by(days, question)]) for days in _LIMITS}
    waits = _waits(question)
    return {UNKNOWN_WAIT: waits[UNKNOWN_WAIT], "begun": {"filters": {"filters": begun}, "aggs": waits}}


def _expected(counted: Mapping[str, Any], total: int) -> Counts:
    """The earlier of wait and free capacity: by each limit what the wait ends by, and what capacity alone begins by."""
    unknown = counted[UNKNOWN_WAIT]["doc_count"] - counted["free"][UNKNOWN_WAIT]["doc_count"]
    by = [0]
    for place, days in enumerate(_LIMITS, 1):
        begun = counted["free"]["begun"]["buckets"][str(days)]
        sooner = _number(begun, WAITS[place:]) + begun[UNKNOWN_WAIT]["doc_count"]
        by.append(_number(counted, WAITS[:place]) + sooner)
    by.append(total - unknown)
    steps = [step for step, _, _ in WAITS]
    return [*zip(steps, (most - over for over, most in pairwise(by)), strict=True), (UNKNOWN_WAIT, unknown)]


def _number(counted: Mapping[str, Any], steps: Sequence[tuple[str, int | None, int | None]]) -> int:
    return sum(counted["waits"]["buckets"][step]["doc_count"] for step, _, _ in steps)


def _above(days: int) -> float:
    """The least number above, of those that the field can hold: a range has its beginning, but not its end."""
    (bits,) = struct.unpack("<i", struct.pack("<f", days))
    (above,) = struct.unpack("<f", struct.pack("<i", bits + 1))
    return float(above)


def _most_first(rows: Counts) -> Counts:
    return sorted(rows, key=lambda row: (-row[1], row[0]))
