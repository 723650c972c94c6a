"""Places by name, from the codes of municipalities and postal codes."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from search.store.tables import code

# A postal code's text is the code with a space, then its locality.
_LOCALITY = "substr(text, 8)"
_EVERY = f"""
SELECT text AS name, substr(key, 14) AS municipality, NULL AS postal_code FROM code
WHERE key >= 'municipality|' AND key < 'municipality}}'
UNION ALL
SELECT {_LOCALITY}, place->>'municipality', min(substr(key, 13)) FROM code
WHERE key >= 'postal-code|' AND key < 'postal-code}}' AND place->>'municipality' IS NOT NULL
GROUP BY 1, 2
"""


@dataclass(frozen=True)
class Named:
    """A municipality, or a locality in one with one of its postal codes."""

    name: str
    municipality: str
    postal_code: str | None


async def every(session: AsyncSession) -> list[Named]:
    """Every municipality and locality there is."""
    return [Named(*row) for row in await session.execute(text(_EVERY))]


async def keys(session: AsyncSession, beginning: str) -> dict[str, str]:
    """The names of the places that have a point, by `system|code`: those whose key begins so."""
    located = code.c.place["point"].astext.is_not(None)
    rows = await session.execute(
        select(code.c.key, code.c.text).where(code.c.key.startswith(beginning, autoescape=True), located)
    )
    return {row.key: row.text for row in rows}


async def named(session: AsyncSession, words: Iterable[str]) -> set[str]:
    """Which of these words, in small letters, stand in the name of a municipality or locality."""
    wanted = sorted(set(words))
    locality = func.lower(func.substr(code.c.text, 8))
    municipalities = select(func.lower(code.c.text)).where(code.c.key.startswith("municipality|"))
    localities = select(locality).where(code.c.key.startswith("postal-code|"), locality.in_(wanted))
    names = [*await session.scalars(municipalities), *await session.scalars(localities.distinct())]
    return {word for name in names for word in name.split()}.intersection(wanted)
