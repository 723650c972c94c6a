"""An agreement as this service keeps it: what is worked on, and apart from it what the public sees."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from rules.roles import Role


class State(StrEnum):
    """Where an agreement stands. While a published one is changed it is a draft again, and its old version public."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    REGION_APPROVED = "region_approved"
    PUBLISHED = "published"
    EXPIRED = "expired"
    TERMINATED = "terminated"
    WITHDRAWN = "withdrawn"
    PURGED = "purged"
    """Became confidential: nothing of its content is kept anywhere."""


ENDED = frozenset({State.EXPIRED, State.TERMINATED, State.WITHDRAWN, State.PURGED})


class Way(StrEnum):
    """How the content came in."""

    FORM = "form"
    FILE = "file"
    HTTP = "http"
    KAFKA = "kafka"
    PULL = "pull"


@dataclass(frozen=True)
class Actor:
    """Who acts: the token's subject, roles and region."""

    subject: str
    roles: frozenset[str]
    region: str | None
    units: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Agreement:
    """An agreement as stored. `body` is the form's content as JSON, already checked."""

    id: str
    region: str
    number: str
    state: State
    version: int
    author: str
    """Who last wrote the content."""
    body: Mapping[str, Any]
    way: Way
    """How the content last came in."""
    revision: int | None
    """The region's own, of what was last sent."""
    sent_digest: str | None
    """Of what was last sent and taken, so that sending it again is known even after an edit here."""
    edited_at: datetime
    """When the content last changed."""
    public_body: Mapping[str, Any] | None
    public_state: State | None
    """published, or how it ended; None before it has been public."""
    public_version: int | None
    """The version that its topic last told."""
    public_at: datetime | None
    """When the public last saw a difference."""
    ended_on: date | None
    """The first Swedish day it was unusable, where it ended before `valid_to`."""
    published_at: datetime | None
    created_at: datetime
    changed_at: datetime

    @property
    def is_public(self) -> bool:
        """True while the public sees it as in force, whatever is being changed."""
        return self.public_state is State.PUBLISHED

    @property
    def is_free(self) -> bool:
        """True for one that was withdrawn before anybody saw it: its number may be used again."""
        return self.state is State.WITHDRAWN and not self.has_been_public

    @property
    def has_been_public(self) -> bool:
        return self.public_state is not None


def is_over(body: Mapping[str, Any], day: date) -> bool:
    """True where the content's last day has passed."""
    last: str | None = body.get("valid_to")
    return last is not None and last < day.isoformat()


def may_read(agreement: Agreement, actor: Actor) -> bool:
    """Published ones are for all; others for the own region's administrators, and the agency once its turn comes."""
    return agreement.is_public or may_read_working(agreement, actor)


def may_read_working(agreement: Agreement, actor: Actor) -> bool:
    """Who sees the content that is being worked on, and not only what is public."""
    if is_owner(agreement.region, actor):
        return True
    return Role.AGENCY_REVIEWER in actor.roles and agreement.state is State.REGION_APPROVED


def is_owner(region: str, actor: Actor) -> bool:
    """The region's own administrators and systems."""
    return actor.region == region and not actor.roles.isdisjoint({Role.AGREEMENT_ADMIN, Role.REGION_SYSTEM})
