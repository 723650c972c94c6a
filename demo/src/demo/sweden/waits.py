"""Waiting times, late and incomplete as in life: 12 regions report everything, the others a part, some is old.

For some clinics there is a forecast for the own region's patients beside them.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random

from contracts.message import CodeRef, Source
from contracts.types import System
from contracts.waittimes import Subject, WaitKind, WaittimeUpdated
from demo.sweden.areas import AREAS
from demo.sweden.units import DemoUnit

SOURCE = "demo-vantetider (syntetisk)"
"""The source's name in every message of a measured wait."""
FORECAST_SOURCE = "demo-prognoser (syntetisk)"
"""The same of a forecast."""
COMPLETE = frozenset({"03", "04", "05", "06", "08", "10", "13", "17", "18", "20", "22", "24"})
"""The 12 regions that report for every unit."""
STALE_AFTER_DAYS = 42
"""A value is old six weeks after its period ended."""

_REPORTED_ELSEWHERE = 0.28
_FORECAST = 0.35
_MEDIAN_DAYS = {"katarakt": 70, "ljumskbrack": 80, "knaprotes": 115}


def build_waits(units: tuple[DemoUnit, ...], random: Random, today: date) -> tuple[WaittimeUpdated, ...]:
    """One visit and one treatment median for each reporting clinic."""
    waits: list[WaittimeUpdated] = []
    for unit in units:
        if unit.kind == "hospital" or not unit.active:
            continue
        if unit.place.region in COMPLETE or random.random() < _REPORTED_ELSEWHERE:
            waits.extend(_of_unit(unit, random, today))
    return tuple(waits)


def build_forecasts(
    waits: tuple[WaittimeUpdated, ...], units: tuple[DemoUnit, ...], random: Random, today: date
) -> tuple[WaittimeUpdated, ...]:
    """What is foretold of the next months for a part of the clinics: the median, and between which days it may fall."""
    told = [wait for wait in waits if wait.measure == "treatment_median" and wait.value is not None]
    regions = {unit.hsa_id: unit.place.region for unit in units}
    return tuple(
        _forecast(wait, regions[wait.subject.id], random, today) for wait in told if random.random() < _FORECAST
    )


def _forecast(wait: WaittimeUpdated, region: str, random: Random, today: date) -> WaittimeUpdated:
    median = float(wait.value or 0) * random.uniform(0.7, 1.2)
    spread = random.uniform(0.1, 0.35)
    start, _ = _month(today, 0)
    _, end = _month(today, -2)
    made = datetime(today.year, today.month, today.day, 3, tzinfo=UTC) - timedelta(days=2)
    return wait.model_copy(
        update={
            "version": int(made.timestamp() * 1_000_000),
            # Its own key: what was measured of all patients stays beside it.
            "paying_region": region,
            "kind": WaitKind.FORECAST.value,
            "value": _days(median),
            "low": _days(median * (1 - spread)),
            "high": _days(median * (1 + spread)),
            "patients": None,
            "period_start": start,
            "period_end": end,
            "stale_after": today + timedelta(days=STALE_AFTER_DAYS),
            "source": Source(system=FORECAST_SOURCE, reference=None, observed_at=made),
        }
    )


def _of_unit(unit: DemoUnit, random: Random, today: date) -> Iterator[WaittimeUpdated]:
    area = next(area for area in AREAS if area.clinic == unit.kind)
    private = unit.provider.ownership == "private"
    months_back = random.choices((1, 2, 4, 7), (7, 2, 0.5, 0.5))[0]
    start, end = _month(today, months_back)
    observed = datetime(end.year, end.month, end.day, 3, tzinfo=UTC) + timedelta(days=1)
    median = _MEDIAN_DAYS[area.code] * (0.5 if private else 1.0) * random.uniform(0.4, 1.9)
    for measure, share in (("visit_median", 0.7), ("treatment_median", 1.0)):
        suppressed = random.random() < 0.03
        yield WaittimeUpdated(
            version=int(observed.timestamp() * 1_000_000),
            subject=Subject(kind="unit", id=unit.hsa_id),
            care_service=CodeRef(system=System.CARE_SERVICE_DEMO.value, code=area.service),
            measure=measure,
            paying_region=None,
            status="current",
            kind="self_reported" if private else "register",
            value=None if suppressed else _days(median * share * random.uniform(0.85, 1.15)),
            low=None,
            high=None,
            unit="days",
            patients=None if suppressed else random.randint(5, 260),
            period_start=start,
            period_end=end,
            stale_after=end + timedelta(days=STALE_AFTER_DAYS),
            source=Source(system=SOURCE, reference=f"{start:%Y-%m}/{unit.suffix}", observed_at=observed),
        )


def _month(today: date, back: int) -> tuple[date, date]:
    """The first and last day of the month that lies so many months back; 1 is the last full month."""
    months = today.year * 12 + today.month - 1 - back
    start = date(months // 12, months % 12 + 1, 1)
    return start, date((months + 1) // 12, (months + 1) % 12 + 1, 1) - timedelta(days=1)


def _days(days: float) -> Decimal:
    return Decimal(max(round(days), 3))
