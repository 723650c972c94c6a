"""Every fault of the simulated catalogue can be switched on and off, shows as it says, and hides no row for good."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from demo.national_catalogue import Faults, app, main
from demo.sweden import Sweden


@pytest.fixture
async def serve(sweden: Sweden) -> AsyncIterator[Callable[..., httpx.AsyncClient]]:
    """`serve(faults)`: a client of a catalogue with these faults."""
    opened: list[httpx.AsyncClient] = []

    def made(**faults: Any) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app(sweden, faults=Faults(**faults)))
        opened.append(httpx.AsyncClient(transport=transport, base_url="http://katalog.test"))
        return opened[-1]

    yield made
    for one in opened:
        await one.aclose()


async def pages(client: httpx.AsyncClient, kind: str = "Organization") -> list[dict[str, Any]]:
    found, url = [], f"/fhir/{kind}"
    while url:
        found.append((await client.get(url)).json())
        url = next((link["url"] for link in found[-1]["link"] if link["relation"] == "next"), "")
    return found


def rows(page: dict[str, Any]) -> list[dict[str, Any]]:
    return [entry["resource"] for entry in page["entry"]]


@pytest.mark.parametrize("seconds", [0, 7])
async def test_a_429_says_when_to_come_back_in_seconds_or_as_a_date(serve: Any, seconds: int) -> None:
    told = await serve(fail_every=1, retry_seconds=seconds).get("/fhir/Location")
    assert (told.status_code, told.headers["retry-after"]) == (429, str(seconds))
    dated = await serve(fail_every=1, retry_seconds=seconds, retry_after="date").get("/fhir/Location")
    left = (parsedate_to_datetime(dated.headers["retry-after"]) - datetime.now(UTC)).total_seconds()
    assert seconds - 2 <= left <= seconds
    silent = await serve(fail_every=1, retry_after="none").get("/fhir/Location")
    assert (silent.status_code, "retry-after" in silent.headers) == (429, False)


async def test_a_half_written_page_is_no_json_and_the_next_try_is_whole(serve: Any) -> None:
    client = serve(half_every=2)
    whole, broken, again = [await client.get("/fhir/Location?_count=5") for _ in range(3)]
    with pytest.raises(ValueError, match="char"):
        broken.json()
    assert whole.json() == again.json()


async def test_a_slow_answer_is_the_same_answer(serve: Any) -> None:
    client = serve(slow_every=2, slow_seconds=0.01)
    first, slow = [await client.get("/fhir/Location?_count=5") for _ in range(2)]
    assert first.json() == slow.json()


async def test_a_row_that_changes_between_two_pages_is_shown_once_as_it_is_now(serve: Any) -> None:
    before = await pages(serve())
    found = await pages(serve(change_every=1))
    first, second = (
        {one["resource"]["id"]: one["resource"] for page in read for one in page["entry"]} for read in (before, found)
    )
    assert list(first) == list(second)
    changed = [identity for identity in first if first[identity] != second[identity]]
    assert len(changed) == len(found) - 1
    assert all(second[identity]["meta"]["lastUpdated"] > first[identity]["meta"]["lastUpdated"] for identity in changed)


async def test_a_repeated_row_is_the_last_one_of_the_page_before(serve: Any) -> None:
    one, two, *_ = await pages(serve(repeat_every=1))
    assert two["entry"][0]["resource"] == one["entry"][-1]["resource"]


async def test_a_page_that_is_as_it_was_is_not_sent_again(serve: Any) -> None:
    client = serve()
    first = await client.get("/fhir/Location?_count=5")
    same = {"If-None-Match": first.headers["etag"]}
    assert (await client.get("/fhir/Location?_count=5", headers=same)).status_code == 304
    assert (await client.get("/fhir/Location?_count=6", headers=same)).status_code == 200
    await client.post("/admin/units/ve-D100001/close")
    organisations = await client.get("/fhir/Organization?_count=5")
    await client.post("/admin/units/ve-D100300/close")
    fresh = {"If-None-Match": organisations.headers["etag"]}
    changed = (await client.get("/fhir/Organization")).json()["entry"]
    assert any(not one["resource"]["active"] for one in changed)
    assert (await client.get("/fhir/Organization?_count=5", headers=fresh)).status_code == 304, "its rows are the same"


async def test_faults_are_switched_while_it_runs_and_a_wrong_switch_is_refused_in_words(serve: Any) -> None:
    client = serve()
    assert (await client.get("/fhir/Location")).status_code == 200
    switched = await client.put("/admin/faults", json={"fail_every": 1, "retry_after": "date"})
    assert (switched.json()["fail_every"], switched.json()["half_every"]) == (1, 0)
    assert (await client.get("/fhir/Location")).status_code in {429, 503}
    await client.put("/admin/faults", json={"fail_every": 0})
    assert (await client.get("/fhir/Location")).status_code == 200
    for wrong in ({"oops": 1}, {"fail_every": -1}, {"fail_every": "x"}, {"retry_after": "soon"}, {"slow_every": True}):
        refused = await client.put("/admin/faults", json=wrong)
        assert refused.status_code == 400
        assert next(iter(wrong)) in refused.json()["issue"][0]["diagnostics"]
    assert (await client.get("/admin/faults")).json()["fail_every"] == 0


async def test_a_unit_closes_opens_again_and_is_merged_into_another(serve: Any) -> None:
    client = serve()
    before = (await client.get("/fhir/Organization/ve-D100001")).json()
    closed = (await client.post("/admin/units/ve-D100001/close")).json()
    urls = {ext["url"].rsplit("/", 1)[1]: ext for ext in closed["extension"]}
    assert (closed["active"], "end" in urls["organization-period"]["valuePeriod"]) == (False, True)
    opened = (await client.post("/admin/units/ve-D100001/reopen")).json()
    assert opened["active"] is True
    assert sorted(map(str, opened["extension"])) == sorted(map(str, before["extension"]))
    merged = (await client.post("/admin/units/ve-D100001/merge?into=ve-D100002")).json()
    into = (await client.get("/fhir/Organization/ve-D100002")).json()["identifier"][0]
    assert merged["extension"][-1]["valueIdentifier"] == into


@pytest.mark.parametrize(
    "path", ["ve-nobody/close", "vg-2321000016-D00001/close", "ve-D100001/merge", "ve-D100001/close?into=x"]
)
async def test_an_act_that_makes_no_sense_is_refused_in_words(serve: Any, path: str) -> None:
    answer = await serve().post(f"/admin/units/{path}")
    assert (answer.status_code, answer.json()["resourceType"]) == (400, "OperationOutcome")


def test_help_names_every_fault_and_gives_an_example(capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    monkeypatch.setattr("sys.argv", ["x", "--help"])
    with pytest.raises(SystemExit):
        main()
    told = " ".join(capsys.readouterr().out.split())
    for name in Faults.__dataclass_fields__:
        assert f"--{name.replace('_', '-')}" in told
    assert "example: python -m demo.national_catalogue --port 8090" in told
