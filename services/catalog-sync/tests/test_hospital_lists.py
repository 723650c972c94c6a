"""Dirty lists of hospitals: every row is used, repaired in a way that is told, or rejected with its reason."""

import csv
from importlib.resources import files
from pathlib import Path

import pytest

from catalog_sync.domain.reading import SourceAway
from catalog_sync.source import geography
from catalog_sync.source.hospital_lists import ListReading, read_eurostat, read_hospital_codes
from contracts import CodeUpdated

DATA = Path(str(files("demo") / "data"))


@pytest.fixture(scope="module")
def places():
    return geography.look(DATA).places


@pytest.fixture(scope="module")
def eurostat(places) -> ListReading:
    """The whole public list, as it is."""
    return read_eurostat(DATA / "eu_healthcare_SE.csv", places)


def told(found: ListReading) -> dict[str, CodeUpdated]:
    """Every fact as a message, by the hospital's name."""
    messages = [CodeUpdated.model_validate({**fact.content, "version": 1}) for fact in found.reading.facts]
    return {message.text: message for message in messages}


def repairs(found: ListReading) -> dict[str, tuple[str, ...]]:
    return {fact.content["text"]: row.repairs for fact, row in zip(found.reading.facts, found.taken, strict=True)}


def eu(tmp_path: Path, *rows: str) -> Path:
    file = tmp_path / "eu.csv"
    file.write_text("\n".join(["id,hospital_name,lat,lon,city", *rows]) + "\n", encoding="utf-8")
    return file


def test_all_rows_are_used_or_rejected_and_all_used_ones_make_a_message(eurostat):
    assert (len(told(eurostat)), len(eurostat.reading.rejected)) == (131, 1)
    assert [row.reason for row in eurostat.reading.rejected] == ["city: is no region"], "Riket is no hospital"
    assert eurostat.all_rows == "the column city holds the region"


def test_the_seventeen_hospitals_on_one_point_do_not_come_out_as_neighbours(eurostat):
    with (DATA / "eu_healthcare_SE.csv").open(encoding="utf-8", newline="") as rows:
        stacked = [row["hospital_name"] for row in csv.DictReader(rows) if row["lat"] == "59.33256912231445"]
    assert len(stacked) == 17
    messages = told(eurostat)
    at = [messages[name].place.point for name in stacked]
    assert all(point is None or point.precision == "municipality" for point in at)
    assert messages["Nynäshamns sjukhus"].place.municipality == "0192"
    assert messages["Norrtälje sjukhus (TioHundra AB)"].place.municipality == "0188"
    assert messages["Karolinska Universitetssjukhuset"].place.point is None, "rather nowhere than on the wrong spot"


def test_no_two_hospitals_share_a_point_of_their_own(eurostat):
    own = [
        (message.place.point.lat, message.place.point.lon)
        for message in told(eurostat).values()
        if message.place.point is not None and message.place.point.precision == "own"
    ]
    assert len(own) > 80
    assert len(set(own)) == len(own)


@pytest.mark.parametrize(
    ("name", "way"),
    [
        ("Borlänge sjukhus", "region misspelt"),
        ("Malå sjukstuga", "space or quotes in a coordinate trimmed"),
        ("Pajala vårdcentral", "space or quotes in the name trimmed"),
        ("Nyköpings sjukhus", "point shared with other rows: the municipality's seat instead"),
        ("Kullbergska sjukhuset", "point shared with other rows: dropped: no place in the name"),
        ("Blekingesjukhuset", "point outside its region: dropped: no place in the name"),
        ("Piteå sjukhus", "point far from the place in the name: the municipality's seat instead"),
        ("Ängelholms sjukhus", "point far from the place in the name: the municipality's seat instead"),
    ],
)
def test_known_faults_are_repaired_in_a_way_that_is_told(eurostat, name, way):
    assert way in repairs(eurostat)[name]


@pytest.mark.parametrize("name", ["Danderyds sjukhus AB", "Lasarettet i Motala", "Visby lasarett", "Falu lasarett"])
def test_what_is_right_stays_as_it_is(eurostat, name):
    assert repairs(eurostat)[name] == ()
    assert told(eurostat)[name].place.point.precision == "own"


def test_a_point_that_is_no_point_is_dropped(tmp_path, places):
    rows = ("1,Sjukhuset A,x,18.0,Skåne", "2,Sjukhuset B,0,0,Skåne", "3,Sjukhuset C,,,Skåne", "4,Lunds sjukhus,,,Skåne")
    found = read_eurostat(eu(tmp_path, *rows), places)
    assert [message.place.point is None for message in told(found).values()] == [True, True, True, False]
    assert all("point missing or outside Sweden, dropped" in ways for ways in repairs(found).values())


def test_a_hospital_of_several_sites_is_put_at_none_of_them(tmp_path, places):
    found = read_eurostat(eu(tmp_path, "1,Länssjukhuset Sundsvall-Härnösand,,,Västernorrland"), places)
    (message,) = told(found).values()
    assert (message.place.municipality, message.place.region, message.place.point) == (None, "22", None)


def test_hospital_codes_get_their_county_and_placeholders_are_rejected(places):
    found = read_hospital_codes(DATA / "sjukhus_care_site.csv", places)
    assert (len(found.reading.facts), len(found.reading.rejected)) == (271, 221)
    assert {row.reason for row in found.reading.rejected} == {"source_name: names no hospital"}
    message = next(one for one in told(found).values() if one.key() == "sjukhuskod|10011")
    assert (message.text, message.place.region) == ("S:t Görans sjukhus", "01")
    assert "county code without its zero" in repairs(found)["S:t Görans sjukhus"]
    keys = [fact.key for fact in found.reading.facts]
    assert len(set(keys)) == len(keys)


def test_a_missing_file_or_column_is_a_source_that_is_away(tmp_path, places):
    with pytest.raises(SourceAway, match="is not there"):
        read_eurostat(tmp_path / "none.csv", places)
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    with pytest.raises(SourceAway, match="has no column source_code"):
        read_hospital_codes(tmp_path / "x.csv", places)
