"""A record's key is its message's own: compaction and every reader's upsert go by it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from contracts import MESSAGES, CodeUpdated, Message, Unreadable, WaittimeUpdated, decode, encode, reader
from contracts.envelope import event_type

ROOT = Path(__file__).parents[1]
PERSON = "191212121212"
each_message = pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.topic.name)


@dataclass(frozen=True)
class Record:
    headers: Mapping[str, str]
    key: bytes | None
    value: bytes


def record(message: type[Message], **changes: Any) -> Record:
    """The first example of a topic, as it arrives."""
    example = json.loads(min((ROOT / "examples" / message.topic.name / "v1").glob("*.json")).read_text("utf-8"))
    return Record({"ce_type": event_type(message)}, example["key"].encode(), json.dumps(example["value"]).encode())


def value(message: type[Message]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(record(message).value)
    return found


@each_message
def test_the_key_is_the_things_own_id_in_key_subject_and_partition_key(message: type[Message]):
    envelope = encode(message.model_validate(value(message)), at=datetime(2026, 3, 2, tzinfo=UTC))
    assert envelope.key.encode() == record(message).key
    assert envelope.key == envelope.headers["ce_subject"] == envelope.headers["ce_partitionkey"]


def test_a_waiting_times_key_tells_whose_wait_of_what_is_measured_and_who_pays():
    wait = value(WaittimeUpdated)
    of_all = WaittimeUpdated.model_validate({**wait, "paying_region": None})
    of_one = WaittimeUpdated.model_validate({**wait, "paying_region": "12"})
    assert of_all.key().endswith("|-")
    assert of_one.key().endswith("|12")
    assert of_one.key().startswith(f"{wait['subject']['id']}|vt-demo|kataraktoperation|")


@each_message
def test_a_reader_takes_a_record_that_lies_under_its_own_key(message: type[Message]):
    arrived = record(message)
    found = reader(message)(arrived)
    assert found == decode(message, arrived.headers, arrived.key, arrived.value)
    assert found.key().encode() == arrived.key


@each_message
@pytest.mark.parametrize("key", [None, b"", PERSON.encode(), b"\xff\xfe"], ids=repr)
def test_a_wrong_or_missing_record_key_is_unreadable_and_not_repeated(message: type[Message], key: bytes | None):
    arrived = record(message)
    with pytest.raises(Unreadable, match=r"^the record key is not the message's own$"):
        reader(message)(Record(arrived.headers, key, arrived.value))


@given(st.binary())
def test_only_one_key_is_right(key: bytes):
    arrived = record(CodeUpdated)
    if key == arrived.key:
        return
    with pytest.raises(Unreadable):
        reader(CodeUpdated)(Record(arrived.headers, key, arrived.value))


def test_bad_data_is_told_before_a_wrong_key():
    broken = {name: part for name, part in value(CodeUpdated).items() if name != "status"}
    with pytest.raises(Unreadable, match=r"^status: Field required$"):
        decode(CodeUpdated, record(CodeUpdated).headers, b"another", json.dumps(broken).encode())


def code(system: str, written: str) -> CodeUpdated:
    return CodeUpdated.model_validate({**value(CodeUpdated), "system": system, "code": written})


@pytest.mark.parametrize(
    ("system", "written", "key"),
    [
        ("kva", " cje20 ", "kva|CJE20"),
        ("icd", "h251", "icd|H25.1"),
        ("vt", "60621009", "vt|60621009"),
        ("postal-code", "431 80", "postal-code|43180"),
        ("municipality", "1481", "municipality|1481"),
        ("care-area", " katarakt ", "care-area|katarakt"),
    ],
)
def test_a_code_lies_under_its_normal_form_however_it_was_written(system: str, written: str, key: str):
    assert code(system, written).key() == key


@pytest.mark.parametrize(
    ("system", "bad"),
    [("vt-demo", "a|b"), ("care-area", "|"), ("x-later", "a|"), ("kva", "CJE20|"), ("icd", "H25|1"), ("vt-demo", " ")],
)
def test_a_code_that_would_break_its_key_is_refused_at_its_field(system: str, bad: str):
    with pytest.raises(ValidationError) as error:
        code(system, bad)
    assert [row["loc"] for row in error.value.errors()] == [("code",)]


@given(st.sampled_from(["kva", "icd", "vt", "vt-demo", "municipality", "postal-code", "x-later"]), st.text(min_size=1))
def test_whatever_code_is_taken_its_key_has_two_parts_and_stays(system: str, written: str):
    try:
        message = code(system, written)
    except ValidationError:
        return
    assert message.key().split("|") == [system, message.code]
    assert code(system, message.code).key() == message.key()


def test_a_code_of_an_unreadable_system_is_told_at_the_system():
    with pytest.raises(ValidationError) as error:
        code("KVÅ", "CJE20")
    assert [row["loc"] for row in error.value.errors()] == [("system",)]
