"""Why an agreement is purged: a short list, for words of one's own could repeat what is to go."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any


class PurgeGround(StrEnum):
    """What is kept of the reason."""

    SECRECY = "secrecy"
    """It is covered by secrecy (offentlighets- och sekretesslagen)."""
    PERSONAL_DATA = "personal_data"
    """Somebody can be identified in it."""
    MARKED = "marked"
    """Its own region sent it again with the mark `confidential`."""


ASKED_FOR = frozenset({PurgeGround.SECRECY, PurgeGround.PERSONAL_DATA})
"""What somebody who asks for a purge may give."""

_TELLING = (
    "number",
    "name",
    "assignment_id",
    "assignment_document_url",
    "document_url",
    "description",
    "extension_option",
    "internal_note",
)
_SHORT = 6
"""Signs: what is shorter, such as a name of one word, says little of which agreement it is."""


def telling(content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What tells which agreement a content is of: field and text in letters and digits only, so that no space differs.

    Of a whole agreement or a draft; the number counts however short it is.
    """
    for name in _TELLING:
        value = content.get(name)
        plain = "".join(filter(str.isalnum, value.casefold())) if isinstance(value, str) else ""
        if plain and (name == "number" or len(plain) >= _SHORT):
            yield name, plain
