"""Whether a patient may be helped on a basis: its target group against what is known of the patient."""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any

from search.domain.question import Question

Json = Mapping[str, Any]

TARGET_GROUP = ("age_min", "age_max", "sex", "bmi_max", "asa_max", "other")
_SEXES = {"female": "kvinnor", "male": "män"}


class Verdict(StrEnum):
    """`ask`: a limit stands in the way of a yes until somebody has answered a question."""

    YES = "yes"
    ASK = "ask"
    NO = "no"


def judged(basis: Json, question: Question) -> tuple[Verdict, list[str]]:
    """The verdict on one basis, and with `ask` the questions in Swedish. No limit known means: for everybody."""
    group = target_group(basis)
    lowest, highest, sex = group["age_min"], group["age_max"], group["sex"]
    if question.age is not None and not (lowest or 0) <= question.age <= (highest if highest is not None else 999):
        return Verdict.NO, []
    if question.sex is not None and sex not in {None, question.sex}:
        return Verdict.NO, []
    asked = list(_questions(group, question))
    return (Verdict.ASK if asked else Verdict.YES), asked


def best(bases: Iterable[Json], question: Question) -> tuple[Verdict, list[str]]:
    """The verdict on an offer: that of its most favourable basis; with `ask` every question, each once."""
    found = [judged(basis, question) for basis in bases]
    for verdict in (Verdict.YES, Verdict.ASK):
        if any(one is verdict for one, _ in found):
            questions = dict.fromkeys(text for one, texts in found if one is Verdict.ASK for text in texts)
            return verdict, list(questions) if verdict is Verdict.ASK else []
    return Verdict.NO, []


def _questions(group: Json, question: Question) -> Iterable[str]:
    lowest, highest = group["age_min"], group["age_max"]
    if question.age is None and (lowest is not None or highest is not None):
        yield f"Hur gammal är patienten? Gäller {_ages(lowest, highest)}"
    if question.sex is None and group["sex"] is not None:
        yield f"Vilket kön har patienten? Gäller {_SEXES.get(group['sex'], group['sex'])}"
    if group["bmi_max"] is not None:
        yield f"Vilket BMI har patienten? Gäller BMI högst {group['bmi_max']}"
    if group["asa_max"] is not None:
        yield f"Vilken ASA-klass har patienten? Gäller ASA-klass högst {group['asa_max']}"
    if group["other"] is not None:
        yield f"Uppfyller patienten villkoret: {group['other']}?"


def _ages(lowest: int | None, highest: int | None) -> str:
    if highest is None:
        return f"från {lowest} år"
    return f"till och med {highest} år" if lowest is None else f"{lowest}–{highest} år"


def target_group(basis: Json) -> dict[str, Any]:
    """The whole target group of a basis; without what an index of an older release does not hold."""
    known = {**basis, **basis.get("target_group", {})}
    return {name: known.get(name) for name in TARGET_GROUP}


def fields(group: Json | None) -> dict[str, Any]:
    """A target group as a basis holds it: what is searched by in fields of their own, the rest together."""
    told: Sequence[Any] = [group[name] if group is not None else None for name in TARGET_GROUP]
    known = dict(zip(TARGET_GROUP, told, strict=True))
    searched = {name: known[name] for name in ("age_min", "age_max", "sex")}
    return {**searched, "target_group": {name: known[name] for name in ("bmi_max", "asa_max", "other")}}
