"""Reading a region's own interface: everything once, then what changed, politely; what is gone waits for a yes."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from sqlalchemy import select, text, update

from agreements.domain.pulling import judge
from agreements.main import main
from agreements.service import catalogue as copies
from agreements.service import pull_decisions, pulling
from agreements.source import door, pull_sources
from agreements.store import pulls
from agreements.store.tables import agreement, pull_gone, pull_item, pull_run, refusal
from demo import region_interface
from demo.catalogue_faults import Faults
from demo.sweden import build
from engines import eventually
from upkeep import polite

pytestmark = pytest.mark.engine

REGION = "09"
SWEDEN = build()
TOLD = [one for one in SWEDEN.agreements if one.region == REGION and not one.is_over(SWEDEN.today)]


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[str]:
    """A real server for an application; its address."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, lifespan="off"))
    running = asyncio.ensure_future(server.serve())
    await eventually(lambda: server.started, within=10)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    await running


@dataclass
class Neighbour:
    """A region's interface that is served, and how we read it."""

    app: FastAPI
    url: str
    source: pull_sources.Source
    office: Any
    client: httpx.AsyncClient

    @property
    def interface(self) -> region_interface.Interface:
        return self.app.state.interface

    def faults(self, **wanted: Any) -> None:
        self.app.state.trouble.faults = Faults(**wanted)

    async def pull(self, **more: Any) -> Any:
        outcome = await pulling.pull(self.office.sessions, self.client, self.source, **more)
        return await pulls.as_it_is(self.office.sessions, outcome.run)

    async def rows(self, table: Any) -> list[Any]:
        async with self.office.sessions() as session:
            return list(await session.execute(select(table)))


@pytest.fixture
def hurried(monkeypatch) -> list[float]:
    """Pauses between tries are counted, not waited for."""
    waits: list[float] = []
    real = asyncio.sleep

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        await real(0)

    monkeypatch.setattr(polite.asyncio, "sleep", sleep)
    return waits


@pytest.fixture
async def island(empty_office) -> Any:
    """The application with the catalogue that the demo's region 09 is judged by."""
    units = {unit for one in TOLD for service in one.body["services"] for unit in service["units"]}
    known = {unit.hsa_id: unit for unit in SWEDEN.units}
    provider = {unit: known[unit].provider.hsa_id for unit in units}
    codes = {
        f"{code['system']}|{code['code']}"
        for one in TOLD
        for service in one.body["services"]
        for code in service["care_services"]
    }
    async with empty_office.sessions.begin() as session:
        rows = [
            {
                "hsa_id": unit,
                "version": 1,
                "status": "active",
                "name": "Enhet",
                "care_provider": provider[unit],
                "closed_on": None,
            }
            for unit in units
        ]
        await copies.copy_units(session, rows)
        rows = [
            {"key": key, "version": 1, "status": "active", "text": key, "valid_from": None, "valid_to": None}
            for key in codes
        ]
        await copies.copy_codes(session, rows)
        await copies.catalogue_copied(session, datetime.now(UTC))
    return empty_office


@pytest.fixture
async def meet(island, tmp_path: Path) -> AsyncIterator[Callable[..., Any]]:
    """`await meet("fhir")`: an interface in that format, with seven agreements a page."""
    left: list[Any] = []

    async def make(form: str, **more: Any) -> Neighbour:
        app = region_interface.app(TOLD, REGION, page_size=7, **more)
        serve = serving(app)
        url = await serve.__aenter__()
        source = pull_sources.read(written(tmp_path, url, form))[REGION]
        client = door.client(source)
        left.extend((client, serve))
        return Neighbour(app, url, source, island, client)

    yield make
    for one in left:
        await one.__aexit__(None, None, None)


