"""Every reader, every call that shows agreements, every field: nobody sees more than the field's audience allows."""

import copy
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

import engines
from contracts.agreement_form import AgreementForm
from contracts.audience import Audience, withheld

pytestmark = pytest.mark.engine

UNIT = "SE5561234567-A0017"
OWNER_FIELDS = frozenset(withheld(AgreementForm, Audience.REGIONS)) - {"revision", "confidential"}
TERMS = frozenset(withheld(AgreementForm, Audience.PUBLIC)) - OWNER_FIELDS - {"revision", "confidential"}
EVERYBODY = {
    "its administrator": ("agreement-admin", "14", ""),
    "its system": ("region-system", "14", ""),
    "a navigator of the region": ("navigator", "14", ""),
    "a navigator elsewhere": ("navigator", "01", ""),
    "another region's administrator": ("agreement-admin", "01", ""),
    "another region's system": ("region-system", "01", ""),
    "the agency": ("agency-reviewer", "", ""),
    "an operator": ("operator", "", ""),
    "an analyst": ("analyst", "", ""),
    "the performing unit": ("provider", "", UNIT),
    "another unit": ("provider", "", "SE5561234567-A0021"),
    "a provider without units": ("provider", "", ""),
    "another unit that says it is of the region": ("provider", "14", "SE5561234567-A0021"),
}
OWNERS = {"its administrator", "its system"}
OUTSIDERS = {
    "an analyst",
    "an operator",
    "another unit",
    "a provider without units",
    "another unit that says it is of the region",
}


def paths(content: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """The dotted paths of all fields, those of list members without a number."""
    for name, value in content.items():
        yield f"{prefix}{name}"
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, Mapping):
                yield from paths(one, f"{prefix}{name}.")


@pytest.fixture
def ask(office, oidc_issuer):
    """`await ask("an analyst", "/agreements")`: the answer to one of everybody."""

    async def get(who: str, path: str) -> Any:
        role, region, units = EVERYBODY[who]
        token = engines.token(oidc_issuer, role=role, region=region, user=who.replace(" ", "-"), units=units)
        return await office.client.get(path, headers={"Authorization": f"Bearer {token}"})

    return get


def expected(who: str) -> set[str]:
    if who == "the performing unit":
        return {path for path in TERMS if not path.startswith("use_by_others.")}
    return set() if who in OUTSIDERS else {*TERMS, *OWNER_FIELDS} if who in OWNERS else set(TERMS)


def test_the_audiences_are_what_they_are_meant_to_be():
    assert frozenset({"internal_note"}) == OWNER_FIELDS
    assert {"services.reimbursement", "services.expected_capacity", "document_url", "use_by_others.price"} <= TERMS


@pytest.mark.parametrize("who", EVERYBODY)
async def test_a_reader_of_a_published_agreement_sees_the_fields_of_its_circle_in_every_call(office, ask, body, who):
    body["internal_note"] = "Vi prutar nästa år"
    one = await office.publish(body)
    alone = (await ask(who, f"/agreements/{one['id']}")).json()
    (listed,) = (await ask(who, "/agreements")).json()["items"]
    for shown in (alone, listed):
        assert set(paths(shown)) & (TERMS | OWNER_FIELDS) == expected(who)
        assert shown["name"] == body["name"]


@pytest.mark.parametrize("who", EVERYBODY)
async def test_while_a_change_is_worked_on_others_see_the_public_version_and_its_circle(office, ask, body, who):
    body["internal_note"] = "Vi prutar nästa år"
    one = await office.publish(body)
    changed = {**body, "name": "Nytt namn", "internal_note": "Prutat"}
    tag = {"If-Match": f'"{one["version"]}"'}
    assert (await office.call("anna", "PUT", f"/agreements/{one['id']}", json=changed, headers=tag)).status_code == 200
    shown = (await ask(who, f"/agreements/{one['id']}")).json()
    assert set(paths(shown)) & (TERMS | OWNER_FIELDS) == expected(who)
    assert shown["name"] == ("Nytt namn" if who in OWNERS else body["name"])


@pytest.mark.parametrize("who", EVERYBODY)
async def test_what_waits_for_the_agency_is_shown_to_it_without_what_the_region_notes_for_itself(
    office, ask, body, who
):
    body["internal_note"] = "Vi prutar nästa år"
    one = (await office.register(body)).json()
    await office.act("anna", one["id"], "submit")
    await office.act("arne", one["id"], "approve")
    answer = await ask(who, f"/agreements/{one['id']}")
    sees = who in OWNERS or who == "the agency"
    assert answer.status_code == (200 if sees else 404)
    if sees:
        assert set(paths(answer.json())) & (TERMS | OWNER_FIELDS) == expected(who)
    queue = await ask(who, "/agreement-reviews")
    assert ("prutar" in queue.text) is False
    if who == "the agency":
        (waiting,) = queue.json()["items"]
        assert set(paths(waiting["agreement"])) & (TERMS | OWNER_FIELDS) == TERMS
        assert "internal_note" not in {row["field"] for row in waiting["differences"]}


async def test_a_provider_knows_terms_and_prices_of_its_own_units_agreements_only(office, ask, body):
    mine = await office.publish(body)
    body["services"][0]["units"] = ["SE5561234567-A0021"]
    others = await office.publish({**body, "number": "annan"})
    listed = {one["id"]: one for one in (await ask("the performing unit", "/agreements")).json()["items"]}
    assert listed[mine["id"]]["services"][0]["reimbursement"]["amount"] == "7850.50"
    assert "reimbursement" not in listed[others["id"]]["services"][0]
    assert "7850.50" not in json.dumps(listed[others["id"]])


async def test_of_an_agreement_at_several_units_a_provider_sees_the_terms_of_its_own_services_alone(office, ask, body):
    other = copy.deepcopy(body["services"][0])
    other |= {"units": ["SE5561234567-A0021"], "reimbursement": {"model": "fixed_price", "amount": "9100.00"}}
    body["services"].append(other)
    one = await office.publish(body)
    for who, price, hidden in (("the performing unit", "7850.50", "9100.00"), ("another unit", "9100.00", "7850.50")):
        told = await ask(who, f"/agreements/{one['id']}")
        assert price in told.text
        assert hidden not in told.text
        assert set(paths(told.json())) & {"document_url", "extension_option", "use_by_others.question"} == set()
