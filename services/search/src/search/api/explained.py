"""Why a hit is found and ranks where it does, as an answer holds it."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from search.domain.reason import Code
from search.domain.tiers import IN_TIME, TIERS


class Shape(BaseModel):
    """Fields that are not named here are to be ignored."""

    model_config = ConfigDict(extra="allow", use_attribute_docstrings=True)


_TIERS = (
    "Best first, with a deadline: "
    + ", ".join(f"`{tier.id}` ({tier.text})" for tier in (*IN_TIME, *TIERS))
    + ". What must be asked for and what no agreement gives is never in time."
)


class Reason(Shape):
    """Why something is so. Beside these stand the values that the sentence speaks of: days, dates, codes, fields.

    `matched`: `care_service` and `code` (`asked`, `exact`: the offer has the code itself, else one it maps to, `maps`);
    `same_word`, `other_form`, `compound_part`, `synonym` (`words` of the question, `found` in the text of `field`,
    by the `synonym` of the word list, in the text of the code `care_service`, that `maps` lead from; `read_as` where
    the word was read as another one: by `slip` or `compound`); `found` where no more is known.
    `ranked_by`: `wait` (`measure`, `days`, `kind`, `paying_region`, `period`, `care_service`, one `of` so many), or
    `capacity` (`days`, `announcement_id`, `left`, `from`, `until`) that comes before it.
    `capacity`: `capacity_decides`, `capacity_later`, `capacity_no_day` (the same, and the `wait_days`).
    `deadline`: `in_time`, `too_late`, `wait_unknown` (`guarantee`, `date`, `expected_date`, `days_left`).
    `requires`: `referral_required`, `payment_commitment_required` where all agreements that put the hit in its tier
    demand it; `referral_may_be_required`, `payment_commitment_may_be_required` where some do (`agreements`);
    `by_riksavtalet`.
    `lowers`: `not_known_in_time`, `after_deadline` (`days`), `ask_first` (`through`, `questions`), `volume_used_up`
    (`agreements`: no more patients of other regions; for regions and the agency only),
    `agreements_unfit` and `agreements_not_usable` (`agreements`), `wait_missing` (ranks by `limit_days`),
    `wait_forecast`, `capacity_without_agreement`, `capacity_not_usable`, `capacity_not_for_patient`, `capacity_no_day`,
    `wait_of_others` (`regions`), `other_waits` (`measures`), `wait_stale` (`since`), `place_unknown`,
    `place_rough` and `near_rough` (`precision`).
    `questions`: `ask_age`, `ask_sex`, `ask_bmi`, `ask_asa`, `ask_other`, each with the limits and the `basis`.
    """

    code: Code
    """Stays the same. A code that is not known is to be shown by its text."""
    text: str
    """In Swedish, for people."""


class Tier(Shape):
    """The place in the one table of tiers that orders the hits."""

    rank: int
    """1 is the best. Without a deadline the tiers in time are not there, and the rest are counted from 1."""
    id: Annotated[str, Field(description=_TIERS)]
    text: str


class Explain(Shape):
    """Why a hit is found, why it ranks there, and how old each fact is."""

    tier: Tier | None
    """Null where no patient region was given: nothing is ranked by tiers."""
    matched: list[Reason]
    """One for the code asked for, and for each code and word of the question."""
    ranked_by: Reason | None
    """The wait that ranks, or free capacity before it; null where nothing is known."""
    capacity: Reason | None
    """What free capacity did to the rank; null where there is none that the patient's region may use."""
    deadline: Reason | None
    questions: list[Reason]
    """What must be asked before anybody knows whether the patient may be helped."""
    requires: list[Reason]
    """What the agreements that put the hit in its tier demand. Empty: they demand nothing that they tell of, or the hit
    stands on no agreement that the patient's region may use or ask for."""
    lowers: list[Reason]
    facts: dict[str, Any]
    """Source and age of each fact."""
