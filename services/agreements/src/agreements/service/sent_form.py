"""One sent agreement as a form: its content or every fault of its shape, and what must be known before it is read."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from pydantic import ValidationError

from agreements.service.checking import Found
from contracts.agreement_form import AgreementForm
from rules.personal_numbers import holds_personal_number
from rules.texts import may_be_repeated, readable

# An announcement is its agreement's content and little more, and must fit in one Kafka record (1 MB).
LARGEST_BYTES = 512 * 1024
_MOST_FAULTS = 500
_PLAINLY_NOT = frozenset({"", "0", "false", "f", "no", "n", "off", "nej"})


@dataclass(frozen=True, slots=True)
class Read:
    """What a region sent, in the form's normal shape."""

    number: str
    revision: int | None
    body: dict[str, Any]
    digest: str
    """Of the body: two are the same when nothing differs but their order of fields, or their revision."""
    sent_at: datetime


def is_confidential(content: object) -> bool:
    """True for an agreement with the mark; in doubt too, since what is covered by secrecy must not be kept."""
    mark = content.get("confidential") if isinstance(content, Mapping) else None
    return mark is not None and str(mark).strip().lower() not in _PLAINLY_NOT


def read(content: object, region: str, sent_at: datetime) -> Read | tuple[Found, ...]:
    """The agreement, or all that is wrong with its shape and whose it is."""
    try:
        form = AgreementForm.model_validate(content)
    except ValidationError as error:
        return tuple(_faults(error))
    if form.region != region:
        return (Found("region", f"the agreement is region {form.region}'s, and region {region} has sent it"),)
    body = form.as_json()
    written = written_out(body)
    if len(written) > LARGEST_BYTES:
        reason = f"the agreement is larger than {LARGEST_BYTES // 1024} KiB: shorten its texts or split it"
        return (Found("services", reason),)
    return Read(form.number, form.revision, body, digest(written), sent_at)


def written_out(body: Mapping[str, Any]) -> bytes:
    """The content as JSON, the same for the same content."""
    return orjson.dumps(body, option=orjson.OPT_SORT_KEYS)


def digest(written: bytes) -> str:
    """Of a content as `written_out`."""
    return hashlib.sha256(written).hexdigest()


def reference(content: object, name: str) -> str | None:
    """A number or name that may be repeated to whoever sent it; None for what is odd or may be a person's number."""
    value = content.get(name) if isinstance(content, Mapping) else None
    return repeatable(value)


def repeatable(value: object) -> str | None:
    """The text, if it is short, readable and nobody's number."""
    if not isinstance(value, str) or not 0 < len(value.strip()) <= 60 or holds_personal_number(value):
        return None
    try:
        return readable(value.strip())
    except ValueError:
        return None


def sent_revision(content: object) -> int | None:
    """The region's own revision, where it is one."""
    value = content.get("revision") if isinstance(content, Mapping) else None
    return value if type(value) is int else None


def _faults(error: ValidationError) -> list[Found]:
    rows = error.errors(include_url=False, include_input=False, include_context=False)
    found = [Found(_field(row["loc"]), _told(row["type"], row["msg"])) for row in rows[:_MOST_FAULTS]]
    if len(rows) > _MOST_FAULTS:
        found.append(Found("", f"and {len(rows) - _MOST_FAULTS} more faults of this agreement"))
    return found


def _field(path: tuple[int | str, ...]) -> str:
    return ".".join(str(part) if isinstance(part, int) or may_be_repeated(part) else "(odd name)" for part in path)


def _told(kind: str, message: str) -> str:
    message = message.removeprefix("Value error, ")
    match kind:
        case "extra_forbidden":
            message = "is not a known field"
        case "model_type" | "model_attributes_type" | "dict_type":
            message = "is not a JSON object"
    return message[:1].lower() + message[1:]
