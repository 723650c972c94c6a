"""The list: what each reader is shown of it, filtered, sorted and paged; and the same rule in Python and in SQL."""

import copy
import dataclasses
from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agreements.domain.agreement import Actor, Agreement, State, Way, may_read, may_read_working
from agreements.store import agreements as store
from agreements.store import listing
from agreements.store.listing import Filters
from contracts.agreement_form import AgreementForm
from rules.roles import Role

pytestmark = pytest.mark.engine

NOW = datetime(2026, 3, 1, tzinfo=UTC)
CONTENT: dict[str, Any] = AgreementForm.model_validate(
    {
        "region": "14",
        "number": "n",
        "name": "Katarakt",
        "basis": "own_provision",
        "valid_from": "2026-01-01",
        "services": [{"care_services": [{"system": "kva", "code": "CJE20"}], "units": ["SE2321000131-E1"]}],
    }
).as_json()


def agreement(state: State, public: State | None, **more: Any) -> Agreement:
    """One of region 14 in a working state and a public one."""
    one = Agreement(
        id=f"{state}-{public}",
        region="14",
        number=f"{state}-{public}",
        state=state,
        version=1,
        author="anna",
        body=CONTENT,
        way=Way.FORM,
        revision=None,
        sent_digest=None,
        edited_at=NOW,
        public_body=CONTENT if public is not None else None,
        public_state=public,
        public_version=1 if public is not None else None,
        public_at=NOW if public is not None else None,
        ended_on=None,
        published_at=NOW if public is not None else None,
        created_at=NOW,
        changed_at=NOW,
    )
    return dataclasses.replace(one, **more)


def changed(**more: Any) -> dict[str, Any]:
    return {**copy.deepcopy(CONTENT), **more}


async def listed(session, actor: Actor, filters: Filters, sort: str = "number", limit: int = 100, offset: int = 0):
    return await listing.find(session, actor, filters, sort=sort, limit=limit, offset=offset)


NAVIGATOR = Actor("n", frozenset({Role.NAVIGATOR}), "14")
ADMIN = Actor("a", frozenset({Role.AGREEMENT_ADMIN}), "14")


async def test_the_list_shows_each_reader_exactly_what_the_rule_says(office):
    """Every reader against every agreement: the rule in domain.agreement and the SQL in store.listing are one."""
    ended = (State.EXPIRED, State.TERMINATED, State.WITHDRAWN)
    pairs = [*product((State.DRAFT, State.SUBMITTED, State.REGION_APPROVED), (None, State.PUBLISHED, State.EXPIRED))]
    pairs += [(State.PUBLISHED, State.PUBLISHED), *((state, state) for state in ended), (State.WITHDRAWN, None)]
    all_of_them = [
        agreement(state, public, id=f"{region}-{state}-{public}", region=region)
        for region, (state, public) in product(("01", "14"), pairs)
    ]
    roles: list[set[str]] = [
        set(),
        {Role.NAVIGATOR},
        {Role.AGREEMENT_ADMIN},
        {Role.REGION_SYSTEM},
        {Role.AGENCY_REVIEWER},
        {Role.AGREEMENT_ADMIN, Role.AGENCY_REVIEWER},
        {Role.PROVIDER, Role.AGREEMENT_ADMIN},
    ]
    async with office.sessions.begin() as session:
        for each in all_of_them:
            await store.insert_new(session, each)
        for words, region in product(roles, ("01", "14", "25", None)):
            actor = Actor("x", frozenset(words), region)
            readable = [each for each in all_of_them if may_read(each, actor)]
            ids, total = await listed(session, actor, Filters())
            assert (sorted(ids), total) == (sorted(each.id for each in readable), len(readable)), f"{words} of {region}"
            for state in State:
                shown = {
                    each.id
                    for each in readable
                    if (each.state if may_read_working(each, actor) else each.public_state) is state
                }
                ids, _ = await listed(session, actor, Filters(state=state))
                assert set(ids) == shown, f"{words} of {region}: {state}"


async def test_the_owner_finds_a_change_by_its_new_words_and_others_by_the_old_until_it_is_published(office):
    new = changed(name="Ljumskbråck", valid_to="2027-06-30")
    async with office.sessions.begin() as session:
        await store.insert_new(session, agreement(State.DRAFT, State.PUBLISHED, body=new))
        for actor, name, total in ((ADMIN, "ljumsk", 1), (ADMIN, "KATARAKT", 0), (NAVIGATOR, "katarakt", 1)):
            assert (await listed(session, actor, Filters(q=name)))[1] == total
        assert (await listed(session, NAVIGATOR, Filters(expires_before=date(2028, 1, 1))))[1] == 0
        assert (await listed(session, ADMIN, Filters(expires_before=date(2028, 1, 1))))[1] == 1


