"""Finds codes that one slip of the finger turns into another: a sign too many, one missing, another one, two changed.

Of two texts that differ by one slip, each with at most one sign taken away, some two are the same. All of these, for
every code, are kept as numbers in one sorted array: 8 bytes each, where words in a dict would take over a hundred.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from rapidfuzz.distance import OSA

_ROW_BITS = 32


class Slips:
    """Codes by what is left of them. Rows are positions in the list they were given in, as (system, code)."""

    def __init__(self, codes: Sequence[tuple[str, str]]) -> None:
        self._codes = codes
        self._left = array("Q", sorted({_number(left) | row for row, one in enumerate(codes) for left in _left(*one)}))

    def near(self, system: str, code: str) -> list[int]:
        """Rows of the system's codes one slip away; where two signs have changed places first, then in their order."""
        found: set[int] = set()
        for left in _left(system, code):
            number = _number(left)
            place = bisect_left(self._left, number)
            while place < len(self._left) and self._left[place] >> _ROW_BITS == number >> _ROW_BITS:
                found.add(self._left[place] & ((1 << _ROW_BITS) - 1))
                place += 1
        # Numbers may meet by chance: the texts themselves decide.
        rows = [row for row in found if self._codes[row][0] == system and OSA.distance(code, self._codes[row][1]) == 1]
        signs = sorted(code)
        return sorted(rows, key=lambda row: (sorted(self._codes[row][1]) != signs, row))


def _left(system: str, code: str) -> Iterator[str]:
    yield f"{system}|{code}"
    for place in range(len(code)):
        yield f"{system}|{code[:place]}{code[place + 1 :]}"


def _number(left: str) -> int:
    return (hash(left) & 0xFFFFFFFF) << _ROW_BITS
