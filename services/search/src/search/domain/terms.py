"""What the index makes of words, in Python: which term a word becomes, its parts, and what else the word list says.

The engine does the same by `index/mapping` and alone decides what is found; here it is done again to say through what.
A test holds the two against each other.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import snowballstemmer

from search.domain.word_lists import WordLists

ENDINGS = "(?<=protes)(en|er|erna)$|(?<=.{4})et$"
"""What is taken away before the stemmer, which leaves neuter endings and makes "prot" of protes but not of proteser."""
SHORTEST_PART, _LONGEST_PART, _SHORTEST_WHOLE = 3, 15, 5

# A sign between letters, or between digits, parts no word: s:t, H25.1, 3,5.
_TOKEN = re.compile(r"\w+(?:(?:(?<=[^\W\d_])[:.'’·](?=[^\W\d_])|(?<=\d)[.,'’](?=\d))\w+)*")
_ENDING = re.compile(ENDINGS)
_SWEDISH = frozenset("åäö")
_UNDECOMPOSED = str.maketrans({"ø": "o", "æ": "ae", "œ": "oe", "đ": "d", "ł": "l", "ð": "d", "þ": "th"})
_SHORT_NEUTER = 5
_KEPT_TEXTS = 4096


@dataclass(frozen=True, slots=True)
class Term:
    """A word as it was written, and the term it is compared by."""

    word: str
    term: str


@dataclass(frozen=True, slots=True)
class Found:
    """A word of a text that a term stands for: the word itself, or a part of it."""

    word: str
    whole: bool


@dataclass(frozen=True, slots=True)
class Span:
    """Words of a question that are looked for together, and what may stand for them, the words themselves first.

    All terms of one alternative must be found. `listed` holds the alternatives of the word list.
    """

    words: str
    own: tuple[Term, ...]
    listed: tuple[tuple[Term, ...], ...]


Rules = dict[tuple[str, ...], list[tuple[Term, ...]]]


class Terms:
    """Words as one set of word lists has them."""

    def __init__(self, lists: WordLists) -> None:
        self._compounds = frozenset(lists.compounds)
        self._stop = frozenset(one for word in lists.stopwords for one in (word, _stemmed(word)))
        self._rules = _rules(lists.synonyms)
        self._longest = max(map(len, self._rules), default=0)
        self.in_text = lru_cache(maxsize=_KEPT_TEXTS)(self._in_text)
        """The terms of a text, each with the word it stands for. The same texts come in hit after hit."""

    def _in_text(self, text: str) -> Mapping[str, Found]:
        found: dict[str, Found] = {}
        parts: dict[str, Found] = {}
        for word in _words(text):
            found.setdefault(_stemmed(word), Found(word, True))
            for part in self._parts(_folded(word)):
                parts.setdefault(_stemmed(part), Found(word, False))
        return {**parts, **found}

    def _parts(self, word: str) -> Iterator[str]:
        if len(word) < _SHORTEST_WHOLE:
            return
        for begin in range(len(word) - SHORTEST_PART + 1):
            for end in range(begin + SHORTEST_PART, min(begin + _LONGEST_PART, len(word)) + 1):
                if word[begin:end] in self._compounds:
                    yield word[begin:end]

    def spans(self, question: str) -> list[Span]:
        """The words of a question: as long as a rule of the word list reaches, else one by one; without stop words."""
        tokens = [Term(word, _stemmed(word)) for word in _words(question)]
        found, at = [], 0
        while at < len(tokens):
            length = self._ruled(tokens, at)
            own = tuple(tokens[at : at + (length or 1)])
            listed = self._rules[tuple(one.term for one in own)] if length else []
            span = self._span(own, listed, ruled=bool(length))
            if span is not None:
                found.append(span)
            at += length or 1
        return found

    def _ruled(self, tokens: Sequence[Term], at: int) -> int:
        """How many words from here the longest rule takes; 0 for none."""
        longest = min(self._longest, len(tokens) - at)
        terms = [one.term for one in tokens[at : at + longest]]
        return next((length for length in range(longest, 0, -1) if tuple(terms[:length]) in self._rules), 0)

    def _span(self, own: tuple[Term, ...], listed: Sequence[tuple[Term, ...]], *, ruled: bool) -> Span | None:
        words = " ".join(one.word for one in own)
        if not ruled:
            return Span(words, own, ()) if own[0].term not in self._stop else None
        kept = [left for one in listed if (left := tuple(term for term in one if term.term not in self._stop))]
        terms = tuple(one.term for one in own)
        # A rule replaces the words, unless they stand on its right side too.
        itself = any(tuple(term.term for term in one) == terms for one in kept)
        others = tuple(one for one in kept if tuple(term.term for term in one) != terms)
        return Span(words, own if itself else (), others) if kept else None


def _rules(lines: Iterable[str]) -> Rules:
    rules: Rules = {}
    for line in lines:
        sides = [[_terms(one) for one in side.split(",")] for side in line.split("=>")]
        for left in sides[0]:
            rules.setdefault(tuple(one.term for one in left), []).extend(sides[-1])
    return rules


def _terms(text: str) -> tuple[Term, ...]:
    return tuple(Term(word, _stemmed(word)) for word in _words(text))


def _words(text: str) -> list[str]:
    return _TOKEN.findall(unicodedata.normalize("NFC", text))


def _folded(word: str) -> str:
    """In small letters, without accents; å, ä and ö are letters of their own."""
    small = unicodedata.normalize("NFKC", word).casefold().translate(_UNDECOMPOSED)
    return "".join(
        one
        if one in _SWEDISH
        else "".join(part for part in unicodedata.normalize("NFD", one) if part.isalnum() or part in ":.,'’·_")
        for one in small
    )


@lru_cache(maxsize=_KEPT_TEXTS)
def _stemmed(word: str) -> str:
    ended = _ENDING.sub("", _folded(word))
    # Our stemmer is newer than the engine's, which leaves these short ones: låret, huset.
    if ended.endswith("et") and len(ended) <= _SHORT_NEUTER:
        return ended
    return str(snowballstemmer.stemmer("swedish").stemWord(ended))
