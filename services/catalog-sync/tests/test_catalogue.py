"""A catalogue as it changes: what is new is met soon, what is removed in time, and nothing is announced twice."""

import copy
from collections import Counter
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from fastapi import Response

from catalog_sync.domain.left_out import Rule
from catalog_sync.domain.reading import SourceAway
from demo import national_catalogue as simulated
from demo.sweden import Sweden
from upkeep import polite

pytestmark = pytest.mark.engine


async def test_the_whole_catalogue_is_announced_once_by_whichever_reading(ledger, catalogue, sweden: Sweden):
    first = await ledger.follow(catalogue)
    announced = await ledger.announced()
    assert len({message.key() for message in announced}) == len(announced) == len(sweden.units) + len(sweden.offerings)
    assert (first.changed, first.ended, first.held) == (len(announced), 0, None)
    assert {row.resource for row in first.rejected} == {f"{row.kind}/{row.id}" for row in simulated.BROKEN}
    (run,) = await ledger.rows("run")
    units = {rule: number for rule, number in run.left_out.items() if rule != Rule.ASSIGNMENT}
    assert units == dict(Counter(row.why for row in simulated.LEFT_OUT))
    part = await ledger.follow(catalogue)
    whole = await ledger.follow(catalogue, whole=True)
    assert (part.read, part.changed, part.ended) == (0, 0, 0)
    assert (whole.read, whole.changed, whole.ended) == (first.read, 0, 0)
    assert await ledger.announced() == []
    assert await ledger.count("touched") == await ledger.count("proposed") == 0, "nothing is left to do"


async def test_nobodys_number_is_kept(ledger, catalogue, sweden: Sweden, served, client):
    await ledger.follow(catalogue)
    served.rows["HealthcareService/tj-1"]["comment"] = "Se 19121212-1212"
    served.rows["HealthcareService/tj-2"]["comment"] = "\0% 640823-3234, 6408233234\\u0000"
    served.rows["Organization/vg-1"]["identifier"][1]["value"] = "640823-3234"
    served.put({**served.rows["Organization/ve-2"], "id": "ve-640823-3234"})
    outcome = await ledger.follow(client)
    stored = await ledger.texts()
    for number in ("640823", "19121212", *(one.identity_number for one in sweden.care_providers if one.sole_trader)):
        assert number not in stored
    reasons = {row.resource: row.reason for row in outcome.rejected}
    assert reasons["HealthcareService/tj-1"] == reasons["HealthcareService/tj-2"]
    assert reasons["HealthcareService/tj-1"] == "comment: holds something like a personal number"
    assert reasons["Organization/(id withheld)"] == "id: holds something like a personal number"
    (unit, _) = [one for one in await ledger.announced() if getattr(one, "name", "") in ("Sjukhuset", "Ögonkliniken")]
    assert unit.care_provider.organisation_number is None, "a sole trader's provider is known without it"


async def test_a_change_is_met_by_asking_for_changes_alone(ledger, served, client):
    await ledger.follow(client)
    await ledger.announced()
    for row in served.rows.values():
        row["meta"]["lastUpdated"] = "2026-01-01T00:00:00Z"
    served.put({**served.rows["Organization/ve-2"], "name": "Nya ögonkliniken"})
    outcome = await ledger.follow(client)
    (message,) = await ledger.announced()
    assert (outcome.read, message.name) == (1, "Nya ögonkliniken")
    assert all("_lastUpdated=ge20" in address for address in served.asked[-3:])


@pytest.mark.parametrize(
    ("changed", "announced"),
    [
        (("Organization/vg-1", {"name": "Nytt bolag"}), {"Sjukhuset", "Ögonkliniken"}),
        (("Location/pl-2", {"address": {"postalCode": "111 22"}}), {"Ögonkliniken"}),
        (("Location/pl-2", {"managingOrganization": {"reference": "Organization/ve-1"}}), set()),
    ],
)
async def test_a_change_reaches_every_unit_that_depends_on_it(ledger, served, client, changed, announced):
    await ledger.follow(client)
    await ledger.announced()
    reference, values = changed
    served.put({**served.rows[reference], **values})
    outcome = await ledger.follow(client)
    assert {message.name for message in await ledger.announced()} == announced
    if not announced:
        assert {row.resource for row in outcome.rejected} == {"Organization/ve-2", "HealthcareService/tj-2"}, (
            "the unit that has lost its place stays as it was, and is on the list"
        )


