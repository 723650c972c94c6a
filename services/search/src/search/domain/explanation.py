"""Why a hit is found and ranks where it does, and how old each fact is, in plain Swedish."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from rules.guarantee import Guarantee
from search.domain import capacity, deadline, tiers, waits
from search.domain.age import told
from search.domain.expected import Expected
from search.domain.question import Basis, Question
from search.domain.tiers import Tier, Usable

Json = Mapping[str, Any]

_MEASURES = {"treatment_median": "Väntetid till behandling (median)", "visit_median": "Väntetid till besök (median)"}
_WAIT = {Guarantee.VISIT: "Väntetid till besök", Guarantee.TREATMENT: "Väntetid till behandling"}
_OTHER = {Guarantee.VISIT: "den till behandling", Guarantee.TREATMENT: "den till besök"}
_KINDS = {"forecast": "prognos"}
_ROUGH = {"municipality": "kommunens mittpunkt", "postal_code": "postnumrets mittpunkt"}
_CONDITIONS = {
    "referral_required": "Remiss krävs",
    "payment_commitment_required": "Hemregionens betalningsförbindelse krävs",
}


@dataclass(frozen=True)
class Why:
    """What a hit's rank comes from."""

    tier: Tier | None
    matched: set[str]
    """Names of the conditions that held."""
    distance: float | None
    agreed: Sequence[Json]
    """The agreements in force today."""
    admitting: Sequence[Json]
    """Those of them that the filters let through and that do not refuse the patient."""
    bases: Sequence[Json]
    """Those bases that put the offer in its tier; without a patient region, all that the question lets through."""
    questions: Sequence[str]
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
        "matched": list(_matched(document, question, why.matched)),
        "ranked_by": _ranked_by(document, question, why.expected),
        "capacity": _of_capacity(why.expected),
        "deadline": deadline.told(why.due, question),
        "questions": list(why.questions),
        "requires": [*_required(why), *_by_riksavtalet(tier, question.patient_region, why.admitting)],
        "lowers": [
            *deadline.lowers(why.due),
            *_unsure_of_use(why, question),
            *_unsure_of_wait(document, question, why.expected),
            *capacity.lowers(document, capacity.usable(document, question), question),
            *_unsure_of_distance(document, question, why.distance),
        ],
        "facts": _facts(document, question.today, why),
    }


def _matched(document: Json, question: Question, matched: set[str]) -> Iterable[str]:
    if question.care_services is not None:
        yield f"Vårdtjänst: {document['care_service_text']}"
    if question.words is not None:
        words = "Alla ord finns i vårdtjänst, enhet eller ort"
        yield "Koden finns i utbud eller avtal" if "code" in matched else words


def _ranked_by(document: Json, question: Question, expected: Expected) -> str | None:
    wait = expected.wait
    if expected.by_capacity and expected.capacity is not None:
        return capacity.in_words(expected.capacity)
    if wait is None:
        return None
    whose = f"patienter från region {wait['paying_region']}" if wait["paying_region"] else "alla patienter"
    how = f", {_KINDS[wait['kind']]}" if wait["kind"] in _KINDS else ""
    several = len(waits.candidates(document["waits"], question.guarantee))
    more = f"; en av {several} uppgifter" if several > 1 else ""
    return f"{_MEASURES[wait['measure']]}: {wait['days']:g} dagar, {whose}{how}{more}"


def _of_capacity(expected: Expected) -> str | None:
    """What free capacity there is, and what it did to the rank."""
    if expected.capacity is None:
        return None
    told = capacity.in_words(expected.capacity)
    if expected.by_capacity:
        wait = expected.wait
        than = f"inte senare än väntetiden, {wait['days']:g} dagar" if wait is not None else "väntetiden är okänd"
        return f"{told}; avgör ordningen, {than}"
    if expected.capacity["places"] is None:
        return f"{told}; lovar ingen dag och påverkar inte ordningen"
    return f"{told}; väntetiden är kortare och avgör ordningen"


def _required(why: Why) -> Iterable[str]:
    """What every agreement that puts the offer in its tier demands."""
    conditions = [basis["conditions"] for basis in why.bases if basis.get("agreement_id")]
    for name, text in _CONDITIONS.items():
        if conditions and all(one[name] for one in conditions):
            yield text


def _by_riksavtalet(tier: Tier | None, region: str | None, agreed: Sequence[Json]) -> Iterable[str]:
    """What the patient's region must send along, where Riksavtalet is the only ground to use the care."""
    if tier is None or tier.usable is Usable.UNKNOWN:
        return
    asked = tier.usable is Usable.ON_REQUEST
    ways = [basis for basis in agreed if (basis["on_request"] if asked else region in basis["usable_by"])]
    others = [basis for basis in ways if basis["kind"] != Basis.OWN or basis["region"] != region]
    if ways and ways == others and all(basis["riksavtalet"] for basis in ways):
        yield "Enligt Riksavtalet: remiss och hemregionens betalningsförbindelse"


def _unsure_of_use(why: Why, question: Question) -> Iterable[str]:
    if why.tier is None:
        return
    if why.tier.usable is Usable.ON_REQUEST:
        asked = [basis["terms_of_use"] for basis in why.admitting if basis["on_request"] and question.terms]
        through = sorted({f"Vänd er till: {one['through']}." for one in asked if one["through"]})
        questions = sorted({one["question"] for one in asked if one["question"]})
        yield " ".join(["Avtalets region ska tillfrågas först.", *through, *questions])
    if why.tier.kinds == (Basis.CAPACITY,):
        yield "Inget avtal som regionen får använda: villkor och betalning görs upp med den som annonserar"
    if why.tier.usable is Usable.UNKNOWN and why.agreed:
        usable = any(question.patient_region in basis["usable_by"] for basis in why.agreed)
        unfit = "Avtal som patientens region får använda finns, men passar inte patienten eller frågans filter"
        yield unfit if usable else "Avtal finns, men inget som patientens region får använda"


def _unsure_of_wait(document: Json, question: Question, expected: Expected) -> Iterable[str]:
    ranked_by = expected.wait
    if expected.by_capacity:
        return
    if ranked_by is None:
        missing = f"{_WAIT[question.guarantee]}: uppgift saknas"
        yield f"{missing}; rankas strax efter vårdgarantins gräns, {question.limit_days} dagar"
        if waits.candidates(document["waits"], question.guarantee):
            yield "Väntetid finns bara för andra regioners patienter och räknas inte"
        elif any(wait["days"] is not None for wait in document["waits"]):
            yield f"Andra väntetider, som {_OTHER[question.guarantee]}, visas men räknas inte"
        return
    if waits.is_forecast(ranked_by):
        yield "Väntetiden som rankar är en prognos, inte uppmätt"
    if waits.stale(ranked_by, question.today):
        yield f"Väntetiden är inaktuell sedan {ranked_by['stale_after']}"


def _unsure_of_distance(document: Json, question: Question, distance: float | None) -> Iterable[str]:
    if question.near is None:
        return
    if distance is None:
        yield "Enhetens läge är okänt; rankas sist på avstånd"
    elif document["precision"] != "own":
        yield f"Enhetens läge är ungefärligt ({_ROUGH.get(document['precision'], 'ortens mittpunkt')})"
    if question.near.precision != "own":
        yield f"Avståndet räknas från {_ROUGH.get(question.near.precision, 'ortens mittpunkt')}: {question.near.text}"


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
