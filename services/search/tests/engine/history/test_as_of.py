"""What would this search have shown on that day: asked over HTTP, with all that a search has."""

from datetime import UTC, datetime, timedelta

import pytest

from search.service import history_index

pytestmark = pytest.mark.engine


async def test_an_earlier_day_is_answered_as_it_was_and_today_as_it_is(shared, make, ago):
    a, b = f"A|{make.katarakt}", f"B|{make.katarakt}"

    assert await shared.found(ago(20)) == [a, b]
    assert await shared.waits(ago(11)) == {"A": [], "B": []}
    assert await shared.waits(ago(10)) == {"A": [40], "B": []}
    assert await shared.found(ago(6)) == [a, b]
    assert await shared.found(ago(5)) == [b]
    assert await shared.found(ago(0)) == [b]
    assert (await shared.world.ask())["as_of"] is None


async def test_the_answer_says_what_is_of_that_day_and_what_is_todays(shared, ago):
    then, now = (await shared.ask(ago(7)))["as_of"], (await shared.ask(ago(0)))["as_of"]

    assert then["date"] == ago(7).isoformat()
    assert f"vid slutet av {ago(7)}" in then["text"]
    assert "regionprofiler och sökspråkets ordlistor är dagens" in then["text"]
    assert now == {"date": ago(0).isoformat(), "text": f"Läget just nu: {ago(0)} är inte slut än."}


async def test_by_body_and_for_one_offer_it_is_the_same(shared, make, ago):
    day, offer = ago(7).isoformat(), f"{make.hsa('A')}|{make.katarakt}"
    http = shared.world.http

    by_body = (await http.post("/offers/search", json={"as_of": day})).json()
    one = await http.get(f"/offers/{offer}", params={"as_of": day})

    assert by_body == await shared.ask(ago(7))
    assert (one.status_code, one.json()["id"], one.json()["as_of"]["date"]) == (200, offer, day)
    assert [wait["days"] for wait in one.json()["waits"]] == [40]
    assert (await http.get(f"/offers/{offer}")).status_code == 404
    assert (await http.get(f"/offers/{offer}", params={"as_of": ago(5).isoformat()})).status_code == 404


async def test_ages_validity_and_deadlines_are_judged_as_of_then(past, make, ago):
    begun = make.agreement("1", "01", ["A"], valid_from=ago(12), valid_to=ago(8))
    await past.on(ago(20), make.unit("A"), begun)
    await past.on(
        ago(15), make.wait("A", 30, source={**make.wait("A", 1).source.model_dump(), "observed_at": noon(ago(16))})
    )
    await past.remember()

    assert [len(await past.found(ago(day))) for day in (13, 12, 8, 7)] == [0, 1, 1, 0]
    asked = {"guarantee": "treatment", "guarantee_start": ago(70).isoformat()}
    answer = await past.ask(ago(10), **asked)
    (hit,) = answer["items"]
    assert hit["waits"][0]["age_days"] == 6
    assert answer["guarantee"]["days_left"] == 30
    assert hit["deadline"]["expected_date"] == (ago(10) + timedelta(days=30)).isoformat()
    assert hit["deadline"]["days_left"] == 0


def noon(day):
    return datetime(day.year, day.month, day.day, 11, tzinfo=UTC)


async def test_hits_come_in_the_order_of_then(past, make, ago):
    await past.on(
        ago(9),
        make.unit("A"),
        make.unit("B"),
        make.agreement("1", "01", ["A", "B"]),
        make.wait("A", 10),
        make.wait("B", 20),
    )
    await past.on(ago(4), make.wait("A", 30, version=2))
    await past.remember()

    for asked in ({"sort": "wait"}, {"patient_region": "01"}):
        assert [one[0] for one in await past.found(ago(5), **asked)] == ["A", "B"]
        assert [one[0] for one in await past.found(ago(4), **asked)] == ["B", "A"]
    assert [one[0] for one in await past.found(ago(5), max_wait_days=15)] == ["A"]
    assert [one[0] for one in await past.found(ago(4), max_wait_days=25)] == ["B"]


