"""Messages in and out of their envelope: CloudEvents headers, tolerant reading, errors that repeat no value."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import (
    MESSAGES,
    AgreementAnswered,
    CareOfferingUpdated,
    Message,
    Unreadable,
    WaittimeUpdated,
    decode,
    encode,
)
from contracts.envelope import event_type
from contracts.message import HIGHEST_VERSION, CodeRef, Source, TargetGroup
from contracts.waittimes import Subject
from rules.regions import REGIONS

ROOT = Path(__file__).parents[1]
AT = datetime(2026, 3, 2, 12, 0, 0, 123456, tzinfo=UTC)
PERSON = "191212121212"

moments = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
days = st.dates(date(1990, 1, 1), date(2090, 1, 1))
decimals = st.decimals(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), strategy)


codes = st.one_of(
    st.sampled_from([("kva", "CJE20"), ("icd", "H25.1"), ("vt", "60621009")]),
    st.tuples(
        st.from_regex(r"x-[a-z0-9-]{0,9}", fullmatch=True),
        st.text(st.characters(exclude_characters="|\0", exclude_categories=["Cs"])).map(str.strip).filter(bool),
    ),
).map(lambda pair: CodeRef(system=pair[0], code=pair[1]))
waits = st.builds(
    WaittimeUpdated,
    version=st.integers(1, HIGHEST_VERSION),
    subject=st.builds(Subject, kind=st.sampled_from(["unit", "region", "a-new-kind"]), id=texts),
    care_service=codes,
    measure=texts,
    paying_region=maybe(st.sampled_from(sorted(REGIONS))),
    status=texts,
    kind=texts,
    value=maybe(decimals),
    low=maybe(decimals),
    high=maybe(decimals),
    unit=texts,
    patients=maybe(st.integers(0, 10**6)),
    period_start=days,
    period_end=days,
    stale_after=maybe(days),
    source=st.builds(Source, system=texts, reference=maybe(texts), observed_at=moments),
)


def example(topic: str) -> dict[str, Any]:
    """The first frozen example of a topic."""
    path = min((ROOT / "examples" / topic / "v1").glob("*.json"))
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def offering(**changes: Any) -> CareOfferingUpdated:
    value = example("care-offering-updated")["value"]
    return CareOfferingUpdated.model_validate({**value, **changes})


def arrived(kind: type[Message], value: dict[str, Any]) -> Message:
    """A value decoded from a record that lies under the example's key."""
    return decode(
        kind, {"ce_type": event_type(kind)}, example(kind.topic.name)["key"].encode(), json.dumps(value).encode()
    )


def read(value: dict[str, Any]) -> CareOfferingUpdated:
    found = arrived(CareOfferingUpdated, value)
    assert isinstance(found, CareOfferingUpdated)
    return found


@given(waits)
def test_a_message_comes_back_as_it_was_with_every_decimal_date_and_time(message: WaittimeUpdated):
    envelope = encode(message, at=AT)
    again = decode(WaittimeUpdated, envelope.headers, envelope.key.encode(), envelope.value)
    assert again == message
    for name in ("value", "low", "high"):
        sent, found = getattr(message, name), getattr(again, name)
        assert sent is None or sent.as_tuple() == found.as_tuple()


def test_decimals_travel_as_text_and_days_as_iso_dates():
    group = TargetGroup(age_min=18, age_max=None, sex=None, bmi_max=Decimal("35.50"), asa_max=3, other=None)
    value = json.loads(encode(offering(target_group=group, valid_from=date(2026, 1, 31)), at=AT).value)
    assert value["target_group"]["bmi_max"] == "35.50"
    assert value["valid_from"] == "2026-01-31"


