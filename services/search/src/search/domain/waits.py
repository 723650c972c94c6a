"""Which of an offer's waits it is ranked by. One rule, used for the index, the sort and the explanation."""

from collections.abc import Mapping, Sequence
from typing import Any

from rules.regions import REGIONS

Json = Mapping[str, Any]

ALL_PATIENTS = "all"
RANKED_MEASURE = "treatment_median"
_EVERYBODY = sorted({ALL_PATIENTS, *REGIONS})


def candidates(waits: Sequence[Json]) -> list[Json]:
    """The waits an offer could be ranked by: known median waits for treatment. Other measures never stand in."""
    return [wait for wait in waits if wait["measure"] == RANKED_MEASURE and wait["days"] is not None]


def ranking(waits: Sequence[Json], care_service: str, region: str | None) -> Json | None:
    """The wait that ranks an offer for one region's patients; `region` None means for anybody.

    Its own patients' wait before everybody's, never another region's; the offer's own code before one that is mapped to
    it; then the newest, and of equally new ones the longest.
    """
    usable = [wait for wait in candidates(waits) if wait["paying_region"] in {None, region}]
    return max(
        usable,
        key=lambda wait: (
            wait["paying_region"] is not None,
            wait["code"] == care_service,
            wait["period"],
            wait["observed_at"],
            wait["days"],
        ),
        default=None,
    )


def days_by_region(waits: Sequence[Json], care_service: str) -> dict[str, float]:
    """The days an offer ranks with, for anybody (`all`) and for each region's patients; without the unknown."""
    anybody = ranking(waits, care_service, None)
    ranked: dict[str, Json | None] = dict.fromkeys(_EVERYBODY, anybody)
    # Only a region with waits of its own can rank by another one.
    for name in {wait["paying_region"] for wait in candidates(waits)} & ranked.keys():
        ranked[name] = ranking(waits, care_service, name)
    return {name: wait["days"] for name, wait in ranked.items() if wait is not None}