async def test_counts_filters_and_misspelt_words_are_as_of_then_too(shared, make, ago):
    def counted(answer, facet):
        return {row["value"]: row["count"] for row in answer["facets"][facet]}

    before, after = await shared.ask(ago(6)), await shared.ask(ago(5))
    assert counted(before, "region") == {"01": 1, "12": 1}
    assert counted(after, "region") == {"12": 1}
    assert counted(before, "wait")["31-60"] == 1
    # With a filter in use, its own count is a request of its own.
    assert counted(await shared.ask(ago(6), max_wait_days=10), "wait")["31-60"] == 1

    (left_out,) = (await shared.ask(ago(6), max_wait_days=10))["without"]
    assert (left_out["filter"], left_out["total"]) == ("max_wait_days", 2)

    meant = await shared.ask(ago(6), q="katarkat")
    assert (meant["read_as"]["words"], meant["total"]) == ("katarakt", 2)
    assert (await shared.ask(ago(5), q="katarkat"))["total"] == 1
    assert (await shared.ask(ago(6), q="CJE20"))["total"] == 2
    assert (await shared.ask(ago(6), q="Malmö"))["total"] == 1
    assert await shared.found(ago(6), near="0180", max_distance_km=50) == [f"A|{make.katarakt}"]


async def test_pages_of_an_earlier_day_never_overlap(past, make, ago):
    units = [f"U{number}" for number in range(7)]
    await past.on(ago(9), *(make.unit(unit) for unit in units), make.agreement("1", "01", units))
    await past.on(ago(3), *(make.unit(unit, version=2, name="Nytt namn") for unit in units))
    await past.remember()

    pages = [hit for page in (1, 2, 3) for hit in await past.found(ago(6), limit=3, page=page)]

    assert sorted(pages) == [f"{unit}|{make.katarakt}" for unit in units]


async def test_a_day_that_cannot_be_answered_is_refused_in_words_and_never_an_empty_list(shared, ago):
    assert await shared.refused(as_of=ago(-1).isoformat()) == (
        400,
        "as_of",
        "lies after today: it tells what was shown, not what will be",
    )
    assert await shared.refused(as_of=ago(21).isoformat()) == (
        400,
        "as_of",
        f"lies before the history: it can be asked from {ago(20)} on",
    )
    clock = {"guarantee": "visit", "guarantee_start": ago(6).isoformat()}
    assert await shared.refused(as_of=ago(7).isoformat(), **clock) == (
        400,
        "guarantee_start",
        "lies after as_of: the clock has not started",
    )
    assert (await shared.world.http.get("/offers", params={"as_of": "i går"})).status_code == 400


async def test_before_the_history_has_begun_the_answer_says_when_it_does(past, make, ago):
    await past.world.settle()

    told = f"cannot be asked yet: the history begins today, {ago(0)}"
    assert await past.refused(as_of=ago(1).isoformat()) == (400, "as_of", told)
    assert (await past.ask(ago(0)))["total"] == 0


async def test_a_day_whose_end_the_history_has_not_reached_is_asked_again_later(past, make, ago):
    await past.on(ago(9), make.unit("A"), make.agreement("1", "01", ["A"]))
    await past.remember(datetime.combine(ago(3), datetime.min.time(), UTC) - timedelta(hours=3))

    status, _, reason = await past.refused(as_of=ago(4).isoformat())
    assert (status, reason) == (503, f"the history does not reach the end of {ago(4)} yet; try again shortly")
    assert len(await past.found(ago(5))) == 1
    answer = await past.world.http.get("/offers", params={"as_of": ago(4).isoformat()})
    assert answer.headers["retry-after"] == "30"


async def test_a_history_index_that_is_lost_is_made_anew_from_the_rows(remembered, ago, monkeypatch):
    days = [ago(day) for day in (20, 10, 6, 5, 1)]
    before = await remembered.answers(*days)
    monkeypatch.setattr(history_index, "_BATCH", 2)

    await remembered.lose_index()
    assert (await remembered.refused(as_of=ago(6).isoformat()))[0] == 503
    assert (await remembered.world.ask())["total"] == 1
    await remembered.remember()

    assert await remembered.answers(*days) == before
