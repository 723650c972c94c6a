"""What can be told of an agreement from itself alone: a sound one has no fault, each spoilt one has exactly its own."""

import copy
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.agreements import faults, text_faults
from rules.identifiers import is_personal_number

days = st.dates(date(2020, 1, 1), date(2040, 12, 31))
words = st.text("abcdefghijklmnopqrstuvwxyzåäö ", min_size=1, max_size=20)
PERSONS = ("19121212-1212", "121212-1212", "191212121212", "121212+1212", "１２１２１２-1212")


@st.composite
def agreements(draw: st.DrawFn) -> dict[str, Any]:
    """A sound agreement as JSON."""
    own = draw(st.booleans())
    kind = draw(st.sampled_from(["agreement", "arrangement", "assignment"]))
    region, *others = draw(st.lists(st.sampled_from(["01", "03", "14", "25"]), min_size=1, unique=True))
    use = draw(st.sampled_from(["yes", "no", "on_request", "named_regions"]))
    start, end = sorted((draw(days), draw(days)))
    return {
        "region": region,
        "number": draw(words),
        "name": draw(words),
        "kind": kind,
        "assignment_id": "U1" if kind == "assignment" else draw(st.sampled_from([None, "U2"])),
        "basis": "own_provision" if own else draw(st.sampled_from(["own_agreement", "national_agreement"])),
        "commissioning_regions": draw(st.permutations([region, *others])),
        "care_provider": None if own else {"hsa_id": "SE5561234567-0001", "name": draw(words)},
        "valid_from": start.isoformat(),
        "valid_to": draw(st.sampled_from([None, start.isoformat(), end.isoformat()])),
        "use_by_others": {
            "use": use,
            "regions": ["12"] if use == "named_regions" else [],
            "question": draw(words) if use == "on_request" else None,
        },
        "services": draw(st.lists(services(), min_size=1, max_size=3)),
    }


@st.composite
def services(draw: st.DrawFn) -> dict[str, Any]:
    low, high = sorted((draw(st.integers(0, 130)), draw(st.integers(0, 130))))
    start, end = sorted((draw(days), draw(days)))
    group = {"age_min": draw(st.sampled_from([None, low])), "age_max": draw(st.sampled_from([None, high]))}
    paid = {"model": "drg", "amount": "7850.50", "valid_from": start.isoformat(), "valid_to": end.isoformat()}
    return {
        "care_services": [{"system": "kva", "code": "CJE20"}],
        "units": ["SE5561234567-A1"],
        "target_group": draw(st.sampled_from([None, group])),
        "reimbursement": draw(st.sampled_from([None, paid])),
        "contacts": [{"channel": "phone", "value": "08-123 45 67", "note": draw(words)}],
    }


def fields(agreement: dict[str, Any]) -> set[str]:
    return {field for field, _ in faults(agreement)}


@given(agreements())
def test_a_sound_agreement_has_no_fault(agreement: dict[str, Any]):
    assert faults(agreement) == []


def backwards(one: dict[str, Any]) -> str:
    one["valid_from"], one["valid_to"] = "2026-02-01", "2026-01-31"
    return "valid_to"


def paid_backwards(one: dict[str, Any]) -> str:
    one["services"][-1]["reimbursement"] = {"valid_from": "2026-02-01", "valid_to": "2026-01-31"}
    return f"services.{len(one['services']) - 1}.reimbursement.valid_to"


def too_young(one: dict[str, Any]) -> str:
    one["services"][-1]["target_group"] = {"age_min": 18, "age_max": 17}
    return f"services.{len(one['services']) - 1}.target_group.age_max"


def counterpart(one: dict[str, Any]) -> str:
    own = one["basis"] == "own_provision"
    one["care_provider"] = {"hsa_id": "SE5561234567-0001", "name": "x"} if own else None
    return "care_provider"


def nameless_assignment(one: dict[str, Any]) -> str:
    one["kind"], one["assignment_id"] = "assignment", None
    return "assignment_id"


def not_its_own(one: dict[str, Any]) -> str:
    one["commissioning_regions"] = ["99"]
    return "commissioning_regions"


def nobody_named(one: dict[str, Any]) -> str:
    one["use_by_others"] = {"use": "named_regions", "regions": []}
    return "use_by_others.regions"


def named_for_nothing(one: dict[str, Any]) -> str:
    one["use_by_others"] = {"use": "no", "regions": ["12"]}
    return "use_by_others.regions"


def asks_nothing(one: dict[str, Any]) -> str:
    one["use_by_others"] = {"use": "on_request", "regions": [], "question": ""}
    return "use_by_others.question"


SPOILERS = [
    backwards,
    paid_backwards,
    too_young,
    counterpart,
    nameless_assignment,
    not_its_own,
    nobody_named,
    named_for_nothing,
    asks_nothing,
]


@pytest.mark.parametrize("spoil", SPOILERS, ids=lambda spoil: spoil.__name__)
@given(agreements())
def test_one_thing_wrong_is_one_fault_at_its_field(spoil, agreement: dict[str, Any]):
    field = spoil(agreement)
    assert fields(agreement) == {field}


@given(agreements(), st.sets(st.sampled_from(SPOILERS[:-2])))
def test_everything_wrong_is_told_at_once(agreement: dict[str, Any], spoilers: set[Any]):
    spoilt = {spoil(agreement) for spoil in spoilers}
    assert fields(agreement) == spoilt


@given(agreements(), st.sampled_from(PERSONS), words, st.data())
def test_a_personal_number_is_found_in_every_text_and_never_repeated(agreement, number, around, data):
    spoilt = copy.deepcopy(agreement)
    places = [place for place in _texts(spoilt) if "care_services" not in place]
    *way, last = data.draw(st.sampled_from(places))
    inner: Any = spoilt
    for step in way:
        inner = inner[step]
    inner[last] = f"{around} {number} {around}"
    found = dict(text_faults("", spoilt))
    assert list(found) == [".".join(map(str, [*way, last]))]
    assert not any(digits in str(found) for digits in ("1212", "１２"))


def test_a_code_is_looked_up_and_not_taken_for_a_person():
    code = "1001010006"
    assert is_personal_number(code)
    assert list(text_faults("", {"services": [{"care_services": [{"system": "vt", "code": code}]}]})) == []
    assert list(text_faults("", {"services": [{"code": code}]})) != []


def test_only_texts_are_searched():
    assert list(text_faults("", {"a": 1212121212, "b": None, "c": True, "d": [1.5, {}]})) == []


def _texts(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, str):
        return [path]
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for name, inner in pairs for found in _texts(inner, (*path, name))]
