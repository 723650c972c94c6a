"""Counts over the finished Sweden, and one line for every repair, so that nothing was changed silently."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from demo.sweden.agreements import DemoAgreement
from demo.sweden.geography import Geography
from demo.sweden.hospitals import Repair
from demo.sweden.units import DemoUnit


@dataclass(frozen=True)
class Report:
    """What was built, and what was done with the sources' faults."""

    counts: dict[str, int]
    repairs: tuple[Repair, ...]
    """One line per row of the two hospital lists."""
    places_left_out: tuple[str, ...]
    """Places whose point in the list of places lies in the wrong part of the country."""

    def lines(self) -> list[str]:
        """The counts as text, one per line."""
        return [f"{name}: {count}" for name, count in self.counts.items()]

    def summary(self) -> list[str]:
        """The few lines a newcomer wants: how large it is, and what became of the dirty coordinates."""
        count = self.counts
        verdicts = Counter(repair.verdict for repair in self.repairs if repair.source.startswith("eu_healthcare"))
        return [
            (
                f"a small Sweden, synthetic: {count['units']} care units, {count['offerings']} offerings, "
                f"{count['agreements']} agreements, {count['waits']} waits, {count['forecasts']} forecasts,"
                f" {count['announcements']} announcements of capacity, {count['codes']} codes and places"
            ),
            (
                f"{verdicts.total()} hospitals with dirty coordinates: {verdicts['kept']} kept, "
                f"{verdicts['repaired']} repaired, {verdicts['dropped']} dropped"
            ),
        ]


def report_of(
    geography: Geography,
    repairs: tuple[Repair, ...],
    units: tuple[DemoUnit, ...],
    agreements: tuple[DemoAgreement, ...],
    sizes: dict[str, int],
    codes: tuple[dict[str, Any], ...],
) -> Report:
    """Counts everything worth knowing."""
    counts = dict(sizes)
    _add(counts, "codes in", Counter(code["system"] for code in codes))
    _add(counts, "units with point", Counter(unit.place.point.precision for unit in units if unit.place.point))
    _add(counts, "postal codes with point", Counter(one.precision for one in geography.postal_codes.values()))
    _add(counts, "municipalities by", Counter(geography.seats_by))
    _add(counts, "hospital rows", Counter(f"{one.verdict}, {one.way}" for one in repairs))
    _add(counts, "agreements in region", Counter(one.region for one in agreements))
    _add(counts, "agreements on", Counter(one.body["basis"] for one in agreements))
    counts["places left out"] = len(geography.places_left_out)
    return Report(counts, repairs, geography.places_left_out)


def _add(counts: dict[str, int], what: str, found: "Counter[str]") -> None:
    counts.update({f"{what} {name}": count for name, count in sorted(found.items())})
