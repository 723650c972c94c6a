"""Free capacity: what counts as free, when the care is expected on it, and how that is told."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.domain import capacity, expected, grounds, hit, tiers
from search.domain.document import Sources, build, services_of, unit_of
from search.domain.waits import unknown_days

TODAY = date(2026, 3, 29)
NOON = datetime(2026, 3, 29, 10, tzinfo=UTC)


@pytest.fixture
def offer(make):
    """The katarakt offer of unit A, from messages."""

    def of(*announcements, agreements=(), waits=(), offerings=()):
        document = build(
            Sources(
                unit=unit_of(make.unit("A").model_dump(mode="json"), "Stockholm"),
                code_key=make.katarakt,
                code_text="Kataraktoperation",
                offerings=[one.model_dump(mode="json") for one in offerings],
                services=[given for one in agreements for given in services_of(one.model_dump(mode="json"))],
                waits=[one.model_dump(mode="json") for one in waits],
                codes={make.katarakt: "Kataraktoperation"},
                announcements=[one.model_dump(mode="json") for one in announcements],
            )
        )
        assert document is not None
        return document

    return of


@pytest.fixture
def announced(make):
    """An announcement of so many days from a fixed day on."""

    def of(first=0, last=20, name="1", **fields):
        days = {"period_start": TODAY + timedelta(days=first), "period_end": TODAY + timedelta(days=last)}
        return make.announcement(name, "A", **{**days, "expires_at": "2026-12-31T00:00:00Z", **fields})

    return of


@pytest.fixture
def question(make):
    """A question on the fixed day, of a region 14 navigator."""

    def of(**fields):
        return make.question(**{"today": TODAY, "moment": NOON, "patient_region": "14", **fields})

    return of


def shown(document, asked):
    return hit.shown(document, "id", asked, tiers.first(document, asked), [])


def texts(reasons):
    return [one["text"] for one in reasons]


def test_an_announcement_is_a_basis_of_its_own_with_period_places_and_who_may_answer(offer, announced, make):
    (basis,) = offer(announced(region="03", usable_by=["14", "01"], target_group=make.group(18)))["bases"]

    assert (basis["kind"], basis["announcement_id"], basis["region"]) == ("capacity", "announced-1", "03")
    assert (basis["valid_from"], basis["valid_to"]) == ("2026-03-29", "2026-04-18")
    assert (basis["usable_by"], basis["age_min"], basis["count"], basis["left"]) == (["01", "14"], 18, 5, 4)
    assert len(offer(announced())["bases"][0]["usable_by"]) == 21


@pytest.mark.parametrize(
    ("fields", "counts"),
    [
        ({}, True),
        ({"first": 10}, True),
        ({"last": 0}, True),
        ({"first": -9, "last": -1}, False),
        ({"expires_at": "2026-03-29T10:00:01Z"}, True),
        ({"expires_at": "2026-03-29T10:00:00Z"}, False),
        ({"left": 0}, False),
        ({"left": None}, True),
    ],
)
def test_it_counts_from_the_day_it_is_announced_until_its_last_day_its_expiry_or_its_last_place(
    offer, announced, question, fields, counts
):
    document = offer(announced(**fields))

    assert bool(grounds.of(document, question())) is counts
    assert bool(capacity.free(document, question())) is counts


@pytest.mark.parametrize(
    ("left", "level", "places"),
    [
        (4, "capacity", 4),
        (None, "capacity", 1),
        (None, "limited", 1),
        # Whoever waits or must ask has no day, whatever number stands beside it.
        (4, "waitlist", None),
        (None, "ask", None),
        (4, "a-word-of-a-later-release", None),
    ],
)
def test_a_level_alone_is_at_least_one_place_and_a_waiting_list_is_none(left, level, places):
    assert capacity.places(left, level) == places


def test_a_waiting_list_is_a_ground_to_use_the_care_and_promises_no_day(offer, announced, question):
    document = offer(announced(left=None, level="waitlist"))
    found = shown(document, question())

    assert found["explain"]["tier"]["id"] == "capacity"
    assert (found["capacity"]["left"], found["capacity"]["level"]) == (None, "waitlist")
    assert expected.of(document, question()).days is None
    assert found["explain"]["capacity"]["text"] == (
        "Ledig kapacitet: plats på väntelista från 2026-03-29 till 2026-04-18; lovar ingen dag och påverkar inte"
        " ordningen"
    )
    assert "Den lediga kapaciteten lovar ingen dag: räknas inte i väntan" in [
        one["text"] for one in found["explain"]["lowers"]
    ]


@pytest.mark.parametrize(
    ("wait", "first", "days", "by_capacity"),
    [
        (None, None, None, False),
        (40, None, 40, False),
        (None, 10, 10, True),
        (None, -10, 0, True),
        # Known, so it is not the guarantee's limit that counts.
        (None, 120, 120, True),
        (40, 10, 10, True),
        (40, 41, 40, False),
        (40.5, 40, 40, True),
    ],
)
def test_the_earliest_of_what_is_known_is_expected_and_the_unknown_stays_unknown(
    offer, announced, question, make, wait, first, days, by_capacity
):
    document = offer(
        *([announced(first, 200)] if first is not None else []),
        agreements=[make.agreement("1", "14", ["A"])],
        waits=[make.wait("A", wait)] if wait is not None else [],
    )
    known = expected.of(document, question())

    assert (known.days, known.by_capacity) == (days, by_capacity)
    assert expected.rank_days(known, question()) == (days if days is not None else unknown_days(90))


def test_what_others_only_may_answer_changes_nothing_and_that_is_said(offer, announced, question, make):
    document = offer(announced(usable_by=["01"]), agreements=[make.agreement("1", "14", ["A"], valid_from=TODAY)])
    found = shown(document, question())

    assert expected.of(document, question()).days is None
    assert (found["capacity"], found["basis"]) == (None, ["agreement", "capacity"])
    assert found["explain"]["facts"]["capacity"] is found["explain"]["capacity"] is None
    assert "Ledig kapacitet finns, men får inte användas av patientens region" in [
        one["text"] for one in found["explain"]["lowers"]
    ]
    without_region = shown(document, question(patient_region=None))
    assert (without_region["capacity"]["left"], without_region["capacity"]["usable"]) == (4, None)


def test_what_is_for_other_patients_changes_nothing_and_that_is_said(offer, announced, question, make):
    group = make.group(18, 64)
    document = offer(announced(target_group=group), agreements=[make.agreement("1", "14", ["A"], valid_from=TODAY)])

    assert shown(document, question(age=30))["capacity"]["left"] == 4
    found = shown(document, question(age=70))
    assert found["capacity"] is None
    assert "Ledig kapacitet finns, men får inte användas för patienten" in [
        one["text"] for one in found["explain"]["lowers"]
    ]


def test_a_condition_of_the_announcement_is_told_as_a_question_beside_it(offer, announced, question, make):
    document = offer(announced(target_group=make.group(bmi_max="35")))
    told = shown(document, question())["capacity"]

    assert (told["eligibility"], texts(told["questions"])) == ("ask", ["Vilket BMI har patienten? Gäller BMI högst 35"])


def test_capacity_for_a_patient_whom_every_agreement_refuses_keeps_the_offer(offer, announced, question, make):
    children = make.service(["A"], [make.katarakt], target_group=make.group(0, 17))
    agreed = [make.agreement("1", "14", services=[children], valid_from=TODAY)]
    catalogue = [make.offering("A")]

    assert grounds.of(offer(agreements=agreed, offerings=catalogue), question(age=70)) == []
    with_capacity = offer(announced(), agreements=agreed, offerings=catalogue)
    assert shown(with_capacity, question(age=70))["explain"]["tier"]["id"] == "capacity"
    for_others = offer(announced(usable_by=["01"]), agreements=agreed, offerings=catalogue)
    assert grounds.of(for_others, question(age=70)) == []


def test_an_announcement_that_refuses_the_patient_hides_nothing(offer, announced, question, make):
    document = offer(announced(target_group=make.group(18, 64)), offerings=[make.offering("A")])

    assert shown(document, question(age=70))["explain"]["tier"]["id"] == "catalogue"


def test_the_one_that_promises_most_soonest_is_shown_first(offer, announced, question):
    waiting = announced(-9, name="1", level="waitlist", left=9)
    begun, later = announced(-9, name="2", left=1), announced(3, name="3", left=9)
    more = announced(0, name="4", left=2)

    def first(*announcements):
        return shown(offer(*announcements), question())["capacity"]["announcement_id"]

    assert first(waiting, later) == "announced-3"
    assert first(waiting, later, begun) == "announced-2"
    # Both can be used today.
    assert first(waiting, later, begun, more) == "announced-4"


def test_a_hit_tells_how_much_is_free_until_when_whose_word_it_is_and_how_old(offer, announced, question):
    told = {"changed_at": "2026-03-27T08:00:00Z", "text": "Lediga tider", "left": 4, "count": 4}
    found = shown(offer(announced(3, 20, **told)), question())

    names = ("left", "from", "until", "count", "level", "usable", "text")
    assert {name: found["capacity"][name] for name in names} == {
        "left": 4,
        "from": "2026-04-01",
        "until": "2026-04-18",
        "count": 4,
        "level": "capacity",
        "usable": True,
        "text": "Lediga tider",
    }
    assert (found["capacity"]["source"], found["capacity"]["age_days"]) == ("capacity-board", 2)
    assert found["explain"]["facts"]["capacity"] == {
        "announcement_id": "announced-1",
        "source": "capacity-board",
        "observed_at": "2026-03-27T08:00:00Z",
        "age_days": 2,
        "text": "Ledig kapacitet: uppgiften är 2 dagar gammal (capacity-board)",
    }
    amount = "Ledig kapacitet: 4 platser från 2026-04-01 till 2026-04-18"
    announced_days = {
        "days": 3,
        "announcement_id": "announced-1",
        "left": 4,
        "from": "2026-04-01",
        "until": "2026-04-18",
    }
    assert found["explain"]["ranked_by"] == {"code": "capacity", "text": amount, **announced_days}
    assert found["explain"]["capacity"] == {
        "code": "capacity_decides",
        "text": f"{amount}; avgör ordningen, väntetiden är okänd",
        "wait_days": None,
        **announced_days,
    }
    # What is known of the capacity is not lowered by what is not known of the wait; but nothing is agreed.
    assert texts(found["explain"]["lowers"]) == [
        "Inget avtal som regionen får använda: villkor och betalning görs upp med den som annonserar"
    ]


def test_beside_a_wait_the_explanation_says_which_of_the_two_ranks(offer, announced, question, make):
    def told(days, first):
        document = offer(
            announced(first, 99, left=1, count=3),
            agreements=[make.agreement("1", "14", ["A"], valid_from=TODAY)],
            waits=[make.wait("A", days, stale_after="2026-01-01")],
        )
        return shown(document, question())["explain"]

    sooner, later = told(30, 0), told(30, 31)
    amount = "Ledig kapacitet: 1 av 3 platser från 2026-{} till 2026-07-06"
    assert (
        sooner["capacity"]["text"] == f"{amount.format('03-29')}; avgör ordningen, inte senare än väntetiden, 30 dagar"
    )
    assert sooner["lowers"] == []
    assert later["capacity"]["text"] == f"{amount.format('04-29')}; väntetiden är kortare och avgör ordningen"
    assert later["ranked_by"]["text"].startswith("Väntetid till behandling (median): 30 dagar")
    assert texts(later["lowers"]) == ["Väntetiden är inaktuell sedan 2026-01-01"]


def test_a_forecast_that_ranks_is_said_to_be_one(offer, question, make):
    document = offer(
        agreements=[make.agreement("1", "14", ["A"], valid_from=TODAY)],
        waits=[make.wait("A", 40, kind="forecast", stale_after=None)],
    )

    lowers = shown(document, question())["explain"]["lowers"]
    assert texts(lowers) == ["Väntetiden som rankar är en prognos, inte uppmätt"]


def test_capacity_before_the_deadline_puts_the_offer_in_time_at_the_place_its_agreement_gives(
    offer, announced, question, make
):
    def tier(*announcements, left, **fields):
        asked = question(clock=make.clock(TODAY - timedelta(days=90 - left)))
        return tiers.first(offer(*announcements, **fields), asked).id

    own = {"agreements": [make.agreement("1", "01", ["A"], valid_from=TODAY, use="yes")]}
    late = {"waits": [make.wait("A", 60)]}
    asked_for = {"agreements": [make.agreement("1", "01", ["A"], valid_from=TODAY, use="on_request")]}
    assert tier(announced(30, 40), left=30, **own, **late) == "in_time_agreement"
    assert tier(announced(31, 40), left=30, **own, **late) == "agreement"
    assert tier(announced(30, 40), left=30, **late) == "in_time_capacity"
    assert tier(announced(31, 40), left=30, **late) == "capacity"
    assert tier(announced(30, 40), left=30, **asked_for, **late) == "in_time_capacity"
    assert tier(announced(-30, 40), left=-1, **own) == "agreement"
    assert [tier.id for tier in tiers.IN_TIME][-1] == "in_time_capacity"


@given(st.none() | st.floats(0, 400), st.lists(st.tuples(st.integers(-50, 400), st.sampled_from([None, 1, 4]))))
def test_an_announcement_never_makes_the_care_expected_later_and_never_before_today(make, wait, announced):
    bases = [
        {
            "kind": "capacity",
            "announcement_id": str(number),
            "valid_from": (TODAY + timedelta(days=first)).isoformat(),
            "valid_to": "2029-12-31",
            "expires_at": "2029-12-31T00:00:00Z",
            "left": places,
            "places": places,
            "usable_by": ["14"],
        }
        for number, (first, places) in enumerate(announced)
    ]
    told = {**make.wait("A", 1).model_dump(mode="json"), "days": wait, "code": make.katarakt}
    document = {
        "bases": bases,
        "waits": [{**told, "period": "2026-01-01/2026-01-31", "observed_at": "2026-02-01T00:00:00Z"}],
        "care_service": make.katarakt,
    }

    days = expected.of(document, make.question(today=TODAY, moment=NOON, patient_region="14")).days

    known = [max(0, first) for first, places in announced if places is not None]
    assert days == min([*known, *([wait] if wait is not None else [])], default=None)
    assert wait is None or (days is not None and 0 <= days <= wait)


def test_on_free_capacity_alone_only_a_place_that_begins_by_the_deadline_is_in_time(offer, announced, question, make):
    asked, wait = question(clock=make.clock(TODAY - timedelta(days=60))), [make.wait("A", 5)]
    to_ask = [make.agreement("1", "01", ["A"], use="on_request", valid_from=TODAY)]

    def tier(*announcements, agreements=()):
        return shown(offer(*announcements, agreements=agreements, waits=wait), asked)["explain"]["tier"]["id"]

    assert tier(announced(30, 40)) == "in_time_capacity"
    # The unit's wait is in time, but that of others; a waiting list promises no day.
    assert tier(announced(31, 40)) == "capacity"
    assert tier(announced(level="waitlist")) == "capacity"
    assert tier(announced(level="waitlist"), agreements=to_ask) == "on_request"
    assert tier(announced(0, 40), agreements=to_ask) == "in_time_capacity"
