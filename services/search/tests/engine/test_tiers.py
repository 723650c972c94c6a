"""Which offers come first for a patient, and why."""

import pytest

from search.domain.tiers import TIERS

pytestmark = pytest.mark.engine

GOTEBORG, VARBERG, HALMSTAD, VAXJO, STOCKHOLM, UMEA = "1480", "1383", "1380", "0780", "0180", "2480"

# Unit, where it lies, its agreement (None: the catalogue alone), and the tier for a patient of the region named.
TABLE = [
    ("OWN", GOTEBORG, {"region": "14"}, "14", "own_region"),
    ("OWNCARE", GOTEBORG, {"region": "14", "basis": "own_provision"}, "14", "own_region"),
    ("OWNOTHER", GOTEBORG, {"region": "01", "use": "yes"}, "14", "own_region"),
    ("OWNNOT", GOTEBORG, {"region": "01"}, "14", "catalogue"),
    ("NEIGHBOUR", VARBERG, {"region": "13", "use": "yes"}, "14", "collaboration_region"),
    ("NEIGHBOURCARE", VARBERG, {"region": "13", "use": "yes", "basis": "own_provision"}, "14", "collaboration_region"),
    # Halland is split: Halmstad belongs to Södra, Varberg to Västra, and its patients to both.
    ("SOUTH", HALMSTAD, {"region": "13", "use": "yes"}, "14", "agreement"),
    ("HALLWEST", GOTEBORG, {"region": "14", "use": "yes"}, "13", "collaboration_region"),
    ("HALLSOUTH", VAXJO, {"region": "07", "use": "yes"}, "13", "collaboration_region"),
    ("HALLEAST", STOCKHOLM, {"region": "01", "use": "yes"}, "13", "agreement"),
    ("KRONOBERG", HALMSTAD, {"region": "13", "use": "yes"}, "07", "collaboration_region"),
    ("KRONOBERGNOT", VARBERG, {"region": "13", "use": "yes"}, "07", "agreement"),
    ("NAMED", STOCKHOLM, {"region": "01", "use": "named_regions", "named": ["14"]}, "14", "agreement"),
    ("NOTNAMED", STOCKHOLM, {"region": "01", "use": "named_regions", "named": ["12"]}, "14", "catalogue"),
    ("JOINT", UMEA, {"region": "24", "commissioning_regions": ["24", "14"]}, "14", "agreement"),
    ("OTHERSCARE", UMEA, {"region": "24", "use": "yes", "basis": "own_provision"}, "14", "own_provision"),
    # Another region's care that the patient's own region has registered under Riksavtalet.
    ("RIKS", UMEA, {"region": "14", "basis": "national_agreement"}, "14", "own_provision"),
    ("RIKSNEAR", VARBERG, {"region": "14", "basis": "national_agreement"}, "14", "collaboration_region"),
    ("RIKSNOT", UMEA, {"region": "01", "basis": "national_agreement"}, "14", "catalogue"),
    ("BILATERAL", UMEA, {"region": "14", "basis": "bilateral_agreement"}, "14", "agreement"),
    ("ASK", UMEA, {"region": "24", "use": "on_request"}, "14", "on_request"),
    ("ASKCARE", UMEA, {"region": "24", "use": "on_request", "basis": "own_provision"}, "14", "on_request"),
    ("ASKOWN", GOTEBORG, {"region": "01", "use": "on_request"}, "14", "on_request"),
    ("NOBODY", UMEA, {"region": "24"}, "14", "catalogue"),
    ("FREE", UMEA, {}, "14", "capacity"),
    ("FREELATERHERE", GOTEBORG, {}, "14", "capacity"),
    ("FREENOTFORUS", GOTEBORG, {}, "14", "catalogue"),
    ("FREETOO", UMEA, {"region": "24"}, "14", "capacity"),
    ("ASKORFREE", UMEA, {"region": "24", "use": "on_request"}, "14", "on_request"),
    ("OFFERS", GOTEBORG, None, "14", "catalogue"),
]

# Free capacity that some of them have announced; without terms above, it is all they have.
ANNOUNCED = {
    "FREE": {"usable_by": ["14"]},
    "FREELATERHERE": {"days": (10, 30)},
    "FREENOTFORUS": {"usable_by": ["01"]},
    "FREETOO": {},
    "ASKORFREE": {},
}


@pytest.fixture(scope="module")
async def sweden(shared_world, make):
    """The table's units and agreements, indexed."""
    for suffix, municipality, terms, _, _ in TABLE:
        await shared_world.tell(make.unit(suffix, municipality))
        if terms is None:
            await shared_world.tell(make.offering(suffix))
        if terms:
            await shared_world.tell(make.agreement(suffix, units=[suffix], **terms))
        if suffix in ANNOUNCED:
            await shared_world.tell(make.announcement(suffix, suffix, **ANNOUNCED[suffix]))
    await shared_world.settle()
    return shared_world