def test_the_headers_are_cloudevents_in_binary_mode():
    message = offering(version=42)
    envelope = encode(message, at=AT, traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
    headers = dict(envelope.headers)
    assert headers.pop("ce_id") == envelope.event_id == str(UUID(envelope.event_id))
    key = message.key()
    assert headers == {
        "ce_specversion": "1.0",
        "ce_source": "/catalog-sync",
        "ce_type": "se.vardformedling.care-offering-updated.v1",
        "ce_time": "2026-03-02T12:00:00.123456Z",
        "ce_subject": key,
        "ce_partitionkey": key,
        "ce_dataversion": "42",
        "content-type": "application/json",
        "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    }
    assert (envelope.topic, envelope.key) == ("care-offering-updated", key)
    assert not any(name.startswith("ce_") for name in json.loads(envelope.value))


def test_without_a_trace_there_is_no_trace_header():
    assert "traceparent" not in encode(offering(), at=AT).headers


def test_every_event_has_its_own_id():
    assert len({encode(offering(), at=AT).event_id for _ in range(100)}) == 100


@given(moments, st.integers(-14, 14))
def test_the_time_is_utc_whatever_the_zone_it_was_given_in(at: datetime, hours: int):
    zone = timezone(timedelta(hours=hours))
    header = encode(offering(), at=at.astimezone(zone)).headers["ce_time"]
    assert header.endswith("Z")
    assert datetime.fromisoformat(header) == at


def test_a_time_without_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        encode(offering(), at=datetime(2026, 3, 2, 12, 0))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({}, "missing"),
        ({"ce_type": "se.vardformedling.care-offering-updated.v2"}, "care-offering-updated.v2"),
        ({"ce_type": "se.vardformedling.care-unit-updated.v1"}, "care-unit-updated.v1"),
        ({"ce_type": PERSON}, "of another kind"),
        ({"ce_type": f"se.vardformedling.{PERSON}.v1"}, "of another kind"),
        ({"ce_type": ""}, "of another kind"),
    ],
)
def test_another_type_is_unreadable_and_only_a_well_formed_type_is_repeated(headers: dict[str, str], said: str):
    with pytest.raises(Unreadable, match=r"^ce_type is ") as error:
        decode(CareOfferingUpdated, headers, offering().key().encode(), encode(offering(), at=AT).value)
    assert said in str(error.value)
    assert PERSON not in str(error.value)


MALFORMED: list[tuple[str, Any]] = [
    ("unit", PERSON),
    ("unit", f"SE{PERSON[2:]}-1"),
    ("care_service.code", {"system": "kva", "code": PERSON}),
    ("care_service.system", {"system": f"K {PERSON}", "code": "CJE20"}),
    ("care_service", PERSON),
    ("version", PERSON),
    ("version", 0),
    ("version", HIGHEST_VERSION + 1),
    ("version", 2**63 - 1),
    ("version", 10**30),
    ("status", {"text": PERSON}),
    ("encounter_means", PERSON),
    ("encounter_means.0", [[PERSON]]),
    (
        "target_group.bmi_max",
        {**dict.fromkeys(("age_min", "age_max", "sex", "asa_max", "other")), "bmi_max": PERSON + "x"},
    ),
    ("target_group.age_max", {**dict.fromkeys(("age_min", "sex", "asa_max", "bmi_max", "other")), "age_max": PERSON}),
    ("referral_required", PERSON),
    ("valid_from", PERSON),
    ("valid_from", int(PERSON)),
    ("valid_to", "2026-02-30"),
    ("source.observed_at", {"system": "x", "reference": None, "observed_at": f"{PERSON} kl 12"}),
    ("source.observed_at", {"system": "x", "reference": None, "observed_at": "2026-03-02T12:00:00"}),
    ("contacts.0.value", [{"purpose": "general", "channel": "phone", "note": PERSON}]),
]


@pytest.mark.parametrize(
    ("field", "bad"), MALFORMED, ids=[f"{field}-{place}" for place, (field, _) in enumerate(MALFORMED)]
)
def test_a_malformed_value_is_unreadable_and_the_error_names_the_field_and_not_the_value(field: str, bad: Any):
    value = example("care-offering-updated")["value"]
    with pytest.raises(Unreadable) as error:
        read({**value, field.split(".")[0]: bad})
    assert field in [part.split(": ")[0] for part in str(error.value).split("; ")]
    assert PERSON not in str(error.value)
    assert PERSON[2:] not in str(error.value)
    assert error.value.__cause__ is None
    assert error.value.__suppress_context__


def test_a_missing_field_is_named():
    value = example("care-offering-updated")["value"]
    del value["status"]
    with pytest.raises(Unreadable, match=r"^status: Field required$"):
        read(value)


