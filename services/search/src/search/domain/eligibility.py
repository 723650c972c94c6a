"""Whether a patient may be helped on a basis: its target group against what is known of the patient."""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any

from search.domain.question import Question
from search.domain.reason import Code, reason

Json = Mapping[str, Any]

TARGET_GROUP = ("age_min", "age_max", "sex", "bmi_max", "asa_max", "other")
_SEARCHED = frozenset({"age_min", "age_max", "sex"})
_NOT_SEARCHED = tuple(name for name in TARGET_GROUP if name not in _SEARCHED)
_SEXES = {"female": "kvinnor", "male": "män"}


class Verdict(StrEnum):
    """`ask`: a limit stands in the way of a yes until somebody has answered a question."""

    YES = "yes"
    ASK = "ask"
    NO = "no"


def judged(basis: Json, question: Question) -> tuple[Verdict, list[dict[str, Any]]]:
    """The verdict on one basis, and with `ask` the questions. No limit known means: for everybody."""
    if refuses(basis, question):
        return Verdict.NO, []
    asked = [{**row, "basis": basis["kind"]} for row in _questions(target_group(basis), question)]
    return (Verdict.ASK if asked else Verdict.YES), asked


def verdict(basis: Json, question: Question) -> Verdict:
    """The verdict alone, without the questions: every agreement of every hit is told it."""
    if refuses(basis, question):
        return Verdict.NO
    group = basis.get("target_group") or basis
    unknown_age = question.age is None and (basis.get("age_min") is not None or basis.get("age_max") is not None)
    unknown_sex = question.sex is None and basis.get("sex") is not None
    asks = unknown_age or unknown_sex or any(group.get(name) is not None for name in _NOT_SEARCHED)
    return Verdict.ASK if asks else Verdict.YES


def refuses(basis: Json, question: Question) -> bool:
    """The patient is known to be outside its target group; without the questions, which every basis is not asked."""
    lowest, highest, sex = basis.get("age_min"), basis.get("age_max"), basis.get("sex")
    if question.age is not None and not (lowest or 0) <= question.age <= (highest if highest is not None else 999):
        return True
    return question.sex is not None and sex not in {None, question.sex}


def best(bases: Iterable[Json], question: Question) -> tuple[Verdict, list[dict[str, Any]]]:
    """The verdict on an offer: that of its most favourable basis; with `ask` every question, each once."""
    found = [judged(basis, question) for basis in bases]
    for verdict in (Verdict.YES, Verdict.ASK):
        if any(one is verdict for one, _ in found):
            questions: dict[str, dict[str, Any]] = {}
            for row in (row for one, rows in found if one is Verdict.ASK for row in rows):
                # Asked by several, it is the first one's: an agreement comes before the catalogue.
                questions.setdefault(row["text"], row)
            return verdict, list(questions.values()) if verdict is Verdict.ASK else []
    return Verdict.NO, []


def _questions(group: Json, question: Question) -> Iterable[dict[str, Any]]:
    lowest, highest = group["age_min"], group["age_max"]
    if question.age is None and (lowest is not None or highest is not None):
        text = f"Hur gammal är patienten? Gäller {_ages(lowest, highest)}"
        yield reason(Code.ASK_AGE, text, age_min=lowest, age_max=highest)
    if question.sex is None and group["sex"] is not None:
        text = f"Vilket kön har patienten? Gäller {_SEXES.get(group['sex'], group['sex'])}"
        yield reason(Code.ASK_SEX, text, sex=group["sex"])
    if group["bmi_max"] is not None:
        text = f"Vilket BMI har patienten? Gäller BMI högst {group['bmi_max']}"
        yield reason(Code.ASK_BMI, text, bmi_max=group["bmi_max"])
    if group["asa_max"] is not None:
        text = f"Vilken ASA-klass har patienten? Gäller ASA-klass högst {group['asa_max']}"
        yield reason(Code.ASK_ASA, text, asa_max=group["asa_max"])
    if group["other"] is not None:
        yield reason(Code.ASK_OTHER, f"Uppfyller patienten villkoret: {group['other']}?", condition=group["other"])


def _ages(lowest: int | None, highest: int | None) -> str:
    if highest is None:
        return f"från {lowest} år"
    return f"till och med {highest} år" if lowest is None else f"{lowest}–{highest} år"


def target_group(basis: Json) -> dict[str, Any]:
    """The whole target group of a basis; without what an index of an older release does not hold."""
    # Asked for each basis of each hit several times: nothing is copied that is not needed.
    rest = basis.get("target_group") or basis
    return {name: basis.get(name) if name in _SEARCHED else rest.get(name) for name in TARGET_GROUP}


def fields(group: Json | None) -> dict[str, Any]:
    """A target group as a basis holds it: what is searched by in fields of their own, the rest together."""
    told: Sequence[Any] = [group[name] if group is not None else None for name in TARGET_GROUP]
    known = dict(zip(TARGET_GROUP, told, strict=True))
    searched = {name: known[name] for name in TARGET_GROUP if name in _SEARCHED}
    return {**searched, "target_group": {name: known[name] for name in _NOT_SEARCHED}}
