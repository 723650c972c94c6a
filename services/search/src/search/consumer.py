"""Words of Kafka in: every state topic that makes or changes an offer, or is shown beside it."""

from collections.abc import Mapping
from functools import partial

from contracts import (
    AgreementRegistered,
    CapacityAnnounced,
    CareOfferingUpdated,
    CareUnitUpdated,
    CodeUpdated,
    RegionProfileUpdated,
    WaittimeUpdated,
    reader,
)
from kit.consumer import Handler
from search.service import project


def handlers(*, mend: bool = False) -> Mapping[str, Handler]:
    """What is done with each topic. `mend` writes what has the same version again too, for a rebuild."""
    return {
        CareUnitUpdated.topic.name: Handler(reader(CareUnitUpdated), partial(project.units, mend=mend)),
        CareOfferingUpdated.topic.name: Handler(reader(CareOfferingUpdated), partial(project.offerings, mend=mend)),
        CodeUpdated.topic.name: Handler(reader(CodeUpdated), partial(project.codes, mend=mend)),
        AgreementRegistered.topic.name: Handler(reader(AgreementRegistered), partial(project.agreements, mend=mend)),
        CapacityAnnounced.topic.name: Handler(reader(CapacityAnnounced), partial(project.announcements, mend=mend)),
        WaittimeUpdated.topic.name: Handler(reader(WaittimeUpdated), partial(project.waits, mend=mend)),
        RegionProfileUpdated.topic.name: Handler(reader(RegionProfileUpdated), partial(project.profiles, mend=mend)),
    }


HANDLERS = handlers()
