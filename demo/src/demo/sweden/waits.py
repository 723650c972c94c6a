"""Waiting times, late and incomplete as in life: 12 regions report everything, the others a part, some is old."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random

from contracts.message import CodeRef, Source
from contracts.types import System
from contracts.waittimes import Subject, WaittimeUpdated
from demo.sweden.areas import AREAS
from demo.sweden.units import DemoUnit

SOURCE = "demo-vantetider (syntetisk)"
"""The source's name in every message."""
COMPLETE = frozenset({"03", "04", "05", "06", "08", "10", "13", "17", "18", "20", "22", "24"})
"""The 12 regions that report for every unit."""
STALE_AFTER_DAYS = 42
"""A value is old six weeks after its period ended."""

_REPORTED_ELSEWHERE = 0.28
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
