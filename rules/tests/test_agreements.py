"""What can be told of an agreement from itself alone: a sound one has no fault, each spoilt one has exactly its own."""

import copy
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.agreements import ENDS_WITHIN_YEARS, LED, STARTS_WITHIN_YEARS, faults, text_faults
from rules.identifiers import is_personal_number

days = st.dates(date(2020, 1, 1), date(2040, 12, 31))
words = st.text("abcdefghijklmnopqrstuvwxyzåäö ", min_size=1, max_size=20).map("x".__add__)
HSA = "SE5561234567-0001"
ANOTHER_REGION = {"hsa_id": "SE2321000255-E1", "name": "Region Skåne"}
PERSONS = ("19121212-1212", "121212-1212", "191212121212", "121212+1212", "１２１２１２-1212")


@st.composite
def agreements(draw: st.DrawFn) -> dict[str, Any]:
    """A sound agreement as JSON."""
    basis = draw(st.sampled_from([*sorted(LED), "own_agreement", "national_agreement", "own_provision"]))
    own, between = basis == "own_provision", basis == "national_agreement"
    kind = draw(st.sampled_from(["agreement", "arrangement", "assignment"]))
    law = None if own or between else draw(st.sampled_from([None, "LOU", "LOV", "LOL", "LOF"]))
    least, most = {"bilateral_agreement": (2, 2), "joint_agreement": (2, 4)}.get(basis, (1, 4))
    regions = draw(st.lists(st.sampled_from(["01", "03", "14", "25"]), min_size=least, max_size=most, unique=True))
    use = draw(st.sampled_from(["yes", "no", "on_request", "named_regions"]))
    start, end = sorted((draw(days), draw(days)))
    return {
        "region": draw(st.sampled_from(regions)),
        "number": draw(words),
        "name": draw(words),
        "kind": kind,
        "assignment_id": "U1" if kind == "assignment" else draw(st.sampled_from([None, "U2"])),
        "basis": basis,
        "law": law,
        "direct_award": draw(st.sampled_from([None, False, True] if law == "LOU" else [None, False])),
        "choice_of_care": law == "LOV" or (own and draw(st.booleans())),
        "commissioning_regions": regions,
        "leading_region": draw(st.sampled_from(regions)) if basis in LED else None,
        "care_provider": None if own else ANOTHER_REGION if between else {"hsa_id": HSA, "name": draw(words)},
        "valid_from": start.isoformat(),
        "valid_to": draw(st.sampled_from([None, start.isoformat(), end.isoformat()])),
        "use_by_others": {
            "use": use,
            "regions": ["12"] if use == "named_regions" else [],
            "question": draw(words) if use == "on_request" else None,
        },
        "services": draw(st.lists(services(start, end), min_size=1, max_size=3)),
    }


@st.composite
def services(draw: st.DrawFn, first: date, last: date) -> dict[str, Any]:
    low, high = sorted((draw(st.integers(0, 130)), draw(st.integers(0, 130))))
    group = {
        "age_min": draw(st.sampled_from([None, low])),
        "age_max": draw(st.sampled_from([None, high])),
        "bmi_max": draw(st.sampled_from([None, "15", "35.5", "100"])),
        "asa_max": draw(st.sampled_from([None, 1, 3, 6])),
    }
    paid = {
        "model": "drg",
        "amount": "7850.50",
        "valid_from": draw(st.sampled_from([None, first.isoformat()])),
        "valid_to": draw(st.dates(first, last)).isoformat(),
    }
    itself = draw(st.booleans())
    return {
        "care_services": [{"system": "kva", "code": "CJE20"}, {"system": "kva", "code": "CJE15"}],
        "units": ["SE5561234567-A1", "SE5561234567-A2"],
        "target_group": draw(st.sampled_from([None, group])),
        "conditions": {"self_referral": itself, "self_referral_how": draw(words) if itself else None},
        "reimbursement": draw(st.sampled_from([None, paid])),
        "contacts": [{"channel": "phone", "value": "08-123 45 67", "note": draw(words)}],
    }


def fields(agreement: dict[str, Any]) -> set[str]:
    return {field for field, _ in faults(agreement)}


@given(agreements())
def test_a_sound_agreement_has_no_fault(agreement: dict[str, Any]):
    assert faults(agreement) == []


def last_service(one: dict[str, Any]) -> tuple[dict[str, Any], str]:
    return one["services"][-1], f"services.{len(one['services']) - 1}."


def backwards(one: dict[str, Any]) -> str:
    one["valid_to"] = (date.fromisoformat(one["valid_from"]) - timedelta(days=1)).isoformat()
    return "valid_to"


