"""Distances as the crow flies."""

from hypothesis import given
from hypothesis import strategies as st

from rules.distance import kilometres

_LAT, _LON = st.floats(55, 69), st.floats(11, 24)


def test_stockholm_to_gothenburg_is_just_under_four_hundred_kilometres():
    assert 390 < kilometres(59.33, 18.07, 57.71, 11.97) < 400


@given(_LAT, _LON, _LAT, _LON)
def test_the_way_back_is_as_long_and_the_way_to_where_one_is_has_no_length(lat_a, lon_a, lat_b, lon_b):
    assert abs(kilometres(lat_a, lon_a, lat_b, lon_b) - kilometres(lat_b, lon_b, lat_a, lon_a)) < 1e-6
    assert kilometres(lat_a, lon_a, lat_a, lon_a) == 0
