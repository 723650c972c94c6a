"""Fills the running system through its front door: every agreement is registered, submitted and approved twice."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import httpx

import engines
from contracts import WaittimeUpdated, encode
from demo.sweden import DemoAgreement, Sweden
from kit import kafka

_AT_ONCE = 16

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


async def push_agreements(
    gateway: str, issuer: str, agreements: Sequence[DemoAgreement], advance: Advance, at_once: int = _AT_ONCE
) -> None:
    """Register, submit, approve for the region (another person) and the agency. May be repeated: nothing doubles."""
    regions = sorted({one.region for one in agreements})
    tokens = await asyncio.to_thread(tokens_for, issuer, regions)
    queue = iter(agreements)

    async with _client(gateway) as client:

        async def work() -> None:
            for one in queue:
                await push(client, tokens, one)
                advance(1)

        await asyncio.gather(*(work() for _ in range(at_once)))


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
    units = [unit.hsa_id for unit in sweden.units if unit.active and unit.place.municipality == "0180"][:_UNITS]
    use: dict[str, Any] = {"use": "no", "regions": [], "through": None, "question": None}
    made = []
    for number in range(count):
        service = {
            **model.body["services"][0],
            "care_services": [{"system": "kva", "code": "JAB10"}],
            "units": [units[number % len(units)]],
        }
        body = {**model.body, "number": f"{name}-{number:05d}", "use_by_others": use, "services": [service]}
        made.append(DemoAgreement(model.region, body["number"], body))
    return made


async def announce_waits(bootstrap: str, waits: Sequence[WaittimeUpdated]) -> None:
    """Announce wait times as waittime-ingest will: it does not exist yet, the topic and its readers do."""
    producer = kafka.producer(bootstrap)
    await producer.start()
    try:
        sent = []
        for wait in waits:
            event = encode(wait, at=datetime.now(UTC))
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
