"""Utlämnande: who may have which agreements, with which fields, in what shape."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from rules.identifiers import passes_luhn
from rules.regions import REGIONS


class DisclosureKind(StrEnum):
    """What is asked for."""

    PUBLISHED = "published"
    """Any regions' published agreements."""
    REGION_DATA = "region_data"
    """A region's own, whole: what is worked on, and the history."""
    OWN_AND_SEEN = "own_and_seen"
    """A region's own, and beside each what other regions and the public see of it."""
    PUBLIC_RECORD = "public_record"
    """Allmän handling: each agreement's secrecy is examined before anything is made."""


class DisclosureState(StrEnum):
    """How far a request has come."""

    ASKED = "asked"
    """Waits for the secrecy check."""
    CHECKED = "checked"
    """Allowed: the archive is being made."""
    READY = "ready"
    """The archive can be fetched."""
    EXPIRED = "expired"
    """The archive's time is over: ask again."""
    DELETED_FOR_SECRECY = "deleted_for_secrecy"
    """An agreement in it may have become confidential: ask again."""
    FAILED = "failed"
    """It could not be made, for a fault that is told and logged."""


class Decision(StrEnum):
    """The secrecy check of one agreement."""

    WHOLE = "whole"
    MASKED = "masked"
    REFUSED = "refused"


OWN_KINDS = frozenset({DisclosureKind.REGION_DATA, DisclosureKind.OWN_AND_SEEN})
"""For the region itself alone."""


def is_region(asked_by: str) -> bool:
    """True for a region's code. Municipalities and agencies are not in the circle that sees terms and prices."""
    return asked_by in REGIONS


def is_municipality(asked_by: str) -> bool:
    """True for what can be a municipality's code: four digits that begin with a region's."""
    return len(asked_by) == 4 and asked_by.isascii() and asked_by.isdecimal() and asked_by[:2] in REGIONS


def is_agency(asked_by: str) -> bool:
    """True for a state agency: its organisation number, 202100-NNNN, before its name where one is given."""
    number, _, _ = asked_by.partition(" ")
    digits = number.replace("-", "")
    return len(digits) == 10 and digits.isascii() and digits.startswith("202100") and passes_luhn(digits)


def without(content: Mapping[str, Any], paths: frozenset[str], prefix: str = "") -> dict[str, Any]:
    """The content without some fields, named by dotted paths; one below a list is taken from each of its members."""
    left: dict[str, Any] = {}
    for name, value in content.items():
        path = f"{prefix}{name}"
        if path in paths:
            continue
        if isinstance(value, Mapping):
            left[name] = without(value, paths, f"{path}.")
        elif isinstance(value, list):
            left[name] = [without(one, paths, f"{path}.") if isinstance(one, Mapping) else one for one in value]
        else:
            left[name] = value
    return left
