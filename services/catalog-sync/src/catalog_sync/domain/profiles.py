"""A region's profile: what it tells the others about brokering its patients, and who may change it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

PARTS = ("office", "invoice", "care_paid_first_by", "travel", "lodging", "companion")
"""What a profile tells; each may be left untold."""


class Refused(Exception):
    """The caller may not do this, or not now. `status` follows HTTP."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclass(frozen=True)
class Profile:
    """A profile as stored: `body` holds the status and the parts as JSON, already checked."""

    region: str
    version: int
    body: Mapping[str, Any]
    changed_at: datetime


def check_region(region: str, own: str | None) -> None:
    """An administrator edits the own region's profile only. Raises Refused."""
    if own != region:
        raise Refused(403, f"belongs to region {region}; you act for region {own or '(none in your token)'}")


def check_version(expected: int, found: Profile | None) -> None:
    """Two editors: the second is told, and nothing is overwritten. 0 stands for a profile not told yet."""
    if expected != (found.version if found is not None else 0):
        raise Refused(412, "somebody else has changed it since you read it: read it again, nothing was overwritten")