async def test_what_was_removed_is_found_by_a_whole_reading_only_and_comes_back(ledger, served, client):
    await ledger.follow(client)
    await ledger.announced()
    gone = {name: served.rows.pop(name) for name in ("Organization/ve-2", "Location/pl-2", "HealthcareService/tj-2")}
    assert (await ledger.follow(client)).ended == 0
    assert (await ledger.follow(client, whole=True)).ended == 2
    unit, offering = await ledger.announced()
    assert (unit.status, offering.status) == ("closed", "ended")
    assert unit.closed_on is not None
    assert (await ledger.follow(client, whole=True)).ended == 0, "it ends once"
    served.put(*gone.values())
    await ledger.follow(client)
    unit, offering = await ledger.announced()
    assert (unit.status, unit.closed_on, offering.status) == ("active", None, "active")


async def test_a_unit_that_its_source_calls_closed_gets_the_day_it_was_first_seen_so(ledger, served, client):
    served.rows["Organization/ve-1"]["active"] = False
    await ledger.follow(client)
    closed = next(one for one in await ledger.announced() if getattr(one, "name", "") == "Sjukhuset")
    assert (closed.status, closed.closed_on) == ("closed", None), "nobody knows when"
    served.put({**served.rows["Organization/ve-2"], "active": False})
    outcome = await ledger.follow(client)
    (closed,) = await ledger.announced()
    assert (outcome.ended, closed.status) == (1, "closed")
    served.put({**served.rows["Organization/ve-2"], "name": "Fd Ögonkliniken"})
    await ledger.follow(client)
    (renamed,) = await ledger.announced()
    assert renamed.closed_on == closed.closed_on is not None, "a later change keeps the day"


async def test_a_row_that_moves_between_pages_while_they_are_read_is_not_gone(ledger, served, client):
    await ledger.follow(client)
    await ledger.announced()

    def first_row_leaves(address: str) -> None:
        if "_offset" in address and address.startswith("Organization"):
            # All that follow move up by one: the third row now stands on the page that has been read.
            served.rows.pop("Organization/extra", None)

    extra = {**served.rows["Organization/vg-1"], "id": "extra"}
    served.rows = {"Organization/extra": extra, **served.rows}
    served.answers = first_row_leaves
    outcome = await ledger.follow(client, whole=True)
    assert "Organization/ve-1" in served.asked, "it is asked for by name"
    assert (outcome.ended, outcome.changed, await ledger.announced()) == (0, 0, [])


async def test_a_row_that_appears_on_two_pages_is_announced_once(ledger, served, client):
    served.rows = {**served.rows, "again": served.rows["Organization/ve-1"]}
    outcome = await ledger.follow(client)
    announced = await ledger.announced()
    assert (len(announced), outcome.rejected) == (4, [])


async def test_an_interrupted_reading_goes_on_with_the_page_that_is_next(ledger, served, client, monkeypatch):
    monkeypatch.setattr(polite, "_ATTEMPTS", 1)
    served.answers = lambda address: Response(status_code=503) if address.startswith("Location") else None
    with pytest.raises(SourceAway):
        await ledger.follow(client)
    read = list(served.asked[:-1])
    assert (len(read), await ledger.announced()) == (2, [])
    served.answers = lambda _: None
    outcome = await ledger.follow(client)
    assert not set(read) & set(served.asked[3:]), "no page is read twice"
    assert (outcome.run, len(await ledger.announced())) == (1, 4)


@pytest.mark.parametrize("status", [400, 404, 410])
async def test_a_page_address_that_has_expired_costs_one_type_not_the_reading(
    ledger, served, client, monkeypatch, status
):
    monkeypatch.setattr(polite, "_ATTEMPTS", 1)
    served.answers = lambda address: Response(status_code=503) if "_offset" in address else None
    with pytest.raises(SourceAway):
        await ledger.follow(client)
    expired = [served.asked[-1]]
    served.answers = lambda address: Response(status_code=status) if address in expired and expired.pop() else None
    outcome = await ledger.follow(client)
    assert (outcome.run, outcome.changed) == (1, 4)


async def test_a_row_whose_own_address_is_refused_is_not_taken_for_gone(ledger, served, client):
    await ledger.follow(client)
    await ledger.announced()
    served.rows.pop("HealthcareService/tj-2")
    served.answers = lambda _: None
    client.event_hooks["response"].append(_refuse_one)
    with pytest.raises(SourceAway, match="HTTP 400"):
        await ledger.follow(client, whole=True)
    assert await ledger.announced() == []


