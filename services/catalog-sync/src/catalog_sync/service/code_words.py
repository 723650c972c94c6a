"""Finds codes by words: inflected forms, beginnings and parts of compounds, lay words lent by others, typing slips."""

import re
import unicodedata
from array import array
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence, Set
from functools import lru_cache

import snowballstemmer
from rapidfuzz import process
from rapidfuzz.distance import OSA, Levenshtein

_WORD = re.compile(r"[^\W_]+")
_DOTLESS = str.maketrans("åäö", "aao")
_TELL_NOTHING = ("av", "den", "det", "en", "ett", "för", "från", "hos", "i", "med", "och", "på", "som", "till")
# A question that holds nothing else is asked as it stands.
_EMPTY = frozenset({*_TELL_NOTHING, *(word.translate(_DOTLESS) for word in _TELL_NOTHING)})
_EXACT, _INFLECTED, _BEGINNING, _PART, _SLIP = 16, 12, 8, 4, 2
_DOTS_LEFT_OUT = 2
"""What a form loses where the question has a for å or ä, or o for ö: it comes after the same form as written."""
_SHORTEST_PART = 4
_SHORTEST_SLIP, _SHORTEST_TWO_SLIPS = 4, 8
_MOST_SLIPS = 12

_stemmer = snowballstemmer.stemmer("swedish")


def words_of(text: str) -> list[str]:
    """The words of a text in small letters; å, ä and ö stay what they are."""
    return _WORD.findall(unicodedata.normalize("NFC", text).casefold())


# Kept over rebuilds: the words of the codes hardly change, and stemming is what takes the time.
@lru_cache(maxsize=100_000)
def _stem(word: str) -> str:
    return str(_stemmer.stemWord(word))


def may_stand_for(asked: str, known: str) -> bool:
    """Whether `asked` is `known`, or `known` typed without its dots: a for å and ä, o for ö, never the other way."""
    return len(asked) == len(known) and all(
        one == other or one == other.translate(_DOTLESS) for one, other in zip(asked, known, strict=True)
    )


def _dots_put_in(asked: str, known: str) -> bool:
    changed = (
        (asked[one.src_pos], known[one.dest_pos]) for one in Levenshtein.editops(asked, known) if one.tag == "replace"
    )
    return any(one != other == one.translate(_DOTLESS) for one, other in changed)