@pytest.mark.parametrize(("suffix", "patient", "tier"), [(row[0], row[3], row[4]) for row in TABLE])
async def test_each_offer_stands_in_the_first_tier_that_holds(sweden, make, suffix, patient, tier):
    hit = await sweden.hit(f"{suffix}|{make.katarakt}", patient_region=patient, limit=100)

    assert hit["explain"]["tier"]["id"] == tier


@pytest.mark.parametrize(
    ("suffix", "patient", "needed"),
    [
        ("OTHERSCARE", "14", True),
        ("RIKS", "14", True),
        ("RIKSNEAR", "14", True),
        ("NEIGHBOURCARE", "14", True),
        ("ASKCARE", "14", True),
        ("OWNCARE", "14", False),
        ("BILATERAL", "14", False),
        ("NAMED", "14", False),
        ("RIKSNOT", "14", False),
        ("OFFERS", "14", False),
    ],
)
async def test_under_riksavtalet_a_referral_and_a_payment_commitment_are_said_to_be_needed(
    sweden, make, suffix, patient, needed
):
    hit = await sweden.hit(f"{suffix}|{make.katarakt}", patient_region=patient, limit=100)

    told = ["Enligt Riksavtalet: remiss och hemregionens betalningsförbindelse"]
    assert [one["text"] for one in hit["explain"]["requires"]] == (told if needed else [])


async def test_tiers_come_in_the_tables_order(sweden):
    answer = await sweden.ask(patient_region="14", limit=100)
    order = [tier.id for tier in TIERS]
    seen = [order.index(hit["explain"]["tier"]["id"]) for hit in answer["items"]]

    assert answer["total"] == len(TABLE)
    assert seen == sorted(seen)
    assert set(seen) == set(range(len(order)))
    assert all(hit["explain"]["tier"]["rank"] == place + 1 for hit, place in zip(answer["items"], seen, strict=True))


async def test_without_a_patient_region_nothing_is_ranked_by_tier(sweden):
    answer = await sweden.ask(limit=100)

    assert {hit["explain"]["tier"] for hit in answer["items"]} == {None}
    assert {row["usable"] for hit in answer["items"] for row in hit["agreements"]} == {None}
    assert answer["total"] == len(TABLE)


async def test_usable_and_in_force_must_hold_on_the_same_basis(world, make):
    await world.found(
        make.unit("A"),
        make.agreement("1", "14", ["A"], valid_to=make.day(-1)),
        make.agreement("2", "14", ["A"], valid_from=make.day(1)),
        make.agreement("3", "01", ["A"]),
    )

    hit = await world.hit(f"A|{make.katarakt}", patient_region="14")

    assert hit["explain"]["tier"]["id"] == "catalogue"
    assert [(row["number"], row["usable"]) for row in hit["agreements"]] == [("3", False)]


async def test_filters_must_hold_on_the_same_basis(world, make):
    own = make.service(["A"], [make.katarakt], reimbursement=None)
    await world.found(
        make.unit("A"),
        make.agreement("1", "14", basis="own_provision", services=[own]),
        make.agreement("2", "01", ["A"]),
    )

    assert (await world.ask(basis="own", reimbursement_model="drg"))["total"] == 0
    assert (await world.ask(basis="agreement", reimbursement_model="drg"))["total"] == 1
    assert (await world.ask(basis="own"))["total"] == (await world.ask(reimbursement_model="drg"))["total"] == 1
    assert (await world.ask(basis="capacity"))["total"] == 0


async def test_a_tier_counts_only_what_the_filters_let_through(world, make):
    await world.found(
        make.unit("A"),
        make.agreement("1", "14", ["A"], basis="own_provision"),
        make.agreement("2", "01", ["A"]),
    )

    hit = await world.hit(f"A|{make.katarakt}", patient_region="14", basis="agreement")

    assert hit["explain"]["tier"]["id"] == "catalogue"


async def test_an_agreement_counts_from_its_first_to_its_last_day_inclusive(world, make):
    found = await world.found(
        *(make.unit(suffix) for suffix in ("FIRST", "LAST", "OVER", "EARLY", "OFFERED", "ENDED")),
        make.agreement("1", "01", ["FIRST"], valid_from=make.day(0)),
        make.agreement("2", "01", ["LAST"], valid_to=make.day(0)),
        make.agreement("3", "01", ["OVER"], valid_to=make.day(-1)),
        make.agreement("4", "01", ["EARLY"], valid_from=make.day(1)),
        make.offering("OFFERED", valid_from=make.day(0), valid_to=make.day(0)),
        make.offering("ENDED", valid_to=make.day(-1)),
    )

    assert sorted(found) == [f"{suffix}|{make.katarakt}" for suffix in ("FIRST", "LAST", "OFFERED")]
    gone = await world.http.get(f"/offers/{make.hsa('OVER')}|{make.katarakt}")
    assert gone.status_code == 404


