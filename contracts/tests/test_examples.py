"""Frozen example records: every class reads them as they were written, whatever happens to the class."""

import hashlib
import json
import re
from datetime import date, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from contracts import MESSAGES, TOPICS, AgreementRegistered, Message, decode, encode, freeze
from contracts.agreement_form import FIELD_PATHS, AgreementForm
from contracts.agreements import SUBMITTED
from rules.agreement_profiles import shipped
from rules.agreements import faults
from rules.personal_numbers import holds_personal_number

ROOT = Path(__file__).parents[1]
FILES = freeze.example_files(ROOT)
KINDS = {message.topic.name: message for message in MESSAGES}
RECORDED = next(path for path in FILES if path.parts[-3] == "agreement-registered")
"""An example of a draft, to do things to."""


def _each(files: list[Path]) -> pytest.MarkDecorator:
    names = [path.relative_to(ROOT / "examples").as_posix().removesuffix(".json") for path in files]
    return pytest.mark.parametrize("path", files, ids=names)


each_example = _each(FILES)
each_message_example = _each([path for path in FILES if path.parts[-3] != SUBMITTED.name])
each_sent_example = _each([path for path in FILES if path.parts[-3] == SUBMITTED.name])


def example_in(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def read(path: Path) -> tuple[type[Message], dict[str, Any]]:
    return KINDS[path.parts[-3]], example_in(path)


@each_message_example
def test_an_example_is_read_and_written_back_without_loss(path: Path):
    kind, example = read(path)
    message = decode(kind, example["headers"], example["key"].encode(), json.dumps(example["value"]).encode())
    at = datetime.fromisoformat(example["headers"]["ce_time"])
    again = encode(message, at=at, traceparent=example["headers"].get("traceparent"))
    assert json.loads(again.value) == example["value"]
    assert again.key == example["key"]
    assert {**again.headers, "ce_id": example["headers"]["ce_id"]} == example["headers"]


@each_sent_example
def test_what_a_region_sends_is_read_as_the_form_and_nothing_of_it_is_lost(path: Path):
    value = example_in(path)["value"]
    form = AgreementForm.model_validate_json(json.dumps(value))
    assert {
        name: one for name, one in form.model_dump(mode="json", exclude_unset=True).items() if name in value
    } == value


def test_what_a_region_sends_needs_no_headers_and_takes_a_trace():
    assert sorted(sorted(example_in(path)["headers"]) for path in FILES if path.parts[-3] == SUBMITTED.name) == [
        [],
        [],
        ["traceparent"],
    ]


def test_what_says_something_of_the_sending_is_not_kept_with_the_agreement():
    (path,) = [path for path in FILES if path.parts[-3:] == (SUBMITTED.name, "v1", "full.json")]
    value = example_in(path)["value"]
    kept = AgreementForm.model_validate_json(json.dumps(value)).as_json()
    assert value.keys() - kept.keys() == {"revision", "confidential"}


def test_what_a_region_sends_and_what_is_announced_have_the_same_fields_but_those_of_each_side():
    sent, announced = set(AgreementForm.model_fields), set(AgreementRegistered.model_fields)
    assert sent - announced == {"internal_note", "revision", "confidential"}
    assert announced - sent == {"version", "agreement_id", "status", "ended_on", "published_at", "changed_at"}


def test_what_regions_send_and_what_is_announced_of_them_is_right_by_the_rules_too():
    statutory = ("document_url", "services.*.contacts", "services.*.conditions.referral_required")
    sent = [example_in(path)["value"] for path in FILES if path.parts[-3:] == (SUBMITTED.name, "v1", "full.json")]
    announced = [example_in(path)["value"] for path in FILES if path.parts[-3] == "agreement-registered"]
    for value in (*sent, *(value for value in announced if value["status"] != "purged")):
        assert faults(value, today=date(2026, 3, 2)) == []
    (full,) = sent
    assert {field for field, _ in faults(full, mandatory=statutory)} == {
        "services.1.contacts",
        "services.1.conditions.referral_required",
    }


def test_every_field_that_a_shipped_profile_demands_is_one_of_the_form():
    assert {"document_url", "services.*.reimbursement.amount", "use_by_others.question"} <= FIELD_PATHS
    assert {path for profile in shipped().all for path in profile.mandatory} <= FIELD_PATHS
    shown = re.findall(
        r'^#:     "(.+)",$', (files("rules") / "agreement_profiles.toml").read_text("utf-8"), re.MULTILINE
    )
    assert len(shown) > 5
    assert set(shown) <= FIELD_PATHS


@each_example
def test_an_example_follows_the_schema(path: Path):
    schema = freeze.SCHEMAS[path.parts[-3]]
    Draft202012Validator(schema, format_checker=FormatChecker()).validate(example_in(path)["value"])


@each_example
def test_an_example_holds_headers_key_and_value_and_no_personal_number(path: Path):
    example = example_in(path)
    assert set(example) == {"headers", "key", "value"}
    assert not holds_personal_number(" ".join(text for text in texts(example["value"])))


def texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for part in value.values() for text in texts(part)]
    if isinstance(value, list):
        return [text for part in value for text in texts(part)]
    return [value] if isinstance(value, str) else []


