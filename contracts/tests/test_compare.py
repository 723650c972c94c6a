"""`python -m contracts compare`: what changed since an older version, and whom it breaks."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from contracts import TOPICS
from contracts.__main__ import main

SCHEMA = "schema/care-unit-updated.json"


def without_field(folder: Path, path: str, field: str) -> None:
    """Take a field out of an older schema, as if the class had got it since."""
    schema = json.loads((folder / path).read_text(encoding="utf-8"))
    del schema["properties"][field]
    if field in schema["required"]:
        schema["required"].remove(field)
    (folder / path).write_text(json.dumps(schema), encoding="utf-8")


def commit(folder: Path) -> None:
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "old"]):
        author = ["-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", "-C", folder, *author, *command], check=True)


def test_compare_shows_each_change_with_whom_it_breaks_and_why(
    folder: Path, old: Path, capsys: pytest.CaptureFixture[str]
):
    without_field(old, SCHEMA, "name")
    assert main(["compare", "--base", str(old)], folder) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "care-unit-updated (draft): BREAKS in 1 of 1 change"
    assert [" ".join(line.split()) for line in lines[1:3]] == [
        "WHERE CHANGE BREAKS WHY",
        "name added, required: text backward may be missing, the reader requires it",
    ]
    assert lines[3:] == [
        "backward: new readers refuse old messages",
        "drafts may break (--strict, in make STRICT=1, forbids it): care-unit-updated",
    ]


def test_a_draft_may_break_unless_strict_and_a_frozen_contract_may_not(
    folder: Path, old: Path, capsys: pytest.CaptureFixture[str]
):
    without_field(old, SCHEMA, "name")
    assert main(["compare", "--base", str(old)], folder) == 0
    assert main(["compare", "--base", str(old), "--strict"], folder) == 1
    assert main(["freeze", "care-unit-updated"], folder) == 0
    capsys.readouterr()
    assert main(["compare", "--base", str(old)], folder) == 1
    out = capsys.readouterr().out
    assert "care-unit-updated (frozen): BREAKS" in out
    assert out.endswith("broken: care-unit-updated\n")


def test_a_contract_does_not_escape_by_being_unfrozen(folder: Path, old: Path, capsys: pytest.CaptureFixture[str]):
    main(["freeze", "care-unit-updated"], old)
    capsys.readouterr()
    assert main(["compare", "--base", str(old)], folder) == 1
    assert "(contract)  frozen → draft  backward, forward  what it promised is withdrawn" in capsys.readouterr().out


def test_a_harmless_change_of_a_frozen_contract_passes_even_strictly(
    folder: Path, old: Path, capsys: pytest.CaptureFixture[str]
):
    main(["freeze", "code-updated"], folder)
    file = old / "schema" / "code-updated.json"
    schema = json.loads(file.read_text(encoding="utf-8"))
    schema["properties"]["status"]["x-extensible-enum"].remove("retired")
    schema["properties"]["status"]["description"] = "Older words."
    file.write_text(json.dumps(schema), encoding="utf-8")
    capsys.readouterr()
    assert main(["compare", "--base", str(old), "--strict"], folder) == 0
    out = capsys.readouterr().out
    assert "code-updated (frozen): breaks nobody" in out
    assert "words added: retired" in out
    assert "1 change of descriptions and examples only: --all shows them" in out
    assert main(["compare", "--base", str(old), "--all"], folder) == 0
    assert "description: taken away" in capsys.readouterr().out


def test_a_removed_contract_breaks_and_a_new_one_breaks_nobody(
    folder: Path, old: Path, capsys: pytest.CaptureFixture[str]
):
    shutil.copy(old / SCHEMA, old / "schema" / "gone-updated.json")
    (old / "schema" / "case-step-changed.json").unlink()
    assert main(["compare", "--base", str(old), "--json"], folder) == 0
    told = json.loads(capsys.readouterr().out)
    assert [(one["topic"], one["breaking"], one["changes"][0]["what"]) for one in told["contracts"]] == [
        ("case-step-changed", False, "new"),
        ("gone-updated", True, "removed"),
    ]


def test_a_topic_with_another_key_or_another_number_of_partitions_breaks(
    folder: Path, old: Path, capsys: pytest.CaptureFixture[str]
):
    file = old / "src" / "contracts" / "topics.yaml"
    text = file.read_text(encoding="utf-8").replace("key: the unit's HSA-id", "key: the unit's name")
    file.write_text(text.replace("partitions: 6", "partitions: 3"), encoding="utf-8")
    main(["freeze", "care-unit-updated"], folder)
    capsys.readouterr()
    assert main(["compare", "--base", str(old)], folder) == 1
    out = capsys.readouterr().out
    assert "the unit's name → the unit's HSA-id  topic" in out
    assert out.count("3 → 6") == sum(topic.partitions == 6 for topic in TOPICS)
    assert out.splitlines()[-2] == "broken: care-unit-updated"


def test_an_older_example_that_the_class_refuses_is_a_break_though_the_schemas_agree(
    folder: Path, old: Path, capsys: pytest.CaptureFixture[str]
):
    example = old / "examples" / "code-updated" / "v1" / "kva-with-maps.json"
    record = json.loads(example.read_text(encoding="utf-8"))
    example.write_text(json.dumps({**record, "key": "kva|other"}), encoding="utf-8")
    assert main(["compare", "--base", str(old), "--json"], folder) == 0
    (contract,) = json.loads(capsys.readouterr().out)["contracts"]
    (change,) = contract["changes"]
    assert (change["about"], change["path"], change["breaks"]) == ("example", "v1/kva-with-maps.json", ["backward"])
    assert change["why"] == "the record key is not the message's own"


def test_examples_that_were_added_edited_or_deleted_are_told(
    folder: Path, old: Path, capsys: pytest.CaptureFixture[str]
):
    examples = folder / "examples" / "code-updated" / "v1"
    shutil.copy(examples / "care-area.json", examples / "one-more.json")
    (examples / "postal-code.json").write_text((examples / "care-area.json").read_text())
    (examples / "kva-with-maps.json").unlink()
    assert main(["compare", "--base", str(old), "--strict", "--json"], folder) == 0
    (contract,) = json.loads(capsys.readouterr().out)["contracts"]
    assert {(change["path"], change["what"]) for change in contract["changes"]} == {
        ("v1/one-more.json", "new"),
        ("v1/postal-code.json", "edited"),
        ("v1/kva-with-maps.json", "deleted"),
    }


def test_json_names_what_fails_and_holds_every_change(folder: Path, old: Path, capsys: pytest.CaptureFixture[str]):
    without_field(old, SCHEMA, "name")
    assert main(["compare", "--base", str(old), "--json", "--strict"], folder) == 1
    assert json.loads(capsys.readouterr().out) == {
        "base": str(old),
        "contracts": [
            {
                "topic": "care-unit-updated",
                "state": "draft",
                "breaking": True,
                "changes": [
                    {
                        "about": "message",
                        "path": "name",
                        "kind": "added",
                        "what": "added, required: text",
                        "breaks": ["backward"],
                        "why": "may be missing, the reader requires it",
                    }
                ],
            }
        ],
        "failing": ["care-unit-updated"],
    }


def test_nothing_changed_is_one_line(folder: Path, old: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["compare", "--base", str(old)], folder) == 0
    assert capsys.readouterr().out == f"no contract changed since {old}\n"


def test_compare_reads_a_git_revision_whatever_lies_in_the_working_copy(
    folder: Path, capsys: pytest.CaptureFixture[str]
):
    main(["freeze", "waittime-updated"], folder)
    without_field(folder, SCHEMA, "name")
    (folder / "schema" / "case-step-changed.json").unlink()
    commit(folder)
    shutil.rmtree(folder / "schema")
    capsys.readouterr()
    assert main(["compare", "--base", "HEAD"], folder) == 0
    out = capsys.readouterr().out
    assert "care-unit-updated (draft): BREAKS" in out
    assert "case-step-changed (draft): breaks nobody" in out
    assert "waittime-updated" not in out
    shutil.rmtree(folder / "frozen")
    assert main(["compare", "--base", "HEAD"], folder) == 1
    assert "waittime-updated (frozen): BREAKS" in capsys.readouterr().out


def test_a_folder_or_a_revision_without_contracts_is_one_line_and_code_2(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
):
    assert main(["compare", "--base", str(tmp_path_factory.mktemp("empty"))], folder) == 2
    shutil.rmtree(folder / "schema")
    commit(folder)
    assert main(["compare", "--base", "HEAD"], folder) == 2
    errors = capsys.readouterr().err.splitlines()
    assert [error.split(" holds ")[1] for error in errors] == ["no contracts: a contracts folder has schema/*.json"] * 2


def test_an_older_file_that_is_no_json_is_one_line_and_code_2(
    folder: Path, old: Path, capsys: pytest.CaptureFixture[str]
):
    (old / SCHEMA).write_text("{")
    assert main(["compare", "--base", str(old)], folder) == 2
    assert capsys.readouterr().err.startswith(f"contracts: {old} holds a file that cannot be read: ")


@pytest.mark.parametrize("base", ["no-such-revision", "--output=x"])
def test_a_base_that_does_not_exist_is_one_line_and_code_2(folder: Path, base: str, capsys: pytest.CaptureFixture[str]):
    subprocess.run(["git", "-C", folder, "init", "-q"], check=True)
    assert main(["compare", f"--base={base}"], folder) == 2
    error = capsys.readouterr().err
    assert error == f"contracts: git: there is no revision {base}\n"


FORM = "schema/agreement-submitted.json"


def test_what_regions_write_may_get_a_new_field_though_the_form_takes_no_unknown_ones(
    folder: Path, old: Path, capsys: pytest.CaptureFixture[str]
):
    without_field(old, FORM, "internal_note")
    main(["freeze", "agreement-submitted"], folder)
    capsys.readouterr()
    assert main(["compare", "--base", str(old), "--strict"], folder) == 0
    out = capsys.readouterr().out
    assert "agreement-submitted (frozen): breaks nobody" in out
    assert "the only reader is ours, and as new as this" in out


def test_a_field_that_regions_already_send_cannot_go_and_none_can_become_required(
    folder: Path, old: Path, capsys: pytest.CaptureFixture[str]
):
    schema = json.loads((old / FORM).read_text(encoding="utf-8"))
    schema["properties"]["diary_number"] = {"type": "string"}
    schema["required"].remove("name")
    (old / FORM).write_text(json.dumps(schema), encoding="utf-8")
    main(["freeze", "agreement-submitted"], folder)
    capsys.readouterr()
    assert main(["compare", "--base", str(old), "--json"], folder) == 1
    told = json.loads(capsys.readouterr().out)
    (contract,) = told["contracts"]
    fields = {change["path"]: change["breaks"] for change in contract["changes"] if change["about"] == "message"}
    assert fields == {"diary_number": ["backward"], "name": ["backward"]}
    assert told["failing"] == ["agreement-submitted"]


def test_an_older_sending_that_the_form_refuses_now_is_a_break(
    folder: Path, old: Path, capsys: pytest.CaptureFixture[str]
):
    example = old / "examples" / "agreement-submitted" / "v1" / "minimal.json"
    record = json.loads(example.read_text(encoding="utf-8"))
    record["value"]["diary_number"] = "1"
    example.write_text(json.dumps(record), encoding="utf-8")
    assert main(["compare", "--base", str(old), "--json", "--strict"], folder) == 1
    (contract,) = json.loads(capsys.readouterr().out)["contracts"]
    (change,) = contract["changes"]
    assert (change["path"], change["breaks"]) == ("v1/minimal.json", ["backward"])
    assert change["why"].startswith("diary_number: ")


def test_a_pair_of_topics_per_region_is_compared_once(folder: Path, old: Path, capsys: pytest.CaptureFixture[str]):
    file = old / "src" / "contracts" / "topics.yaml"
    text = file.read_text(encoding="utf-8").replace("retention.ms: '604800000'", "retention.ms: '1209600000'")
    file.write_text(text, encoding="utf-8")
    assert main(["compare", "--base", str(old), "--json"], folder) == 0
    contracts = {one["topic"]: one["changes"] for one in json.loads(capsys.readouterr().out)["contracts"]}
    assert {topic: [change["path"] for change in found] for topic, found in contracts.items()} == {
        "agreement-answered": ["retention.ms"],
        "agreement-submitted": ["retention.ms", "parked-agreements retention.ms"],
    }


def test_the_frozen_form_may_grow_and_not_shrink(folder: Path, old: Path, capsys: pytest.CaptureFixture[str]):
    main(["freeze", "agreement-submitted"], folder)
    frozen = "frozen/agreement-submitted.v1.json"
    without_field(folder, frozen, "internal_note")
    assert main(["check"], folder) == 1
    assert "changed compatibly; record it with `python -m contracts freeze agreement-submitted`" in (
        capsys.readouterr().out
    )
    assert main(["freeze", "agreement-submitted"], folder) == 0
    schema = json.loads((folder / frozen).read_text(encoding="utf-8"))
    schema["properties"]["diary_number"] = {"type": "string"}
    (folder / frozen).write_text(json.dumps(schema), encoding="utf-8")
    assert main(["freeze", "agreement-submitted"], folder) != 0
