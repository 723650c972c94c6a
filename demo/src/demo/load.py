"""Fills the running system through its front door: a file per region, both gates, profiles; waits and capacity."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import httpx

import engines
from contracts import Message, encode
from demo.sweden import DemoAgreement, Sweden
from kit import kafka

_APPROVED_AT_ONCE = 500
_LOOK_SECONDS = 0.2
_READ_WITHIN_SECONDS = 120

Advance = Callable[[int], None]


WHERE_NEW_ONES_ARE_FOUND = {"care_service": "kva|JAB10", "near": "11428", "max_distance_km": "30", "limit": "100"}
"""A search that finds every one of `new_agreements` on one page."""

_UNITS = 20


class Refusal(Exception):
    """The system refused what the demo sent; the problem's own words."""


async def published(gateway: str, issuer: str) -> int:
    """How many agreements are published."""
    token = await asyncio.to_thread(engines.token, issuer, role="navigator")
    async with _client(gateway) as client:
        answer = await client.get("/agreements?limit=1&state=published", headers=_bearer(token))
        return int(answer.raise_for_status().json()["total"])


async def send_agreements(
    gateway: str, issuer: str, agreements: Sequence[DemoAgreement], pulled: str | None, advance: Advance
) -> None:
    """Each region's agreements as one file, approved at both gates; the region `pulled` has its own interface read.

    Every agreement advances twice: when it is taken, and when it is public. May be repeated: nothing doubles.
    """
    regions = sorted({one.region for one in agreements})
    tokens = await asyncio.to_thread(tokens_for, issuer, regions)
    async with _client(gateway) as client:
        await asyncio.gather(
            *(
                _pulled(client, tokens, region) if region == pulled else _by_file(client, tokens, region, agreements)
                for region in regions
            )
        )
        advance(len(agreements))
        for gate in (*(f"{region} reviewer" for region in regions), "agency"):
            await _approve_all(client, tokens[gate])
    advance(len(agreements))


async def _by_file(
    client: httpx.AsyncClient, tokens: dict[str, str], region: str, agreements: Sequence[DemoAgreement]
) -> None:
    """One region's agreements as JSON lines. Raises Refusal where not all are taken."""
    lines = "\n".join(json.dumps(one.body, ensure_ascii=False) for one in agreements if one.region == region)
    author = _bearer(tokens[f"{region} author"])
    headers = {**author, "Content-Type": "application/x-ndjson", "Idempotency-Key": str(uuid5(NAMESPACE_URL, lines))}
    answer = await client.post(f"/agreement-submissions?name=avtal-{region}.jsonl", content=lines, headers=headers)
    submission = _done(answer)["id"]
    while True:
        told = _done(await client.get(f"/agreement-submissions/{submission}", headers=author))
        if told["status"] in {"done", "failed"}:
            break
        await asyncio.sleep(_LOOK_SECONDS)
    if told["counts"].get("rejected") or told["counts"].get("conflict") or told["status"] == "failed":
        raise Refusal(f"region {region}'s file: {json.dumps(told, ensure_ascii=False)[:500]}")


async def _pulled(client: httpx.AsyncClient, tokens: dict[str, str], region: str) -> None:
    """Wait until a region's own interface has been read. Raises Refusal where it is not in time."""
    author = _bearer(tokens[f"{region} author"])
    until = time.monotonic() + _READ_WITHIN_SECONDS
    while time.monotonic() < until:
        found = _done(await client.get("/agreement-pulls?limit=1", headers=author))["items"]
        if found and found[0]["state"] != "reading":
            if found[0]["rejected"] or found[0]["conflict"]:
                raise Refusal(f"region {region}'s interface: {json.dumps(found[0])}")
            return
        await asyncio.sleep(_LOOK_SECONDS)
    raise Refusal(f"region {region}'s interface was not read in {_READ_WITHIN_SECONDS} s")


async def _approve_all(client: httpx.AsyncClient, token: str) -> None:
    """Approve all that waits for whoever has this token; one whose last day has passed is left waiting."""
    waiting = _done(await client.get("/agreement-reviews/versions", headers=_bearer(token)))["items"]
    for at in range(0, len(waiting), _APPROVED_AT_ONCE):
        part = {"agreements": waiting[at : at + _APPROVED_AT_ONCE]}
        answer = _done(await client.post("/agreement-reviews/approve", json=part, headers=_bearer(token)))
        over = [one for one in answer["items"] if {"valid_to"} == {error["field"] for error in one["errors"]}]
        if answer["counts"]["done"] + len(over) != len(part["agreements"]):
            raise Refusal(f"not all were approved: {json.dumps(answer)[:500]}")


