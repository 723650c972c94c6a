"""What an actor may do to agreements now: by the table, the region's gates, and who has written them."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from agreements.domain.agreement import Actor, Agreement, State
from agreements.domain.transitions import Action, Refused, allowed_actions
from agreements.service.life import check_another
from agreements.service.review_settings import free_since, gates_of
from agreements.store import agreements as store
from rules.calendar import swedish_day

OpenSteps = dict[str, list[Action]]
"""Agreement id → what may be done."""


async def open_steps(session: AsyncSession, some: Sequence[Agreement], actor: Actor) -> OpenSteps:
    """What the actor may do to each, as `life.act` would decide; at most three queries for them all."""
    gates = await gates_of(session, {one.region for one in some}, swedish_day(datetime.now(UTC)))
    allowed = {one.id: allowed_actions(one, actor, gates[one.region]) for one in some}
    reviewing = [one for one in some if one.state is State.SUBMITTED and Action.APPROVE in allowed[one.id]]
    if reviewing:
        free = await free_since(session, gates)
        writers = await store.writers(session, [one.id for one in reviewing])
        for one in reviewing:
            try:
                check_another(actor, writers, one, free)
            except Refused:
                allowed[one.id].remove(Action.APPROVE)
    return allowed
