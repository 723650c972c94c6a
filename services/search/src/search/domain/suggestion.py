"""What may be meant by letters typed so far: care services, care units and places, told apart by kind."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from rapidfuzz.distance import OSA

from search.domain.slips import folded

_SHORTEST_SLIP = 4


class Kind(StrEnum):
    """What a suggestion is; what to do with it depends on that."""

    CARE_SERVICE = "care_service"
    CARE_UNIT = "care_unit"
    PLACE = "place"


@dataclass(frozen=True, slots=True)
class Name:
    """A care service or place, with the key the search takes, and each of its texts' words without dots."""

    text: str
    key: str
    within: str | None
    """A place's municipality."""
    words: tuple[tuple[str, ...], ...]


def suggested(kind: Kind, text: str, **facts: str | None) -> dict[str, Any]:
    """One suggestion. Every field stands in each, null where it does not concern the kind."""
    nothing = {"care_service": None, "hsa_id": None, "near": None, "municipality_name": None}
    return {"kind": kind, "text": text, **nothing, **facts}


def name(text: str, key: str, texts: Iterable[str], *, within: str | None = None) -> Name:
    """What can be looked for by any of its texts."""
    return Name(text, key, within, tuple(tuple(words_of(one)) for one in texts))


def words_of(text: str) -> list[str]:
    """Words in small letters without dots, rings and accents."""
    return "".join(sign if sign.isalnum() else " " for sign in folded(text.casefold())).split()


def by_first_letter(names: Iterable[Name]) -> dict[str, list[Name]]:
    """Names by each letter that one of their words begins with: no other ones can be meant."""
    found: dict[str, list[Name]] = {}
    for one in names:
        for letter in {word[0] for text in one.words for word in text}:
            found.setdefault(letter, []).append(one)
    return found


def begun(typed: str, known: Mapping[str, Sequence[Name]], most: int, *, slips: bool) -> list[Name]:
    """Names of which one text has, for each word typed, a word that begins so; with `slips`, one slip a word away.

    First those that begin with what was typed, then towns before what lies in them, then short ones.
    """
    asked = words_of(typed)
    fits = _slipped if slips else str.startswith
    found = []
    for one in known.get(asked[0][0], ()) if asked else ():
        texts = [text for text in one.words if all(any(fits(word, part) for word in text) for part in asked)]
        if texts:
            later = not any(fits(text[0], asked[0]) for text in texts)
            inside = one.within is not None and one.within != one.text
            found.append(((later, inside, min(map(len, texts)), len(one.text), one.text), one))
    return [one for _, one in sorted(found, key=lambda row: row[0])[:most]]


def _slipped(word: str, typed: str) -> bool:
    """The word begins with the letters, or with others a slip away; the first letter is right."""
    if word.startswith(typed):
        return True
    if len(typed) < _SHORTEST_SLIP or word[:1] != typed[:1]:
        return False
    # One letter more or fewer may have been typed.
    return any(OSA.distance(typed, word[:long], score_cutoff=1) <= 1 for long in _lengths(typed))


def _lengths(typed: Sequence[str] | str) -> range:
    return range(len(typed) - 1, len(typed) + 2)