async def test_inside_a_tier_the_shortest_wait_comes_first_then_unknown_ones_then_the_nearest(world, make):
    units = {"FAR": "2480", "NEAR": "1480", "SLOW": "0180", "QUICK": "2480", "SAMEFAR": "1280", "SAMENEAR": "1480"}
    waits = {"SLOW": 90, "QUICK": 10, "SAMEFAR": 50, "SAMENEAR": 50}
    await world.found(
        *(make.unit(suffix, place) for suffix, place in units.items()),
        *(make.wait(suffix, days) for suffix, days in waits.items()),
        make.agreement("1", "14", list(units), basis="national_agreement", use="yes"),
    )

    hits = await world.found(near="57.7,11.97", patient_region="05")

    assert [hit.split("|")[0] for hit in hits] == ["QUICK", "SAMENEAR", "SAMEFAR", "SLOW", "NEAR", "FAR"]


async def test_a_region_ranks_by_its_own_patients_wait_where_that_is_known(world, make):
    await world.found(
        make.unit("A"),
        make.unit("B"),
        make.agreement("1", "14", ["A", "B"], use="yes"),
        make.wait("A", 90),
        make.wait("A", 5, paying_region="14"),
        make.wait("B", 40),
    )

    async def order(**question):
        return [hit.split("|")[0] for hit in await world.found(**question)]

    assert await order(sort="wait", patient_region="14") == ["A", "B"]
    assert await order(sort="wait", patient_region="12") == ["B", "A"]
    assert await order(sort="wait") == ["B", "A"]
    assert await order(max_wait_days=10, patient_region="14") == ["A"]
    assert await order(max_wait_days=10) == []


async def test_sorting_by_wait_or_distance_puts_that_before_the_tier(world, make):
    await world.found(
        make.unit("HOME", "1480"),
        make.unit("AWAY", "2480"),
        make.agreement("1", "14", ["HOME"]),
        make.agreement("2", "24", ["AWAY"]),
        make.wait("HOME", 90),
        make.wait("AWAY", 5),
    )

    async def order(**question):
        return [hit.split("|")[0] for hit in await world.found(patient_region="14", near="63.8,20.2", **question)]

    assert await order() == ["HOME", "AWAY"]
    assert await order(sort="wait") == ["AWAY", "HOME"]
    assert await order(sort="distance") == ["AWAY", "HOME"]


async def test_sorting_by_wait_never_takes_the_wait_for_a_visit_instead(world, make):
    await world.found(
        make.unit("A"),
        make.unit("B"),
        make.agreement("1", "14", ["A", "B"]),
        make.wait("A", 1, measure="visit_median"),
        make.wait("B", 80),
    )

    assert [hit.split("|")[0] for hit in await world.found(sort="wait")] == ["B", "A"]
    assert [hit.split("|")[0] for hit in await world.found(max_wait_days=3650)] == ["B"]


async def test_a_unit_without_a_point_comes_last_by_distance_and_is_outside_every_limit(world, make):
    await world.found(
        make.unit("LOST", place={"point": None}),
        make.unit("FAR", "2480"),
        make.agreement("1", "14", ["LOST", "FAR"]),
    )

    assert [hit.split("|")[0] for hit in await world.found(sort="distance", near="59.3,18.0")] == ["FAR", "LOST"]
    assert (await world.ask(near="59.3,18.0", max_distance_km=2000))["total"] == 1
    assert (await world.ask(near="59.3,18.0", max_distance_km=100))["total"] == 0


async def test_pages_never_overlap_and_ties_stay_where_they_are(world, make):
    units = [f"U{number:02}" for number in range(25)]
    await world.found(
        *(make.unit(suffix) for suffix in units), make.agreement("1", "14", units, [make.katarakt, make.kna])
    )

    async def pages():
        asked = [await world.ask(patient_region="14", limit=7, page=page) for page in range(1, 9)]
        assert {page["total"] for page in asked} == {50}
        assert [(page["page"], page["limit"]) for page in asked] == [(number, 7) for number in range(1, 9)]
        assert [len(page["items"]) for page in asked] == [7] * 7 + [1]
        return [hit["id"] for page in asked for hit in page["items"]]

    first = await pages()
    await world.tell(make.unit("U03", version=2, name="Annat namn"))
    await world.settle()

    assert len(set(first)) == 50
    assert first == sorted(first, key=lambda offer: (offer.partition("|")[2], offer))
    assert await pages() == first
