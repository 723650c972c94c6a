"""What reading a folder of code files gave, beside the facts: what each file held, and how far the maps reach."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from catalog_sync.domain.reading import Reading
from catalog_sync.domain.releases import Known

Content = Mapping[str, Any]
"""A code as JSON, in the fields of `CodeUpdated`."""


@dataclass(frozen=True)
class Before:
    """What earlier readings left: it is what releases go on from, and stands in for what cannot be read now."""

    systems: Mapping[str, Known] = field(default_factory=dict)
    areas: Mapping[str, Content] = field(default_factory=dict)
    """Care areas by code."""
    maps: Mapping[str, Sequence[Content]] = field(default_factory=dict)
    """Lines of maps by the code (`system|code`) they lead from."""


@dataclass
class FileRead:
    """What one file held, in lines that say something."""

    place: str
    """The file below the folder, for example `kva/2017/kva.csv`."""
    taken: int = 0
    refused: int = 0
    passed: int = 0
    """Lines that are no codes, such as headings of chapters and groups."""


@dataclass(frozen=True)
class Coverage:
    """How many codes of one system in one care area lead to a care service. Every code counts the same."""

    care_area: str
    system: str
    members: int
    without: tuple[str, ...]
    """Codes in use that no map in force leads from."""

    @property
    def mapped(self) -> int:
        """Codes that lead to a care service in use."""
        return self.members - len(self.without)

    @property
    def share(self) -> float:
        """0-1; an area without codes of the system is covered."""
        return self.mapped / self.members if self.members else 1.0


@dataclass
class CodeReading(Reading):
    """A Reading of code files, with what a report tells."""

    files: list[FileRead] = field(default_factory=list)
    coverage: list[Coverage] = field(default_factory=list)


def merged(words: Sequence[str], more: Sequence[str]) -> list[str]:
    """The words and then those more that are not among them yet, whatever their case."""
    had = {word.casefold() for word in words}
    return [*words, *(word for word in dict.fromkeys(more) if word.casefold() not in had)]
