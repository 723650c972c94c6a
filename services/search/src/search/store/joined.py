"""Everything the documents of some offers are built from, joined by PostgreSQL: four statements a batch.

They go to the driver itself, and JSON comes as text: this is the way of every document to the index.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import asyncpg
import orjson

from search.domain.document import Service, Sources, Unit, services_of, unit_of
from search.store.offers import Offer
from search.store.sources import Pair

_KNOWN = 2048
_LEADING = "SELECT source, target FROM code_map WHERE target = ANY($1) OR source = ANY($1)"
# Each part is looked up pair by pair, whatever the planner makes of the statistics: a join of sets took a pass over all
# waits for every pair.
_LED = """
WITH led AS MATERIALIZED (SELECT * FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS led (unit, source, number))
SELECT 1, number, content::text FROM led, LATERAL (
    SELECT content FROM offering WHERE (offering.code_key, offering.unit) = (led.source, led.unit) OFFSET 0
) AS found
UNION ALL
SELECT 2, number, found.source FROM led, LATERAL (
    SELECT line.source FROM line WHERE (line.code_key, line.unit) = (led.source, led.unit) OFFSET 0
) AS found
UNION ALL
SELECT 3, number, content::text FROM led, LATERAL (
    SELECT content FROM wait WHERE (wait.code_key, wait.subject) = (led.source, led.unit) OFFSET 0
) AS found
WHERE content->>'status' = 'current' AND content->'subject'->>'kind' = 'unit'
UNION ALL
SELECT 4, number, content::text FROM led, LATERAL (
    SELECT content FROM announcement_line AS told JOIN announcement ON announcement.id = told.source
    WHERE (told.code_key, told.unit) = (led.source, led.unit) OFFSET 0
) AS found
"""
_OFFERING, _AGREEMENT, _WAIT = 1, 2, 3


@dataclass(slots=True)
class _Led:
    """What leads to one offer, and its waits; contents are as the messages told them."""

    codes: set[str] = field(default_factory=set)
    offerings: dict[str, Any] = field(default_factory=dict)
    agreements: set[str] = field(default_factory=set)
    waits: list[Any] = field(default_factory=list)
    announcements: dict[str, Any] = field(default_factory=dict)


class Joined:
    """Everything that concerns some offers."""

    def __init__(
        self,
        led: dict[Pair, _Led],
        units: dict[str, str],
        agreements: dict[str, str],
        texts: dict[str, str],
        designations: dict[str, list[str]],
    ):
        """Contents by key, as text; `texts` are of codes and municipalities. What is not known is missing."""
        self._led = led
        self._units = units
        self._agreements = agreements
        self._texts = texts
        self._designations = designations

    def sources(self, one: Offer) -> Sources:
        """What the document of one of the offers is built from. Raises LookupError, TypeError for damaged rows."""
        led = self._led[one.unit, one.code_key]
        return Sources(
            unit=self._unit(one.unit),
            code_key=one.code_key,
            code_text=self._texts.get(one.code_key),
            offerings=[led.offerings[code] for code in sorted(led.offerings)],
            services=[service for one in sorted(led.agreements) for service in _services(self._agreements[one])],
            waits=led.waits,
            announcements=[led.announcements[one] for one in sorted(led.announcements)],
            codes={code: self._texts.get(code) for code in led.codes},
            designations={word for code in (one.code_key, *led.codes) for word in self._designations.get(code, ())},
        )

    def _unit(self, hsa_id: str) -> Unit | None:
        content = self._units.get(hsa_id)
        return _unit(content, self._texts.get(_municipality(content))) if content is not None else None


async def of(connection: asyncpg.Connection, batch: Sequence[Offer]) -> Joined:
    """What concerns these offers. All of it is of one moment only in a transaction that sees one snapshot."""
    led: dict[Pair, _Led] = {(one.unit, one.code_key): _Led() for one in batch}
    leading = await _leading(connection, {one.code_key for one in batch})
    wanted = [(found, unit, source) for (unit, key), found in led.items() for source in leading[key]]
    units_led, sources_led = [unit for _, unit, _ in wanted], [source for _, _, source in wanted]
    for kind, number, content in await connection.fetch(_LED, units_led, sources_led):
        found, _, code = wanted[number - 1]
        if kind == _OFFERING:
            found.codes.add(code)
            found.offerings[code] = orjson.loads(content)
        elif kind == _AGREEMENT:
            found.codes.add(code)
            found.agreements.add(content)
        elif kind == _WAIT:
            found.waits.append(orjson.loads(content))
        else:
            announced = orjson.loads(content)
            found.codes.add(code)
            found.announcements[announced["announcement_id"]] = announced
    named = {one for found in led.values() for one in found.agreements}
    units = await _contents(
        connection, "SELECT hsa_id, content::text FROM care_unit WHERE hsa_id = ANY($1)", {unit for unit, _ in led}
    )
    agreements = await _contents(connection, "SELECT id, content::text FROM agreement WHERE id = ANY($1)", named)
    places = {_municipality(content) for content in units.values()}
    codes = {code for (_, key), found in led.items() for code in (key, *found.codes)}
    rows = await connection.fetch(
        "SELECT key, text, designations::text FROM code WHERE key = ANY($1)", [*places, *codes]
    )
    designations = {key: orjson.loads(words) for key, _, words in rows if words != "[]"}
    return Joined(led, units, agreements, {key: words for key, words, _ in rows}, designations)


async def _leading(connection: asyncpg.Connection, keys: set[str]) -> dict[str, list[str]]:
    """The codes that lead to each care service: those that map to it, and itself when it is mapped nowhere."""
    rows = await connection.fetch(_LEADING, list(keys))
    mapped = {source for source, _ in rows}
    found: dict[str, list[str]] = {key: [] if key in mapped else [key] for key in keys}
    for source, target in rows:
        if target in found:
            found[target].append(source)
    return found


async def _contents(connection: asyncpg.Connection, query: str, keys: Iterable[str]) -> dict[str, str]:
    return dict(await connection.fetch(query, list(keys)))


# The same units and agreements come in batch after batch: what their text says is read once, and never changed.
@lru_cache(maxsize=_KNOWN)
def _told(content: str) -> Any:
    return orjson.loads(content)


def _municipality(content: str) -> str:
    return f"municipality|{_told(content)['place']['municipality']}"


@lru_cache(maxsize=_KNOWN)
def _unit(content: str, municipality: str | None) -> Unit | None:
    return unit_of(_told(content), municipality)


@lru_cache(maxsize=_KNOWN)
def _services(content: str) -> list[Service]:
    return services_of(orjson.loads(content))
