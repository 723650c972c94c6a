"""Words of Kafka in: every state topic that makes or changes an offer."""

from collections.abc import Mapping

from contracts import AgreementRegistered, CareOfferingUpdated, CareUnitUpdated, CodeUpdated, WaittimeUpdated, decode
from kit.consumer import Handler
from search.service import project

HANDLERS: Mapping[str, Handler] = {
    CareUnitUpdated.topic.name: Handler(
        lambda record: decode(CareUnitUpdated, record.headers, record.value), project.units
    ),
    CareOfferingUpdated.topic.name: Handler(
        lambda record: decode(CareOfferingUpdated, record.headers, record.value), project.offerings
    ),
    CodeUpdated.topic.name: Handler(lambda record: decode(CodeUpdated, record.headers, record.value), project.codes),
    AgreementRegistered.topic.name: Handler(
        lambda record: decode(AgreementRegistered, record.headers, record.value), project.agreements
    ),
    WaittimeUpdated.topic.name: Handler(
        lambda record: decode(WaittimeUpdated, record.headers, record.value), project.waits
    ),
}
