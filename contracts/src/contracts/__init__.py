"""Messages between services: one file per producing service, topic facts beside each class.

Every message is the whole public state of one thing (or, for cases, one fact about it). Fields have no defaults, so
that a writer cannot forget one; only fields added after a contract froze may have one. Readers ignore unknown fields
and accept unknown words in open lists.
"""

from contracts.agreements import SUBMITTED, AgreementAnswered, AgreementRegistered
from contracts.capacity import CapacityAnnounced
from contracts.cases import CaseStepChanged
from contracts.catalog import CareOfferingUpdated, CareUnitUpdated, CodeUpdated, RegionProfileUpdated
from contracts.envelope import Envelope, Unreadable, decode, encode, reader
from contracts.message import Message
from contracts.topics import Topic
from contracts.waittimes import WaittimeUpdated

MESSAGES: tuple[type[Message], ...] = (
    CareUnitUpdated,
    CareOfferingUpdated,
    CodeUpdated,
    RegionProfileUpdated,
    AgreementRegistered,
    AgreementAnswered,
    WaittimeUpdated,
    CapacityAnnounced,
    CaseStepChanged,
)
"""Every message class, in the order of the brokerage: who exists, what is agreed, how long the wait is, cases."""

TOPICS: tuple[Topic, ...] = (*(message.topic for message in MESSAGES), SUBMITTED)
"""Every topic: those of the messages, and what regions push, which has the form's shape and no message class."""

__all__ = [
    "MESSAGES",
    "TOPICS",
    "AgreementAnswered",
    "AgreementRegistered",
    "CapacityAnnounced",
    "CareOfferingUpdated",
    "CareUnitUpdated",
    "CaseStepChanged",
    "CodeUpdated",
    "Envelope",
    "Message",
    "RegionProfileUpdated",
    "Topic",
    "Unreadable",
    "WaittimeUpdated",
    "decode",
    "encode",
    "reader",
]
