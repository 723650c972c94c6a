"""What reviewed word files hold, and what is wrong in them, told with file and line.

synonyms.txt: a rule a line, `words, other words => words of the official texts` or `words, the same`. compounds.txt and
stopwords.txt: a word a line. Lines that begin with # are for people.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

SYNONYMS, COMPOUNDS, STOPWORDS = FILES = ("synonyms.txt", "compounds.txt", "stopwords.txt")
_ONE_WORD = re.compile(r"[^\W\d_]+")
_TERM = re.compile(r"[^\W_]+(?:[ :.\-]+[^\W_]+)*[.:\-]?")
_ARROW = "=>"
_SHORTEST_PART = 3
"""Shorter parts are found inside words that mean something else."""
_LONGEST_LINE = 500


class Faulty(ValueError):
    """Files that cannot be used; `faults` are sentences, each with file and line."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


@dataclass(frozen=True)
class WordLists:
    """Reviewed words, in the order of the files."""

    synonyms: tuple[str, ...]
    """Rules in Solr's format."""
    compounds: tuple[str, ...]
    stopwords: tuple[str, ...]

    def known(self) -> set[str]:
        """Every single word that the lists hold, in small letters."""
        terms = (term for rule in self.synonyms for side in rule.split(_ARROW) for term in side.split(","))
        return {*self.compounds, *self.stopwords, *(word for term in terms for word in term.casefold().split())}


def read(texts: Mapping[str, str]) -> WordLists:
    """The lists of some files' texts, by file name. Raises Faulty with everything that is wrong."""
    faults: list[str] = [f"{name}: is missing" for name in FILES if name not in texts]
    found: dict[str, list[str]] = {}
    for name in FILES:
        seen: dict[str, int] = {}
        kept = found[name] = []
        for number, line in _lines(texts.get(name, "")):
            wrong = _rule(line, seen, number) if name == SYNONYMS else _word(line, seen, number, name)
            if wrong is None:
                kept.append(line)
            else:
                faults.append(f"{name}, line {number}: {wrong}")
        if name in texts and not kept and not any(fault.startswith(name) for fault in faults):
            # The engine refuses an empty list.
            faults.append(f"{name}: holds no word")
    if faults:
        raise Faulty(faults)
    return WordLists(tuple(found[SYNONYMS]), tuple(found[COMPOUNDS]), tuple(found[STOPWORDS]))


def _lines(text: str) -> Iterator[tuple[int, str]]:
    # Composed: ä written as two signs would be another word.
    for number, line in enumerate(unicodedata.normalize("NFC", text).removeprefix("\ufeff").splitlines(), 1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield number, line.strip()


def _rule(line: str, seen: dict[str, int], number: int) -> str | None:
    if len(line) > _LONGEST_LINE:
        return f"is longer than {_LONGEST_LINE} characters: write two rules"
    sides = [[" ".join(term.split()) for term in side.split(",")] for side in line.split(_ARROW)]
    if len(sides) > 2:
        return f"has more than one {_ARROW}: write a rule a line"
    for term in (term for side in sides for term in side):
        if not term:
            return "has an empty place beside a comma or arrow"
        if not _TERM.fullmatch(term):
            return f"“{term}” is no word: only letters, digits, spaces and : . - can stand there"
    if len(sides) == 1 and len(sides[0]) == 1:
        return f"is one word alone: write what it means after {_ARROW}"
    for term in sides[0]:
        before = seen.setdefault(term.casefold(), number)
        if before != number:
            return f"“{term}” has a rule already in line {before}: write one rule for it"
    return None


def _word(line: str, seen: dict[str, int], number: int, name: str) -> str | None:
    word = line.casefold()
    if not _ONE_WORD.fullmatch(word):
        return "is not one word of letters only"
    if word != line:
        return f"has capital letters: write {word}"
    if name == COMPOUNDS and len(word) < _SHORTEST_PART:
        return f"is shorter than {_SHORTEST_PART} letters: it would be found inside other words"
    before = seen.setdefault(word, number)
    return None if before == number else f"stands already in line {before}"
