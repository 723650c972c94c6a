"""Suggestions while somebody types. Care services and places are kept in memory: they are few and hardly change."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from kit import database
from search.domain import suggestion
from search.domain.suggestion import Kind, Name, suggested
from search.index import suggest
from search.index.engine import Index
from search.store import places

_KEPT_SECONDS = 60.0

ByLetter = Mapping[str, Sequence[Name]]


class Names:
    """Care services that have offers, and all places, as they were a minute ago at most."""

    def __init__(self, sessions: database.Sessions, index: Index) -> None:
        self._sessions = sessions
        self._index = index
        self._known: tuple[ByLetter, ByLetter] = ({}, {})
        self._until = float("-inf")

    async def known(self) -> tuple[ByLetter, ByLetter]:
        """Care services, and municipalities with localities, by first letter. Raises EngineAway."""
        if time.monotonic() >= self._until:
            before, self._until = self._until, time.monotonic() + _KEPT_SECONDS
            # Before the read: whoever comes meanwhile takes what there is, and does not read too.
            try:
                self._known = (
                    suggestion.by_first_letter(await self._care_services()),
                    suggestion.by_first_letter(await self._places()),
                )
            except BaseException:
                self._until = before
                raise
        return self._known

    async def _care_services(self) -> list[Name]:
        found = suggest.care_services_found(await self._index.search(suggest.care_services()))
        return [suggestion.name(text, key, words) for key, text, words in found]

    async def _places(self) -> list[Name]:
        async with self._sessions() as session:
            rows = await places.every(session)
        towns = {row.municipality: row.name for row in rows if row.postal_code is None}
        return [
            suggestion.name(
                row.name, row.postal_code or row.municipality, [row.name], within=towns.get(row.municipality)
            )
            for row in rows
            # A municipality's own town is meant by its name already.
            if row.postal_code is None or row.name != towns.get(row.municipality)
        ]


async def typed(index: Index, names: Names, text: str, most: int) -> list[dict[str, Any]]:
    """At most so many suggestions of each kind, best first; slips are forgiven where nothing begins so.

    Raises EngineAway.
    """
    if not suggestion.words_of(text):
        return []
    services, towns = await names.known()
    for slips in (False, True):
        items = [
            *(
                suggested(Kind.CARE_SERVICE, one.text, care_service=one.key)
                for one in suggestion.begun(text, services, most, slips=slips)
            ),
            *await _units(index, text, most, slips=slips),
            *(
                suggested(Kind.PLACE, one.text, near=one.key, municipality_name=one.within)
                for one in suggestion.begun(text, towns, most, slips=slips)
            ),
        ]
        if items:
            return items
    return []


async def _units(index: Index, text: str, most: int, *, slips: bool) -> list[dict[str, Any]]:
    # The engine takes the words apart, as it did those of the offers: "S:t" is one.
    words = text.split()
    answer = await index.search(suggest.units(words, most, slips=slips, collapsed=False))
    if suggest.is_cut_off(answer, most):
        answer = await index.search(suggest.units(words, most, slips=slips, collapsed=True))
    return [
        suggested(Kind.CARE_UNIT, unit["name"], hsa_id=key, municipality_name=unit["municipality_name"])
        for key, unit in list(suggest.units_found(answer).items())[:most]
    ]
