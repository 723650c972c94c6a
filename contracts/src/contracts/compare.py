"""Everything that changed in the contracts since an older version: messages, topic facts, examples; as text or JSON."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from contracts import TOPICS, freeze
from contracts.changes import QUIET, Change, changes
from contracts.generate import declared
from contracts.older import Older
from contracts.topic_changes import topic_changes
from rules.regions import REGIONS

_LEGEND = {
    "backward": "new readers refuse old messages",
    "forward": "old readers refuse new messages",
    "topic": "what lies on the topic no longer fits",
    "unjudged": "cannot be told, so it counts as breaking",
}
_WIDEST = 60


@dataclass(frozen=True)
class Compared:
    """What changed in one contract. It is frozen when it is so now, or was in the older version."""

    topic: str
    frozen: bool
    changes: list[Change]

    @property
    def breaking(self) -> bool:
        return any(change.breaks for change in self.changes)


def compare(old: Older, root: Path) -> list[Compared]:
    """Every contract that changed between the older version and the current classes, in the order of the topics."""
    frozen_now = frozenset(freeze.frozen_contracts(root))
    rows = {row["name"]: row for row in declared(TOPICS)}
    found = []
    for topic in [*freeze.SCHEMAS, *sorted({*old.schemas} - {*freeze.SCHEMAS})]:
        told = [*_contract(topic, old, frozen_now), *_topics(topic, old.topics, rows), *_examples(topic, old, root)]
        if told:
            found.append(Compared(topic, topic in frozen_now or topic in old.frozen, told))
    return found


def _contract(topic: str, old: Older, frozen_now: frozenset[str]) -> Iterator[Change]:
    if topic in old.frozen - frozen_now and topic in freeze.SCHEMAS:
        why = "what it promised is withdrawn"
        yield Change("contract", "", "changed", "frozen → draft", ("backward", "forward"), why)
    elif topic in frozen_now - old.frozen:
        yield Change("contract", "", "changed", "draft → frozen", (), "from now on it only grows")
    if topic not in freeze.SCHEMAS:
        why = "no class reads or writes its messages any more"
        yield Change("contract", "", "removed", "removed", ("backward", "forward"), why)
    elif topic not in old.schemas:
        yield Change("contract", "", "added", "new", (), "nobody has read or written it before")
    else:
        found = changes(old.schemas[topic], freeze.SCHEMAS[topic])
        yield from map(_of_regions, found) if topic in freeze.WRITTEN_BY_REGIONS else found


def _of_regions(change: Change) -> Change:
    if change.breaks != ("forward",):
        return replace(change, breaks=tuple(who for who in change.breaks if who != "forward"))
    return replace(change, breaks=(), why="the only reader is ours, and as new as this")


def _topics(topic: str, old: dict[str, dict[str, Any]], new: dict[str, dict[str, Any]]) -> Iterator[Change]:
    """Facts of the topic and of its parked topics; of those there is one of per region, the first one's."""
    if topic not in new:
        topic = f"{topic}-{next(iter(REGIONS))}"
    if topic in old and topic in new:
        yield from topic_changes(old[topic], new[topic])
    for name in sorted(name for name in {*old} & {*new} if name.startswith(f"{topic}-parked-")):
        for change in topic_changes(old[name], new[name]):
            group = name.removeprefix(f"{topic}-")
            yield Change("topic", f"{group} {change.path}", change.kind, change.what, change.breaks, change.why)


def _examples(topic: str, old: Older, root: Path) -> Iterator[Change]:
    if topic not in freeze.SCHEMAS or topic not in old.schemas:
        return
    folder = root / "examples" / topic
    before = old.examples.get(topic, {})
    now = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*.json"))}
    for name, text in before.items():
        if (reason := freeze.why_unreadable(topic, text)) is not None:
            yield Change("example", name, "changed", "can no longer be read", ("backward",), reason)
        elif name not in now:
            yield Change("example", name, "removed", "deleted", (), "it can still be read")
        elif now[name].read_text(encoding="utf-8") != text:
            yield Change("example", name, "changed", "edited", (), "as it was it can still be read")
    for name in now.keys() - before.keys():
        yield Change("example", name, "added", "new", (), "one more that stays readable")


def as_json(base: str, found: list[Compared], failing: Iterable[str]) -> dict[str, Any]:
    """The comparison for machines; `failing` are the topics that make it fail."""
    contracts = [
        {
            "topic": one.topic,
            "state": _state(one),
            "breaking": one.breaking,
            "changes": [asdict(change) for change in one.changes],
        }
        for one in found
    ]
    return {"base": base, "contracts": contracts, "failing": list(failing)}


def as_text(found: list[Compared], *, quiet_too: bool) -> Iterator[str]:
    """The comparison as aligned tables, a table a contract; changes of mere words only when asked for."""
    for one in found:
        loud = [change for change in one.changes if quiet_too or change.kind not in QUIET]
        breaking = sum(bool(change.breaks) for change in one.changes)
        verdict = f"BREAKS in {breaking} of {_count(len(one.changes))}" if breaking else "breaks nobody"
        yield f"{one.topic} ({_state(one)}): {verdict}"
        cells = [(_place(row), row.what, ", ".join(row.breaks) or "nobody", row.why) for row in loud]
        if cells:
            table = [("WHERE", "CHANGE", "BREAKS", "WHY"), *cells]
            widths = [min(_WIDEST, max(len(row[column]) for row in table)) for column in range(3)]
            for row in table:
                padded = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False))
                yield f"  {padded}  {row[3]}"
        if hidden := len(one.changes) - len(loud):
            yield f"  {_count(hidden)} of descriptions and examples only: --all shows them"
    used = {who for one in found for change in one.changes for who in change.breaks}
    yield from (f"{who}: {meaning}" for who, meaning in _LEGEND.items() if who in used)


def _count(number: int) -> str:
    return f"{number} change{'' if number == 1 else 's'}"


def _state(one: Compared) -> str:
    return "frozen" if one.frozen else "draft"


def _place(change: Change) -> str:
    path = change.path or f"({change.about})"
    return f"{change.about} {path}" if change.about in {"topic", "example"} else path
