"""What a navigator asks."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Basis(StrEnum):
    """On what ground care can be used; `catalogue` means only that the unit says it offers the care."""

    AGREEMENT = "agreement"
    OWN = "own"
    CAPACITY = "capacity"
    CATALOGUE = "catalogue"


class Sort(StrEnum):
    """Orders of the answer. `best` is the table of tiers."""

    BEST = "best"
    WAIT = "wait"
    DISTANCE = "distance"


@dataclass(frozen=True)
class Spot:
    """A point in WGS 84 degrees, with how exact it is and what it was asked for as."""

    lat: float
    lon: float
    precision: str
    text: str


@dataclass(frozen=True)
class Question:
    """One search, every code and place already looked up. None means: no such demand."""

    today: date
    words: str | None
    word_codes: tuple[str, ...]
    """`system|code` keys that the words stand for, where they are a code; with what it maps to."""
    care_services: tuple[str, ...] | None
    """`system|code` keys that answer the one asked for: itself and what it maps to."""
    near: Spot | None
    max_distance_km: float | None
    patient_region: str | None
    max_wait_days: int | None
    reimbursement_model: str | None
    basis: Basis | None
    sort: Sort
    limit: int
    offset: int
    terms: bool
    """Whoever asks may see what is for regions only."""
    words_beside_codes: str = ""
    """The other words, where some are codes."""