def written(folder: Path, url: str = "https://avtal.example", form: str = "json", **more: object) -> Path:
    """A file for PULL_SOURCES."""
    secret = folder / "secret"
    secret.write_text(f"{region_interface.CLIENT_SECRET}\n")
    told = {
        "region": REGION,
        "url": f"{url}/{form}",
        "format": form,
        "token_url": f"{url}/token",
        "client_id": region_interface.CLIENT_ID,
        "client_secret_file": str(secret),
        "requests_per_second": 100,
        **more,
    }
    file = folder / "sources.toml"
    file.write_text("[[source]]\n" + "\n".join(f"{name} = {json.dumps(value)}" for name, value in told.items()))
    return file


both = pytest.mark.parametrize("form", ["fhir", "json"])


@both
async def test_a_region_is_read_whole_once_and_then_only_what_has_changed(meet, form):
    at = await meet(form)
    first = await at.pull()
    assert (first.state, first.whole, first.read, first.accepted) == ("done", True, len(TOLD), len(TOLD))
    stored = {row.number: row for row in await at.rows(agreement)}
    assert set(stored) == {one.number for one in TOLD}
    assert {(row.way, row.state, row.author) for row in stored.values()} == {("pull", "submitted", f"pull-{REGION}")}

    changed = TOLD[3].number
    async with at.office.sessions.begin() as session:
        # The reading began long ago, so that its overlap does not hide what is asked for.
        await session.execute(text("UPDATE pull_run SET clock = clock + interval '1 hour'"))
    at.interface.change(changed, name="Ett nytt namn")
    at.interface.told[changed].updated = datetime.now(UTC).replace(year=datetime.now(UTC).year + 1)
    second = await at.pull()
    assert (second.whole, second.read, second.accepted) == (False, 1, 1)
    assert {row.number: row for row in await at.rows(agreement)}[changed].body["name"] == "Ett nytt namn"


@both
async def test_reading_again_changes_nothing_and_pages_that_are_the_same_are_not_sent(meet, form):
    at = await meet(form)
    await at.pull()
    before = {row.number: row.version for row in await at.rows(agreement)}
    await at.pull(whole=True)
    await at.pull(whole=True)
    again = await at.pull(whole=True)
    assert (again.state, again.unchanged, again.read, again.bytes) == ("done", len(TOLD), len(TOLD), 0)
    assert {row.number: row.version for row in await at.rows(agreement)} == before
    assert await at.rows(pull_item) == [] or {row.run for row in await at.rows(pull_item)} == {1}


@both
async def test_what_is_gone_waits_for_a_yes_and_ends_by_it_alone(meet, form):
    at = await meet(form)
    await at.pull()
    removed, published = TOLD[0].number, TOLD[1].number
    await publish(at, published)
    at.interface.hidden |= {removed, published}
    run = await at.pull(whole=True)
    assert (run.state, run.gone) == ("held", 2)
    assert f"2 of {len(TOLD)} agreements that came by pull are gone" in run.held
    assert {row.state for row in await at.rows(agreement)} == {"submitted", "published"}

    done = await pull_decisions.approve(at.office.sessions, run.id, "anna", "Stämt av")
    assert done == {"withdrawn": 1, "terminated": 1}
    states = {row.number: row.state for row in await at.rows(agreement)}
    assert (states[removed], states[published]) == ("withdrawn", "terminated")
    async with at.office.sessions() as session:
        ids = {row.number: row.id for row in await at.rows(agreement)}
        steps = await session.execute(
            text("SELECT actor, reason FROM agreement_history WHERE agreement_id = :id ORDER BY seq DESC LIMIT 1"),
            {"id": ids[published]},
        )
        actor, reason = steps.one()
    assert (actor, reason) == ("anna", f"finns inte kvar i regionens gränssnitt (hämtning {run.id}): Stämt av")
    with pytest.raises(pull_decisions.NoSuchRun, match="it was approved by anna"):
        await pull_decisions.approve(at.office.sessions, run.id, "anna", "")
    assert (await at.pull(whole=True)).state == "done"


