"""Places from an operator's CSV files: every municipality and postal code once, with a point and how exact it is."""

import shutil
from importlib.resources import files
from pathlib import Path

import pytest

from catalog_sync.domain.places import NOWHERE, Municipality, Places, PostalCode, Spot, Way
from catalog_sync.domain.reading import Fact, Kind, Reading, SourceAway
from catalog_sync.source import geography
from contracts import CodeUpdated

DATA = Path(str(files("demo") / "data"))


@pytest.fixture(scope="module")
def survey() -> geography.Survey:
    return geography.look(DATA)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small folder: two municipalities called alike, one with a place in the wrong county."""
    write(tmp_path, "se_counties.csv", "county_code,county_name_short", "01,Stockholm", "14,Västra Götaland")
    names = ("0180,Stockholm,01", "1480,Göteborg,14", "1492,Åmål,14")
    write(tmp_path, "se_municipalities.csv", "municipality_code,municipality_name_short,county_code", *names)
    postal = ("11428,Stockholm,0180", "41101,Göteborg,1480", "66230,Åmål,1492", "66231,Tösse,1492")
    write(tmp_path, "se_postal_codes.csv", "postal_code,locality,municipality_code", *postal)
    places = (
        "Stockholm,Stockholm,Stockholm,59.3251,18.0711",
        "Göteborg,Göteborg,Västra Götaland,57.7072,11.9668",
        "Åmål,Åmål,Stockholm,59.0,18.0",
    )
    write(tmp_path, "svenska-stader.csv", "Locality,Municipality,County,Latitude,Longitude", *places)
    return tmp_path


def write(folder: Path, name: str, *lines: str) -> None:
    (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_all_of_sweden_becomes_facts_that_make_messages():
    reading = geography.read(DATA)
    assert (len(reading.facts), reading.rejected) == (290 + 15463, [])
    systems = {"municipality": 0, "postal-code": 0}
    for fact in reading.facts:
        message = CodeUpdated.model_validate({**fact.content, "version": 1})
        assert message.key() == fact.key
        assert message.place is not None
        assert message.place.point is not None
        assert message.place.point.precision in {"municipality", "postal_code"}
        systems[message.system] += 1
    assert systems == {"municipality": 290, "postal-code": 15463}


def test_a_postal_codes_point_is_its_localitys_else_its_municipalitys_and_says_so(folder):
    points = {fact.key: fact.content["place"]["point"] for fact in geography.read(folder).facts}
    assert points["postal-code|11428"] == {"lat": "59.32510", "lon": "18.07110", "precision": "postal_code"}
    assert points["postal-code|66231"] is None, "nothing is known of Åmål: its only point lies in another county"
    write(folder, "municipality_seats.csv", "municipality_code,seat,lat,lon", "1492,Åmål,59.053,12.704")
    points = {fact.key: fact.content["place"]["point"] for fact in geography.read(folder).facts}
    assert points["municipality|1492"] == {"lat": "59.05300", "lon": "12.70400", "precision": "municipality"}
    assert points["postal-code|66231"] == points["municipality|1492"]
    assert points["postal-code|66230"]["precision"] == "postal_code"


def test_a_place_in_the_wrong_part_of_the_country_is_passed_over_and_noted(folder, survey):
    assert [one.words for one in geography.read(folder).noted] == [
        "Åmål, Åmål: its point lies in another county, passed over"
    ]
    assert len(survey.noted) == 187


def test_bad_rows_are_rejected_with_their_place_and_stop_no_other(folder):
    with (folder / "se_postal_codes.csv").open("a", encoding="utf-8") as file:
        file.write("1142,Stockholm,0180\n11429,Stockholm,0999\n11430\n11431,Stockholm,0180\n")
    reading = geography.read(folder)
    assert [row.resource for row in reading.rejected] == [f"se_postal_codes.csv:{number}" for number in (6, 7, 8)]
    assert "postal-code|11431" in {fact.key for fact in reading.facts}


@pytest.mark.parametrize("name", ["se_municipalities.csv", "se_postal_codes.csv", "se_counties.csv"])
def test_a_missing_file_is_a_source_that_is_away(folder, name):
    (folder / name).unlink()
    with pytest.raises(SourceAway, match=f"{name} is not in the folder"):
        geography.read(folder)


def test_a_file_of_another_shape_is_a_source_that_is_away(folder):
    write(folder, "se_municipalities.csv", "kod,namn", "0180,Stockholm")
    with pytest.raises(SourceAway, match="has no column municipality_code"):
        geography.read(folder)
    (folder / "se_municipalities.csv").write_bytes("municipality_code,namn\n0180,Göteborg".encode("latin-1"))
    with pytest.raises(SourceAway, match="not UTF-8"):
        geography.read(folder)


def test_the_postal_codes_may_bear_their_first_name(folder):
    shutil.move(folder / "se_postal_codes.csv", folder / "se_postal_to_municipality.csv")
    assert len(geography.read(folder).facts) == 7


def test_a_code_file_may_correct_a_place(folder):
    mine = Fact(Kind.CODE, "municipality|0180", {"text": "Stockholms stad"})
    reading = Reading([mine])
    geography.add(reading, geography.look(folder))
    assert [fact for fact in reading.facts if fact.key == mine.key] == [mine]
    assert len(reading.facts) == 7


def test_a_municipality_is_found_by_postal_code_before_locality(survey):
    places = survey.places
    assert places.municipality_of("11428", "Göteborg") == ("0180", Way.POSTAL_CODE)
    assert places.municipality_of("00000", "göteborg") == ("1480", Way.LOCALITY)
    assert places.municipality_of(None, "Åkersberga") == ("0117", Way.LOCALITY), "a seat by another name counts"
    assert places.municipality_of(None, "Ingenstans") is None
    assert NOWHERE.municipality_of("11428", "Stockholm") is None


def test_a_name_that_several_municipalities_have_says_nothing_without_its_region(survey):
    assert len(survey.places.named["ekeby"]) == 3
    assert survey.places.municipality_of(None, "Ekeby") is None
    assert survey.places.municipality_of(None, "Ekeby", "12") == ("1260", Way.LOCALITY)


def test_a_postal_code_that_contradicts_the_municipality_gives_no_point():
    places = Places(
        {"0180": Municipality("0180", "Stockholm", "Stockholm", Spot(59.3, 18.0))},
        {"41101": PostalCode("41101", "Göteborg", "1480")},
        {("1480", "göteborg"): Spot(57.7, 11.9), ("0180", "göteborg"): Spot(1, 1)},
    )
    assert places.spot_of("0180", "41101", "Göteborg") == (Spot(59.3, 18.0), "municipality")


def test_every_postal_code_leads_to_a_point_near_its_municipalitys_seat(survey):
    places = survey.places
    for code in places.postal_codes:
        municipality, way = places.municipality_of(code, None)
        assert way is Way.POSTAL_CODE
        spot, _ = places.spot_of(municipality, code, None)
        assert spot.km_to(places.municipalities[municipality].spot) < 250, code
