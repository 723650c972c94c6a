"""One sent agreement as a form: its content or everything that is wrong with it by itself, the same in every way in."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import orjson

import intake
from agreements.service.checking import Found
from agreements.service.profile import profile_on
from contracts.agreement_form import AgreementForm
from rules.agreements import text_faults
from rules.personal_numbers import holds_personal_number
from rules.secrecy import is_marked
from rules.texts import readable

# An announcement is its agreement's content and little more, and must fit in one Kafka record (1 MB).
LARGEST_BYTES = 512 * 1024
_LONGEST_NUMBER = 60


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
    if isinstance(content, AgreementForm):
        return content.confidential
    return isinstance(content, Mapping) and is_marked(content)


def read(
    content: object, region: str, sent_at: datetime, today: date, largest: int | None = LARGEST_BYTES
) -> Read | tuple[Found, ...]:
    """The agreement, or all that is wrong with it and whose it is. A form has been checked already.

    `largest` in bytes, written out; None where the request itself was limited.
    """
    form = content
    if not isinstance(form, AgreementForm):
        if not isinstance(content, Mapping):
            return (Found("", "is not a JSON object with the fields of an agreement"),)
        checked = check(intake.Sent(None, content, ()), region, today)
        if checked.form is None:
            return tuple(Found(one.field, one.reason) for one in checked.findings)
        form = checked.form
    if form.revision is not None and (found := list(text_faults("", {"revision": form.revision}))):
        return tuple(Found(*fault) for fault in found)
    body = form.as_json()
    written = written_out(body)
    if largest is not None and len(written) > largest:
        reason = f"the agreement is larger than {largest // 1024} KiB: shorten its texts or split it"
        return (Found("services", reason),)
    return Read(form.number, form.revision, body, digest(written), sent_at)


def check(sent: intake.Sent, region: str, today: date) -> intake.Checked:
    """All that can be told of an agreement without the catalogue, by the day's profile."""
    return intake.check(sent, region=region, today=today, mandatory=profile_on(today).mandatory)


def written_out(body: Mapping[str, Any]) -> bytes:
    """The content as JSON, the same for the same content."""
    return orjson.dumps(body, option=orjson.OPT_SORT_KEYS)


def digest(written: bytes) -> str:
    """Of a content as `written_out`."""
    return hashlib.sha256(written).hexdigest()


def number_of(content: object) -> str | None:
    """The region's own number, where it may be repeated to whoever sent it."""
    if isinstance(content, AgreementForm):
        return repeatable(content.number)
    return repeatable(content.get("number")) if isinstance(content, Mapping) else None


def written_number(content: object) -> object:
    """The region's own number as it was sent, to be looked up and never told; None for none."""
    if isinstance(content, AgreementForm):
        return content.number
    return content.get("number") if isinstance(content, Mapping) else None


def revision_of(content: object) -> int | None:
    """The region's own revision, where it is one."""
    if isinstance(content, AgreementForm):
        return content.revision
    value = content.get("revision") if isinstance(content, Mapping) else None
    return value if type(value) is int and 0 < value < 2**53 else None


def repeatable(value: object, longest: int = _LONGEST_NUMBER) -> str | None:
    """The text, if it is short, readable and nobody's number."""
    if not isinstance(value, str) or not 0 < len(value.strip()) <= longest or holds_personal_number(value):
        return None
    try:
        return readable(value.strip())
    except ValueError:
        return None
