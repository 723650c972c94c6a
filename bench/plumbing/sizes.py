"""How much is measured."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """How much is measured; rates a second, durations in seconds."""

    rounds: int
    warm_rounds: int
    """Rounds before, of what runs first on engines that have just started."""
    outbox_rows: int
    outbox_times: int
    """How many times the rows the large outbox holds."""
    commits_per_s: int
    latency_seconds: int
    latency_skipped: int
    """The first seconds, which are left out."""
    latency_rounds: int
    idle_seconds: int
    units: int
    codes: int
    """Documents are units times codes."""
    warm_units: int
    grown_units: int
    """How many units more are projected into an index of as many and of ten times as many."""
    consumed_times: int
    """How many times the outbox rows the consumers read; once where every value is checked by its contract."""


FULL = Sizes(
    rounds=3,
    warm_rounds=1,
    outbox_rows=300_000,
    outbox_times=10,
    commits_per_s=1000,
    latency_seconds=18,
    latency_skipped=3,
    latency_rounds=2,
    idle_seconds=20,
    units=2000,
    codes=50,
    warm_units=1000,
    grown_units=1000,
    consumed_times=2,
)
SMALL = Sizes(
    rounds=1,
    warm_rounds=0,
    outbox_rows=20_000,
    outbox_times=3,
    commits_per_s=500,
    latency_seconds=4,
    latency_skipped=1,
    latency_rounds=1,
    idle_seconds=3,
    units=100,
    codes=50,
    warm_units=20,
    grown_units=40,
    consumed_times=2,
)
