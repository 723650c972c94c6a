"""What a navigator asks."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from rules.guarantee import Guarantee, Rule


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
class Clock:
    """The guarantee's clock for one patient."""

    start: date
    deadline: date
    """The last day on which the guarantee is kept."""
    rule: Rule


@dataclass(frozen=True)
class Reading:
    """A word that finds nothing as it was written, and what it was read as: a `slip`, or a `compound`'s parts."""

    asked: str
    meant: str
    by: str


@dataclass(frozen=True)
class Question:
    """One search, every code and place already looked up. None means: no such demand."""

    today: date
    """The day of asking, or the earlier one that is asked about: what holds, how old facts are and deadlines count from
    it."""
    moment: datetime
    """What has expired by then is not shown: the end of the minute of asking, so that a minute's questions are one;
    of an earlier day, its end."""
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
    guarantee: Guarantee
    """Which wait ranks and is limited: the one to a visit, or the one to treatment."""
    clock: Clock | None
    limit_days: int
    """The guarantee's limit today, in days: what an unknown wait ranks by."""
    age: int | None
    """In whole years."""
    sex: str | None
    self_referral: bool | None
    free_capacity: bool | None
    """With announced places that the patient's region may use (True), or without."""
    sort: Sort
    limit: int
    offset: int
    terms: bool
    """Whoever asks may see what is for regions only."""
    words_beside_codes: str = ""
    """The other words, where some are codes."""
    codes_of_words: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Which of the words are codes, or beginnings of codes, each with the keys it stands for itself."""
    readings: tuple[Reading, ...] = ()
    """The words that stand here in place of others."""

    @property
    def days_to_deadline(self) -> int | None:
        """Days from the day of asking to the deadline, below zero when it has passed; None without a clock."""
        return (self.clock.deadline - self.today).days if self.clock is not None else None
