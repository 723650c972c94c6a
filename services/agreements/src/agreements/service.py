"""What can be done with agreements: one function per intent. The only place that announces."""

import dataclasses
import difflib
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from agreements import store
from agreements.domain import Action, Actor, Agreement, Refused, State, check_region, transition
from contracts import AgreementRegistered, encode, reader
from kit import outbox, telemetry
from kit.consumer import Record
from kit.database import next_version
from rules.agreements import Fault, faults, text_faults
from rules.calendar import swedish_day
from rules.validity import why_invalid


class NotReady(Exception):
    """The copy of the catalogue is not complete yet, so units and codes cannot be judged."""


class Faulty(Exception):
    """The agreement is wrong; every fault with its field and reason."""

    def __init__(self, rows: list[Fault]) -> None:
        super().__init__(f"{len(rows)} faults")
        self.rows = rows


async def register(session: AsyncSession, actor: Actor, body: dict[str, Any]) -> Agreement:
    """Register a new agreement as a draft of the actor's region. Raises Refused, Faulty, NotReady."""
    check_region(body["region"], actor)
    now = datetime.now(UTC)
    await _check(session, body, swedish_day(now))
    new = Agreement(
        id=str(uuid4()),
        region=body["region"],
        number=body["number"],
        state=State.DRAFT,
        version=next_version(None),
        author=actor.subject,
        body=body,
        published_at=None,
        created_at=now,
        changed_at=now,
    )
    if not await store.insert_new(session, new):
        raise Faulty([("number", "the region already has an agreement with this number")])
    await store.remember(session, new, "register", actor.subject, None)
    return new


async def edit(
    session: AsyncSession, actor: Actor, agreement_id: str, expected_version: int, body: dict[str, Any]
) -> Agreement:
    """Replace the content of a draft, if it still is the version the editor has read. Raises as `register`."""
    old = await _locked(session, agreement_id)
    check_region(old.region, actor)
    if old.version != expected_version:
        raise Refused(412, "somebody else has changed it since you read it: read it again, nothing was overwritten")
    if old.state is not State.DRAFT:
        raise Refused(409, f"only a draft can be edited, this one is {old.state}")
    if body["region"] != old.region:
        raise Faulty([("region", "cannot be changed")])
    now = datetime.now(UTC)
    await _check(session, body, swedish_day(now))
    if body["number"] != old.number:
        raise Faulty([("number", "cannot be changed: withdraw this one and register another")])
    changed = dataclasses.replace(
        old, body=body, version=next_version(old.version), author=actor.subject, changed_at=now
    )
    await store.update(session, changed)
    await store.remember(session, changed, "edit", actor.subject, None)
    return changed


async def act(session: AsyncSession, actor: Actor, agreement_id: str, action: Action, reason: str | None) -> Agreement:
    """Take an agreement one step on, and announce it when the public sees a difference. Raises Refused, Faulty."""
    old = await _locked(session, agreement_id)
    row = transition(old, action, actor, reason)
    if row.another_person and actor.subject in await store.writers(session, agreement_id):
        raise Refused(403, "the region's review must be made by another person than those who wrote it")
    if rows := list(text_faults("reason", reason)):
        raise Faulty(rows)
    now = datetime.now(UTC)
    if row.after is State.PUBLISHED:
        # Codes are retired and units closed while an agreement waits for its gates.
        await _check(session, dict(old.body), swedish_day(now))
    changed = dataclasses.replace(
        old,
        state=row.after,
        version=next_version(old.version),
        published_at=old.published_at or (now if row.after is State.PUBLISHED else None),
        changed_at=now,
    )
    await store.update(session, changed)
    await store.remember(session, changed, action, actor.subject, reason)
    if changed.has_been_public:
        await announce(session, changed, now)
    return changed


async def announce(session: AsyncSession, changed: Agreement, now: datetime) -> None:
    """Put the agreement's public state in the outbox, in the transaction that changed it."""
    message = AgreementRegistered.model_validate(
        {
            **changed.body,
            "agreement_id": changed.id,
            "version": changed.version,
            "status": changed.state,
            "ended_on": swedish_day(changed.changed_at) if changed.state is not State.PUBLISHED else None,
            "published_at": changed.published_at,
            "changed_at": changed.changed_at,
        }
    )
    await outbox.add(session, [encode(message, at=now, traceparent=telemetry.traceparent())])


