"""What findings say, in Swedish: for the person who filled in the row. JSON and topics keep the English reasons.

`swedish.tsv` holds them, reason by reason; a test holds it against the sources, so that none is without its Swedish.
"""

import re
from functools import lru_cache
from importlib.resources import files

_LINES = (files("intake") / "swedish.tsv").read_text("utf-8").splitlines()

TEXTS = {
    english: swedish
    for english, tab, swedish in (line.partition("\t") for line in _LINES if not line.startswith("#"))
    if tab
}
"""English → Swedish; `{}` is what differs, in the same order in both."""


def _as_pattern(english: str) -> re.Pattern[str]:
    return re.compile("(.+)".join(map(re.escape, english.split("{}"))))


# What says most of itself comes first: `must be {}` would fit what a longer one is for.
_PATTERNS = [
    (_as_pattern(english), swedish)
    for english, swedish in sorted(TEXTS.items(), key=lambda one: -len(one[0].replace("{}", "")))
    if "{}" in english
]


@lru_cache(maxsize=4096)
def in_swedish(text: str) -> str:
    """A finding's reason or suggestion in Swedish; as it is where the table has none, for a server may be newer."""
    if (whole := TEXTS.get(text)) is not None:
        return whole
    for pattern, swedish in _PATTERNS:
        if match := pattern.fullmatch(text):
            return swedish.format(*map(in_swedish, match.groups()))
    return text
