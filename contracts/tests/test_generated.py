"""The generated files are current, valid, and refer only to what exists."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from contracts import MESSAGES, TOPICS, freeze, generate
from contracts.schema import message_schema
from contracts.topics import parked
from rules.regions import REGIONS

ROOT = Path(__file__).parents[1]
_FILE = ROOT / "src" / "contracts" / "topics.yaml"
DECLARED: list[dict[str, Any]] = yaml.safe_load(_FILE.read_text(encoding="utf-8"))["topics"]
ASYNCAPI: dict[str, Any] = yaml.safe_load((ROOT / "asyncapi.yaml").read_text(encoding="utf-8"))


def references(part: Any) -> list[str]:
    """Every $ref anywhere in a document."""
    if isinstance(part, list):
        return [found for item in part for found in references(item)]
    if not isinstance(part, dict):
        return []
    own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
    return own + [found for item in part.values() for found in references(item)]


def pointed_at(document: Any, reference: str) -> Any:
    for name in reference.removeprefix("#/").split("/"):
        document = document[name]
    return document


def test_generated_files_are_current():
    assert [str(path.relative_to(ROOT)) for path in generate.stale(ROOT)] == []


def test_generating_twice_gives_the_same_bytes():
    assert generate.generated(ROOT) == generate.generated(ROOT)


def test_a_stale_a_missing_and_an_orphaned_file_are_named_and_put_right(tmp_path: Path):
    assert len(generate.write(tmp_path)) == len(freeze.SCHEMAS) + 2
    (tmp_path / "schema" / "care-unit-updated.json").write_text("{}")
    (tmp_path / "schema" / "gone-updated.json").write_text("{}")
    (tmp_path / "asyncapi.yaml").unlink()
    names = {"schema/care-unit-updated.json", "schema/gone-updated.json", "asyncapi.yaml"}
    assert {path.relative_to(tmp_path).as_posix() for path in generate.stale(tmp_path)} == names
    generate.write(tmp_path)
    assert generate.stale(tmp_path) == []


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.topic.name)
def test_every_schema_is_valid_and_every_reference_in_it_resolves(message):
    schema = message_schema(message)
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"urn:vardformedling:schema:{message.topic.name}:1"
    for reference in references(schema):
        assert pointed_at(schema, reference)["type"] == "object"


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.topic.name)
def test_no_field_of_a_draft_has_a_default_so_that_a_writer_cannot_forget_one(message):
    schema = message_schema(message)
    for part in (schema, *schema["$defs"].values()):
        assert sorted(part["required"]) == sorted(part["properties"])


def test_the_meaning_written_below_a_field_reaches_the_schema():
    schema = message_schema(next(message for message in MESSAGES if message.topic.name == "agreement-registered"))
    assert schema["properties"]["care_provider"]["description"] == "None for own provision."


def test_every_asyncapi_reference_resolves():
    for reference in references(ASYNCAPI):
        assert pointed_at(ASYNCAPI, reference)


def test_asyncapi_has_the_required_fields_and_no_unknown_ones():
    assert ASYNCAPI["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= set(ASYNCAPI["info"])
    assert set(ASYNCAPI) <= {"asyncapi", "id", "info", "defaultContentType", "channels", "operations", "components"}
    for channel in ASYNCAPI["channels"].values():
        assert set(channel) <= {"address", "title", "description", "messages", "parameters", "bindings"}
    for operation in ASYNCAPI["operations"].values():
        assert set(operation) <= {"action", "channel", "title", "messages", "bindings"}
        assert operation["action"] in {"send", "receive"}
    for message in ASYNCAPI["components"]["messages"].values():
        known = {"name", "title", "summary", "description", "contentType", "headers", "payload", "bindings"}
        assert set(message) <= known


def test_every_operation_names_messages_of_its_own_channel():
    for operation in ASYNCAPI["operations"].values():
        for message in operation["messages"]:
            assert message["$ref"].startswith(operation["channel"]["$ref"] + "/messages/")


def test_every_topic_has_one_sender_and_one_receiver_per_consumer():
    seen = [(row["action"], row["channel"]["$ref"].rsplit("/", 1)[1]) for row in ASYNCAPI["operations"].values()]
    for message in MESSAGES:
        assert seen.count(("send", message.topic.name)) == 1
        assert seen.count(("receive", message.topic.name)) == len(message.topic.consumers)


def test_component_names_fit_asyncapi():
    for kind in ASYNCAPI["components"].values():
        assert all(name.replace("_", "").replace("-", "").replace(".", "").isalnum() for name in kind)


def test_payloads_use_only_what_asyncapis_older_schema_dialect_knows():
    newer = {"prefixItems", "unevaluatedProperties", "unevaluatedItems", "dependentSchemas", "$defs"}

    def keywords(part: Any) -> set[str]:
        if isinstance(part, list):
            return {key for item in part for key in keywords(item)}
        return (
            set(part) | {key for item in part.values() for key in keywords(item)} if isinstance(part, dict) else set()
        )

    assert keywords(ASYNCAPI["components"]["schemas"]) & newer == set()


def test_topics_yaml_holds_every_topic_and_the_parked_topic_of_each_consumer_group():
    expected = [name for topic in TOPICS for name in topic.names()]
    expected += [parked(name, group) for topic in TOPICS for name in topic.names() for group in topic.consumers]
    assert sorted(topic["name"] for topic in DECLARED) == sorted(expected)


def test_parked_topics_keep_their_records_for_thirty_days_in_one_partition_and_regions_sendings_for_seven():
    parked = [topic for topic in DECLARED if topic["kind"] == "parked"]
    assert {"-parked-" in topic["name"] for topic in parked} == {True}
    for topic in parked:
        days = 7 if topic["name"].startswith("agreement-submitted-") else 30
        assert topic["partitions"] == 1
        assert topic["config"]["cleanup.policy"] == "delete"
        assert topic["config"]["retention.ms"] == str(days * 24 * 3600 * 1000)


def test_each_region_has_its_own_pair_of_topics_in_one_partition_for_seven_days():
    for name, producer, consumers in (
        ("agreement-submitted", "the region", ["agreements"]),
        ("agreement-answered", "agreements", []),
    ):
        of_regions = {row["name"]: row for row in DECLARED if row["name"].startswith(name) and row["kind"] != "parked"}
        assert sorted(of_regions) == [f"{name}-{region}" for region in sorted(REGIONS)]
        for row in of_regions.values():
            assert (row["kind"], row["partitions"], row["producer"], row["consumers"]) == (
                "log",
                1,
                producer,
                consumers,
            )
            assert row["config"] == {"cleanup.policy": "delete", "retention.ms": str(7 * 24 * 3600 * 1000)}


def test_asyncapi_tells_a_pair_per_region_as_one_channel_with_the_region_as_its_parameter():
    for name in ("agreement-submitted", "agreement-answered"):
        channel = ASYNCAPI["channels"][name]
        assert channel["address"] == f"{name}-{{region}}"
        assert channel["parameters"]["region"]["enum"] == list(REGIONS)
        # The binding's topic would be one name for all of them.
        assert "topic" not in channel["bindings"]["kafka"]


def test_what_regions_send_is_received_by_agreements_and_sent_by_no_service():
    found = [(row["action"], name) for name, row in ASYNCAPI["operations"].items() if "agreement-submitted" in name]
    assert found == [("receive", "agreements-receives-agreement-submitted")]
    message = ASYNCAPI["components"]["messages"]["AgreementSubmitted"]
    assert message["payload"] == {"$ref": "#/components/schemas/AgreementForm"}
    assert "headers" not in message


def test_a_parked_topic_takes_the_largest_record_of_its_topic_with_the_reasons_beside_it():
    kafkas_own_limit = 1048588
    for topic in DECLARED:
        largest = int(topic["config"].get("max.message.bytes", kafkas_own_limit))
        assert largest == (2 * 1024 * 1024 if topic["kind"] == "parked" else kafkas_own_limit)


def test_topic_names_and_settings_are_what_kafka_takes():
    for topic in DECLARED:
        # Kafka warns when a name holds dots or underscores, since metrics mix them up.
        assert topic["name"].replace("-", "").isalnum()
        assert len(topic["name"]) <= 249
        assert topic["partitions"] >= 1
        assert all(isinstance(value, str) for value in topic["config"].values())


def test_no_topics_yaml_row_tells_the_replication_factor():
    assert "replication" not in (ROOT / "src" / "contracts" / "topics.yaml").read_text(encoding="utf-8")


def test_the_readmes_table_tells_the_facts_that_stand_beside_the_classes():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for topic in TOPICS:
        name = topic.of_region("NN") if topic.per_region else topic.name
        row = (name, topic.key.replace("|", "\\|"), topic.producer, ", ".join(topic.consumers) or "–")
        assert f"| {' | '.join(row)} |" in readme
