"""Tells what changed in the facts about a topic (topics.yaml), and whether what lies on the topic still fits."""

from collections.abc import Iterator
from typing import Any

from contracts.changes import Breaks, Change

Row = dict[str, Any]

_AT_LEAST = {"retention.ms", "max.message.bytes"}
_HARMLESS = {"max.compaction.lag.ms", "min.compaction.lag.ms"}


def topic_changes(old: Row, new: Row) -> list[Change]:
    """Changes between two rows of topics.yaml of one name, fact by fact; empty when they are the same."""
    return sorted(_facts(old, new))


def _facts(old: Row, new: Row) -> Iterator[Change]:
    parked = old["kind"] == new["kind"] == "parked"
    if old["kind"] != new["kind"]:
        yield _fact("kind", old["kind"], new["kind"], ("topic",), "a state is one record per key, a log is every fact")
    if old["key"] != new["key"]:
        why = "one thing gets two keys: compaction keeps both records, and their order is lost"
        yield _fact("key", old["key"], new["key"], () if parked else ("topic",), "never read" if parked else why)
    if old["partitions"] != new["partitions"]:
        why = "a key moves to another partition: the order of its records is lost"
        breaks: tuple[Breaks, ...] = () if parked else ("topic",)
        yield _fact("partitions", old["partitions"], new["partitions"], breaks, "order is none" if parked else why)
    if old["producer"] != new["producer"]:
        why = "readers do not look at it; the new producer's versions must go on rising"
        yield _fact("producer", old["producer"], new["producer"], (), why)
    yield from _readers(old["consumers"], new["consumers"])
    for name in sorted({*old["config"], *new["config"]}):
        before, after = old["config"].get(name), new["config"].get(name)
        if before != after:
            breaks, why = _setting(name, before, after)
            yield _fact(name, before, after, breaks, why)


def _readers(old: list[str], new: list[str]) -> Iterator[Change]:
    for name in sorted(set(new) - set(old)):
        yield Change("topic", "consumers", "added", f"added: {name}", (), "it reads from the beginning")
    for name in sorted(set(old) - set(new)):
        yield Change("topic", "consumers", "removed", f"removed: {name}", (), "its parked topic and offsets can go")


def _setting(name: str, old: str | None, new: str | None) -> tuple[tuple[Breaks, ...], str]:
    if name == "cleanup.policy":
        gone = (
            "the last state of a thing is deleted with age" if new == "delete" else "all but the last fact are dropped"
        )
        return ("topic",), gone
    if name in _AT_LEAST:
        if _size(name, new) < _size(name, old):
            return ("topic",), "records are deleted sooner" if name == "retention.ms" else "large records are refused"
        return (), "keeps and takes at least what it did"
    if name in _HARMLESS:
        return (), "only when compaction runs"
    return ("unjudged",), "no rule is known for this setting"


def _size(name: str, value: str | None) -> float:
    # Not set means Kafka's own: a week, and 1 MiB with what surrounds it. -1 means for ever.
    own = {"retention.ms": 7 * 24 * 60 * 60 * 1000, "max.message.bytes": 1024 * 1024 + 12}
    size = own[name] if value is None else int(value)
    return float("inf") if size < 0 else size


def _fact(name: str, old: Any, new: Any, breaks: tuple[Breaks, ...], why: str) -> Change:
    what = f"{'not set' if old is None else old} → {'not set' if new is None else new}"
    return Change("topic", name, "changed", what, breaks, why)
