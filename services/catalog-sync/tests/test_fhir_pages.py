"""Paging over HTTP: a busy source is asked again, a broken one is away, and nothing is read twice or for ever."""

import asyncio
import json

import pytest
from fastapi import FastAPI, Response

from catalog_sync.domain.reading import SourceAway
from catalog_sync.source.national_catalogue import read
from demo import national_catalogue as simulated
from upkeep import polite


@pytest.fixture
def hurried(monkeypatch):
    """Waits between tries are counted, not waited for."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr(polite.asyncio, "sleep", sleep)
    return waits


@pytest.mark.parametrize("every", [2, 3, 5])
async def test_a_busy_catalogue_is_asked_again_until_all_is_read(sweden, reach, hurried, every):
    reading = await read(reach(simulated.app(sweden, fail_every=every)))
    assert len(reading.facts) == len(sweden.units) + len(sweden.offerings)
    assert len(hurried) >= 2


def bundle(*entries: dict, following: str | None = None) -> dict:
    link = [{"relation": "next", "url": following}] if following else []
    return {"resourceType": "Bundle", "entry": [{"resource": one} for one in entries], "link": link}


def serve(*answers: Response) -> FastAPI:
    """A server that gives these answers in turn, and the last of them for ever."""
    app, left = FastAPI(), list(answers)
    app.state.asked = 0

    @app.get("/fhir/{rest:path}")
    async def answer(rest: str) -> Response:
        app.state.asked += 1
        return left.pop(0) if len(left) > 1 else left[0]

    return app


def as_json(content: object) -> Response:
    return Response(json.dumps(content), media_type="application/fhir+json")


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
async def test_a_source_that_never_recovers_is_away_after_growing_waits(reach, hurried, status):
    app = serve(Response(status_code=status))
    with pytest.raises(SourceAway, match=f"HTTP {status} after 6 tries"):
        await read(reach(app))
    assert app.state.asked == 6
    assert hurried == [0.5, 1, 2, 4, 8]


async def test_the_source_is_given_the_time_it_asks_for_in_seconds_or_until_a_date(reach, hurried):
    headers = [
        {"Retry-After": "7"},
        {"Retry-After": "Wed, 25 Nov 2026 12:00:09 GMT", "Date": "Wed, 25 Nov 2026 12:00:00 GMT"},
        {"Retry-After": "Wed, 21 Oct"},
        {"Retry-After": "Wed, 25 Nov 2020 12:00:00 GMT"},
        {"Retry-After": "-1"},
    ]
    await read(reach(serve(*(Response(status_code=429, headers=one) for one in headers), as_json(bundle()))))
    assert hurried == [7, 14, 28, 30, 30], "what it asks for, growing, and never longer than half a minute"


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [("600", 600), ("Wed, 25 Nov 2026 13:00:00 GMT", 3600), ("99999999", 6 * 3600)],
)
async def test_a_source_that_asks_for_a_long_pause_is_left_alone_for_that_long(reach, hurried, asked, seconds):
    headers = {"Retry-After": asked, "Date": "Wed, 25 Nov 2026 12:00:00 GMT"}
    app = serve(Response(status_code=503, headers=headers))
    with pytest.raises(SourceAway, match="asks for a pause") as away:
        await read(reach(app))
    assert (away.value.wait_seconds, app.state.asked, hurried) == (seconds, 1, [])


async def test_an_answer_that_trickles_for_ever_is_given_up(reach, hurried, monkeypatch):
    monkeypatch.setattr(polite, "_ANSWER_SECONDS", 0.01)
    app = FastAPI()
    stuck = asyncio.Event()

    @app.get("/fhir/{rest:path}")
    async def answer(rest: str) -> None:
        await stuck.wait()

    with pytest.raises(SourceAway, match="TimeoutError after 6 tries"):
        await read(reach(app))


async def test_a_value_that_is_not_quite_json_spoils_its_own_row_only(reach, small):
    (provider, hospital, clinic), places, services = small
    places[1]["position"]["latitude"] = float("nan")
    reading = await read(reach(serve(*map(as_json, [bundle(provider, hospital, clinic), bundle(*places), bundle()]))))
    assert [row.resource for row in reading.rejected] == ["Location/pl-2", "Organization/ve-2"]
    assert services


@pytest.mark.parametrize("status", [400, 401, 403, 404])
async def test_a_refusal_is_not_repeated(reach, hurried, status):
    app = serve(Response(status_code=status))
    with pytest.raises(SourceAway, match=f"HTTP {status}"):
        await read(reach(app))
    assert app.state.asked == 1


async def test_a_half_written_page_is_asked_for_again(reach, hurried, small):
    whole = json.dumps(bundle(*small[0]))
    reading = await read(reach(serve(Response(whole[:-40]), Response(whole), as_json(bundle()))))
    assert len(hurried) == 1
    assert {row.resource for row in reading.rejected} == {"Organization/ve-1", "Organization/ve-2"}, "no places served"
    with pytest.raises(SourceAway, match="JSONDecodeError after 6 tries"):
        await read(reach(serve(Response(whole[:-40]))))


NO_BUNDLES = (
    [],
    {},
    {"resourceType": "OperationOutcome"},
    {"resourceType": "Bundle", "entry": [{}]},
    {"resourceType": "Bundle", "entry": [{"resource": "x"}]},
    {"resourceType": "Bundle", "entry": 7},
    {"resourceType": "Bundle", "link": [{}]},
    {"resourceType": "Bundle", "link": ["x"]},
)


@pytest.mark.parametrize("content", NO_BUNDLES)
async def test_an_answer_that_is_no_bundle_is_a_source_that_is_away(reach, hurried, content):
    with pytest.raises(SourceAway, match="undle"):
        await read(reach(serve(as_json(content))))


async def test_next_links_that_lead_round_are_followed_once(reach, hurried, monkeypatch):
    round_about = as_json(bundle(following="http://katalog.test/fhir/Organization?_page=a"))
    app = serve(round_about)
    with pytest.raises(SourceAway, match="without end"):
        await read(reach(app))
    assert app.state.asked == 2
    monkeypatch.setattr(polite, "_MOST_PAGES", 5)
    pages = [as_json(bundle(following=f"http://katalog.test/fhir/Organization?_page={n}")) for n in range(9)]
    with pytest.raises(SourceAway, match="without end"):
        await read(reach(serve(*pages)))


async def test_a_row_shown_on_two_pages_is_read_once(reach, small):
    (provider, hospital, clinic), places, services = small
    first = bundle(provider, hospital, clinic, following="http://katalog.test/fhir/Organization?_page=2")
    answers = [first, bundle(clinic), bundle(*places), bundle(*services)]
    reading = await read(reach(serve(*map(as_json, answers))))
    assert (len(reading.facts), reading.rejected) == (4, [])
