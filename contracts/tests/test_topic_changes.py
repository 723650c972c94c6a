"""Changed facts of a topic: told each, and called breaking when records that lie on it no longer fit."""

from typing import Any

import pytest

from contracts import MESSAGES, Topic
from contracts.generate import declared
from contracts.topic_changes import topic_changes


def row(**facts: Any) -> dict[str, Any]:
    topic = Topic(**{"name": "t", "kind": "state", "key": "the id", "producer": "p", "consumers": ("a",), **facts})
    return declared([topic])[0]


def settings(**config: str) -> dict[str, Any]:
    return {**row(), "config": {name.replace("_", "."): value for name, value in config.items()}}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (row(), row(), set()),
        (row(), row(key="the name"), {("key", "the id → the name", ("topic",))}),
        (row(), row(partitions=12), {("partitions", "6 → 12", ("topic",))}),
        (row(partitions=12), row(), {("partitions", "12 → 6", ("topic",))}),
        (row(), row(producer="q"), {("producer", "p → q", ())}),
        (row(), row(consumers=("b",)), {("consumers", "added: b", ()), ("consumers", "removed: a", ())}),
        (
            row(),
            row(kind="log"),
            {
                ("kind", "state → log", ("topic",)),
                ("cleanup.policy", "compact → delete", ("topic",)),
                ("max.compaction.lag.ms", "86400000 → not set", ()),
                ("min.compaction.lag.ms", "0 → not set", ()),
                ("retention.ms", "not set → -1", ()),
            },
        ),
        (
            row(kind="log"),
            row(kind="log", retention_days=1),
            {("retention.ms", "-1 → 86400000", ("topic",))},
        ),
        (
            row(kind="log", retention_days=1),
            row(kind="log", retention_days=2),
            {("retention.ms", "86400000 → 172800000", ())},
        ),
        (settings(), settings(max_message_bytes="5"), {("max.message.bytes", "not set → 5", ("topic",))}),
        (settings(max_message_bytes="5"), settings(), {("max.message.bytes", "5 → not set", ())}),
        (settings(), settings(segment_ms="5"), {("segment.ms", "not set → 5", ("unjudged",))}),
    ],
)
def test_each_fact_is_told_with_whether_it_breaks(old: dict[str, Any], new: dict[str, Any], told: set[Any]):
    found = topic_changes(old, new)
    assert {(change.path, change.what, change.breaks) for change in found} == told
    assert all(change.about == "topic" and change.why for change in found)


def test_the_order_of_parked_records_is_no_promise():
    parked = declared(message.topic for message in MESSAGES)[1]
    assert parked["kind"] == "parked"
    (change,) = topic_changes(parked, {**parked, "partitions": 3})
    assert change.breaks == ()
