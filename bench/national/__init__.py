"""A Sweden of national size for measurements: real places and codes, everything else made up. `country()` makes it."""

from bench.national.country import Country, Unit, country
from bench.national.facts import agreed_with, agreements, announced_by, announcements, codes, offerings, units, waits

__all__ = [
    "Country",
    "Unit",
    "agreed_with",
    "agreements",
    "announced_by",
    "announcements",
    "codes",
    "country",
    "offerings",
    "units",
    "waits",
]
