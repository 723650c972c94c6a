"""What a reviewer is shown of a change: each field that differs, where it stands, before and after."""

import copy

from hypothesis import given
from hypothesis import strategies as st

from agreements.domain.differences import Difference, differences

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["", "a", "b"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xyz"), inner, max_size=3),
    max_leaves=8,
)
_CONTENT = st.dictionaries(st.sampled_from(["name", "services", "law"]), _VALUES, max_size=3)


@given(_CONTENT)
def test_nothing_differs_from_itself(content):
    assert differences(content, copy.deepcopy(content)) == []


@given(_CONTENT, _CONTENT)
def test_what_is_told_as_different_differs_and_each_place_is_told_once(before, after):
    found = differences(before, after)
    assert all(one.before != one.after for one in found)
    sides = [(one.field, one.after is None) for one in found]
    assert len(sides) == len(set(sides))


@given(_CONTENT, _CONTENT, st.integers(10, 99))
def test_a_changed_field_is_never_passed_over(before, after, value):
    found = differences({**before, "law": value}, {**after, "law": value + 1})
    assert Difference("law", value, value + 1) in found


def test_of_a_new_agreement_all_that_it_says_is_told(body):
    told = {one.field: one.after for one in differences(None, body)}
    assert told["number"] == body["number"]
    assert told["services.0.reimbursement.amount"] == "7850.50"
    assert told["commissioning_regions"] == ["14", "13"]
    assert all(one.before is None for one in differences(None, body))
    assert "services.0.target_group.age_max" not in told, "what is not said is no difference"


def test_a_service_put_in_first_leaves_the_others_unchanged(body):
    other = {**body["services"][0], "units": ["SE5561234567-A0021"]}
    found = differences(body, {**body, "services": [other, *body["services"]]})
    assert {one.field.split(".")[1] for one in found} == {"0"}
    assert Difference("services.0.units", None, ["SE5561234567-A0021"]) in found


def test_a_price_and_a_removed_contact_are_told_where_they_stand(body):
    after = copy.deepcopy(body)
    after["services"][0]["reimbursement"]["amount"] = "8000.00"
    contact = after["services"][0]["contacts"].pop()
    assert differences(body, after) == [
        Difference("services.0.reimbursement.amount", "7850.50", "8000.00"),
        *(Difference(f"services.0.contacts.0.{name}", value, None) for name, value in contact.items()),
    ]


def test_services_in_another_order_are_no_difference_and_a_change_in_one_is_told_of_that_one(body):
    one = body["services"][0]
    other = {**one, "units": ["SE5561234567-A0021"], "reimbursement": {"model": "drg", "amount": None}}
    before = {**body, "services": [one, other]}
    assert differences(before, {**body, "services": [other, one]}) == []
    dearer = {**one, "reimbursement": {**one["reimbursement"], "amount": "8000.00"}}
    assert differences(before, {**body, "services": [other, dearer]}) == [
        Difference("services.1.reimbursement.amount", "7850.50", "8000.00")
    ]


def test_a_service_that_came_or_went_is_told_field_by_field_so_that_each_has_its_own_audience(body):
    kept = {**body["services"][0], "care_services": [{"system": "kva", "code": "NGB29"}], "units": ["SE5561234567-A1"]}
    for before, after in (([*body["services"], kept], [kept]), ([kept], [*body["services"], kept])):
        found = {one.field for one in differences({"services": before}, {"services": after})}
        assert "services.0.reimbursement.amount" in found
        assert not any(field.count(".") == 1 for field in found), "no block is told whole"
