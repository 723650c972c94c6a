"""From messages to offers: whatever order they come in, the same last states give the same documents."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kit import database

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
async def empty(shared_database):
    """A database in which nothing is ever committed."""
    engine = database.connect(shared_database)
    yield database.sessions(engine)
    await engine.dispose()


@pytest.fixture
async def shown(empty, shown_in):
    """An empty search, in a transaction that is never committed."""
    async with empty() as session:
        yield shown_in(session)


def everything(make):
    """Final states and older ones: two units, maps and texts, agreements and announcements in several states, waits."""
    final = [
        make.unit("A", version=3, name="Ögonkliniken A"),
        make.unit("B", "1280", version=3),
        make.municipality("0180", version=2),
        make.municipality("1280", version=2),
        make.code(make.katarakt, version=2),
        make.code("kva|CJE20", version=5),
        make.code("kva|CJE15", version=5, maps=[]),
        make.offering("A", "kva|CJE15", version=2),
        make.offering("B", version=2, status="ended"),
        make.agreement("1", "01", ["A", "B"], ["kva|CJE20", "kva|CJE15"], version=4),
        make.agreement("2", "12", ["B"], version=4, status="terminated"),
        make.announcement("1", "A", ["kva|CJE20", make.kna], version=4),
        make.announcement("2", "B", version=4, status="fulfilled", left=0),
        make.wait("A", 40, "kva|CJE20", version=2),
        make.wait("B", 50, version=2, status="withdrawn"),
        make.wait("B", 60, version=2, paying_region="12"),
    ]
    stale = [
        make.unit("A", version=2, status="closed"),
        make.code("kva|CJE20", version=4, maps=[make.kna]),
        make.code("kva|CJE20", version=3, maps=[]),
        make.code("kva|CJE15", version=4),
        make.offering("B", version=1),
        make.agreement("1", "01", ["B"], [make.brack], version=3),
        make.agreement("2", "12", ["B"], [make.kna], version=3, use="yes"),
        make.announcement("1", "B", [make.brack], version=3),
        make.announcement("2", "B", [make.kna], version=3),
        make.wait("A", 90, "kva|CJE20", version=1),
        make.wait("B", 50, version=1),
    ]
    return final, stale


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
async def test_any_order_with_repeats_and_stale_versions_gives_the_same_documents(empty, shown_in, make, data):
    final, stale = everything(make)
    noise = data.draw(st.lists(st.sampled_from(stale + final), max_size=12))
    arrived = data.draw(st.permutations(final + noise))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(arrived) - 1), max_size=6)))
    batches = [arrived[start:end] for start, end in zip([0, *cuts], [*cuts, len(arrived)], strict=True)]

    async with empty() as session:
        plain = await shown_in(session).tell(*final)
        await session.rollback()
    async with empty() as session:
        shown = shown_in(session)
        for batch in batches:
            await shown.tell(*batch)
        await session.rollback()

    assert shown.found == plain.found
    assert set(plain.found) == {
        f"A|{make.katarakt}",
        "A|kva|CJE15",
        f"A|{make.kna}",
        f"B|{make.katarakt}",
        "B|kva|CJE15",
    }


async def test_an_offer_stands_under_the_care_service_its_code_maps_to(shown, make):
    await shown.tell(make.unit("A"), make.code("kva|CJE20"), make.agreement("1", "01", ["A"], ["kva|CJE20"]))

    assert list(shown.found) == [f"A|{make.katarakt}"]
    assert shown.found[f"A|{make.katarakt}"]["codes"] == ["kva|CJE20", make.katarakt]


async def test_an_unmapped_code_stands_for_itself(shown, make):
    await shown.tell(make.unit("A"), make.agreement("1", "01", ["A"], ["kva|CJE25"]))

    assert list(shown.found) == ["A|kva|CJE25"]


async def test_a_later_map_moves_the_offer_and_without_it_the_offer_moves_back(shown, make):
    await shown.tell(make.unit("A"), make.agreement("1", "01", ["A"], ["kva|CJE20"]), make.offering("A", "kva|CJE20"))
    assert list(shown.found) == ["A|kva|CJE20"]

    await shown.tell(make.code("kva|CJE20", version=1))
    assert list(shown.found) == [f"A|{make.katarakt}"]

    await shown.tell(make.code("kva|CJE20", version=2, maps=[make.kna, make.brack]))
    assert sorted(shown.found) == [f"A|{make.kna}", f"A|{make.brack}"]

    await shown.tell(make.code("kva|CJE20", version=3, maps=[]))
    assert list(shown.found) == ["A|kva|CJE20"]


async def test_a_map_touches_only_the_offers_of_its_own_code(shown, make):
    await shown.tell(
        make.unit("A"),
        make.unit("B"),
        make.agreement("1", "01", ["A"], ["kva|CJE20"]),
        make.agreement("2", "01", ["B"], ["kva|JAB30"]),
        make.code("kva|CJE20"),
        make.code("kva|JAB30"),
    )

    assert {offer for offer in shown.documents if "vt-demo" in offer} == {
        f"{make.hsa('A')}|{make.katarakt}",
        f"{make.hsa('B')}|{make.brack}",
    }


@pytest.mark.parametrize(
    "ending",
    [
        lambda make: make.agreement("1", "01", [], version=2),
        lambda make: make.agreement("1", "01", ["B"], version=2),
        lambda make: make.agreement("1", "01", ["A"], ["vt-demo|other"], version=2),
        lambda make: make.agreement("1", "01", ["A"], version=2, status="terminated"),
        lambda make: make.agreement("1", "01", ["A"], version=2, status="withdrawn"),
        lambda make: make.agreement("1", "01", ["A"], version=2, status="expired"),
        lambda make: make.agreement("1", "01", [], [], version=2, status="purged", services=[]),
        lambda make: make.unit("A", version=2, status="closed"),
    ],
    ids=["no units", "loses the unit", "loses the code", "terminated", "withdrawn", "expired", "purged", "unit closed"],
)
async def test_an_offer_goes_with_its_last_basis_or_its_unit(shown, make, ending):
    await shown.tell(make.unit("A"), make.agreement("1", "01", ["A"]))
    assert f"A|{make.katarakt}" in shown.found

    await shown.tell(ending(make))

    assert f"A|{make.katarakt}" not in shown.found


async def test_an_ended_offering_takes_its_offer_along_and_an_agreement_keeps_it(shown, make):
    await shown.tell(make.unit("A"), make.unit("B"), make.offering("A"), make.offering("B"))
    await shown.tell(make.agreement("1", "01", ["B"]))

    await shown.tell(make.offering("A", version=2, status="ended"), make.offering("B", version=2, status="ended"))

    assert list(shown.found) == [f"B|{make.katarakt}"]


async def test_an_open_offer_of_capacity_is_enough_for_an_offer_under_each_care_service_its_codes_map_to(shown, make):
    await shown.tell(make.unit("A"), make.code("kva|CJE20"), make.announcement("1", "A", ["kva|CJE20", make.kna]))

    assert sorted(shown.found) == sorted([f"A|{make.katarakt}", f"A|{make.kna}"])
    assert [basis["kind"] for basis in shown.found[f"A|{make.katarakt}"]["bases"]] == ["capacity"]
    assert shown.found[f"A|{make.katarakt}"]["codes"] == ["kva|CJE20", make.katarakt]


async def test_a_later_map_moves_what_is_announced_too(shown, make):
    await shown.tell(make.unit("A"), make.announcement("1", "A", ["kva|CJE20"]))
    assert list(shown.found) == ["A|kva|CJE20"]

    await shown.tell(make.code("kva|CJE20"))

    assert list(shown.found) == [f"A|{make.katarakt}"]


@pytest.mark.parametrize(
    "ending",
    [
        {"status": "fulfilled"},
        {"status": "withdrawn"},
        {"status": "expired"},
        {"status": "a-word-of-a-later-release"},
        {"codes": ["vt-demo|other"]},
        {"direction": "request", "suffix": None},
    ],
    ids=str,
)
async def test_what_ends_an_announcement_takes_its_basis_away_and_nothing_else(shown, make, ending):
    await shown.tell(make.unit("A"), make.unit("B"), make.offering("B"))
    await shown.tell(make.announcement("1", "A"), make.announcement("2", "B"))
    assert sorted(shown.found) == [f"A|{make.katarakt}", f"B|{make.katarakt}"]

    for name, suffix in (("1", "A"), ("2", "B")):
        await shown.tell(make.announcement(name, **{"suffix": suffix, **ending}, version=2))

    assert f"A|{make.katarakt}" not in shown.found
    assert [basis["kind"] for basis in shown.found[f"B|{make.katarakt}"]["bases"]] == ["catalogue"]


async def test_a_request_for_capacity_makes_no_offer(shown, make):
    await shown.tell(make.unit("A"), make.announcement("1", "A", direction="request"))
    await shown.tell(make.announcement("2", None, direction="request"), make.announcement("3", None))

    assert shown.found == {}


async def test_a_wait_alone_makes_no_offer_but_reaches_one_that_comes_later(shown, make):
    await shown.tell(make.unit("A"), make.wait("A", 30, "kva|CJE20"), make.code("kva|CJE20"))
    assert shown.found == {}

    await shown.tell(make.agreement("1", "01", ["A"]))

    assert [wait["days"] for wait in shown.found[f"A|{make.katarakt}"]["waits"]] == [30]


async def test_a_wait_for_a_kva_code_reaches_the_mapped_offer_even_when_the_map_comes_last(shown, make):
    await shown.tell(make.unit("A"), make.agreement("1", "01", ["A"]), make.wait("A", 30, "kva|CJE20"))
    assert shown.found[f"A|{make.katarakt}"]["waits"] == []

    await shown.tell(make.code("kva|CJE20"))
    assert [wait["days"] for wait in shown.found[f"A|{make.katarakt}"]["waits"]] == [30]

    await shown.tell(make.code("kva|CJE20", version=2, maps=[]))
    assert shown.found[f"A|{make.katarakt}"]["waits"] == []


async def test_a_withdrawn_wait_disappears(shown, make):
    await shown.tell(make.unit("A"), make.agreement("1", "01", ["A"]), make.wait("A", 30))

    await shown.tell(make.wait("A", None, version=2, status="withdrawn"))

    assert shown.found[f"A|{make.katarakt}"]["waits"] == []
    assert shown.found[f"A|{make.katarakt}"]["treatment_days"] == {}


async def test_a_providers_wait_is_not_its_units_though_they_share_an_id(shown, make):
    wait = make.wait("A", 30, subject={"kind": "provider", "id": make.hsa("A")})

    await shown.tell(make.unit("A"), make.agreement("1", "01", ["A"]), wait)

    assert shown.found[f"A|{make.katarakt}"]["waits"] == []


async def test_a_municipality_that_comes_last_gives_its_units_their_place_name(shown, make):
    await shown.tell(make.unit("A", "1280"), make.agreement("1", "12", ["A"]))
    assert shown.found[f"A|{make.katarakt}"]["care_unit"]["municipality_name"] is None

    await shown.tell(make.municipality("1280"))

    assert shown.found[f"A|{make.katarakt}"]["care_unit"]["municipality_name"] == "Malmö"


async def test_of_several_versions_in_one_batch_the_newest_map_and_lines_hold(shown, make):
    await shown.tell(make.unit("A"))

    await shown.tell(
        make.code("kva|CJE20", version=2),
        make.code("kva|CJE20", version=1, maps=[make.kna]),
        make.agreement("1", "01", ["A"], ["kva|CJE20"], version=2),
        make.agreement("1", "01", ["A"], ["kva|JAB30"], version=1),
    )

    assert list(shown.found) == [f"A|{make.katarakt}"]


async def test_an_offer_no_code_leads_to_any_more_is_hidden(shown, make):
    await shown.tell(make.unit("A"), make.agreement("1", "01", ["A"], [make.kna]))

    await shown.tell(make.code(make.kna, maps=[make.brack]))

    assert list(shown.found) == [f"A|{make.brack}"]