@pytest.mark.parametrize(
    "value",
    [b"", b"{", b"[]", b"null", b'"191212121212"', b"191212121212", b"\xff\xfe", b'{"191212121212": ', b"[" * 100_000],
)
def test_what_is_no_json_object_is_unreadable_and_not_repeated(value: bytes):
    with pytest.raises(Unreadable, match=r"^value: ") as error:
        decode(CareOfferingUpdated, {"ce_type": event_type(CareOfferingUpdated)}, offering().key().encode(), value)
    assert PERSON not in str(error.value)


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(), inner, max_size=3)),
    max_leaves=5,
)


@given(st.sampled_from(MESSAGES), st.data())
def test_whatever_a_field_holds_a_record_is_read_or_unreadable_and_nothing_else(
    kind: type[Message], data: st.DataObject
):
    value = example(kind.topic.name)["value"]
    value[data.draw(st.sampled_from(sorted(value)))] = data.draw(json_values)
    try:
        message = arrived(kind, value)
    except Unreadable:
        return
    again = encode(message, at=AT)
    assert decode(kind, again.headers, again.key.encode(), again.value) == message


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where the texts are in a value."""
    if isinstance(value, str):
        return [path]
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for name, one in inner for place in _places(one, (*path, name))]


@given(st.sampled_from(MESSAGES), st.sampled_from(["\0", "\ud800", "\udc00"]), st.integers(0), st.data())
def test_no_text_anywhere_may_hold_what_postgresql_takes_for_no_text(
    kind: type[Message], bad: str, at: int, data: st.DataObject
):
    value = example(kind.topic.name)["value"]
    path = data.draw(st.sampled_from(_places(value)))
    inner = value
    for name in path[:-1]:
        inner = inner[name]
    at %= len(inner[path[-1]]) + 1
    inner[path[-1]] = inner[path[-1]][:at] + bad + inner[path[-1]][at:]
    with pytest.raises(Unreadable) as error:
        arrived(kind, value)
    if bad == "\0":
        assert ".".join(map(str, path)) in [part.split(": ")[0] for part in str(error.value).split("; ")]
    else:
        assert str(error.value).startswith("value: Invalid JSON: ")


def test_a_text_with_u0000_is_named_and_told_why_and_look_alikes_are_taken():
    value = example("care-offering-updated")["value"]
    source = {**value["source"], "reference": f"{PERSON}\0"}
    with pytest.raises(Unreadable, match=r"^status: must not hold U\+0000; source\.reference: must not hold U\+0000$"):
        read({**value, "status": "\0", "source": source})
    assert read({**value, "status": "\\u0000 \x01", "unknown": "\0"}).status == "\\u0000 \x01"


@pytest.mark.parametrize("bad", ["\0", "\ud800"])
def test_a_text_that_readers_would_refuse_is_not_sent(bad: str):
    with pytest.raises(ValueError, match=r"^status: must not hold (U\+0000|half a surrogate pair)$") as error:
        encode(offering(status=PERSON + bad), at=AT)
    assert PERSON not in str(error.value)


@given(st.binary())
def test_any_bytes_are_read_or_unreadable(value: bytes):
    with pytest.raises(Unreadable):
        decode(CareOfferingUpdated, {"ce_type": event_type(CareOfferingUpdated)}, offering().key().encode(), value)


def test_unknown_fields_are_ignored_at_every_depth():
    value = example("care-offering-updated")["value"]
    grown = {**value, "later": 1, "care_service": {**value["care_service"], "later": {"a": []}}}
    assert read(grown) == read(value)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.topic.name)
def test_an_unknown_word_in_an_open_list_is_accepted(message: type[Message]):
    word = "answer" if message is AgreementAnswered else "status"
    found = arrived(message, {**example(message.topic.name)["value"], word: "a-word-of-2031"})
    assert json.loads(found.model_dump_json())[word] == "a-word-of-2031"


@pytest.mark.parametrize(
    ("field", "lookalike"),
    [
        ("version", "5"),
        ("version", 5.0),
        ("referral_required", "yes"),
        ("referral_required", 1),
        ("valid_from", 1735689600),
    ],
)
def test_a_value_of_a_similar_type_is_not_bent_into_shape(field: str, lookalike: Any):
    with pytest.raises(Unreadable, match=f"^{field}: "):
        read({**example("care-offering-updated")["value"], field: lookalike})


def test_a_message_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        offering().status = "ended"  # type: ignore[misc]