def paid_backwards(one: dict[str, Any]) -> str:
    service, path = last_service(one)
    day = date.fromisoformat(one["valid_from"]) + timedelta(days=1)
    service["reimbursement"] = {"valid_from": day.isoformat(), "valid_to": one["valid_from"]}
    one["valid_to"] = None
    return f"{path}reimbursement.valid_to"


def too_young(one: dict[str, Any]) -> str:
    service, path = last_service(one)
    service["target_group"] = {"age_min": 18, "age_max": 17}
    return f"{path}target_group.age_max"


def too_old(one: dict[str, Any]) -> str:
    service, path = last_service(one)
    service["target_group"] = {"age_min": 131}
    return f"{path}target_group.age_min"


def too_light(one: dict[str, Any]) -> str:
    service, path = last_service(one)
    service["target_group"] = {"bmi_max": "3.5"}
    return f"{path}target_group.bmi_max"


def no_class(one: dict[str, Any]) -> str:
    service, path = last_service(one)
    service["target_group"] = {"asa_max": 7}
    return f"{path}target_group.asa_max"


def same_unit_twice(one: dict[str, Any]) -> str:
    service, path = last_service(one)
    service["units"] = ["SE5561234567-A1", "SE5561234567-A2", "SE5561234567-A1"]
    return f"{path}units.2"


def same_code_twice(one: dict[str, Any]) -> str:
    service, path = last_service(one)
    service["care_services"] = [{"system": "kva", "code": "CJE20"}] * 2
    return f"{path}care_services.1"


def way_without_leave(one: dict[str, Any]) -> str:
    service, path = last_service(one)
    service["conditions"] = {"self_referral": None, "self_referral_how": "På webben"}
    return f"{path}conditions.self_referral_how"


def counterpart(one: dict[str, Any]) -> str:
    own = one["basis"] == "own_provision"
    one["care_provider"] = {"hsa_id": HSA, "name": "x"} if own else None
    return "care_provider"


def nameless_assignment(one: dict[str, Any]) -> str:
    one["kind"], one["assignment_id"] = "assignment", None
    return "assignment_id"


def not_its_own(one: dict[str, Any]) -> str:
    regions = ["12" if region == one["region"] else region for region in one["commissioning_regions"]]
    one["commissioning_regions"], one["leading_region"] = regions, one["leading_region"] and regions[0]
    return "commissioning_regions"


def nobody_named(one: dict[str, Any]) -> str:
    one["use_by_others"] = {"use": "named_regions", "regions": []}
    return "use_by_others.regions"


def named_for_nothing(one: dict[str, Any]) -> str:
    one["use_by_others"] = {"use": "no", "regions": ["12"]}
    return "use_by_others.regions"


def names_itself(one: dict[str, Any]) -> str:
    one["use_by_others"] = {"use": "named_regions", "regions": ["12", one["region"]]}
    return "use_by_others.regions"


def names_twice(one: dict[str, Any]) -> str:
    one["use_by_others"] = {"use": "named_regions", "regions": ["12", "12"]}
    return "use_by_others.regions.1"


def asks_nothing(one: dict[str, Any]) -> str:
    one["use_by_others"] = {"use": "on_request", "regions": [], "question": ""}
    return "use_by_others.question"


def leads_or_not(one: dict[str, Any]) -> str:
    one["leading_region"] = None if one["basis"] in LED else one["region"]
    return "leading_region"


def led_from_outside(one: dict[str, Any]) -> str:
    one["leading_region"] = "12"
    return "leading_region"


SPOILERS = [
    backwards,
    too_young,
    same_unit_twice,
    same_code_twice,
    way_without_leave,
    counterpart,
    nameless_assignment,
    not_its_own,
    nobody_named,
    # Each of the others spoils the same as one of those above.
    paid_backwards,
    too_old,
    too_light,
    no_class,
    named_for_nothing,
    names_itself,
    names_twice,
    asks_nothing,
    leads_or_not,
    led_from_outside,
]


@pytest.mark.parametrize("spoil", SPOILERS, ids=lambda spoil: spoil.__name__)
@given(agreements())
def test_one_thing_wrong_is_one_fault_at_its_field(spoil, agreement: dict[str, Any]):
    field = spoil(agreement)
    assert fields(agreement) == {field}


@given(agreements(), st.sets(st.sampled_from(SPOILERS[:9])))
def test_everything_wrong_is_told_at_once(agreement: dict[str, Any], spoilers: set[Any]):
    spoilt = {spoil(agreement) for spoil in spoilers}
    assert fields(agreement) == spoilt


