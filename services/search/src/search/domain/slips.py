"""What a word that no text holds was meant as: dots left out, a slip of the finger, a compound nobody has written."""

import re
import unicodedata
from collections.abc import Collection, Mapping

from rapidfuzz.distance import OSA

_WORD = re.compile(r"[^\W\d_]+(?:[:.\-][^\W\d_]+)*")
_SHORTEST_SLIP, _SHORTEST_TWO_SLIPS = 4, 8
_LONGEST_WORD = 60
_ENDINGS = ("", "s", "n", "en", "et", "er", "erna", "ar", "arna", "ens", "ets")
_LINK = "s"


def words_of(text: str) -> list[str]:
    """The words of a question that can hold a slip: letters only, in small letters, in their order."""
    return _WORD.findall(unicodedata.normalize("NFC", text).casefold())


def put_right(text: str, changed: Mapping[str, str]) -> str:
    """The text with some of its words, named in small letters, changed."""
    composed = unicodedata.normalize("NFC", text)
    return _WORD.sub(lambda found: changed.get(found[0].casefold(), found[0]), composed)


def folded(word: str) -> str:
    """The word without any dots, rings and accents."""
    return "".join(sign for sign in unicodedata.normalize("NFD", word) if not unicodedata.combining(sign))


def slips(asked: str, known: str) -> int | None:
    """How many slips of the finger lie between two words; dots left out are none. None: too many to be the same."""
    one, other = folded(asked), folded(known)
    if one == other:
        return 0
    allowed = 0 if len(one) < _SHORTEST_SLIP else 1 if len(one) < _SHORTEST_TWO_SLIPS else 2
    distance = int(OSA.distance(one, other, score_cutoff=allowed)) if allowed else 1
    return distance if distance <= allowed else None


def meant(asked: str, reviewed: Collection[str], written: Mapping[str, int]) -> str | None:
    """The word most likely meant: fewest slips, then a reviewed word, then the one that most offers hold."""
    near = [
        (found, known not in reviewed, -written.get(known, 0), known)
        for known in (*reviewed, *written)
        if (found := slips(asked, known)) is not None
    ]
    return min(near)[-1] if near else None


def parts(word: str, compounds: Collection[str]) -> list[str] | None:
    """The listed parts that a whole word is made of, two at least; the last may be inflected. None: it is not."""
    found = _parts(word, compounds) if len(word) <= _LONGEST_WORD else None
    return found if found is not None and len(found) > 1 else None


def _parts(word: str, compounds: Collection[str]) -> list[str] | None:
    # The longest first: "ljumskbråck" is a part of its own.
    for part in sorted((one for one in compounds if word.startswith(one)), key=len, reverse=True):
        rest = word[len(part) :]
        if rest in _ENDINGS:
            return [part]
        for begun in (rest, rest.removeprefix(_LINK)):
            found = _parts(begun, compounds)
            if found is not None:
                return [part, *found]
    return None
