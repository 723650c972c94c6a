"""All codes in memory, arranged for every question; never changed once built, a change of codes builds another."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from functools import cached_property

from catalog_sync.domain.codes import Code, MapLine
from catalog_sync.service.code_slips import Slips
from catalog_sync.service.code_words import Words

# What people mean first when they do not say where to look.
_ORDER = ("care-area", "vt", "vt-demo", "kva", "icd", "mvo", "hsa-verksamhetskod", "region", "municipality")
_WHOLE_CODE, _BEGINNING_OF_CODE = 1000, 500
_DAYS_KEPT = 8


def plain(code: str) -> str:
    """A code as people type it: case, dots, commas for dots, and spaces do not count."""
    return code.upper().replace(".", "").replace(",", "").replace(" ", "")


class CodeIndex:
    """Every known code by key, by system, by words, by what maps to it, by the care areas that hold it."""

    def __init__(self, codes: Iterable[Code]) -> None:
        rank = {system: number for number, system in enumerate(_ORDER)}
        self.codes: list[Code] = sorted(codes, key=lambda one: (rank.get(one.system, len(rank)), one.system, one.code))
        """All codes, in the order of lists."""
        self.by_key: dict[str, Code] = {one.key: one for one in self.codes}
        self.by_system: dict[str, list[Code]] = defaultdict(list)
        self.mapped_from: dict[str, list[tuple[Code, MapLine]]] = defaultdict(list)
        """Key of a target → the codes whose maps lead there."""
        self.areas_of: dict[str, list[Code]] = defaultdict(list)
        for one in self.codes:
            self.by_system[one.system].append(one)
            for line in one.maps:
                self.mapped_from[line.key].append((one, line))
            for member in one.members or ():
                self.areas_of[member].append(one)
        self._not_on: dict[date, tuple[frozenset[int], frozenset[int]]] = {}
        self._loans: dict[tuple[str, date | None, date | None], int] = {}
        """Who lends words, and from when to when where a map says so → the number of the loan."""
        self._slips = Slips([(one.system, one.code) for one in self.codes])
        self._words = Words((self._own_texts(one), self._lent_texts(one)) for one in self.codes)
        self._by_plain_code = sorted((plain(one.code), number) for number, one in enumerate(self.codes))

    @cached_property
    def maps(self) -> dict[str, list[tuple[Code, MapLine]]]:
        """Every map by name, with its lines in the order of the codes they start from."""
        found: dict[str, list[tuple[Code, MapLine]]] = defaultdict(list)
        for one in self.codes:
            for line in one.maps:
                found[line.map].append((one, line))
        return dict(found)

    @cached_property
    def releases(self) -> dict[str, str]:
        """Each system's newest release, as text compares."""
        return {
            system: max((one.release for one in codes if one.release), default="")
            for system, codes in self.by_system.items()
        }

    def find(self, question: str, day: date) -> list[Code]:
        """Codes that a question finds by code or by words, the best first, those valid on the day before others."""
        invalid, lapsed = self._not_valid_on(day)
        scores = self._words.find(question, lapsed)
        wanted = plain(question)
        place = bisect_left(self._by_plain_code, (wanted, -1))
        while wanted and place < len(self._by_plain_code) and self._by_plain_code[place][0].startswith(wanted):
            code, number = self._by_plain_code[place]
            scores[number] = _WHOLE_CODE if code == wanted else _BEGINNING_OF_CODE
            place += 1
        # One number a row sorts faster than a tuple: rows are in the order of lists already.
        size = len(self.codes)
        ranked = sorted(
            (_WHOLE_CODE - score) * 2 * size + (number in invalid) * size + number for number, score in scores.items()
        )
        return [self.codes[one % size] for one in ranked]

    def _not_valid_on(self, day: date) -> tuple[frozenset[int], frozenset[int]]:
        """The rows that may not be used on a day, and the loans of words that do not count then."""
        found = self._not_on.get(day)
        if found is None:
            invalid = frozenset(number for number, one in enumerate(self.codes) if one.fault_on(day) is not None)
            lapsed = frozenset(
                number
                for (lender, begins, ends), number in self._loans.items()
                if (begins is not None and day < begins)
                or (ends is not None and ends < day)
                or self.by_key[lender].fault_on(day) is not None
            )
            # Nearly everybody asks for today.
            found = invalid, lapsed
            self._not_on = {**dict(list(self._not_on.items())[-_DAYS_KEPT:]), day: found}
        return found

    def suggestion(self, system: str, code: str, day: date) -> str | None:
        """The valid code of the system (`system|code`) that was probably meant: one slip of the finger away."""
        for row in self._slips.near(system, code):
            if self.codes[row].fault_on(day) is None:
                return self.codes[row].key
        return None

    def _own_texts(self, one: Code) -> Sequence[str]:
        return (one.text, *one.designations)

    def _lent_texts(self, one: Code) -> Iterator[tuple[int, str]]:
        """Words for a code that stand with its care areas and with what it maps to: grå starr for CJE20.

        Each with the number of its loan: an area that has ended lends none, nor does a map's line.
        """
        loans: list[tuple[Code, date | None, date | None]] = [
            (area, None, None) for area in self.areas_of.get(one.key, ())
        ]
        known = (line for line in one.maps if line.key in self.by_key)
        loans += [(self.by_key[line.key], line.valid_from, line.valid_to) for line in known]
        for lender, begins, ends in loans:
            number = self._loans.setdefault((lender.key, begins, ends), len(self._loans))
            for text in self._own_texts(lender):
                yield number, text
