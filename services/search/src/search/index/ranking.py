"""A question's order as one score: the tier and the expected wait in a single number. No script, which would be slow.

Expected in so many days is worth 1 - (days + 1) / 4096: always below 1, so that no wait reaches the next tier, and a
power of two, so that the single-precision score holds days exactly to 1/256 of a day. Longer waits, over eleven years,
are equal. With `sort=wait` tiers are worth so little that they decide only where waits differ by less than two hours.
"""

from datetime import timedelta

from rules.regions import collaboration_regions
from search.domain.grounds import AGREED
from search.domain.question import Basis, Question, Sort
from search.domain.tiers import TIERS, Tier, Usable, Where
from search.domain.waits import unknown_days
from search.index.demands import (
    Clause,
    begins_by,
    current,
    either,
    expected_known,
    expected_within,
    free,
    may_ask,
    none,
    on_one_basis,
    promised,
    usable_by,
    wait_field,
)

_DAYS = 4096
_BESIDE_WAIT = 2.0**-20
_ANYWHERE = [tier for tier in TIERS if tier.where is Where.ANYWHERE and tier.usable is Usable.YES]


def of(question: Question) -> list[Clause]:
    """The clauses whose scores add up; every offer that is found has each of them."""
    region = question.patient_region
    if region is None:
        return [_expected(question)]
    return [_tier(question, region, _BESIDE_WAIT if question.sort is Sort.WAIT else 1.0), _expected(question)]


def _tier(question: Question, region: str, step: float) -> Clause:
    """Falls with the table's ranks: one step for each place, and for what is in time as many more as places are.

    A tier in time is a place that the region may use as it is, and these stand before all others: so what is in time is
    asked once, not place by place.
    """
    left = question.days_to_deadline
    in_time: Clause | None = None
    if left is not None:
        in_time = _in_time(question, region, left)
    places = [_anywhere(question, region, step)]
    for number, tier in enumerate(TIERS):
        if tier in _ANYWHERE:
            continue
        clause = _in_tier(tier, question, region)
        if tier.usable is Usable.ON_REQUEST and in_time is not None:
            # What can be used without asking, and in time, stands where it can be used.
            clause = {"bool": {"filter": [clause, none(in_time)]}}
        places.append(_worth(step * (len(TIERS) - number), clause))
    best: Clause = {"dis_max": {"queries": places}}
    if in_time is None:
        return best
    return {"bool": {"must": best, "should": _worth(step * len(TIERS), in_time)}}


def _in_time(question: Question, region: str, left: int) -> Clause:
    """On what is agreed the earlier of wait and free capacity counts, on free capacity alone its own first day."""
    agreed = on_one_basis([*current(question, AGREED), usable_by(region)])
    on_agreed: Clause = {"bool": {"filter": [expected_within(left, question), agreed]}}
    if left < 0:
        return on_agreed
    begun = [*current(question, (Basis.CAPACITY,)), usable_by(region), promised(), begins_by(left, question)]
    return either(on_agreed, on_one_basis(begun))


def _anywhere(question: Question, region: str, step: float) -> Clause:
    """The tiers that hold for a basis wherever its unit lies, in one look at the bases: the best of them counts."""
    worths: list[Clause] = []
    for tier in _ANYWHERE:
        basis: list[Clause] = [{"terms": {"bases.kind": sorted(tier.kinds)}}, *_under(tier)]
        worths.append(_worth(step * (len(TIERS) - TIERS.index(tier)), {"bool": {"filter": basis}}))
    usable = [*current(question), usable_by(region)]
    best: Clause = {"bool": {"filter": usable, "must": {"dis_max": {"queries": worths}}}}
    return {"nested": {"path": "bases", "score_mode": "max", "query": best}}


def _under(tier: Tier) -> list[Clause]:
    under: Clause = {"term": {"bases.riksavtalet": True}}
    return [] if tier.riksavtalet is None else [under if tier.riksavtalet else none(under)]


def _in_tier(tier: Tier, question: Question, region: str) -> Clause:
    if tier.usable is Usable.UNKNOWN:
        # Every offer that is found.
        return {"match_all": {}}
    basis = current(question, tier.kinds)
    if tier.usable is Usable.YES:
        basis.append(usable_by(region))
    if tier.usable is Usable.ON_REQUEST:
        basis += may_ask(region)
    clauses = [on_one_basis([*basis, *_under(tier)])]
    if tier.where is Where.OWN_REGION:
        clauses.append({"term": {"region": region}})
    if tier.where is Where.COLLABORATION_REGION:
        clauses.append({"terms": {"collaboration_region": sorted(collaboration_regions(region))}})
    return {"bool": {"filter": clauses}}


def _expected(question: Question) -> Clause:
    """Falls with the days until the care is expected: the earliest of what is known; else a little over the limit."""
    field = wait_field(question)
    # Apart: of a field that is not there, an engine's decay is the highest.
    waits = _falling({"exists": {"field": field}}, field, -1)
    begun = _worth(_worth_of(0), {"bool": {"filter": [*free(question), begins_by(0, question)]}})
    begins = {"bool": {"filter": [*free(question), none(begins_by(0, question))]}}
    to_come = _falling(begins, "bases.valid_from", (question.today - timedelta(days=1)).isoformat())
    announced: Clause = {"dis_max": {"queries": [begun, to_come]}}
    return {
        "dis_max": {
            "queries": [
                waits,
                {"nested": {"path": "bases", "score_mode": "max", "query": announced}},
                _worth(_worth_of(unknown_days(question.limit_days)), none(expected_known(question))),
            ]
        }
    }


def _falling(clause: Clause, field: str, origin: int | str) -> Clause:
    """From 1 at the origin, by 1/4096 a day.

    The clause stands beside the function, not in it: in it, the engine finds all that match before it looks at any.
    """
    half = f"{_DAYS // 2}d" if isinstance(origin, str) else _DAYS // 2
    linear = {field: {"origin": origin, "scale": half, "decay": 0.5}}
    return {"bool": {"filter": clause, "must": {"function_score": {"linear": linear, "boost_mode": "replace"}}}}


def _worth_of(days: float) -> float:
    return max(0.0, 1 - (days + 1) / _DAYS)


def _worth(score: float, clause: Clause) -> Clause:
    return {"constant_score": {"filter": clause, "boost": score}}
