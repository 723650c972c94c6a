"""Who sees which field: providers nothing of others' terms and prices, regions all but the owner's own notes."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from contracts.agreement_form import AgreementForm
from contracts.agreements import AgreementRegistered
from contracts.audience import Audience, audience_of, seen

EXAMPLES = Path(__file__).parents[1] / "examples"
WIDEST_FIRST = (Audience.PUBLIC, Audience.REGIONS, Audience.OWNER)
MODELS = (AgreementForm, AgreementRegistered)
TERMS_AND_PRICES = {
    "extension_option",
    "document_url",
    "use_by_others.through",
    "use_by_others.question",
    "use_by_others.price",
    "use_by_others.invoiced_by",
    "use_by_others.volume_left",
    "services.reimbursement",
    "services.expected_capacity",
}


def example(name: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((EXAMPLES / name).read_text(encoding="utf-8"))["value"]
    return value


FULL = {
    AgreementForm: example("agreement-submitted/v1/full.json"),
    AgreementRegistered: example("agreement-registered/v1/published-full.json"),
}


def inner(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := inner(part))), None)


def marks(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, Audience]]:
    """Every marked field with its dotted path, list places left out."""
    for name, field in model.model_fields.items():
        if audience_of(field) is not Audience.PUBLIC:
            yield f"{path}{name}", audience_of(field)
        elif (part := inner(field.annotation)) is not None:
            yield from marks(part, f"{path}{name}.")


def paths(value: Any, path: str = "") -> set[str]:
    """The dotted paths of everything that is there, list places left out."""
    if isinstance(value, Mapping):
        own = {f"{path}.{name}".lstrip(".") for name in value}
        return own.union(*(paths(one, f"{path}.{name}") for name, one in value.items()))
    if isinstance(value, list | tuple):
        return set().union(*(paths(one, path) for one in value))
    return set()


@pytest.mark.parametrize("model", MODELS)
def test_terms_and_prices_are_for_regions_and_the_owner_alone_has_what_is_in_no_topic(model: type[BaseModel]):
    marked = dict(marks(model))
    assert {path for path, who in marked.items() if who is Audience.REGIONS} == TERMS_AND_PRICES
    owners = {path for path, who in marked.items() if who is Audience.OWNER}
    assert owners == ({"internal_note", "revision", "confidential"} if model is AgreementForm else set())


@pytest.mark.parametrize("model", MODELS)
def test_the_public_sees_no_terms_or_prices_in_any_service_of_an_agreement(model: type[BaseModel]):
    shown = seen(model, FULL[model], Audience.PUBLIC)
    marked = set(dict(marks(model)))
    assert paths(FULL[model]) >= marked
    assert paths(shown) & marked == set()
    assert "7850.00" not in json.dumps(shown)
    assert [service["units"] for service in shown["services"]] == [
        service["units"] for service in FULL[model]["services"]
    ]


def test_regions_see_all_terms_and_nothing_that_is_the_owners():
    shown = seen(AgreementForm, FULL[AgreementForm], Audience.REGIONS)
    assert FULL[AgreementForm].keys() - shown.keys() == {"internal_note", "revision", "confidential"}
    assert {name: FULL[AgreementForm][name] for name in shown} == shown


@pytest.mark.parametrize("model", MODELS)
def test_the_owner_sees_everything_as_it_is(model: type[BaseModel]):
    assert seen(model, FULL[model], Audience.OWNER) == FULL[model]


def test_a_withheld_field_is_left_out_and_not_empty_since_an_empty_one_says_something():
    shown = seen(AgreementRegistered, {"document_url": None, "name": "A"}, Audience.PUBLIC)
    assert shown == {"name": "A"}


def test_a_part_in_a_list_a_tuple_or_alone_is_looked_into_and_what_is_no_part_stays():
    services = ({"units": ["SE5561234567-A1"], "reimbursement": {"model": "drg"}}, "no object")
    shown = seen(AgreementRegistered, {"services": services, "use_by_others": None}, Audience.PUBLIC)
    assert shown == {"services": [{"units": ["SE5561234567-A1"]}, "no object"], "use_by_others": None}


def test_nothing_is_changed_in_what_is_looked_at():
    before = json.dumps(FULL[AgreementRegistered])
    seen(AgreementRegistered, FULL[AgreementRegistered], Audience.PUBLIC)
    assert json.dumps(FULL[AgreementRegistered]) == before


anything = st.recursive(
    st.none() | st.booleans() | st.text(max_size=5),
    lambda one: st.lists(one, max_size=2) | st.dictionaries(st.text(max_size=5), one, max_size=2),
    max_leaves=4,
)


def contents(model: type[BaseModel]) -> st.SearchStrategy[dict[str, Any]]:
    """Content of a model's shape, some fields left out, some damaged."""
    fields = {}
    for name, field in model.model_fields.items():
        part = inner(field.annotation)
        fields[name] = anything if part is None else contents(part) | st.lists(contents(part), max_size=2) | anything
    return st.fixed_dictionaries({}, optional=fields)


@given(contents(AgreementForm) | contents(AgreementRegistered), st.sampled_from(MODELS))
def test_whatever_is_there_a_narrower_audience_never_sees_less_and_the_public_nothing_marked(
    content: dict[str, Any], model: type[BaseModel]
):
    views = [paths(seen(model, content, audience)) for audience in WIDEST_FIRST]
    assert views[0] <= views[1] <= views[2] <= paths(content)
    shown = seen(model, content, Audience.PUBLIC)
    assert not {name for name in shown if name in dict(marks(model))}
    for service in shown.get("services") if isinstance(shown.get("services"), list) else ():
        assert not isinstance(service, dict) or not service.keys() & {"reimbursement", "expected_capacity"}
    use = shown.get("use_by_others")
    assert not isinstance(use, dict) or not use.keys() & {"through", "question", "price", "invoiced_by", "volume_left"}