def publishable(agreements: Sequence[DemoAgreement], today: date) -> int:
    """How many of these can be public: the others' last day has passed."""
    return sum((one.body["valid_to"] or "9999") >= today.isoformat() for one in agreements)


async def push(client: httpx.AsyncClient, tokens: dict[str, str], one: DemoAgreement, until: str = "agency") -> str:
    """One agreement all the way, or only `until` its region has approved; its id."""
    author = tokens[f"{one.region} author"]
    # A header holds ASCII only, a region's number need not.
    key = {"Idempotency-Key": str(uuid5(NAMESPACE_URL, f"{one.region}|{one.number}"))}
    registered = await client.post("/agreements", json=one.body, headers={**_bearer(author), **key})
    agreement = str(_done(registered)["id"])
    gates = [("submit", author), ("approve", tokens[f"{one.region} reviewer"]), ("approve", tokens["agency"])]
    for action, token in gates if until == "agency" else gates[:2]:
        answer = await client.post(f"/agreements/{agreement}/{action}", headers=_bearer(token))
        # Already past this gate, in an earlier run.
        if answer.status_code not in {httpx.codes.CONFLICT, httpx.codes.FORBIDDEN}:
            _done(answer)
    return agreement


async def put_profiles(gateway: str, issuer: str, profiles: Mapping[str, Mapping[str, Any]]) -> None:
    """Each region's administrator tells its profile, unless it has one. May be repeated: nothing is overwritten."""
    tokens = await asyncio.to_thread(tokens_for, issuer, sorted(profiles))
    async with _client(gateway) as client:
        for region, profile in profiles.items():
            headers = {**_bearer(tokens[f"{region} author"]), "If-Match": '"0"'}
            answer = await client.put(f"/region-profiles/{region}", json=profile, headers=headers)
            if answer.status_code != httpx.codes.PRECONDITION_FAILED:
                _done(answer)


def new_agreements(sweden: Sweden, count: int, name: str) -> list[DemoAgreement]:
    """Agreements of region 14 for one hernia operation at a few units in Stockholm, for tests and measurements."""
    model = next(one for one in sweden.agreements if one.region == "14" and one.body["basis"] == "own_agreement")
    units = [unit for unit in sweden.units if unit.active and unit.place.municipality == "0180"][:_UNITS]
    use: dict[str, Any] = {"use": "no", "regions": [], "through": None, "question": None}
    made = []
    for number in range(count):
        unit = units[number % len(units)]
        service = {
            **model.body["services"][0],
            "care_services": [{"system": "kva", "code": "JAB10"}],
            "units": [unit.hsa_id],
        }
        provider = unit.provider.public.model_dump(mode="json")
        body = {**model.body, "number": f"{name}-{number:05d}", "use_by_others": use, "services": [service]}
        body["care_provider"] = provider
        made.append(DemoAgreement(model.region, body["number"], body))
    return made


async def announce(bootstrap: str, messages: Sequence[Message]) -> None:
    """Announce waits and free capacity as their services will: these do not exist yet, the topics and readers do."""
    producer = kafka.producer(bootstrap)
    await producer.start()
    try:
        sent = []
        for message in messages:
            event = encode(message, at=datetime.now(UTC))
            headers = [(name, value.encode()) for name, value in event.headers.items()]
            sent.append(await producer.send(event.topic, event.value, key=event.key.encode(), headers=headers))
        await asyncio.gather(*sent)
    finally:
        await producer.stop()


def tokens_for(issuer: str, regions: Sequence[str]) -> dict[str, str]:
    """Bearer tokens: two administrators per region (the author may not review), and the agency's reviewer."""
    tokens = {"agency": engines.token(issuer, role="agency-reviewer", user="granskare")}
    for region in regions:
        for person in ("author", "reviewer"):
            tokens[f"{region} {person}"] = engines.token(
                issuer, role="agreement-admin", region=region, user=f"{person}-{region}"
            )
    return tokens


def _client(gateway: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=gateway, timeout=30, trust_env=False)


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _done(answer: httpx.Response) -> dict[str, Any]:
    if answer.is_success:
        done: dict[str, Any] = answer.json()
        return done
    raise Refusal(f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text[:500]}")