async def test_what_was_changed_since_it_was_listed_stays_as_it_is(meet):
    at = await meet("json")
    await at.pull()
    at.interface.hidden.add(TOLD[0].number)
    run = await at.pull(whole=True)
    async with at.office.sessions.begin() as session:
        await session.execute(update(agreement).values(version=agreement.c.version + 1))
    assert await pull_decisions.approve(at.office.sessions, run.id, "anna", "") == {"changed meanwhile": 1}
    assert {row.state for row in await at.rows(agreement)} == {"submitted"}


async def test_a_discarded_run_changes_nothing_and_a_later_whole_reading_asks_again(meet):
    at = await meet("json")
    await at.pull()
    at.interface.hidden.add(TOLD[0].number)
    run = await at.pull(whole=True)
    await pull_decisions.discard(at.office.sessions, run.id, "anna", "felaktig leverans")
    again = await at.pull(whole=True)
    later = await at.pull(whole=True)
    states = {row.id: row.state for row in await at.rows(pull_run)}
    assert (states[run.id], states[again.id], states[later.id]) == ("discarded", "superseded", "held")
    assert {row.state for row in await at.rows(agreement)} == {"submitted"}


async def test_a_reading_with_suspiciously_little_is_held_and_the_next_one_is_whole(meet):
    at = await meet("fhir")
    await at.pull()
    at.interface.hidden |= {one.number for one in TOLD[2:]}
    run = await at.pull(whole=True)
    assert (run.state, run.suspicious, run.gone) == ("held", True, len(TOLD) - 2)
    assert run.held.startswith("only 2 rows were told")
    at.interface.hidden.clear()
    healed = await at.pull()
    assert (healed.whole, healed.state, healed.unchanged) == (True, "done", len(TOLD))


@pytest.mark.parametrize(
    ("gone", "known", "whole", "held", "suspicious"),
    [(0, 100, True, False, False), (1, 100, True, True, False), (11, 100, True, True, True), (5, 6, True, True, False)],
)
def test_a_few_that_are_gone_wait_and_many_are_not_believed(gone, known, whole, held, suspicious):
    found = judge(gone, known, known - gone, whole=whole)
    assert (found.held is not None, found.suspicious) == (held, suspicious)


async def test_an_agreement_told_as_ended_waits_for_a_yes_too_also_in_a_reading_of_changes(meet):
    at = await meet("fhir")
    await at.pull()
    at.interface.end(TOLD[4].number)
    run = await at.pull()
    assert (run.whole, run.state, run.gone) == (False, "held", 1)
    assert [row.why for row in await at.rows(pull_gone)] == ["is told as terminated"]


@both
async def test_a_confidential_mark_is_refused_and_leaves_no_number_behind(meet, form):
    at = await meet(form)
    secret = TOLD[5].number
    at.interface.told[secret].confidential = True
    run = await at.pull()
    assert (run.accepted, run.rejected, run.nameless) == (len(TOLD) - 1, 1, False)
    (row,) = [row for row in await at.rows(pull_item) if row.answer == "rejected"]
    assert row.number is None
    assert len(await at.rows(refusal)) == 1
    async with at.office.sessions() as session:
        for table in ("pull_item", "pull_met", "pull_page", "agreement"):
            found = await session.scalar(
                text(f"SELECT count(*) FROM {table} AS held WHERE held::text LIKE :it"), {"it": f"%{secret}%"}
            )
            assert found == 0, table


async def test_an_edit_here_is_not_overwritten_by_an_older_word_of_the_region(meet):
    at = await meet("fhir")
    await at.pull()
    number = TOLD[2].number
    at.interface.change(number, name="Äldre ord")
    async with at.office.sessions.begin() as session:
        set_to = "edited_at = now(), way = 'form', body = body || '{\"name\": \"x\"}'"
        edit = f"UPDATE agreement SET {set_to} WHERE number = :it"
        await session.execute(text(edit), {"it": number})
    run = await at.pull(whole=True)
    assert (run.conflict, run.state) == (1, "done")
    (row,) = [row for row in await at.rows(pull_item) if row.run == run.id]
    assert (row.number, row.answer) == (number, "conflict")