@pytest.mark.parametrize(
    ("law", "direct_award", "choice_of_care", "wrong"),
    [
        ("LOU", True, False, set()),
        ("LOU", False, True, {"choice_of_care"}),
        ("LOV", False, True, set()),
        ("LOV", None, False, {"choice_of_care"}),
        ("LOV", True, True, {"direct_award"}),
        ("LOL", True, False, {"direct_award"}),
        ("LOF", False, True, {"choice_of_care"}),
        (None, True, False, {"direct_award"}),
        (None, None, False, set()),
    ],
)
@given(agreements().filter(lambda one: one["basis"] in {*LED, "own_agreement"}))
def test_direct_award_is_of_lou_and_a_system_of_choice_of_lov(law, direct_award, choice_of_care, wrong, agreement):
    agreement.update(law=law, direct_award=direct_award, choice_of_care=choice_of_care)
    assert fields(agreement) == wrong


@given(agreements().filter(lambda one: one["basis"] in {"own_provision", "national_agreement"}), st.booleans())
def test_own_provision_and_care_between_regions_are_not_procured(agreement: dict[str, Any], direct: bool):
    agreement.update(law="LOU", direct_award=direct, choice_of_care=False)
    assert fields(agreement) == {"law"}
    agreement.update(law=None, direct_award=True)
    assert fields(agreement) == {"direct_award"}


@given(agreements().filter(lambda one: one["basis"] == "own_provision"))
def test_own_provision_may_lie_within_a_system_of_choice_and_care_between_regions_not(agreement: dict[str, Any]):
    agreement["choice_of_care"] = True
    assert fields(agreement) == set()
    between = {**agreement, "basis": "national_agreement", "care_provider": ANOTHER_REGION}
    assert fields(between) == {"choice_of_care"}


@pytest.mark.parametrize(
    ("hsa_id", "number", "right"),
    [
        ("SE2321000255-E1", None, True),
        ("SE2321000255-E1", "2321000255", True),
        ("SE5561234567-E1", "2321000255", True),
        # A company of Region Skåne has a number of its own, and its HSA-id under the region's.
        ("SE2321000255-E1", "5561234567", True),
        ("SE2321000016-E1", "2321000016", False),
        ("SE5561234567-E1", "5561234567", False),
        ("SE5561234567-E1", None, False),
    ],
)
def test_under_riksavtalet_the_counterpart_is_another_region(hsa_id: str, number: str | None, right: bool):
    provider = {"hsa_id": hsa_id, "name": "x", "organisation_number": number}
    agreement = {**PLAIN, "basis": "national_agreement", "care_provider": provider}
    assert fields(agreement) == (set() if right else {"care_provider"})


@given(agreements().filter(lambda one: one["basis"] not in LED), st.sampled_from(["14", "25"]))
def test_a_bilateral_agreement_is_two_regions_and_a_joint_one_two_or_more(agreement: dict[str, Any], third: str):
    agreement.update(basis="bilateral_agreement", care_provider={"hsa_id": HSA, "name": "x"}, law=None)
    agreement.update(direct_award=None, choice_of_care=False, region="01", leading_region="01")
    for regions, of_two, of_several in (
        (["01"], False, False),
        (["01", "03"], True, True),
        (["01", "03", third], 0, 1),
    ):
        agreement["commissioning_regions"] = regions
        for basis, right in (("bilateral_agreement", of_two), ("joint_agreement", of_several)):
            assert fields({**agreement, "basis": basis}) == (set() if right else {"commissioning_regions"})


TODAY = date(2026, 3, 2)
PLAIN = {
    "region": "01",
    "kind": "agreement",
    "basis": "own_agreement",
    "commissioning_regions": ["01"],
    "care_provider": {"hsa_id": HSA, "name": "x"},
    "valid_from": "2026-01-01",
    "use_by_others": {"use": "no", "regions": []},
    "services": [{"care_services": [{"system": "kva", "code": "CJE20"}], "units": ["SE5561234567-A1"]}],
}


@pytest.mark.parametrize(
    ("start", "end", "wrong"),
    [
        ("2026-01-01", None, set()),
        (f"{2026 + STARTS_WITHIN_YEARS}-03-02", None, set()),
        (f"{2026 + STARTS_WITHIN_YEARS}-03-03", None, {"valid_from"}),
        ("2035-01-01", "2036-12-31", {"valid_from"}),
        ("2026-01-01", f"{2026 + ENDS_WITHIN_YEARS}-03-02", set()),
        ("2026-01-01", f"{2026 + ENDS_WITHIN_YEARS}-03-03", {"valid_to"}),
        ("2026-01-01", "2206-12-31", {"valid_to"}),
        ("1990-01-01", None, set()),
        ("1989-12-31", None, {"valid_from"}),
        # What an empty cell of a spreadsheet becomes.
        ("1900-01-01", "2027-12-31", {"valid_from"}),
        ("1904-01-01", None, {"valid_from"}),
        ("0026-01-01", "2027-12-31", {"valid_from"}),
    ],
)
def test_a_period_far_from_today_is_told_as_probably_the_wrong_year(start: str, end: str | None, wrong: set[str]):
    agreement = {**PLAIN, "valid_from": start, "valid_to": end}
    assert {field for field, _ in faults(agreement, today=TODAY)} == wrong