async def test_every_filter_keeps_what_fits_and_leaves_out_the_rest(office):
    provider = {"hsa_id": "SE5561234567-0001", "name": "Kliniken", "organisation_number": None}
    services = [{**CONTENT["services"][0], "units": ["SE5561234567-A1"]}]
    services[0]["care_services"] = [{"system": "icd", "code": "H25.9"}]
    other = changed(
        name="100 % säker_vård",
        kind="assignment",
        basis="own_agreement",
        care_provider=provider,
        services=services,
        valid_from="2020-01-01",
        valid_to="2025-12-31",
        commissioning_regions=["13", "14"],
        use_by_others={**CONTENT["use_by_others"], "use": "named_regions", "regions": ["03"]},
    )
    all_can = changed(use_by_others={**CONTENT["use_by_others"], "use": "yes"})
    later = NOW + timedelta(days=1)
    async with office.sessions.begin() as session:
        for number, body, at in (("plain", CONTENT, NOW), ("other", other, later), ("open", all_can, NOW)):
            one = agreement(State.PUBLISHED, State.PUBLISHED, id=number, number=number, body=body, public_body=body)
            await store.insert_new(session, dataclasses.replace(one, changed_at=at, public_at=at))
        cases = [
            (Filters(region="14"), {"plain", "other", "open"}),
            (Filters(region="01"), set()),
            (Filters(number="other"), {"other"}),
            (Filters(kind="assignment"), {"other"}),
            (Filters(basis="own_provision"), {"plain", "open"}),
            (Filters(care_provider="SE5561234567-0001"), {"other"}),
            (Filters(unit="SE5561234567-A1"), {"other"}),
            (Filters(care_service="kva|CJE20"), {"plain", "open"}),
            (Filters(usable_by="03"), {"other", "open"}),
            (Filters(usable_by="13"), {"other", "open"}),
            (Filters(usable_by="25"), {"open"}),
            (Filters(valid_on=date(2025, 12, 31)), {"other"}),
            (Filters(valid_on=date(2026, 1, 1)), {"plain", "open"}),
            (Filters(expires_before=date(2026, 1, 1)), {"other"}),
            (Filters(changed_since=later), {"other"}),
            (Filters(q="100 % S"), {"other"}),
            (Filters(q="r_v"), {"other"}),
            (Filters(q="%"), {"other"}),
            (Filters(unit="SE5561234567-A1", kind="agreement"), set()),
        ]
        for filters, expected in cases:
            for actor in (NAVIGATOR, ADMIN):
                ids, total = await listed(session, actor, filters)
                assert (set(ids), total) == (expected, len(expected)), filters


async def test_it_is_sorted_both_ways_and_what_has_no_last_day_is_the_latest(office):
    ends = {"a": "2027-01-01", "b": None, "c": "2026-05-01"}
    async with office.sessions.begin() as session:
        for number, end in ends.items():
            body = changed(valid_to=end, name=number.upper())
            one = agreement(State.PUBLISHED, State.PUBLISHED, id=number, number=number, public_body=body, body=body)
            await store.insert_new(session, one)
        for sort, order in (
            ("number", "abc"),
            ("-number", "cba"),
            ("valid_to", "cab"),
            ("-valid_to", "bac"),
            ("-name", "cba"),
            ("changed_at", "abc"),
        ):
            assert "".join((await listed(session, NAVIGATOR, Filters(), sort))[0]) == order


async def test_pages_hold_every_agreement_once_in_the_order_of_region_and_number(office):
    async with office.sessions.begin() as session:
        for number in range(25):
            place = {"region": "14" if number % 2 else "01", "number": f"{number:03}", "id": f"id-{number}"}
            await store.insert_new(session, agreement(State.PUBLISHED, State.PUBLISHED, **place))
    seen = []
    for page in (1, 2, 3, 4):
        answer = (await office.call("navigator", "GET", f"/agreements?limit=10&page={page}")).json()
        assert (answer["total"], answer["page"], answer["limit"]) == (25, page, 10)
        seen += [row["id"] for row in answer["items"]]
    assert sorted(seen) == sorted({f"id-{number}" for number in range(25)})
    assert seen[:13] == [f"id-{number}" for number in range(0, 25, 2)]


async def test_a_filter_that_is_unknown_wrong_or_given_twice_is_refused_not_left_out(office):
    for query in (
        "foo=1",
        "region=14&region=01",
        "region=99",
        "19121212-1212=1",
        "sort=secret",
        "care_service=CJE20",
        "care_service=kva|X",
        "valid_on=2026-02-30",
        "q=%00",
    ):
        answer = await office.call("anna", "GET", f"/agreements?{query}")
        assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json"), query
        assert "1212" not in answer.text


async def test_a_code_is_found_in_whatever_form_it_is_written(office):
    async with office.sessions.begin() as session:
        await store.insert_new(session, agreement(State.PUBLISHED, State.PUBLISHED))
    answer = await office.call("navigator", "GET", "/agreements?care_service=kva|cje20&unit=se2321000131-e1")
    assert answer.json()["total"] == 1


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(q=st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=60))
async def test_whatever_is_searched_for_in_words_is_text_and_no_pattern(office, q):
    async with office.sessions.begin() as session:
        ids, total = await listed(session, NAVIGATOR, Filters(q=q))
        assert (ids, total) == ([], 0)