@both
@pytest.mark.parametrize(
    "fault",
    [
        {"fail_every": 2},
        {"fail_every": 2, "retry_after": "date"},
        {"half_every": 2},
        {"repeat_every": 2},
        {"slow_every": 2, "slow_seconds": 0.05},
    ],
    ids=["busy", "busy until a date", "half a page", "a row twice", "slow"],
)
async def test_an_interface_in_trouble_is_read_to_the_end(meet, hurried, form, fault):
    at = await meet(form)
    at.faults(**fault)
    run = await at.pull()
    assert (run.state, run.accepted, run.rejected) == ("done", len(TOLD), 0)


async def test_an_interface_that_asks_for_a_long_pause_gets_it(meet, hurried):
    at = await meet("json")
    at.faults(fail_every=1, retry_seconds=600)
    with pytest.raises(polite.Away) as stopped:
        await at.pull()
    # 429 and 503 in turn: the 429 asks for the pause.
    assert stopped.value.wait_seconds == 600


@both
async def test_a_token_is_used_until_it_ends_and_renewed_when_it_is_refused(meet, form):
    at = await meet(form)
    await at.pull()
    assert at.interface.asked_for_tokens == 1
    at.interface.tokens.clear()
    assert (await at.pull(whole=True)).state == "done"
    assert at.interface.asked_for_tokens == 2


async def test_a_token_that_soon_ends_is_renewed_before_it_does(meet, monkeypatch):
    at = await meet("json", token_seconds=100.0)
    await at.pull()
    later = door.time.monotonic() + 80
    monkeypatch.setattr(door, "time", SimpleNamespace(monotonic=lambda: later))
    await at.pull(whole=True)
    assert at.interface.asked_for_tokens == 2


async def test_a_wrong_secret_is_told_and_neither_it_nor_a_token_is_said(meet, spoken):
    at = await meet("json")
    await at.pull()
    at.source.client_secret_file.write_text("fel-hemlighet")
    at.interface.tokens.clear()
    with pytest.raises(polite.Away, match="refuses the client: HTTP 401") as stopped:
        await at.pull()
    assert "fel-hemlighet" not in spoken() + str(stopped.value)
    assert not any(token in spoken() for token in at.interface.tokens)


async def test_a_token_is_never_sent_to_another_host(meet):
    at = await meet("json")
    with pytest.raises(polite.Away, match="another host"):
        await pulling.region_pages.page(at.client, at.source.format, "http://elsewhere.example/agreements", None)


