"""The topics and their messages as an AsyncAPI 3.0 document, built from the facts beside each message class."""

from collections.abc import Sequence
from typing import Any

from contracts.agreement_form import AgreementForm
from contracts.agreements import SUBMITTED
from contracts.envelope import CONTENT_TYPE, event_type
from contracts.message import Message
from contracts.schema import form_schemas, shared_schemas
from contracts.topics import Topic
from rules.regions import REGIONS

BINDING = "0.5.0"
"""Version of AsyncAPI's Kafka binding."""

_HEADERS = "CloudEventsHeaders"
_SUBMITTED = "AgreementSubmitted"
_KIND = {
    "state": "State: each record is the whole public state of one thing, the last one per key is kept for ever.",
    "log": "Log: each record is one fact; the order per key is the order in which things happened.",
}


def document(messages: Sequence[type[Message]]) -> dict[str, Any]:
    """The whole document, in a fixed order."""
    schemas = shared_schemas(messages, "#/components/schemas/")
    schemas |= form_schemas(AgreementForm, "#/components/schemas/")
    operations: dict[str, Any] = {}
    for message in messages:
        topic = message.topic
        operations[f"{topic.producer}-sends-{topic.name}"] = _operation(topic, message.__name__, "send", topic.producer)
        for group in topic.consumers:
            operations[f"{group}-receives-{topic.name}"] = _operation(topic, message.__name__, "receive", group)
    for group in SUBMITTED.consumers:
        operations[f"{group}-receives-{SUBMITTED.name}"] = _operation(SUBMITTED, _SUBMITTED, "receive", group)
    return {
        "asyncapi": "3.0.0",
        "id": "urn:vardformedling",
        "info": {
            "title": "Vårdförmedlingstjänsten",
            "version": "1",
            "description": "Messages between the services of the national care brokerage, on Kafka.\n"
            "CloudEvents 1.0 in binary mode: attributes in ce_* headers, the value is the data alone.\n"
            "Readers ignore unknown fields and accept unknown words in open lists (x-extensible-enum).",
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": {
            **{message.topic.name: _channel(message.topic, message.__name__) for message in messages},
            SUBMITTED.name: _channel(SUBMITTED, _SUBMITTED),
        },
        "operations": operations,
        "components": {
            "messages": {
                **{message.__name__: _message(message) for message in messages},
                _SUBMITTED: _submitted(),
            },
            "schemas": {_HEADERS: _headers(), **{name: schemas[name] for name in sorted(schemas)}},
        },
    }


def _channel(topic: Topic, message: str) -> dict[str, Any]:
    channel: dict[str, Any] = {
        "address": topic.of_region("{region}") if topic.per_region else topic.name,
        "title": topic.name,
        "description": f"{_KIND[topic.kind]} Record key: {topic.key}.",
        "messages": {message: {"$ref": f"#/components/messages/{message}"}},
    }
    binding = {
        "partitions": topic.partitions,
        "topicConfiguration": _topic_configuration(topic),
        "bindingVersion": BINDING,
    }
    if topic.per_region:
        channel["parameters"] = {"region": {"enum": list(REGIONS), "description": "The region's code (länskod)."}}
    else:
        binding = {"topic": topic.name, **binding}
    return {**channel, "bindings": {"kafka": binding}}


def _topic_configuration(topic: Topic) -> dict[str, Any]:
    # The binding wants a list of policies and whole numbers where Kafka's own settings are all text.
    policies = topic.config["cleanup.policy"].split(",")
    rest = {name: int(value) for name, value in sorted(topic.config.items()) if name != "cleanup.policy"}
    return {"cleanup.policy": policies, **rest}


def _operation(topic: Topic, message: str, action: str, service: str) -> dict[str, Any]:
    name = topic.name
    operation: dict[str, Any] = {
        "action": action,
        "channel": {"$ref": f"#/channels/{name}"},
        "title": f"{service} {'announces on' if action == 'send' else 'reads'} {name}",
        "messages": [{"$ref": f"#/channels/{name}/messages/{message}"}],
    }
    if action == "receive":
        group = {"type": "string", "enum": [service]}
        operation["bindings"] = {"kafka": {"groupId": group, "bindingVersion": BINDING}}
    return operation


def _message(message: type[Message]) -> dict[str, Any]:
    topic = message.topic
    own = {
        "type": "object",
        "properties": {"ce_type": {"const": event_type(message)}, "ce_source": {"const": f"/{topic.producer}"}},
    }
    return {
        "name": event_type(message),
        "title": message.__name__,
        "summary": (message.__doc__ or message.__name__).split("\n")[0],
        "contentType": CONTENT_TYPE,
        "headers": {"allOf": [{"$ref": f"#/components/schemas/{_HEADERS}"}, own]},
        "payload": {"$ref": f"#/components/schemas/{message.__name__}"},
        "bindings": {"kafka": {"key": {"type": "string", "description": topic.key}, "bindingVersion": BINDING}},
    }


def _submitted() -> dict[str, Any]:
    return {
        "name": "AgreementForm",
        "title": _SUBMITTED,
        "summary": "An agreement as its region writes it: the same shape as the form's and a file's line.",
        "description": "Headers are not needed. Each record gets its receipt on agreement-answered-{region}.",
        "contentType": CONTENT_TYPE,
        "payload": {"$ref": "#/components/schemas/AgreementForm"},
        "bindings": {"kafka": {"key": {"type": "string", "description": SUBMITTED.key}, "bindingVersion": BINDING}},
    }


def _headers() -> dict[str, Any]:
    def text(description: str, **more: Any) -> dict[str, Any]:
        return {"type": "string", "description": description, **more}

    properties = {
        "ce_specversion": {"const": "1.0"},
        "ce_id": text("Unique per event; the same when one event is sent again.", format="uuid"),
        "ce_source": text("The service that announces."),
        "ce_type": text("Message class and major version."),
        "ce_time": text("When the change happened, UTC.", format="date-time"),
        "ce_subject": text("The thing the message is about: the record key."),
        "ce_partitionkey": text("The record key."),
        "ce_dataversion": text("The value's `version`, to compare without parsing it.", pattern=r"^\d+$"),
        "content-type": {"const": CONTENT_TYPE},
        "traceparent": text("W3C trace context, when the change was traced."),
    }
    required = [name for name in properties if name != "traceparent"]
    return {
        "type": "object",
        "description": "CloudEvents 1.0, binary mode.",
        "properties": properties,
        "required": required,
    }
