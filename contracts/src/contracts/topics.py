"""Facts about a topic, declared beside the message class that travels on it; topics.yaml is generated from them."""

from dataclasses import dataclass
from typing import Literal

from rules.regions import REGIONS

DAY_MS = 24 * 60 * 60 * 1000
PARKED_RETENTION_DAYS = 30
# A parked record is its original plus the reasons: the default limit would refuse the largest ones.
PARKED_MAX_BYTES = 2 * 1024 * 1024


@dataclass(frozen=True)
class Topic:
    """One topic: `state` keeps the last message per key for ever (compacted), `log` keeps every fact for a time.

    `key` tells in words what the record key is; `retention_days` holds for a log, None means for ever.
    """

    name: str
    kind: Literal["state", "log"]
    key: str
    producer: str
    consumers: tuple[str, ...]
    partitions: int = 6
    retention_days: int | None = None
    parked_retention_days: int = PARKED_RETENTION_DAYS
    per_region: bool = False
    """One topic per region, `NAME-NN`: the broker says who may write and read each."""

    def of_region(self, region: str) -> str:
        """The name of one region's topic."""
        return f"{self.name}-{region}"

    def names(self) -> tuple[str, ...]:
        """The topics to create."""
        return tuple(self.of_region(region) for region in REGIONS) if self.per_region else (self.name,)

    @property
    def config(self) -> dict[str, str]:
        """Kafka's own topic settings."""
        if self.kind == "state":
            return {"cleanup.policy": "compact", "max.compaction.lag.ms": str(DAY_MS), "min.compaction.lag.ms": "0"}
        retention = -1 if self.retention_days is None else self.retention_days * DAY_MS
        return {"cleanup.policy": "delete", "retention.ms": str(retention)}


def parked(topic: str, group: str) -> str:
    """The dead-letter topic of one consumer group of a topic."""
    return f"{topic}-parked-{group}"
