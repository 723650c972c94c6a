"""What the plumbing is to reach, and whether it has."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Goal:
    """A figure of one measurement, by its path, and the bound it is to keep."""

    measurement: str
    path: tuple[str, ...]
    least: float | None = None
    most: float | None = None

    def judged(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        """The goal in words, the figure, and whether it is reached. A figure that is not there is not reached."""
        found: Any = entry
        for name in self.path:
            found = found.get(name) if isinstance(found, Mapping) else None
        bounds = [f"at least {self.least:g}"] if self.least is not None else []
        bounds += [f"at most {self.most:g}"] if self.most is not None else []
        reached = found is not None and (self.least is None or found >= self.least)
        return {
            "goal": " and ".join(bounds),
            "value": found,
            "reached": reached and (self.most is None or found <= self.most),
        }


GOALS = {
    "relay beside aiokafka": Goal("relay", ("ratio",), least=0.5),
    "latency, p99 in ms": Goal("latency", ("ours",), most=50),
    "latency, part of the rate reached": Goal("latency", ("ours_more", "achieved_of_rate"), least=0.98),
    "latency, p99 in ms, stretch": Goal("latency", ("ours",), most=16),
    "idle relay, % of a core": Goal("idle", ("ours",), most=1),
    "projection beside raw bulk": Goal("projection", ("ratio",), least=0.5),
    "projection beside raw bulk, stretch": Goal("projection", ("ratio",), least=0.6),
    "consumer, events/s": Goal("consumer", ("ours",), least=100_000),
    "memory of an idle worker, MB": Goal("memory", ("ours",), most=120),
    "outbox grown, beside the smaller": Goal("growth-outbox", ("ratio",), least=0.8),
    "index grown, beside the smaller": Goal("growth-index", ("ratio",), least=0.8),
}
AHEAD = {
    "relay beside Debezium as it comes": Goal("relay", ("beside", "debezium", "ours_to_it"), least=1),
    "relay beside Debezium tuned": Goal("relay", ("beside", "debezium_tuned", "ours_to_it"), least=1),
    "latency beside Debezium as it comes": Goal("latency", ("beside", "debezium", "ours_to_it"), least=1),
    "latency beside Debezium tuned": Goal("latency", ("beside", "debezium_tuned", "ours_to_it"), least=1),
}
"""Asked only where the peer was measured too."""


def judge(results: Mapping[str, Mapping[str, Any]], *, peer: bool) -> dict[str, dict[str, Any]]:
    """Every goal of what was measured."""
    wanted = {**GOALS, **(AHEAD if peer else {})}
    return {
        name: goal.judged(results[goal.measurement]) for name, goal in wanted.items() if goal.measurement in results
    }