def test_what_is_far_ahead_is_judged_only_by_somebodys_today():
    far = {**PLAIN, "valid_from": "2035-01-01"}
    assert faults(far) == []
    assert faults(far, today=date(2034, 1, 1)) == []
    leap_day = date(2028, 2, 29)
    assert faults({**PLAIN, "valid_from": "2033-02-28"}, today=leap_day) == []
    assert faults({**PLAIN, "valid_from": "2033-03-01"}, today=leap_day) != []


@pytest.mark.parametrize(
    ("start", "end", "wrong"),
    [
        ("2026-01-01", "2027-12-31", set()),
        # A price may be agreed for an extension, or be older than the agreement.
        ("2025-01-01", "2028-12-31", set()),
        ("2028-01-01", None, {"valid_from"}),
        (None, "2025-12-31", {"valid_to"}),
        ("2035-01-01", None, {"valid_from"}),
        ("1900-01-01", None, {"valid_from"}),
    ],
)
def test_a_price_that_holds_wholly_beside_the_agreement_is_wrong(start: str | None, end: str | None, wrong: set[str]):
    agreement = copy.deepcopy({**PLAIN, "valid_to": "2027-12-31"})
    agreement["services"][0]["reimbursement"] = {"model": "drg", "valid_from": start, "valid_to": end}
    found = {field for field, _ in faults(agreement, today=TODAY)}
    assert found == {f"services.0.reimbursement.{name}" for name in wrong}


EVERYTHING = (
    "law",
    "assignment_document_url",
    "leading_region",
    "care_provider",
    "document_url",
    "services.*.contacts",
)


def test_what_a_profile_demands_is_told_where_it_is_missing_in_each_service():
    agreement = copy.deepcopy({**PLAIN, "document_url": ""})
    agreement["services"].append({**agreement["services"][0], "contacts": [{"value": "08-123 45 67"}]})
    agreement["services"][0]["target_group"] = {"age_min": None, "sex": None}
    demanded = (*EVERYTHING, "services.*.target_group", "services.*.conditions.referral_required")
    found = faults(agreement, mandatory=demanded)
    assert {reason for _, reason in found} == {"is mandatory"}
    assert {field for field, _ in found} == {
        "law",
        "document_url",
        "services.0.contacts",
        "services.0.target_group",
        "services.1.target_group",
        "services.0.conditions.referral_required",
        "services.1.conditions.referral_required",
    }


def test_a_no_and_a_zero_are_answers_and_so_satisfy_a_profile():
    agreement = copy.deepcopy({**PLAIN, "direct_award": False})
    agreement["services"][0]["conditions"] = {"referral_required": False}
    agreement["services"][0]["target_group"] = {"age_min": 0}
    demanded = ("direct_award", "services.*.conditions.referral_required", "services.*.target_group.age_min")
    assert faults(agreement, mandatory=demanded) == []


@pytest.mark.parametrize(
    ("changes", "left"),
    [
        ({"basis": "own_provision", "care_provider": None}, {"document_url", "services.0.contacts"}),
        ({"basis": "national_agreement", "care_provider": ANOTHER_REGION}, {"document_url", "services.0.contacts"}),
        ({"kind": "arrangement"}, {"document_url", "services.0.contacts"}),
        (
            {"kind": "assignment", "assignment_id": "U1"},
            {"law", "assignment_document_url", "document_url", "services.0.contacts"},
        ),
    ],
)
def test_nobody_is_asked_for_what_such_an_agreement_cannot_have(changes: dict[str, Any], left: set[str]):
    assert {field for field, _ in faults({**PLAIN, **changes}, mandatory=EVERYTHING)} == left


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


def test_what_is_neither_text_nor_number_is_not_searched():
    assert list(text_faults("", {"a": 12, "b": None, "c": True, "d": [1.5, {}]})) == []


def _texts(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, str):
        return [path]
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for name, inner in pairs for found in _texts(inner, (*path, name))]


@pytest.mark.parametrize("value", [191212121212, 191212121212.0, Decimal(197010632391), 1212121212])
def test_a_personal_number_written_as_a_number_is_found(value):
    assert [path for path, _ in text_faults("", {"services": [{"x": value}], "ok": True})] == ["services.0.x"]


def test_a_revision_that_is_a_moment_is_no_personal_number_and_one_that_is_a_person_is():
    assert list(text_faults("", {"revision": 202603011430})) == []
    assert [path for path, _ in text_faults("", {"revision": 191212121212})] == ["revision"]
    assert list(text_faults("", {"amount": 7850.5, "count": 600, "nothing": float("nan"), "very": 1e300})) == []
