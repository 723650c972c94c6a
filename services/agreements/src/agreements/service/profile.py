"""The profile of the day: which fields are mandatory and which gates apply."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Profile:
    """What holds for every region from a day on."""

    name: str
    mandatory: tuple[str, ...] = ()
    """Dotted paths, `*` for each of a list."""
    region_review_is_optional: bool = True
    another_person_is_optional: bool = True
    agency_review: bool = True


_VOLUNTARY = Profile("voluntary")


def profile_on(day: date) -> Profile:
    """The profile in force on a day."""
    return _VOLUNTARY
