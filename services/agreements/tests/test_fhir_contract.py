"""A region's Contracts in FHIR become the same agreements as its own form: contained or included, whole or in part."""

import copy
import json

import pytest
from fhir.resources.R4B.contract import Contract
from hypothesis import given
from hypothesis import strategies as st

from agreements.source import fhir_contract
from contracts.agreement_form import AgreementForm
from demo.contract_shapes import contained, contract
from demo.sweden import build

UPDATED = "2026-03-01T12:00:00+00:00"
SWEDEN = build()


def _pair(body, *, inside=False):
    one, beside = contract(body, "c1", UPDATED, 7)
    if inside:
        return contained(one, beside), {}
    return one, {f"{part['resourceType']}/{part['id']}": part for part in beside}


@pytest.mark.parametrize("inside", [False, True], ids=["included", "contained"])
def test_every_agreement_of_the_demo_comes_through_fhir_as_it_was(inside):
    for one in SWEDEN.agreements:
        found = fhir_contract.item(*_pair(one.body, inside=inside))
        assert found.found == ()
        form = AgreementForm.model_validate({"region": one.region, **found.content})
        assert form.as_json() == AgreementForm.model_validate(one.body).as_json()
        assert (found.number, form.revision, found.sent_at.isoformat()) == (one.number, 7, UPDATED)


@pytest.mark.parametrize("inside", [False, True], ids=["included", "contained"])
def test_the_filled_agreement_of_the_form_comes_through_fhir_too(body, inside):
    body["services"].append({**body["services"][0], "units": ["SE5561234567-A0017", "SE5561234567-A0021"]})
    full = AgreementForm.model_validate({**body, "internal_note": "Ring först"}).as_json()
    found = fhir_contract.item(*_pair(full, inside=inside))
    assert AgreementForm.model_validate({"region": "14", **found.content}).as_json() == full


def test_what_the_simulated_region_tells_is_fhir_r4():
    for one in SWEDEN.agreements[::97]:
        Contract.model_validate_json(json.dumps(_pair(one.body, inside=True)[0]))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda one: one.pop("identifier"), "number"),
        (lambda one: one.pop("subject"), "services"),
        (lambda one: one["subject"][0].update(reference="OrganizationAffiliation/away"), "subject"),
        (lambda one: one["applies"].update(start="2026"), "valid_from"),
        (lambda one: one["identifier"][0].update(value="19121212-1212"), "number"),
    ],
)
def test_a_contract_that_cannot_be_used_says_which_field_and_repeats_nothing(change, field):
    one, beside = _pair(SWEDEN.agreements[0].body)
    change(one)
    found = fhir_contract.item(one, beside)
    assert [name for name, _ in found.found] == [field]
    assert "1212" not in str(found)


def test_an_ended_contract_and_one_not_yet_concluded_are_not_taken():
    one, beside = _pair(SWEDEN.agreements[0].body)
    number = SWEDEN.agreements[0].number
    ended = fhir_contract.item({**one, "status": "terminated"}, beside)
    assert (ended.number, ended.ended, ended.content) == (number, "terminated", {})
    offered = fhir_contract.item({**one, "status": "offered"}, beside)
    assert (offered.number, offered.passed) == (number, "is not concluded yet: offered")


def test_a_contract_with_a_confidentiality_label_carries_the_mark_to_intake():
    one, beside = _pair(SWEDEN.agreements[0].body)
    one["meta"]["security"] = [{"code": "R"}]
    assert fhir_contract.item(one, beside).content["confidential"] is True


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.data())
def test_whatever_stands_where_something_else_should_the_reader_answers(data):
    one, beside = _pair(copy.deepcopy(SWEDEN.agreements[3].body))
    target = data.draw(st.sampled_from([one, *beside.values()]))
    target[data.draw(st.sampled_from(sorted(target)))] = data.draw(_JSON)
    fhir_contract.item(one, beside)