class Words:
    """Which rows hold which words. A row has its own texts, and texts lent by what it belongs to; these weigh less.

    Lent texts come with the number of their loan: a question names the loans that do not count.
    """

    def __init__(self, rows: Iterable[tuple[Sequence[str], Iterable[tuple[int, str]]]]) -> None:
        self._own: defaultdict[str, array[int]] = defaultdict(lambda: array("I"))
        self._lent: defaultdict[str, array[int]] = defaultdict(lambda: array("I"))
        self._loans: defaultdict[str, array[int]] = defaultdict(lambda: array("I"))
        """The loan of each row in `_lent`, in the same places."""
        for number, (texts, lent) in enumerate(rows):
            told = {word for text in texts for word in words_of(text)}
            for word in told:
                self._own[word].append(number)
            for word, loan in {(word, loan) for loan, text in lent for word in words_of(text) if word not in told}:
                self._lent[word].append(number)
                self._loans[word].append(loan)
        self._known = sorted(self._own.keys() | self._lent.keys())
        # One text of all words: beginnings and parts are found in it faster than word by word.
        self._text = "\n" + "\n".join(self._known) + "\n"
        # The same places in both: a sign without dots stands where the sign with them did.
        self._dotless = self._text.translate(_DOTLESS)
        self._known_dotless = [word.translate(_DOTLESS) for word in self._known]
        self._starts = array("I", [0])
        for word in self._known:
            self._starts.append(self._starts[-1] + len(word) + 1)
        self._inflected: defaultdict[str, list[str]] = defaultdict(list)
        for word in self._known:
            self._inflected[_stem(word).translate(_DOTLESS)].append(word)

    def find(self, question: str, lapsed: Set[int] = frozenset()) -> dict[int, int]:
        """Rows that hold every word of the question in some form, with a score: the higher, the closer.

        `lapsed` are the loans that do not count.
        """
        asked = words_of(question)
        asked = [word for word in asked if word not in _EMPTY] or asked
        found: dict[int, int] | None = None
        for forms in (forms for word in dict.fromkeys(asked) for forms in self._forms(word)):
            rows = self._rows(forms, lapsed)
            found = rows if found is None else {row: found[row] + rows[row] for row in found.keys() & rows.keys()}
        return found or {}

    def _forms(self, word: str) -> list[dict[str, int]]:
        """Known words that answer to a word, with how well: as written, else those of its halves, else of near ones."""
        if forms := self._written(word):
            return [forms]
        for place in range(3, len(word) - 2):
            # Grå starr is one word to some, starroperation to others.
            halves = word[:place], word[place:]
            if all(self._inflections(half) for half in halves):
                return [self._written(half) for half in halves]
        return [dict.fromkeys((form for near in self._near(word) for form in self._written(near)), _SLIP)]

    def _near(self, word: str) -> list[str]:
        """The known words that a slip of the finger or two turns into this one."""
        if len(word) < _SHORTEST_SLIP:
            return []
        furthest = 1 if len(word) < _SHORTEST_TWO_SLIPS else 2
        # Dots left out are no slip; dots put in are none that is forgiven: räka is not raka.
        among = self._known_dotless if word == word.translate(_DOTLESS) else self._known
        near = [
            (self._known[number], distance)
            for known, distance, number in process.extract(
                word, among, scorer=OSA.distance, score_cutoff=furthest, limit=_MOST_SLIPS
            )
            if not _dots_put_in(word, known)
        ]
        closest = min((distance for _, distance in near), default=0)
        return [known for known, distance in near if distance == closest]

    def _written(self, word: str) -> dict[str, int]:
        """Known words that hold the word, inflect it or are it, with or without their dots, and how well each does."""
        forms: dict[str, int] = {}
        stem = _stem(word)
        for known, at_beginning, less in self._holding(stem if len(stem) >= _SHORTEST_PART else word):
            if at_beginning or len(word) >= _SHORTEST_PART:
                score = (_BEGINNING if at_beginning else _PART) - less
                forms[known] = max(forms.get(known, 0), score)
        forms |= self._inflections(word)
        for known in forms:
            if may_stand_for(word, known):
                forms[known] = _EXACT if known == word else _EXACT - _DOTS_LEFT_OUT
        return forms

    def _inflections(self, word: str) -> dict[str, int]:
        """Known words of the same stem, with or without its dots, and how well each answers."""
        stem = _stem(word)
        return {
            known: _INFLECTED if _stem(known) == stem else _INFLECTED - _DOTS_LEFT_OUT
            for known in self._inflected.get(stem.translate(_DOTLESS), ())
            if may_stand_for(stem, _stem(known))
        }

    def _holding(self, part: str) -> Iterator[tuple[str, bool, int]]:
        """Each known word that holds a part: whether it begins so, and what it loses for dots left out."""
        wanted = (f"\n{part}" if len(part) < _SHORTEST_PART else part).translate(_DOTLESS)
        place = self._dotless.find(wanted)
        while place >= 0:
            inside = place + len(wanted) - len(part)
            here = self._text[inside : inside + len(part)]
            if may_stand_for(part, here):
                number = bisect_right(self._starts, inside - 1) - 1
                yield self._known[number], self._starts[number] == inside - 1, 0 if here == part else _DOTS_LEFT_OUT
            place = self._dotless.find(wanted, place + 1)

    def _rows(self, forms: dict[str, int], lapsed: Set[int]) -> dict[int, int]:
        found: dict[int, int] = {}
        for word, score in sorted(forms.items(), key=lambda form: form[1]):
            # In rising order, so that the best form of a row is the last one written.
            lent: Iterable[int] = self._lent.get(word, ())
            if lapsed:
                lent = [row for row, loan in zip(lent, self._loans.get(word, ()), strict=True) if loan not in lapsed]
            found.update(dict.fromkeys(lent, score - 1))
            found.update(dict.fromkeys(self._own.get(word, ()), score))
        return found
