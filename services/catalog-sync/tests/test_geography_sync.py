"""Places reach the topics like any other code, and a catalogue with bare addresses is mended by them."""

from pathlib import Path

import httpx
import pytest

from catalog_sync.schedule import Clockwork
from catalog_sync.settings import Settings

pytestmark = pytest.mark.engine

FILES = {
    "se_municipalities.csv": ("municipality_code,municipality_name_short", "0180,Stockholm"),
    "se_postal_codes.csv": ("postal_code,locality,municipality_code", "11428,Stockholm,0180"),
    "se_counties.csv": ("county_code,county_name_short", "01,Stockholm"),
    "svenska-stader.csv": (
        "Locality,Municipality,County,Latitude,Longitude",
        "Stockholm,Stockholm,Stockholm,59.3251,18.0711",
    ),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of geography files with one municipality and one postal code."""
    for name, lines in FILES.items():
        (tmp_path / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return tmp_path


def serving(small) -> httpx.AsyncClient:
    """The small catalogue, whose places tell neither municipality nor position."""
    organisations, places, services = small
    for place in places:
        del place["extension"], place["position"]
    rows = {"Organization": organisations, "Location": places, "HealthcareService": services}

    def answer(request: httpx.Request) -> httpx.Response:
        kind = request.url.path.rsplit("/", 1)[1]
        if kind == "metadata":
            return httpx.Response(200, json={"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1"})
        entries = [{"resource": one} for one in rows[kind]]
        return httpx.Response(200, json={"resourceType": "Bundle", "entry": entries})

    return httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://katalog.test/fhir/")


def settings(ledger, **more) -> Settings:
    return Settings(postgres_url=ledger.url, kafka_bootstrap="x", catalogue_url="http://x", **more)


async def test_places_are_announced_once_and_addresses_are_mended_by_them(ledger, small, folder):
    async with serving(small) as client:
        clockwork = Clockwork(settings(ledger, geography_files=folder), ledger.sessions, client)
        assert await clockwork.read_all() is True
        announced = await ledger.announced()
        by_topic: dict[str, list] = {}
        for message in announced:
            by_topic.setdefault(message.topic.name, []).append(message)
        assert len(by_topic["code-updated"]) == 2
        places = [unit.place for unit in by_topic["care-unit-updated"]]
        assert {(place.municipality, place.point.precision) for place in places} == {("0180", "postal_code")}
        assert await clockwork.read_all() is True
        assert await ledger.announced() == [], "nothing has changed"


async def test_while_the_folder_is_away_nothing_is_read_and_nothing_changes(ledger, small, folder):
    async with serving(small) as client:
        await Clockwork(settings(ledger, geography_files=folder), ledger.sessions, client).read_all()
        await ledger.announced()
        away = Clockwork(settings(ledger, geography_files=folder / "none"), ledger.sessions, client)
        assert await away.read_all() is False
        assert await ledger.announced() == []


async def test_a_guide_that_is_not_known_changes_nothing(ledger, small, folder):
    async with serving(small) as client:
        given = settings(ledger, geography_files=folder, catalogue_guide="http://electronichealth.se/fhir/hvo")
        assert await Clockwork(given, ledger.sessions, client).read_all() is False
        assert {message.topic.name for message in await ledger.announced()} == {"code-updated"}
