"""Why a hit is found and ranks where it does, and how old each fact is: for machines, and in plain Swedish.

Each reason is of `reason.reason`. A new one is yielded where it belongs, with a code of its own in `reason.Code`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from rules.guarantee import Guarantee
from search.domain import capacity, deadline, tiers, waits
from search.domain.age import told
from search.domain.expected import Expected
from search.domain.grounds import may_ask, within_reach
from search.domain.question import Basis, Question
from search.domain.reason import Code, reason
from search.domain.tiers import Tier, Usable

Json = Mapping[str, Any]
Reasons = Iterable[dict[str, Any]]

_MEASURES = {"treatment_median": "Väntetid till behandling (median)", "visit_median": "Väntetid till besök (median)"}
_WAIT = {Guarantee.VISIT: "Väntetid till besök", Guarantee.TREATMENT: "Väntetid till behandling"}
_OTHER = {Guarantee.VISIT: "den till behandling", Guarantee.TREATMENT: "den till besök"}
_KINDS = {"forecast": "prognos"}
_ROUGH = {"municipality": "kommunens mittpunkt", "postal_code": "postnumrets mittpunkt"}
_CONDITIONS = {
    "referral_required": (Code.REFERRAL_REQUIRED, Code.REFERRAL_MAY_BE_REQUIRED, "Remiss krävs"),
    "payment_commitment_required": (
        Code.PAYMENT_COMMITMENT_REQUIRED,
        Code.PAYMENT_COMMITMENT_MAY_BE_REQUIRED,
        "Hemregionens betalningsförbindelse krävs",
    ),
}
"""What an agreement may demand: the code where all do, the one where some do, and the words."""


@dataclass(frozen=True)
class Why:
    """What a hit's rank comes from."""

    tier: Tier | None
    matched: Sequence[Json]
    """The reasons why it was found."""
    distance: float | None
    agreed: Sequence[Json]
    """The agreements in force today."""
    admitting: Sequence[Json]
    """Those of them that the filters let through and that do not refuse the patient."""
    bases: Sequence[Json]
    """Those bases that put the offer in its tier; without a patient region, all that the question lets through."""
    questions: Sequence[Json]
    """What must be asked before anybody knows whether the patient may be helped on them."""
    expected: Expected
    """What ranks inside the tier: a wait, or free capacity that comes before it."""
    due: Json | None
    """Deadline, expected day and days left, where there is a deadline."""


def of(document: Json, question: Question, why: Why) -> dict[str, Any]:
    """The explanation of one hit."""
    tier = why.tier
    return {
        "tier": {"rank": tiers.rank(tier, question), "id": tier.id, "text": tier.text} if tier is not None else None,
        "matched": list(why.matched),
        "ranked_by": _ranked_by(document, question, why.expected),
        "capacity": _of_capacity(why.expected),
        "deadline": deadline.told(why.due, question),
        "questions": list(why.questions),
        "requires": [*_required(why, question), *_by_riksavtalet(tier, question.patient_region, why.admitting)],
        "lowers": [
            *deadline.lowers(why.due),
            *_unsure_of_use(why, question),
            *_unsure_of_wait(document, question, why.expected),
            *capacity.lowers(document, capacity.usable(document, question), question),
            *_unsure_of_distance(document, question, why.distance),
        ],
        "facts": _facts(document, question.today, why),
    }


def _ranked_by(document: Json, question: Question, expected: Expected) -> dict[str, Any] | None:
    wait = expected.wait
    if expected.by_capacity and expected.capacity is not None:
        return reason(Code.CAPACITY, capacity.in_words(expected.capacity), **_free(expected))
    if wait is None:
        return None
    whose = f"patienter från region {wait['paying_region']}" if wait["paying_region"] else "alla patienter"
    how = f", {_KINDS[wait['kind']]}" if wait["kind"] in _KINDS else ""
    several = len(waits.candidates(document["waits"], question.guarantee))
    more = f"; en av {several} uppgifter" if several > 1 else ""
    return reason(
        Code.WAIT,
        f"{_MEASURES[wait['measure']]}: {wait['days']:g} dagar, {whose}{how}{more}",
        **{name: wait[name] for name in ("measure", "days", "kind", "paying_region", "period")},
        care_service=wait["code"],
        of=several,
    )