def test_nothing_is_orphaned_every_topic_has_examples_and_every_folder_a_topic():
    names = {topic.name for topic in TOPICS}
    assert {path.parts[-3] for path in FILES} == names
    assert {path.name for path in (ROOT / "examples").iterdir()} == {*names, "frozen.sha256"}


@pytest.mark.parametrize("topic", sorted(freeze.SCHEMAS))
def test_every_field_is_filled_in_some_example_and_every_optional_one_is_empty_in_another(topic: str):
    values = [example_in(path)["value"] for path in FILES if path.parts[-3] == topic]
    schema = freeze.SCHEMAS[topic]
    assert len(values) >= 3
    for name, part in schema["properties"].items():
        assert any(value.get(name) not in (None, []) for value in values), f"{name} is never filled"
        if {"type": "null"} in part.get("anyOf", []):
            assert any(value.get(name) is None for value in values), f"{name} is never empty"


def test_examples_are_as_they_were_frozen():
    assert freeze.example_problems(ROOT) == []


@pytest.fixture
def frozen_folder(tmp_path: Path) -> Path:
    """A contracts folder with one recorded example."""
    source = RECORDED
    target = tmp_path / source.relative_to(ROOT)
    target.parent.mkdir(parents=True)
    target.write_bytes(source.read_bytes())
    freeze.freeze_examples(tmp_path)
    return tmp_path


def test_editing_a_frozen_example_is_refused_with_the_advice_to_add_a_new_one(frozen_folder: Path):
    path = freeze.example_files(frozen_folder)[0]
    path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    [problem] = freeze.example_problems(frozen_folder)
    assert path.name in problem
    assert "add a new example instead" in problem


def test_deleting_a_frozen_example_is_refused(frozen_folder: Path):
    freeze.example_files(frozen_folder)[0].unlink()
    [problem] = freeze.example_problems(frozen_folder)
    assert "was edited or deleted" in problem


def test_freezing_adds_new_examples_and_leaves_the_line_of_an_edited_one(frozen_folder: Path):
    path = freeze.example_files(frozen_folder)[0]
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_name("another.json").write_bytes(path.read_bytes())
    path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert freeze.freeze_examples(frozen_folder) == ["agreement-registered/v1/another.json"]
    lines = (frozen_folder / "examples" / "frozen.sha256").read_text(encoding="utf-8").splitlines()
    assert lines == sorted(lines, key=lambda line: line.split("  ")[1])
    assert any(line.startswith(before) and line.endswith(path.name) for line in lines)


def test_a_drafts_example_can_be_recorded_anew_and_a_frozen_contracts_cannot(frozen_folder: Path):
    path = freeze.example_files(frozen_folder)[0]
    path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    freeze.freeze_examples(frozen_folder, drafts=True)
    assert freeze.example_problems(frozen_folder) == []
    freeze.freeze_contract(frozen_folder, "agreement-registered")
    path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    freeze.freeze_examples(frozen_folder, drafts=True)
    assert len(freeze.example_problems(frozen_folder)) == 1


def test_an_example_that_the_class_no_longer_reads_is_named_with_its_field(frozen_folder: Path):
    path = freeze.example_files(frozen_folder)[0]
    example = json.loads(path.read_text(encoding="utf-8"))
    del example["value"]["region"]
    path.with_name("broken.json").write_text(json.dumps(example), encoding="utf-8")
    freeze.freeze_examples(frozen_folder)
    [problem] = freeze.example_problems(frozen_folder)
    assert "broken.json can no longer be read: region:" in problem
