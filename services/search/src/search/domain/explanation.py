"""Why a hit is found and ranks where it does, and how old each fact is, in plain Swedish."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from search.domain import tiers, waits
from search.domain.age import told
from search.domain.question import Basis, Question
from search.domain.tiers import Tier, Usable

Json = Mapping[str, Any]

_MEASURES = {"treatment_median": "Väntetid till behandling (median)", "visit_median": "Väntetid till besök (median)"}
_ROUGH = {"municipality": "kommunens mittpunkt", "postal_code": "postnumrets mittpunkt"}


def of(
    document: Json,
    question: Question,
    tier: Tier | None,
    matched: set[str],
    distance: float | None,
    agreed: Sequence[Json],
) -> dict[str, Any]:
    """The explanation of one hit. `agreed` are the agreements in force today, `matched` the conditions that held."""
    ranked_by = waits.ranking(document["waits"], document["care_service"], question.patient_region)
    return {
        "tier": {"rank": tiers.rank(tier), "id": tier.id, "text": tier.text} if tier is not None else None,
        "matched": list(_matched(document, question, matched)),
        "ranked_by": _ranked_by(document, ranked_by),
        "requires": list(_requires(tier, question.patient_region, agreed)),
        "lowers": [
            *_unsure_of_use(tier, agreed, terms=question.terms),
            *_unsure_of_wait(document, question, ranked_by),
            *_unsure_of_distance(document, question, distance),
        ],
        "facts": _facts(document, question.today, agreed),
    }


def stale(wait: Json, today: date) -> bool:
    """True from the day the wait shall be shown as old."""
    return wait["stale_after"] is not None and date.fromisoformat(wait["stale_after"]) <= today


def _matched(document: Json, question: Question, matched: set[str]) -> Iterable[str]:
    if question.care_services is not None:
        yield f"Vårdtjänst: {document['care_service_text']}"
    if question.words is not None:
        words = "Alla ord finns i vårdtjänst, enhet eller ort"
        yield "Koden finns i utbud eller avtal" if "code" in matched else words


def _ranked_by(document: Json, wait: Json | None) -> str | None:
    if wait is None:
        return None
    whose = f"patienter från region {wait['paying_region']}" if wait["paying_region"] else "alla patienter"
    several = len(waits.candidates(document["waits"]))
    more = f"; en av {several} uppgifter" if several > 1 else ""
    return f"{_MEASURES[wait['measure']]}: {wait['days']:g} dagar, {whose}{more}"


def _requires(tier: Tier | None, region: str | None, agreed: Sequence[Json]) -> Iterable[str]:
    """What the patient's region must send along, where Riksavtalet is the only ground to use the care."""
    if tier is None or tier.usable is Usable.UNKNOWN:
        return
    asked = tier.usable is Usable.ON_REQUEST
    ways = [basis for basis in agreed if (basis["on_request"] if asked else region in basis["usable_by"])]
    others = [basis for basis in ways if basis["kind"] != Basis.OWN or basis["region"] != region]
    if ways and ways == others and all(basis["riksavtalet"] for basis in ways):
        yield "Enligt Riksavtalet: remiss och hemregionens betalningsförbindelse"


def _unsure_of_use(tier: Tier | None, agreed: Sequence[Json], *, terms: bool) -> Iterable[str]:
    if tier is not None and tier.usable is Usable.ON_REQUEST:
        asked = [basis["terms_of_use"] for basis in agreed if basis["on_request"] and terms]
        through = sorted({f"Vänd er till: {one['through']}." for one in asked if one["through"]})
        questions = sorted({one["question"] for one in asked if one["question"]})
        yield " ".join(["Avtalets region ska tillfrågas först.", *through, *questions])
    if tier is not None and tier.usable is Usable.UNKNOWN and agreed:
        yield "Avtal finns, men inget som patientens region får använda"


def _unsure_of_wait(document: Json, question: Question, ranked_by: Json | None) -> Iterable[str]:
    if ranked_by is None:
        yield "Väntetid till behandling: uppgift saknas; rankas efter kända väntetider i samma grupp"
        if waits.candidates(document["waits"]):
            yield "Väntetid finns bara för andra regioners patienter och räknas inte"
        elif any(wait["days"] is not None for wait in document["waits"]):
            yield "Andra väntetider, som den till besök, visas men räknas inte"
    elif stale(ranked_by, question.today):
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


def _facts(document: Json, today: date, agreed: Sequence[Json]) -> dict[str, Any]:
    source = document["care_unit"]["source"]
    observed = {(basis["agreement_id"], basis["number"], basis["observed_at"]): None for basis in agreed}
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
    }
