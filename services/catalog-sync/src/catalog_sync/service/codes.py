"""Code files against what is known: releases go on from where earlier readings ended, and maps are measured."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from prometheus_client import Gauge
from sqlalchemy.ext.asyncio import AsyncSession

from catalog_sync.domain.code_reading import Before, CodeReading, Content, Coverage
from catalog_sync.domain.maps import coverage
from catalog_sync.domain.reading import SourceAway
from catalog_sync.domain.releases import Dated, Known
from catalog_sync.source import code_files
from catalog_sync.store import known_codes
from contracts.types import System
from kit.database import Sessions
from rules.calendar import swedish_day

_COVERAGE = Gauge(
    "vf_code_map_coverage_ratio", "Codes in use of a care area that lead to a care service", ["care_area", "system"]
)


async def read(sessions: Sessions, folder: Path) -> CodeReading:
    """The folder of code files, read on top of what is known of its code systems. Raises SourceAway."""
    if not await asyncio.to_thread(folder.is_dir):
        raise SourceAway("the folder of code files is not there")
    systems = await asyncio.to_thread(code_files.systems, folder)
    async with sessions() as session:
        rows = await known_codes.of_systems(session, [*systems, System.CODE_SYSTEM])
        areas = await known_codes.whole_systems(session, [System.CARE_AREA])
    reading = await asyncio.to_thread(lambda: code_files.read(folder, before(rows, areas.values())))
    _COVERAGE.clear()
    for one in reading.coverage:
        _COVERAGE.labels(one.care_area, one.system).set(one.share)
    return reading


def before(rows: Iterable[Content], areas: Iterable[Content]) -> Before:
    """Stored codes, code systems and care areas as what earlier readings left."""
    systems: dict[str, Known] = {}
    maps = {}
    for row in rows:
        one = Dated.of(row)
        if row["system"] == System.CODE_SYSTEM:
            system = systems.setdefault(row["code"], Known())
            system.title, system.newest, system.newest_from = one.text, one.release, one.valid_from
            continue
        systems.setdefault(row["system"], Known()).codes[row["code"]] = one
        if row["maps"]:
            maps[f"{row['system']}|{row['code']}"] = row["maps"]
    return Before(systems, {area["code"]: area for area in areas}, maps)


async def coverage_known(session: AsyncSession) -> tuple[dict[str, int], list[Coverage]]:
    """How many codes of each system are known, and how far the maps reach in each care area that holds today."""
    day = swedish_day(datetime.now(UTC))
    areas = {
        content["code"]: [f"{one['system']}|{one['code']}" for one in content["care_area"]["members"]]
        for content in (await known_codes.whole_systems(session, [System.CARE_AREA])).values()
        if content["care_area"] is not None and Dated.of(content).valid_on(day)
    }
    contents = await known_codes.contents(session, {key for members in areas.values() for key in members})
    targets = {
        f"{line['target']['system']}|{line['target']['code']}" for one in contents.values() for line in one["maps"]
    }
    contents |= await known_codes.contents(session, targets - contents.keys())
    return await known_codes.counts(session), list(coverage(areas, contents, day))
