"""What the topic facts say of producers and readers is what the services do."""

import importlib
import json
from pathlib import Path

import pytest

from contracts import MESSAGES, Message
from kit.consumer import Handler, Record

EXAMPLES = Path(__file__).parents[2] / "contracts" / "examples"
READERS = {"agreements": "agreements.consumer", "search": "search.consumer"}


def _handlers(service: str) -> dict[str, Handler]:
    return dict(importlib.import_module(READERS[service]).HANDLERS)


@pytest.mark.parametrize("service", READERS)
def test_a_service_subscribes_to_exactly_the_topics_that_name_it_as_a_reader(service: str):
    declared = {message.topic.name for message in MESSAGES if service in message.topic.consumers}
    assert set(_handlers(service)) == declared


def test_every_declared_reader_is_a_service_with_a_consumer():
    assert {reader for message in MESSAGES for reader in message.topic.consumers} == set(READERS)


@pytest.mark.parametrize(
    ("service", "message"),
    [(service, message) for message in MESSAGES for service in message.topic.consumers],
    ids=lambda value: value if isinstance(value, str) else value.topic.name,
)
def test_each_reader_reads_every_frozen_example_of_every_version(service: str, message: type[Message]):
    files = sorted((EXAMPLES / message.topic.name).rglob("*.json"))
    assert files
    for file in files:
        example = json.loads(file.read_text(encoding="utf-8"))
        record = Record(
            topic=message.topic.name,
            partition=0,
            offset=0,
            key=example["key"].encode(),
            value=json.dumps(example["value"]).encode(),
            headers=example["headers"],
        )
        read = _handlers(service)[message.topic.name].decode(record)
        assert isinstance(read, message)
        assert read.key() == example["key"]
