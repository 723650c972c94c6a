"""Positions as sources write them: degrees or SWEREF 99 TM metres, either way round, and never outside Sweden."""

import subprocess
import sys
from decimal import Decimal

import pyproj
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from catalog_sync.source.coordinates import wgs84
from rules.distance import kilometres

STOCKHOLM = (Decimal("59.33023"), Decimal("18.05919"))
STOCKHOLM_IN_METRES = (Decimal(6580822), Decimal(674032))


@pytest.mark.parametrize("declared", [None, "EPSG:3006", "urn:ogc:def:crs:EPSG::3006", "SWEREF 99 TM", "SWEREF99TM"])
@pytest.mark.parametrize("turned", [False, True])
def test_metres_are_known_by_their_size_whichever_way_round(declared, turned):
    northing, easting = STOCKHOLM_IN_METRES
    given = (easting, northing) if turned else (northing, easting)
    assert wgs84(*given, declared) == STOCKHOLM


@pytest.mark.parametrize("declared", [None, "EPSG:4326", "urn:ogc:def:crs:EPSG::4326", "WGS84", "SWEREF 99"])
def test_degrees_stay_as_they_are(declared):
    assert wgs84(*STOCKHOLM, declared) == STOCKHOLM


@pytest.mark.parametrize(
    ("lat", "lon", "declared", "words"),
    [
        ("18.0", "59.3", None, "outside Sweden"),
        ("6580822", "59.3", None, "outside Sweden"),
        ("7700000", "674032", None, "outside Sweden"),
        ("59.3", "18.0", "EPSG:3021", "that we cannot read"),
        ("59.3", "18.0", "EPSG:3006", "said to be in SWEREF 99 TM and is not"),
        ("6580822", "674032", "EPSG:4326", "said to be in degrees and is not"),
    ],
)
def test_what_cannot_be_right_is_refused_in_words(lat, lon, declared, words):
    with pytest.raises(ValueError, match=words):
        wgs84(Decimal(lat), Decimal(lon), declared)


@given(st.floats(55.4, 69.0), st.floats(11.0, 24.0))
def test_there_and_back_again_moves_nothing_by_more_than_two_metres(lat, lon):
    easting, northing = pyproj.Transformer.from_crs(4326, 3006, always_xy=True).transform(lon, lat)
    assume(200_000 <= easting <= 960_000)
    found = wgs84(Decimal(str(northing)), Decimal(str(easting)))
    assert kilometres(lat, lon, float(found[0]), float(found[1])) < 0.002


def test_the_worker_does_not_load_the_library_before_a_source_writes_metres():
    code = "import sys, catalog_sync.main; sys.exit('pyproj' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
