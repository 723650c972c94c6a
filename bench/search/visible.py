"""From a message on its topic to an offer that can be found as it tells, at a steady rate, while clients search.

Every message is about an offer of its own and carries the moment it was made; it is found once a search of the index
gives that offer with this moment.
"""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from random import Random
from typing import Any

import httpx
import orjson

from bench import national
from bench.national import facts
from bench.national.country import TREATMENTS, Country, Unit
from bench.plumbing import apart
from bench.plumbing.apart import Ready
from bench.plumbing.failed import BenchError
from bench.plumbing.projection import caught_up
from bench.search import clients
from bench.search.clients import percentiles
from bench.search.entries import Entry, entry
from bench.search.questions import questions
from bench.search.sizes import Sizes
from bench.search.world import ALIAS, World
from contracts import Message, encode
from kit import kafka
from search.domain.document import offer_id

_KINDS = {"wait": 45, "agreement": 20, "offering": 15, "unit": 10, "capacity": 10}
"""Of a hundred messages. A unit's changes all its offers, an agreement's those it is about."""
_LOOK_SECONDS = 0.05
# The oldest: at 200 a second more wait only where the goal is missed, and a look for thousands would be what is slow.
_MOST_AT_ONCE = 400
_GRACE_SECONDS = 60.0
_SHOWN = ["care_unit.source.observed_at", "waits.observed_at", "bases.observed_at"]


@dataclass
class _Change:
    """A message on its way: the offer it is about, the moment it carries, and when it was sent."""

    offer: str
    mark: str
    sent: float


async def measure(world: World, sizes: Sizes) -> dict[str, Entry]:
    """p99 from a message to its offer, and what the clients saw meanwhile."""
    ground = world.ground
    calls = world.asked(questions(world.country, sizes.questions))
    async with world.worker() as worker:
        await ground.ready(worker)
        await caught_up(ground, worker)
        async with clients.always(ground, calls, sizes.clients) as asking:
            found: dict[str, list[float]] = await apart.done(
                ground.home,
                change,
                bootstrap=ground.kafka,
                opensearch=ground.opensearch,
                units=sizes.units,
                agreements=sizes.agreements,
                announcements=sizes.announcements,
                today=world.country.today.isoformat(),
                rate=sizes.events_per_s,
                count=sizes.events_per_s * sizes.event_seconds,
            )
            searched = await clients.stopped(asking)
    if searched.failures:
        raise BenchError(f"{searched.failures} searches failed meanwhile: {searched.failed[0]}")
    every = [one for some in found.values() for one in some]
    told = percentiles(every)
    return {
        "visible_p99": entry(
            told["p99"] / 1000,
            None,
            "s",
            most=1.5,
            ours_more=told,
            by_kind={kind: percentiles(some) for kind, some in found.items()},
            events_per_s=sizes.events_per_s,
            events=len(every),
            searches={**percentiles(searched.milliseconds), "per_second": round(searched.per_second, 1)},
        )
    }


async def change(
    ready: Ready,
    bootstrap: str,
    opensearch: str,
    units: int,
    agreements: int,
    announcements: int,
    today: str,
    rate: int,
    count: int,
) -> dict[str, list[float]]:
    """Apart: send so many messages at the rate; by kind how many milliseconds each took to be found."""
    country = national.country(units, date.fromisoformat(today))
    changes = _changes(country, agreements, announcements)
    waiting: dict[str, list[tuple[str, _Change]]] = {}
    taken: dict[str, list[float]] = {kind: [] for kind in _KINDS}
    producer = kafka.producer(bootstrap)
    await producer.start()
    ready()
    sending = True

    async def send() -> None:
        nonlocal sending
        begun = time.monotonic()
        for number in range(count):
            await asyncio.sleep(max(0.0, begun + number / rate - time.monotonic()))
            at = datetime.now(UTC)
            kind, offer, message = next(changes)(at)
            event = encode(message, at=at)
            headers = [(name, value.encode()) for name, value in event.headers.items()]
            mark = at.isoformat().replace("+00:00", "Z")
            waiting.setdefault(offer, []).append((kind, _Change(offer, mark, time.monotonic())))
            await producer.send(event.topic, event.value, key=event.key.encode(), headers=headers)
        sending = False

    async def look() -> None:
        until = time.monotonic() + count / rate + _GRACE_SECONDS
        async with httpx.AsyncClient(base_url=opensearch, timeout=30, trust_env=False) as http:
            while sending or waiting:
                if time.monotonic() > until:
                    raise BenchError(f"{len(waiting)} changes were never found")
                await asyncio.sleep(_LOOK_SECONDS)
                for offer, told in (await _looked(http, list(waiting)[:_MOST_AT_ONCE])).items():
                    now = time.monotonic()
                    left = []
                    for kind, one in waiting[offer]:
                        if one.mark in told:
                            taken[kind].append(1000 * (now - one.sent))
                        else:
                            left.append((kind, one))
                    if left:
                        waiting[offer] = left
                    else:
                        del waiting[offer]

    try:
        await asyncio.gather(send(), look())
    finally:
        await kafka.stop(producer)
    return taken


async def _looked(http: httpx.AsyncClient, offers: list[str]) -> dict[str, str]:
    if not offers:
        return {}
    body = {"size": len(offers), "query": {"ids": {"values": offers}}, "_source": _SHOWN, "track_total_hits": False}
    answer = await http.post(
        f"/{ALIAS}/_search", content=orjson.dumps(body), headers={"content-type": "application/json"}
    )
    hits = orjson.loads(answer.raise_for_status().content)["hits"]["hits"]
    return {hit["_id"]: orjson.dumps(hit["_source"]).decode() for hit in hits}


def _changes(country: Country, agreements: int, announcements: int) -> Iterator[Any]:
    """Functions from a moment to a kind, the offer it shows on, and the message; nothing is changed twice."""
    chance = Random(9)  # noqa: S311 no secret
    numbered = {
        "agreement": national.agreed_with(country, agreements),
        "capacity": national.announced_by(country, announcements),
    }
    services = [(0, one, key) for one in country.units for key in one.services]
    about = {
        "wait": services,
        "offering": services,
        "unit": [(0, one, one.services[0]) for one in country.units],
        **{kind: [(number, one, _about(one)) for number, one in enumerate(of)] for kind, of in numbered.items()},
    }
    left = {kind: iter(chance.sample(rows, len(rows))) for kind, rows in about.items()}
    while True:
        kind = chance.choices(list(_KINDS), list(_KINDS.values()))[0]
        number, one, key = next(left[kind])
        yield partial(_made, country, kind, number, one, key, chance.randint(5, 240))


def _made(
    country: Country, kind: str, number: int, one: Unit, key: str, days: int, at: datetime
) -> tuple[str, str, Message]:
    message: Message
    match kind:
        case "wait":
            message = facts.wait(one, key, at, days)
        case "agreement":
            message = facts.agreement(country, one, number, at)
        case "capacity":
            message = facts.announcement(one, number, at, country.today)
        case "offering":
            message = facts.offering(one, key, at)
        case _:
            message = facts.unit(one, at)
    return kind, offer_id(one.hsa_id, key), message


def _about(one: Unit) -> str:
    """A service that each agreement with the unit, and each announcement of it, is about."""
    return next((key for key in one.services if key in TREATMENTS), one.services[0])