async def _refuse_one(response: httpx.Response) -> None:
    if response.request.url.path.endswith("HealthcareService/tj-2"):
        response.status_code = 400


@pytest.fixture
async def stopped(ledger, served, client, monkeypatch):
    """`await stopped("http://borta.test")`: a reading was stopped before a page at that host, which is no more."""
    monkeypatch.setattr(polite, "_ATTEMPTS", 1)

    async def stop(base: str) -> None:
        here, served.base = served.base, base
        served.answers = lambda address: Response(status_code=503) if "_offset" in address else None
        with pytest.raises(SourceAway):
            await ledger.follow(client)
        (run,) = await ledger.rows("run")
        assert (run.state, run.place["address"].startswith(base)) == ("reading", True)
        served.base = here
        served.answers = lambda _: None

    return stop


async def test_a_reading_that_was_to_go_on_at_another_host_is_begun_anew(ledger, client, stopped):
    await stopped("http://borta.test")
    assert (await ledger.follow(client)).changed == 4
    assert [(row.state, row.whole) for row in await ledger.rows("run")] == [("abandoned", True), ("done", True)]


async def test_a_whole_reading_that_is_asked_for_is_begun_anew(ledger, served, client, stopped):
    await stopped(served.base)
    outcome = await ledger.follow(client, whole=True)
    assert (outcome.run, outcome.changed) == (2, 4)
    assert [row.state for row in await ledger.rows("run")] == ["abandoned", "done"]


async def test_a_page_that_is_still_the_same_is_not_sent_again(ledger, served, client):
    served.etags = True
    await ledger.follow(client)
    await ledger.announced()
    statuses: list[int] = []

    async def note(response: httpx.Response) -> None:
        statuses.append(response.status_code)

    client.event_hooks["response"].append(note)
    served.rows.pop("HealthcareService/tj-2")
    outcome = await ledger.follow(client, whole=True)
    assert statuses == [304, 304, 304, 200, 404], "the services' page, and the row that is missing from it"
    (ended,) = await ledger.announced()
    assert (outcome.ended, ended.status) == (1, "ended")


async def test_a_rejected_row_stays_on_the_list_until_it_is_mended(ledger, served, client):
    await ledger.follow(client)
    await ledger.announced()
    broken = copy.deepcopy(served.rows["Organization/ve-2"])
    served.put({**broken, "name": ""})
    for whole in (False, False, True):
        outcome = await ledger.follow(client, whole=whole)
        assert (outcome.changed, outcome.ended, await ledger.announced()) == (0, 0, [])
        assert {row.resource for row in outcome.rejected} == {"Organization/ve-2", "HealthcareService/tj-2"}
    rows = {row.resource: row for row in await ledger.rows("rejected")}
    assert rows["Organization/ve-2"].reason == "name: is missing"
    assert rows["Organization/ve-2"].first_seen < rows["Organization/ve-2"].last_seen
    served.put(broken)
    assert (await ledger.follow(client)).rejected == []


async def test_a_row_that_could_not_be_used_and_is_then_removed_ends(ledger, served, client):
    await ledger.follow(client)
    await ledger.announced()
    served.put({**served.rows["Organization/ve-2"], "name": ""})
    await ledger.follow(client)
    for name in ("Organization/ve-2", "Location/pl-2", "HealthcareService/tj-2"):
        served.rows.pop(name)
    outcome = await ledger.follow(client, whole=True)
    assert (outcome.ended, outcome.rejected) == (2, [])


async def test_a_row_is_mended_by_what_it_points_to(ledger, served, client):
    provider = served.rows.pop("Organization/vg-1")
    assert len((await ledger.follow(client)).rejected) == 4
    served.put(provider)
    outcome = await ledger.follow(client)
    assert (outcome.changed, outcome.rejected) == (4, [])


async def test_of_two_rows_of_one_unit_the_first_is_told_until_it_is_gone(ledger, served, client):
    await ledger.follow(client)
    await ledger.announced()
    twin = {**served.rows["Organization/ve-2"], "id": "a-twin", "name": "Tvilling"}
    place = {**served.rows["Location/pl-2"], "id": "pl-twin"}
    place["managingOrganization"] = {"reference": "Organization/a-twin"}
    served.put(twin, place)
    outcome = await ledger.follow(client)
    assert [(row.resource, row.reason) for row in outcome.rejected] == [
        ("Organization/a-twin", "tells of the same unit as another row")
    ]
    assert await ledger.announced() == []
    for name in ("Organization/ve-2", "Location/pl-2", "HealthcareService/tj-2"):
        served.rows.pop(name)
    await ledger.follow(client, whole=True)
    unit, offering = await ledger.announced()
    assert (unit.status, unit.name, offering.status) == ("active", "Tvilling", "ended")
    served.put({**twin, "name": "Ögonkliniken"})
    await ledger.follow(client)
    assert [one.name for one in await ledger.announced()] == ["Ögonkliniken"]