def version_told(record: Record) -> int:
    """The version in a record of this service's topic. Raises Unreadable."""
    return reader(AgreementRegistered)(record).version


async def versions_to_tell(session: AsyncSession, topic: str, keys: Collection[str] | None) -> dict[str, int]:
    """What its topic must tell of each agreement that has been public; with keys: of those alone, their rows locked."""
    return await store.public_versions(session, keys)


async def announce_anew(session: AsyncSession, topic: str, versions: Mapping[str, int]) -> None:
    """Announce agreements as they are, at new versions. Their rows are locked, and they have been public."""
    now = datetime.now(UTC)
    for agreement_id, version in versions.items():
        changed = dataclasses.replace(await _locked(session, agreement_id), version=version)
        await store.update(session, changed)
        # The agreement is as it was; its history tells when it was announced anew.
        await store.remember(session, dataclasses.replace(changed, changed_at=now), "announce", "reconcile", None)
        await announce(session, changed, now)


async def _locked(session: AsyncSession, agreement_id: str) -> Agreement:
    found = await store.lock(session, agreement_id)
    if found is None:
        raise Refused(404, "there is no such agreement")
    return found


async def _check(session: AsyncSession, body: dict[str, Any], today: date) -> None:
    if not await store.catalogue_is_complete(session):
        raise NotReady
    rows = [*faults(body), *await _unit_faults(session, body, today), *await _code_faults(session, body, today)]
    if rows:
        raise Faulty(rows)


async def _unit_faults(session: AsyncSession, body: dict[str, Any], today: date) -> list[Fault]:
    named = [
        (f"services.{number}.units.{position}", unit)
        for number, service in enumerate(body["services"])
        for position, unit in enumerate(service["units"])
    ]
    known = await store.units(session, [unit for _, unit in named])
    rows: list[Fault] = []
    for path, unit in named:
        found = known.get(unit)
        if found is None:
            rows.append((path, "no such care unit in the national catalogue"))
        elif found.status != "active" or (found.closed_on is not None and found.closed_on < today):
            rows.append((path, "the care unit is closed"))
    provider = body["care_provider"]
    if provider is not None and not await store.provider_is_known(session, provider["hsa_id"]):
        rows.append(("care_provider.hsa_id", "no such care provider in the national catalogue"))
    return rows


async def _code_faults(session: AsyncSession, body: dict[str, Any], today: date) -> list[Fault]:
    named = [
        (f"services.{number}.care_services.{position}", f"{code['system']}|{code['code']}")
        for number, service in enumerate(body["services"])
        for position, code in enumerate(service["care_services"])
    ]
    known = await store.codes(session, [key for _, key in named])
    rows: list[Fault] = []
    for path, key in named:
        found = known.get(key)
        if found is None:
            rows.append((f"{path}.code", "unknown code" + await _suggestion(session, key, today)))
        elif why := why_invalid(
            today, active=found.status == "active", valid_from=found.valid_from, valid_to=found.valid_to
        ):
            rows.append((f"{path}.code", f"the code {why}"))
    return rows


async def _suggestion(session: AsyncSession, key: str, today: date) -> str:
    system, _, code = key.partition("|")
    near = await store.valid_codes_beginning(session, f"{system}|{code[:2]}", today)
    best = difflib.get_close_matches(code, [other.partition("|")[2] for other in near], n=1, cutoff=0.6)
    return f": did you mean {best[0]}?" if best else ""


async def copy_codes(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    """Keep what is needed to judge codes."""
    await store.keep_codes(session, rows)


async def copy_units(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    """Keep what is needed to judge units."""
    await store.keep_units(session, rows)


async def may_begin(session: AsyncSession) -> bool:
    """True when intake may begin: the copies of the catalogue are complete."""
    return await store.catalogue_is_complete(session)


async def catalogue_copied(session: AsyncSession, now: datetime) -> None:
    """The copies hold everything that was announced when the worker started: intake may begin."""
    await store.mark_catalogue_complete(session, now)
