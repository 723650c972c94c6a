"""Puts the small Sweden together: the same seed and day always give the same result."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random
from typing import Any

from contracts import CapacityAnnounced
from contracts.waittimes import WaittimeUpdated
from demo.sweden import codes as code_files
from demo.sweden.agreements import DemoAgreement, build_agreements
from demo.sweden.capacity import build_announcements
from demo.sweden.codes import all_codes
from demo.sweden.geography import read_geography
from demo.sweden.hospitals import read_hospitals
from demo.sweden.offerings import DemoOffering, build_offerings
from demo.sweden.profiles import build_profiles
from demo.sweden.providers import DemoProvider
from demo.sweden.report import Report, report_of
from demo.sweden.units import DemoUnit, build_units
from demo.sweden.waits import build_forecasts, build_waits


@dataclass(frozen=True)
class Sweden:
    """A believable small Sweden. Real: places, hospital names, regions. Everything else is synthetic."""

    seed: int
    today: date
    care_providers: tuple[DemoProvider, ...]
    units: tuple[DemoUnit, ...]
    offerings: tuple[DemoOffering, ...]
    codes: tuple[dict[str, Any], ...]
    agreements: tuple[DemoAgreement, ...]
    waits: tuple[WaittimeUpdated, ...]
    """As measured and reported."""
    forecasts: tuple[WaittimeUpdated, ...]
    announcements: tuple[CapacityAnnounced, ...]
    report: Report
    profiles: dict[str, dict[str, Any]]
    """What each region tells about brokering its patients, by region code, as its administrator writes it."""

    def in_time(self, first: int | None = None) -> tuple[DemoAgreement, ...]:
        """The agreements that can still come in, or the first so many of them: the period of the others is over."""
        return tuple(one for one in self.agreements if not one.is_over(self.today))[:first]


def build(seed: int = 1, today: date | None = None) -> Sweden:
    """Builds everything from the package's own files; `today` defaults to the current day in UTC."""
    day = today or datetime.now(UTC).date()
    geography = read_geography()
    hospitals, repairs = read_hospitals(geography)
    codes = all_codes(geography, day)
    texts = {f"{code['system']}|{code['code']}": code["text"] for code in codes}
    # Each part has its own stream of chance, so that a change in one leaves the others as they were.
    providers, units = build_units(geography, hospitals, Random(f"{seed} units"), day)
    offerings = build_offerings(units, texts, Random(f"{seed} offerings"), day)
    agreements = build_agreements(units, Random(f"{seed} agreements"), day)
    waits = build_waits(units, Random(f"{seed} waits"), day)
    forecasts = build_forecasts(waits, units, Random(f"{seed} forecasts"), day)
    announcements = build_announcements(units, Random(f"{seed} announcements"), day)
    sizes = {
        "care providers": len(providers),
        "units": len(units),
        "offerings": len(offerings),
        "codes": len(codes),
        "agreements": len(agreements),
        "waits": len(waits),
        "forecasts": len(forecasts),
        "announcements": len(announcements),
    }
    report = report_of(geography, repairs, units, agreements, sizes, codes)
    told = (waits, forecasts, announcements)
    return Sweden(seed, day, providers, units, offerings, codes, agreements, *told, report, build_profiles())


def write_code_files(sweden: Sweden, folder: Path) -> tuple[Path, ...]:
    """Writes everything that `CODE_FILES` is to hold, and returns the files."""
    return code_files.write_code_files(sweden.codes, folder)
