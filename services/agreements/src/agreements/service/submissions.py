"""Submissions: files and batches that a region uploads. Received at once, worked off later, looked at meanwhile."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any
from uuid import uuid4

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from agreements.domain.agreement import Actor
from agreements.domain.transitions import Refused
from agreements.service.checking import Faulty, Found
from agreements.store import catalogue
from agreements.store import submissions as store
from contracts.agreements import Answer
from intake import Finding, Mapped, UnreadableFile, template_csv, template_xlsx
from kit.database import next_version
from rules.agreements import text_faults
from rules.regions import REGIONS

KEPT_DAYS = 90


class Status(StrEnum):
    """How far a submission has come."""

    RECEIVED = "received"
    CHECKING = "checking"
    DONE = "done"
    """Every agreement has its verdict; the upload is deleted."""
    FAILED = "failed"
    """The file as a whole, or from some place on, cannot be read; what was read before has its verdicts."""


@dataclass(frozen=True)
class Submission:
    """A submission, and a page of its verdicts."""

    row: Row[Any]
    verdicts: Sequence[Row[Any]]
    total: int


async def receive(session: AsyncSession, actor: Actor, name: str | None, pieces: Sequence[bytes]) -> dict[str, Any]:
    """Keep an upload for the worker. Nothing of it is read here. Raises Refused, Faulty."""
    region = _own_region(actor)
    if name is not None and (found := [Found(*fault) for fault in text_faults("name", name)]):
        raise Faulty(found)
    if not any(pieces):
        raise Faulty([Found("body", "is empty: send the file as the body")])
    mapping = await store.mapping_of(session, region)
    values = {
        "id": str(uuid4()),
        "region": region,
        "actor": actor.subject,
        "roles": sorted(actor.roles),
        "name": name,
        "size": sum(map(len, pieces)),
        # As it is now: a file half of which is read must not be read otherwise from there on.
        "mapping": mapping.mapping if mapping is not None else None,
        "status": Status.RECEIVED,
        "received_at": datetime.now(UTC),
    }
    await store.insert(session, values, pieces)
    return {"id": values["id"], "status": Status.RECEIVED, "received_at": values["received_at"]}


async def mapping_version(session: AsyncSession, actor: Actor) -> int:
    """The version of the own region's mapping; 0 where there is none."""
    found = await store.mapping_of(session, actor.region or "")
    return found.version if found is not None else 0


async def has_failed(session: AsyncSession, submission_id: str) -> bool:
    """True for one that could not be read as a whole."""
    row = await store.get(session, submission_id)
    return row is not None and row.status == Status.FAILED


async def look_at(
    session: AsyncSession, actor: Actor, submission_id: str, wanted: Sequence[Answer], limit: int, offset: int
) -> Submission:
    """One of the actor's own region's. Raises Refused."""
    row = await store.get(session, submission_id)
    if row is None or row.region != actor.region:
        raise Refused(404, "there is no such submission")
    return Submission(row, *await store.verdicts(session, submission_id, wanted, limit, offset))


async def list_of(session: AsyncSession, actor: Actor, limit: int, offset: int) -> tuple[list[Row[Any]], int]:
    """The own region's, newest first. Raises Refused."""
    return await store.of_region(session, _own_region(actor), limit, offset)


async def mapping_of(session: AsyncSession, actor: Actor, region: str) -> tuple[dict[str, Any], int]:
    """How the own region writes its spreadsheets, and the version; empty and 0 before it has said. Raises Refused."""
    _check_own(actor, region)
    found = await store.mapping_of(session, region)
    return (dict(found.mapping), found.version) if found is not None else ({}, 0)


async def keep_mapping(
    session: AsyncSession, actor: Actor, region: str, mapping: Mapping[str, Any], expected_version: int
) -> tuple[dict[str, Any], int]:
    """Remember it for the files that come from now on. Raises Refused, Faulty."""
    _, version = await mapping_of(session, actor, region)
    if version != expected_version:
        raise Refused(412, "somebody else has changed it since you read it: read it again, nothing was overwritten")
    try:
        Mapped.of(mapping)
    except UnreadableFile as error:
        raise Faulty(list(map(_of_mapping, error.findings))) from None
    if found := [Found("mapping", reason) for _, reason in text_faults("mapping", _texts(mapping))]:
        raise Faulty(found[:1])
    new = next_version(version)
    row = {"region": region, "version": new, "mapping": dict(mapping), "actor": actor.subject}
    if not await store.keep_mapping(session, {**row, "changed_at": datetime.now(UTC)}):
        raise Refused(412, "somebody else has changed it since you read it: read it again, nothing was overwritten")
    return dict(mapping), new


async def template(session: AsyncSession, actor: Actor, kind: str, today: date) -> bytes:
    """The empty table to fill in, with the codes that may be used today and the units that the region works with."""
    region = _own_region(actor)
    if kind == "csv":
        return template_csv(region=region)
    codes = await catalogue.usable_codes(session, ("kva", "icd", "vt"), today)
    units = await catalogue.units_of(session, region, REGIONS[region].organisation_number, today)
    return await asyncio.to_thread(template_xlsx, codes=codes, units=units, region=region)


def _of_mapping(one: Finding) -> Found:
    """A finding of a mapping with the entry in its reason: a heading is no name that a problem's field may have."""
    mapping, _, entry = one.field.partition(".")
    part, _, key = entry.partition(".")
    field = f"{mapping}.{part}" if part else mapping
    return Found(field, f"{key} {one.reason}" if key else one.reason, one.suggestion)


def _own_region(actor: Actor) -> str:
    if actor.region not in REGIONS:
        raise Refused(403, "your token names no region: submissions belong to a region")
    return str(actor.region)


def _check_own(actor: Actor, region: str) -> None:
    if actor.region != region:
        raise Refused(403, f"belongs to region {region}; you act for region {actor.region or '(none in your token)'}")


def _texts(value: object) -> list[object]:
    """All keys and values: a heading may hold a number too."""
    if isinstance(value, Mapping):
        return [part for key, inner in value.items() for part in (key, *_texts(inner))]
    return [value]
