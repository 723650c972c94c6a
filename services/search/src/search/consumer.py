"""Words of Kafka in: every state topic that makes or changes an offer."""

from collections.abc import Mapping

from contracts import AgreementRegistered, CareOfferingUpdated, CareUnitUpdated, CodeUpdated, WaittimeUpdated, reader
from kit.consumer import Handler
from search.service import project

HANDLERS: Mapping[str, Handler] = {
    CareUnitUpdated.topic.name: Handler(reader(CareUnitUpdated), project.units),
    CareOfferingUpdated.topic.name: Handler(reader(CareOfferingUpdated), project.offerings),
    CodeUpdated.topic.name: Handler(reader(CodeUpdated), project.codes),
    AgreementRegistered.topic.name: Handler(reader(AgreementRegistered), project.agreements),
    WaittimeUpdated.topic.name: Handler(reader(WaittimeUpdated), project.waits),
}
