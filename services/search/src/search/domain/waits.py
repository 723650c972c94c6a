"""Which of an offer's waits it is ranked by. One rule, used for the index, the sort and the explanation."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from rules.calendar import swedish_day
from rules.guarantee import Guarantee
from rules.regions import REGIONS

Json = Mapping[str, Any]

ALL_PATIENTS = "all"
MEASURES = {Guarantee.VISIT: "visit_median", Guarantee.TREATMENT: "treatment_median"}
"""The measure that each guarantee is about. One never stands in for the other."""
_FORECAST = "forecast"
_EVERYBODY = sorted({ALL_PATIENTS, *REGIONS})


def candidates(waits: Sequence[Json], guarantee: Guarantee = Guarantee.TREATMENT) -> list[Json]:
    """The waits an offer could be ranked by: known median waits of the guarantee's measure."""
    return [wait for wait in waits if wait["measure"] == MEASURES[guarantee] and wait["days"] is not None]


def ranking(
    waits: Sequence[Json], care_service: str, region: str | None, guarantee: Guarantee = Guarantee.TREATMENT
) -> Json | None:
    """The wait that ranks an offer for one region's patients; `region` None means for anybody.

    A forecast first, unless what was measured after it was made is known. Then its own patients' wait before
    everybody's, never another region's; the offer's own code before one that is mapped to it; then the newest, and of
    equally new ones the longest.
    """
    usable = [wait for wait in candidates(waits, guarantee) if wait["paying_region"] in {None, region}]
    measured = max((_last_day(wait) for wait in usable if wait["kind"] != _FORECAST), default="")
    return max(
        (wait for wait in usable if wait["kind"] != _FORECAST or _made(wait) >= measured),
        key=lambda wait: (
            wait["kind"] == _FORECAST,
            wait["paying_region"] is not None,
            wait["code"] == care_service,
            wait["period"],
            wait["observed_at"],
            wait["days"],
        ),
        default=None,
    )


def days_by_region(
    waits: Sequence[Json], care_service: str, guarantee: Guarantee = Guarantee.TREATMENT
) -> dict[str, float]:
    """The days an offer ranks with, for anybody (`all`) and for each region's patients; without the unknown."""
    anybody = ranking(waits, care_service, None, guarantee)
    ranked: dict[str, Json | None] = dict.fromkeys(_EVERYBODY, anybody)
    # Only a region with waits of its own can rank by another one.
    for name in {wait["paying_region"] for wait in candidates(waits, guarantee)} & ranked.keys():
        ranked[name] = ranking(waits, care_service, name, guarantee)
    return {name: wait["days"] for name, wait in ranked.items() if wait is not None}


def unknown_days(limit_days: int) -> float:
    """What an unknown wait ranks by: just after the guarantee's limit, so before every wait that is a day over it."""
    return limit_days + 0.5


def stale(wait: Json, today: date) -> bool:
    """True from the day the wait shall be shown as old."""
    return wait["stale_after"] is not None and date.fromisoformat(wait["stale_after"]) <= today


def is_forecast(wait: Json) -> bool:
    """Foretold, not measured."""
    return bool(wait["kind"] == _FORECAST)


def _last_day(wait: Json) -> str:
    last: str = wait["period"].partition("/")[2]
    return last


def _made(wait: Json) -> str:
    return swedish_day(datetime.fromisoformat(wait["observed_at"])).isoformat()
