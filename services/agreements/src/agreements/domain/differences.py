"""What differs between two versions of a content, field by field."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
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
    if isinstance(after, Mapping) and (isinstance(before, Mapping) or before is None):
        for name in {**(before or {}), **after}:
            yield from _between(f"{path}.{name}" if path else name, (before or {}).get(name), after.get(name))
    elif _are_lists(before, after) and (_holds_objects(before) or _holds_objects(after)):
        yield from _between_lists(path, before or [], after or [])
    else:
        yield Difference(path, before, after)


def _between_lists(path: str, before: list[Any], after: list[Any]) -> Iterator[Difference]:
    """Objects that stand unchanged hold the two lists together, so that one put in first does not change all others."""
    told = [json.dumps(one, sort_keys=True) for one in before], [json.dumps(one, sort_keys=True) for one in after]
    for kind, old, old_end, new, new_end in SequenceMatcher(None, *told, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        pairs = min(old_end - old, new_end - new)
        for step in range(pairs):
            yield from _between(f"{path}.{new + step}", before[old + step], after[new + step])
        for gone in range(old + pairs, old_end):
            if not _says_nothing(before[gone]):
                yield Difference(f"{path}.{gone}", before[gone], None)
        for put in range(new + pairs, new_end):
            yield from _between(f"{path}.{put}", None, after[put])


def _are_lists(*values: Any) -> bool:
    return all(value is None or isinstance(value, list) for value in values)


def _holds_objects(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(one, Mapping) for one in value)


def _says_nothing(value: Any) -> bool:
    return value is None or value in ({}, [], "")