def _of_capacity(expected: Expected) -> dict[str, Any] | None:
    """What free capacity there is, and what it did to the rank."""
    if expected.capacity is None:
        return None
    told, wait = capacity.in_words(expected.capacity), expected.wait
    values = {**_free(expected), "wait_days": wait["days"] if wait is not None else None}
    if expected.by_capacity:
        than = f"inte senare än väntetiden, {wait['days']:g} dagar" if wait is not None else "väntetiden är okänd"
        return reason(Code.CAPACITY_DECIDES, f"{told}; avgör ordningen, {than}", **values)
    if expected.capacity["places"] is None:
        return reason(Code.CAPACITY_NO_DAY, f"{told}; lovar ingen dag och påverkar inte ordningen", **values)
    return reason(Code.CAPACITY_LATER, f"{told}; väntetiden är kortare och avgör ordningen", **values)


def _free(expected: Expected) -> dict[str, Any]:
    announced = expected.capacity or {}
    named = {"announcement_id": "announcement_id", "left": "left", "from": "valid_from", "until": "valid_to"}
    days = expected.days if expected.by_capacity else None
    return {"days": days, **{name: announced.get(field) for name, field in named.items()}}


def _required(why: Why, question: Question) -> Reasons:
    """What the agreements that put the offer in its tier demand: all of them, or some."""
    agreed = [basis for basis in why.bases if basis.get("agreement_id") and within_reach(basis, question)]
    for name, (by_all, by_some, text) in _CONDITIONS.items():
        demanding = sorted({basis["agreement_id"] for basis in agreed if basis["conditions"][name]})
        if agreed and all(basis["conditions"][name] for basis in agreed):
            yield reason(by_all, text)
        elif demanding:
            yield reason(by_some, f"{text} enligt vissa av avtalen", agreements=demanding)


def _by_riksavtalet(tier: Tier | None, region: str | None, agreed: Sequence[Json]) -> Reasons:
    """What the patient's region must send along, where Riksavtalet is the only ground to use the care."""
    if tier is None or tier.usable is Usable.UNKNOWN:
        return
    asked = tier.usable is Usable.ON_REQUEST
    assert region is not None  # noqa: S101 without one there is no tier
    ways = [basis for basis in agreed if (may_ask(basis, region) if asked else region in basis["usable_by"])]
    others = [basis for basis in ways if basis["kind"] != Basis.OWN or basis["region"] != region]
    if ways and ways == others and all(basis["riksavtalet"] for basis in ways):
        yield reason(Code.BY_RIKSAVTALET, "Enligt Riksavtalet: remiss och hemregionens betalningsförbindelse")


