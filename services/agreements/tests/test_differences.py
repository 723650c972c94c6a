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
        Difference("services.0.contacts.0", contact, None),
    ]