async def test_a_service_that_is_given_another_code_ends_the_old_one(ledger, served, client):
    await ledger.follow(client)
    await ledger.announced()
    service = copy.deepcopy(served.rows["HealthcareService/tj-2"])
    service["type"][0]["coding"][0]["code"] = "cje05"
    served.put(service)
    outcome = await ledger.follow(client)
    assert {(one.care_service.code, one.status) for one in await ledger.announced()} == {
        ("CJE05", "active"),
        ("CJE20", "ended"),
    }
    assert (outcome.changed, outcome.ended) == (1, 1)


async def test_nothing_is_taken_for_gone_while_a_row_cannot_be_told_apart(ledger, served, client):
    await ledger.follow(client)
    await ledger.announced()
    served.rows.pop("HealthcareService/tj-2")
    served.rows["x"] = {"resourceType": "HealthcareService", "meta": {"lastUpdated": "2026-01-01T00:00:00Z"}}
    outcome = await ledger.follow(client, whole=True)
    assert (outcome.ended, [row.reason for row in outcome.rejected]) == (0, ["id: is missing or not an id"])
    served.rows.pop("x")
    outcome = await ledger.follow(client, whole=True)
    assert (outcome.ended, outcome.rejected) == (1, [])


async def test_many_that_are_missing_are_not_asked_for_one_by_one_but_of_an_operator(ledger, catalogue, serving, reach):
    await ledger.follow(catalogue)
    await ledger.announced()
    empty = serving()
    outcome = await ledger.follow(reach(empty.app), whole=True)
    assert "would end" in outcome.held
    assert (len(empty.asked), await ledger.announced()) == (3, [])


async def test_a_reading_that_was_left_for_too_long_is_given_up_and_begun_anew(ledger, served, client, monkeypatch):
    await ledger.follow(client)
    monkeypatch.setattr(polite, "_ATTEMPTS", 1)
    served.answers = lambda _: Response(status_code=503)
    with pytest.raises(SourceAway):
        await ledger.follow(client)
    async with ledger.sessions.begin() as session:
        from catalog_sync.store.tables import run

        await session.execute(
            run.update().where(run.c.id == 2).values(started_at=datetime.now(UTC) - timedelta(days=1))
        )
    served.answers = lambda _: None
    await ledger.follow(client)
    states = [(row.state, row.whole) for row in await ledger.rows("run")]
    assert states == [("done", True), ("abandoned", False), ("done", True)], (
        "what was half-way may have missed something"
    )


async def test_a_page_that_is_still_the_same_does_not_lead_to_a_host_that_is_no_more(ledger, served, client):
    served.etags = True
    here, served.base = served.base, "http://borta.test"
    await ledger.follow(client)
    await ledger.announced()
    hosts: set[str] = set()

    async def note(request: httpx.Request) -> None:
        hosts.add(request.url.host)

    client.event_hooks["request"].append(note)
    served.base = here
    outcome = await ledger.follow(client, whole=True)
    assert (hosts, outcome.changed, outcome.ended) == ({"katalog.test"}, 0, 0)


async def test_a_page_that_is_still_the_same_but_leads_to_an_expired_one_is_read_anew(
    ledger, served, client, monkeypatch
):
    monkeypatch.setattr(polite, "_ATTEMPTS", 1)
    served.etags = True
    await ledger.follow(client)
    for one in ("a", "b"):
        served.put({**served.rows["HealthcareService/tj-1"], "id": f"tj-1{one}"})
    await ledger.follow(client, whole=True)
    expired = next(address for address in served.asked if "_offset" in address and address.startswith("Healthcare"))
    named = "&again=1"

    def gone(address: str) -> Response | None:
        return Response(status_code=410) if address == expired else None

    served.answers, served.more = gone, named
    with pytest.raises(SourceAway):
        await ledger.follow(client, whole=True)
    outcome = await ledger.follow(client)
    assert (outcome.ended, outcome.held) == (0, None)
    assert any(address.endswith(named) for address in served.asked)
