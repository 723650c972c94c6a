"""Care areas (vårdområden): which codes belong to each, as its file says by code or by how codes begin."""

import difflib
from collections.abc import Iterable, Mapping
from datetime import date

from catalog_sync.domain.releases import Dated

_LOOK_ALIKE = str.maketrans("OIL", "011")
_ALIKE = 0.6
"""How much of two codes must be the same, as in agreements' own suggestions."""


def members(
    named: Iterable[str], codes: Mapping[str, Dated], ordered: list[str], day: date
) -> tuple[list[str], list[tuple[int, str]]]:
    """The codes (`system|code`) a list means, each once, and the position and reason of each entry that means none.

    `kva|CJE20` is one code, `kva|JAB*` every code in use that begins so. A code that is only to begin belongs to the
    area already; a retired one does not. `ordered` holds the same keys as `codes`, in order.
    """
    found: dict[str, None] = {}
    faults = []
    for position, name in enumerate(named, 1):
        if name.endswith("*"):
            begins = name.removesuffix("*")
            alike = [key for key in ordered if key.startswith(begins) and codes[key].ended(day) is None]
            if "|" not in begins or not alike:
                faults.append((position, "no code in use begins so: write it as kva|JAB*"))
            found.update(dict.fromkeys(alike if "|" in begins else ()))
        elif name not in codes:
            faults.append((position, "unknown code" + suggestion(name, ordered)))
        elif why := codes[name].ended(day):
            faults.append((position, f"the code {why}"))
        else:
            found[name] = None
    return list(found), faults


def suggestion(key: str, ordered: list[str]) -> str:
    """`: did you mean kva|CJE20?` where a known code of the same system is close, else nothing."""
    system, bar, code = key.partition("|")
    if not bar:
        return ": write it as system|code, for example kva|CJE20"
    asked = code.upper()
    near = {
        other: difflib.SequenceMatcher(None, asked, other.partition("|")[2].upper()).ratio()
        for other in ordered
        if other.upper().startswith(f"{system}|{asked[:1]}".upper())
    }
    # An O for a zero in a code's last signs is the commonest slip, and no likeness tells it from other digits.
    slip = f"{system}|{asked[:2]}{asked[2:].translate(_LOOK_ALIKE)}"
    best = slip if slip in near else max(near, key=lambda other: near[other], default="")
    return f": did you mean {best}?" if near.get(best, 0) >= _ALIKE else ""