@both
async def test_a_reading_that_was_killed_goes_on_with_the_next_page(meet, form, monkeypatch):
    at = await meet(form)
    real, left = pulling.intake.take, 2

    async def killed(*given: Any, **more: Any) -> Any:
        nonlocal left
        if left == 0:
            raise KeyboardInterrupt
        left -= 1
        return await real(*given, **more)

    monkeypatch.setattr(pulling.intake, "take", killed)
    with pytest.raises(KeyboardInterrupt):
        await at.pull()
    (run,) = await at.rows(pull_run)
    assert (run.state, run.pages, run.read) == ("reading", 2, 14)
    asked = len(at.interface.asked)
    monkeypatch.setattr(pulling.intake, "take", real)
    done = await at.pull()
    assert (done.id, done.state, done.read) == (run.id, "done", len(TOLD))
    assert len(at.interface.asked) - asked == -(-len(TOLD) // 7) - 2


async def test_two_workers_never_read_one_region_at_once(meet):
    at = await meet("json")
    async with pulls.trying_alone(at.office.sessions, REGION) as alone:
        assert alone
        with pytest.raises(pulling.Busy):
            await at.pull()


async def test_a_row_that_cannot_be_told_apart_lets_nothing_be_taken_for_gone(meet):
    at = await meet("json")
    await at.pull()
    number = TOLD[6].number
    at.interface.told[number].body = {**at.interface.told[number].body, "number": ""}
    at.interface.hidden.add(TOLD[0].number)
    run = await at.pull(whole=True)
    assert (run.state, run.nameless, run.gone, run.rejected) == ("done", True, 0, 1)


async def test_links_that_lead_round_end_the_reading(meet, hurried):
    at = await meet("json")
    app = FastAPI()

    @app.post("/token")
    async def token() -> dict[str, Any]:
        return {"access_token": "x"}

    @app.get("/json/agreements")
    async def round_and_round() -> dict[str, Any]:
        return {"items": [], "next": "agreements?limit=100"}

    async with serving(app) as url:
        source = at.source.model_copy(update={"url": f"{url}/json/", "token_url": f"{url}/token"})
        async with door.client(source) as client:
            with pytest.raises(polite.Away, match="without end"):
                await pulling.pull(at.office.sessions, client, source)


async def test_requests_are_spread_over_the_second(meet, monkeypatch):
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    pace = door.Pace(4)
    monkeypatch.setattr(door.asyncio, "sleep", sleep)
    monkeypatch.setattr(door, "time", SimpleNamespace(monotonic=lambda: 100.0))
    for _ in range(3):
        await pace.wait(httpx.Request("GET", "http://x"))
    assert waits == [0.25, 0.5]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"region": "99"}, "source 1 region: must be one of the 21 regions' two-digit codes"),
        ({"format": "xml"}, "source 1 format: input should be 'fhir' or 'json'"),
        ({"url": "http://avtal.example"}, "source 1 url: must begin with https://"),
        ({"token_url": "ftp://x"}, "source 1 token_url: must be like http"),
        ({"every_minutes": 0}, "source 1 every_minutes: input should be greater than 0"),
        ({"client_secret": "x"}, "source 1: holds a name that is not known"),
        ({"client_secret_file": "/nowhere"}, f"region {REGION}: client_secret_file cannot be read"),
    ],
)
def test_a_bad_file_of_sources_is_one_plain_line_and_exit_code_2(change, told, tmp_path, monkeypatch, capsys):
    for name, value in {
        "POSTGRES_URL": "postgresql://x/x",
        "KAFKA_BOOTSTRAP": "x:1",
        "OIDC_ISSUER": "http://x",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PULL_SOURCES", str(written(tmp_path, **change)))
    with pytest.raises(SystemExit) as stopped:
        main(["pulls", "run", REGION])
    assert stopped.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("setting PULL_SOURCES: ")
    assert told in line
    assert "avtal.example" not in line.replace(str(tmp_path), "")


@pytest.mark.parametrize("content", ["region = ", "[[source]]\n", "\xff", "source = 1"])
def test_a_file_that_is_no_list_of_sources_is_one_line_too(content, tmp_path):
    file = tmp_path / "sources.toml"
    file.write_bytes(content.encode("latin-1"))
    with pytest.raises(pull_sources.BadSources) as told:
        pull_sources.read(file)
    assert len(str(told.value).splitlines()) == 1
    with pytest.raises(pull_sources.BadSources, match="no such file"):
        pull_sources.read(tmp_path / "away.toml")


async def publish(at: Neighbour, number: str) -> None:
    """Let one agreement through both gates."""
    ids = {row.number: row.id for row in await at.rows(agreement)}
    headers = {"Authorization": f"Bearer {at.office._token('agreement-admin', REGION, 'granskare-09')}"}
    done = await at.office.client.post(f"/agreements/{ids[number]}/approve", headers=headers)
    assert done.status_code == 200, done.text
    assert (await at.office.act("agency", ids[number], "approve")).status_code == 200
