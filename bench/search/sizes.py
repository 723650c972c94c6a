"""How much there is, and how long each thing is measured."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """How much there is, and how long each thing is measured."""

    units: int
    agreements: int
    announcements: int
    questions: int
    """Different ones; each round asks them all once."""
    clients: int
    rounds: int
    grown_times: int
    """How many times the offers the grown index holds."""
    events_per_s: int
    event_seconds: int

    @property
    def offers(self) -> int:
        """Three a unit."""
        return self.units * 3


FULL = Sizes(
    units=20_000,
    agreements=42_000,
    announcements=2_000,
    questions=500,
    clients=4,
    rounds=3,
    grown_times=10,
    events_per_s=200,
    event_seconds=40,
)
SMALL = Sizes(
    units=400,
    agreements=800,
    announcements=40,
    questions=40,
    clients=4,
    rounds=1,
    grown_times=3,
    events_per_s=50,
    event_seconds=4,
)
