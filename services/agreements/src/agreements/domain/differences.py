"""What differs between two versions of a content, field by field."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Difference:
    """One field that differs. `before` is None where it was not there, `after` where it is no more."""

    field: str
    """Dotted path in the later version; of what is gone, in the earlier one."""
    before: Any
    after: Any


def differences(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> list[Difference]:
    """Every field whose value differs; all that says something where there is nothing before."""
    return list(_between("", before or {}, after))


def _between(path: str, before: Any, after: Any) -> Iterator[Difference]:
    if before == after or (_says_nothing(before) and _says_nothing(after)):
        return
    if _are_objects(before, after):
        for name in {**(before or {}), **(after or {})}:
            yield from _between(f"{path}.{name}" if path else name, (before or {}).get(name), (after or {}).get(name))
    elif _are_lists(before, after) and (_holds_objects(before) or _holds_objects(after)):
        yield from _between_lists(path, before or [], after or [])
    else:
        yield Difference(path, before, after)


def _between_lists(path: str, before: list[Any], after: list[Any]) -> Iterator[Difference]:
    """What is the same in both stands for itself wherever it stands: one put in first, or moved, changes no other.

    Field by field also where an object came or went: a block told whole would hold fields of another audience.
    """
    old, new = dict(enumerate(before)), dict(enumerate(after))
    pairs = [pair for same in _SAMENESS for pair in _paired(old, new, same)]
    if not any(isinstance(one, Mapping) and _SERVICE in one for one in [*before, *after]):
        # A code or a contact that is replaced is told as such; another service is another service.
        pairs += list(zip(sorted(old), sorted(new), strict=False))
    for was, now in sorted(pairs, key=lambda pair: pair[1]):
        old.pop(was, None)
        new.pop(now, None)
        yield from _between(f"{path}.{now}", before[was], after[now])
    for place, gone in old.items():
        yield from _between(f"{path}.{place}", gone, None)
    for place, put in new.items():
        yield from _between(f"{path}.{place}", None, put)


_SERVICE = "care_services"


def _whole(one: Any) -> str:
    return json.dumps(one, sort_keys=True)


def _codes_and_units(one: Any) -> str | None:
    return _sorted(one, _SERVICE, "units")


def _codes(one: Any) -> str | None:
    return _sorted(one, _SERVICE)


def _units(one: Any) -> str | None:
    return _sorted(one, "units")


_SAMENESS: tuple[Callable[[Any], str | None], ...] = (_whole, _codes_and_units, _codes, _units)
"""What makes two of a list the same one, the surest first."""


def _sorted(one: Any, *names: str) -> str | None:
    if not isinstance(one, Mapping) or not all(isinstance(one.get(name), list) for name in (_SERVICE, *names)):
        return None
    return json.dumps([sorted(_whole(inner) for inner in one[name]) for name in names])


def _paired(old: dict[int, Any], new: dict[int, Any], same: Callable[[Any], str | None]) -> Iterator[tuple[int, int]]:
    """Places in the two lists of what is the same by this; taken out of both."""
    places: dict[str, list[int]] = {}
    for place, one in new.items():
        if (key := same(one)) is not None:
            places.setdefault(key, []).append(place)
    for place, one in list(old.items()):
        key = same(one)
        if key is not None and places.get(key):
            found = places[key].pop(0)
            del old[place], new[found]
            yield place, found


def _are_objects(*values: Any) -> bool:
    return all(value is None or isinstance(value, Mapping) for value in values)


def _are_lists(*values: Any) -> bool:
    return all(value is None or isinstance(value, list) for value in values)


def _holds_objects(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(one, Mapping) for one in value)


def _says_nothing(value: Any) -> bool:
    return value is None or value in ({}, [], "")
