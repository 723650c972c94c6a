"""The checker: from everything that was written, sent, projected, indexed and seen, what went wrong, named by key.

Pure: it knows writes, records and sightings, and nothing of where they come from.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple


class Write(NamedTuple):
    """One version of one thing."""

    key: str
    version: int


class Recorded(NamedTuple):
    """One record of the topic as it stands there. `foreign`: somebody else's, put there as part of the fault."""

    key: str
    version: int
    partition: int
    offset: int
    foreign: bool = False

    @property
    def write(self) -> Write:
        """What it tells."""
        return Write(self.key, self.version)


class Seen(NamedTuple):
    """What a reader saw of a key in one place, in the order of looking."""

    place: str
    key: str
    version: int


class Kind(StrEnum):
    """What can be wrong."""

    LOST = "acknowledged, but missing"
    DIFFERS = "differs from the database"
    INVENTED = "neither acknowledged nor ambiguous"
    OUT_OF_ORDER = "an older version after a newer one on the topic"
    SCATTERED = "one key in several partitions"
    BACKWARDS = "a reader went backwards"
    DUPLICATED = "duplicated in effect"


@dataclass(frozen=True)
class Violation:
    """One thing that is wrong: what, with which key, where."""

    kind: Kind
    key: str
    where: str
    versions: tuple[int, ...] = ()


@dataclass
class Evidence:
    """Everything the checker judges by. What a fault leaves out (no projection, no index) is None."""

    acknowledged: Sequence[Write]
    """Writes whose commit returned."""
    ambiguous: Sequence[Write]
    """Writes whose commit gave no answer: they may exist or not."""
    rows: Mapping[str, int]
    """The database: version by key."""
    records: Sequence[Recorded]
    """The topic, all of it, in order of offset within each partition."""
    projection: Mapping[str, int] | None
    """The projecting service's rows: version by key."""
    documents: Sequence[Write] | None
    """The index, every document: a key may stand there more than once."""
    seen: Sequence[Seen] = ()
    """What readers saw while it happened, in order."""
    effects: Sequence[Write] = ()
    """Each time the projection took a version over, in order."""
    whole_topic: bool = True
    """The topic holds everything ever sent: not compacted, not made anew."""


@dataclass(frozen=True)
class Report:
    """The judgement. `lost` counts acknowledged writes, `records_twice` records that came again on the topic."""

    acknowledged: int
    ambiguous: int
    lost: int
    duplicated_in_effect: int
    records_twice: int
    violations: Sequence[Violation] = field(default_factory=tuple)

    @property
    def kinds(self) -> set[Kind]:
        """What is wrong at all."""
        return {one.kind for one in self.violations}

    def __str__(self) -> str:
        """The counts, and the first violations by key."""
        named = [f"  {one.kind}: {one.key} ({one.where}) {list(one.versions)}" for one in self.violations[:10]]
        more = [f"  and {len(self.violations) - 10} more"] if len(self.violations) > 10 else []
        counts = f"{self.acknowledged} acknowledged, {self.lost} lost, {self.duplicated_in_effect} duplicated in effect"
        return "\n".join([counts, *named, *more])


def check(found: Evidence) -> Report:
    """Judge the evidence."""
    own = [record for record in found.records if not record.foreign]
    lost = _lost(found, own)
    twice = _duplicated(found)
    violations = [
        *(Violation(Kind.LOST, key, where, (version,)) for where, (key, version) in lost),
        *_differing(found, own),
        *_invented(found, own),
        *_out_of_order(own),
        *_backwards(found),
        *twice,
    ]
    return Report(
        acknowledged=len(found.acknowledged),
        ambiguous=len(found.ambiguous),
        lost=len({write for _, write in lost}),
        duplicated_in_effect=len(twice),
        records_twice=len(own) - len({record.write for record in own}),
        violations=violations,
    )


def latest(records: Iterable[Recorded]) -> dict[str, int]:
    """What the topic says of each key: the version of its last record, as compaction would keep it."""
    ordered = sorted(records, key=lambda record: (record.partition, record.offset))
    return {record.key: record.version for record in ordered}


def newest(writes: Iterable[Write]) -> dict[str, int]:
    """The highest version of each key."""
    highest: dict[str, int] = {}
    for key, version in writes:
        highest[key] = max(version, highest.get(key, version))
    return highest


def _places(found: Evidence, own: Sequence[Recorded]) -> dict[str, Mapping[str, int]]:
    places: dict[str, Mapping[str, int]] = {"database": found.rows, "topic": latest(own)}
    if found.projection is not None:
        places["projection"] = found.projection
    if found.documents is not None:
        places["index"] = newest(found.documents)
    return places


def _lost(found: Evidence, own: Sequence[Recorded]) -> list[tuple[str, Write]]:
    """A later version stands for all before it; but a topic that is whole must have each of them."""
    lost = [
        (place, write)
        for place, versions in _places(found, own).items()
        for write in found.acknowledged
        if versions.get(write.key, -1) < write.version
    ]
    sent = {record.write for record in own}
    missing = [("topic, every version", write) for write in found.acknowledged if write not in sent]
    return lost + (missing if found.whole_topic else [])


def _differing(found: Evidence, own: Sequence[Recorded]) -> list[Violation]:
    places = _places(found, own)
    return [
        Violation(Kind.DIFFERS, key, place, (versions.get(key, 0), version))
        for place, versions in places.items()
        for key, version in found.rows.items()
        if versions.get(key) != version
    ]


def _invented(found: Evidence, own: Sequence[Recorded]) -> list[Violation]:
    allowed = {*found.acknowledged, *found.ambiguous}
    everywhere: dict[str, Iterable[tuple[str, int]]] = {
        "database": found.rows.items(),
        "topic": (record.write for record in own),
        "projection": (found.projection or {}).items(),
        "index": found.documents or (),
        "reader": ((one.key, one.version) for one in found.seen),
    }
    return [
        Violation(Kind.INVENTED, key, place, (version,))
        for place, writes in everywhere.items()
        for key, version in dict.fromkeys(writes)
        if (key, version) not in allowed
    ]


def _out_of_order(own: Sequence[Recorded]) -> list[Violation]:
    """Repeats are allowed, even of several versions in a row; what comes for the first time must be newer."""
    by_key: dict[str, list[Recorded]] = defaultdict(list)
    for record in sorted(own, key=lambda record: (record.partition, record.offset)):
        by_key[record.key].append(record)
    wrong = []
    for key, records in by_key.items():
        first_seen = list(dict.fromkeys(record.version for record in records))
        for before, after in pairwise(first_seen):
            if after < before:
                wrong.append(Violation(Kind.OUT_OF_ORDER, key, "topic", (before, after)))
        if len({record.partition for record in records}) > 1:
            wrong.append(Violation(Kind.SCATTERED, key, "topic"))
    return wrong


def _backwards(found: Evidence) -> list[Violation]:
    highest: dict[tuple[str, str], int] = {}
    wrong = []
    for place, key, version in found.seen:
        before = highest.setdefault((place, key), version)
        if version < before:
            wrong.append(Violation(Kind.BACKWARDS, key, place, (before, version)))
        highest[place, key] = max(version, before)
    return wrong


def _duplicated(found: Evidence) -> list[Violation]:
    applied = Counter(found.effects)
    shown = Counter(key for key, _ in found.documents or ())
    return [
        *(Violation(Kind.DUPLICATED, key, "effect", (version,)) for (key, version), n in applied.items() if n > 1),
        *(Violation(Kind.DUPLICATED, key, "index") for key, n in shown.items() if n > 1),
    ]
