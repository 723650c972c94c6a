"""An agreement that became confidential: its last state holds nothing that it held before."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from contracts import AgreementRegistered, decode, encode
from contracts.agreements import purged

EXAMPLES = Path(__file__).parents[1] / "examples" / "agreement-registered" / "v1"
AT = datetime(2026, 8, 31, 22, 5, tzinfo=UTC)
OF_ITSELF = {"version", "agreement_id", "status", "region", "published_at", "changed_at"}
"""Which agreement, whose, that it is purged, and when: all that may be told."""


def read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((EXAMPLES / f"{name}.json").read_text(encoding="utf-8"))
    return found


def texts(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set().union(*(texts(part) for part in value.values()))
    if isinstance(value, list):
        return set().union(*(texts(part) for part in value))
    return {str(value)} if value not in (None, True, False) else set()


def test_no_field_holds_anything_of_what_the_agreement_said():
    told = read("published-full")["value"]
    left = json.loads(purged(told["agreement_id"], told["region"], told["version"] + 1, AT).model_dump_json())
    secrets = {one for name, part in told.items() if name not in OF_ITSELF for one in texts(part)} - {told["region"]}
    assert len(secrets) > 40
    assert texts(left) & secrets == set()
    assert {name for name in left if name not in OF_ITSELF and left[name] not in (None, "", [], False)} == {
        "valid_from",
        "valid_to",
        "ended_on",
        "use_by_others",
    }
    assert {left[name] for name in ("valid_from", "valid_to", "ended_on")} == {"2026-09-01"}
    assert left["use_by_others"] == {**dict.fromkeys(left["use_by_others"]), "use": "no", "regions": []}


def test_two_agreements_of_a_region_that_are_purged_at_once_differ_in_id_and_version_alone():
    one, other = purged("a", "14", 7, AT), purged("b", "14", 8, AT)
    assert one.model_copy(update={"agreement_id": "b", "version": 8}) == other


def test_the_example_is_what_is_sent_and_it_can_be_read():
    example = read("purged")
    value = example["value"]
    message = purged(value["agreement_id"], value["region"], value["version"], AT)
    envelope = encode(message, at=AT)
    assert json.loads(envelope.value) == value
    assert decode(AgreementRegistered, envelope.headers, envelope.key.encode(), envelope.value) == message


def test_the_day_is_swedens_and_a_moment_without_zone_is_refused():
    assert purged("a", "14", 1, AT).ended_on == datetime(2026, 9, 1, tzinfo=UTC).date()
    with pytest.raises(ValueError, match="must have a time zone"):
        purged("a", "14", 1, AT.replace(tzinfo=None))