def _unsure_of_use(why: Why, question: Question) -> Reasons:
    region = question.patient_region
    if why.tier is None or region is None:
        return
    if why.tier.usable is Usable.ON_REQUEST:
        asked = [basis["terms_of_use"] for basis in why.admitting if may_ask(basis, region) and question.terms]
        through, questions = (sorted({one[name] for one in asked if one[name]}) for name in ("through", "question"))
        whom = [f"Vänd er till: {one}." for one in through]
        text = " ".join(["Avtalets region ska tillfrågas först.", *whom, *questions])
        yield reason(Code.ASK_FIRST, text, **({"through": through, "questions": questions} if question.terms else {}))
        used_up = [one for one in why.bases if question.terms and one["terms_of_use"]["volume_left"] == 0]
        if used_up:
            text = "Volymen för andra regioner är slut enligt avtalet"
            yield reason(Code.VOLUME_USED_UP, text, agreements=sorted({one["agreement_id"] for one in used_up}))
    if why.tier.kinds == (Basis.CAPACITY,):
        text = "Inget avtal som regionen får använda: villkor och betalning görs upp med den som annonserar"
        yield reason(Code.CAPACITY_WITHOUT_AGREEMENT, text)
    if why.tier.usable is Usable.UNKNOWN and why.agreed:
        usable = any(question.patient_region in basis["usable_by"] for basis in why.agreed)
        agreements = sorted({basis["agreement_id"] for basis in why.agreed})
        unfit = "Avtal som patientens region får använda finns, men passar inte patienten eller frågans filter"
        none = "Avtal finns, men inget som patientens region får använda"
        code, text = (Code.AGREEMENTS_UNFIT, unfit) if usable else (Code.AGREEMENTS_NOT_USABLE, none)
        yield reason(code, text, agreements=agreements)


def _unsure_of_wait(document: Json, question: Question, expected: Expected) -> Reasons:
    guarantee, limit = question.guarantee, question.limit_days
    ranked_by = expected.wait
    if expected.by_capacity:
        return
    if ranked_by is None:
        text = f"{_WAIT[guarantee]}: uppgift saknas; rankas strax efter vårdgarantins gräns, {limit} dagar"
        yield reason(Code.WAIT_MISSING, text, guarantee=guarantee.value, limit_days=limit)
        others = waits.candidates(document["waits"], guarantee)
        if others:
            text = "Väntetid finns bara för andra regioners patienter och räknas inte"
            yield reason(Code.WAIT_OF_OTHERS, text, regions=sorted({one["paying_region"] for one in others}))
        elif any(wait["days"] is not None for wait in document["waits"]):
            text = f"Andra väntetider, som {_OTHER[guarantee]}, visas men räknas inte"
            measures = sorted({wait["measure"] for wait in document["waits"] if wait["days"] is not None})
            yield reason(Code.OTHER_WAITS, text, measures=measures)
        return
    if waits.is_forecast(ranked_by):
        yield reason(Code.WAIT_FORECAST, "Väntetiden som rankar är en prognos, inte uppmätt")
    if waits.stale(ranked_by, question.today):
        since = ranked_by["stale_after"]
        yield reason(Code.WAIT_STALE, f"Väntetiden är inaktuell sedan {since}", since=since)


def _unsure_of_distance(document: Json, question: Question, distance: float | None) -> Reasons:
    near = question.near
    if near is None:
        return
    if distance is None:
        yield reason(Code.PLACE_UNKNOWN, "Enhetens läge är okänt; rankas sist på avstånd")
    elif document["precision"] != "own":
        middle = _ROUGH.get(document["precision"], "ortens mittpunkt")
        yield reason(Code.PLACE_ROUGH, f"Enhetens läge är ungefärligt ({middle})", precision=document["precision"])
    if near.precision != "own":
        middle = _ROUGH.get(near.precision, "ortens mittpunkt")
        text = f"Avståndet räknas från {middle}: {near.text}"
        yield reason(Code.NEAR_ROUGH, text, precision=near.precision, near=near.text)


def _facts(document: Json, today: date, why: Why) -> dict[str, Any]:
    source = document["care_unit"]["source"]
    observed = {(basis["agreement_id"], basis["number"], basis["observed_at"]): None for basis in why.agreed}
    return {
        "care_unit": told("Enheten", source["system"], source["observed_at"], today),
        "agreements": [
            {"id": agreement, **told(f"Avtal {number}", "agreements", at, today)} for agreement, number, at in observed
        ],
        "waits": [
            {
                "measure": wait["measure"],
                **told(_MEASURES.get(wait["measure"], wait["measure"]), wait["source"], wait["observed_at"], today),
            }
            for wait in document["waits"]
        ],
        "capacity": capacity.fact(why.expected.capacity, today),
    }
