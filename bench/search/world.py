"""Search as it runs, at national size: the real worker fills it from the real topics, api and gateway answer."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from typing import Any

import orjson

import engines
from bench import national
from bench.national import Country
from bench.plumbing import bulk, topics
from bench.plumbing.ground import Ground, Service
from bench.plumbing.projection import caught_up
from bench.plumbing.rounds import say
from bench.search.clients import Call
from bench.search.sizes import Sizes
from contracts import encode
from rules.calendar import swedish_day

ALIAS = "offers"
_DATABASE = "search"
_FILLED_WITHIN_SECONDS = 1800.0


@dataclass(frozen=True)
class World:
    """The country, and search's processes with it. `api` and `gateway` are ready."""

    ground: Ground
    country: Country
    database: str
    api: Service
    gateway: Service
    token: str

    def worker(self) -> Any:
        """The real worker, as a context."""
        return self.ground.service("search", "worker", POSTGRES_URL=self.database, INDEX_NAME=ALIAS)

    def asked(self, questions: Sequence[dict[str, Any]], *, port: int | None = None) -> list[Call]:
        """Questions as calls through the gateway; straight to the api of a port, where one is given."""
        at = f"http://127.0.0.1:{self.gateway.port}/vardformedling/v1" if port is None else f"http://127.0.0.1:{port}"
        headers = {"content-type": "application/json", "authorization": f"Bearer {self.token}"}
        body = [orjson.dumps(one).decode() for one in questions]
        return [[{"url": f"{at}/offers/search", "headers": headers, "body": one}] for one in body]


async def fill(ground: Ground, sizes: Sizes) -> None:
    """Empty topics and a new database, then everything announced, projected and indexed."""
    await topics.empty(ground)
    database = await ground.migrated(_DATABASE)
    begun = time.monotonic()
    await _fill(ground, database, _country(sizes), sizes)
    say(f"[fill] {sizes.offers:,} offers in {time.monotonic() - begun:.0f} s")


@asynccontextmanager
async def living(ground: Ground, sizes: Sizes) -> AsyncIterator[World]:
    """Everything running while the context lasts, but for a worker; it has been filled."""
    country, database = _country(sizes), ground.database_url(_DATABASE)
    issuer = ground.engines.addresses.oidc or ""
    async with api(ground, database, ALIAS) as search, _gateway(ground, search) as gateway:
        token = engines.token(issuer, role="navigator", region="14")
        yield World(ground, country, database, search, gateway, token)


@asynccontextmanager
async def api(ground: Ground, database: str, alias: str, **environment: str) -> AsyncIterator[Service]:
    """The real api on this alias, ready."""
    async with ground.service("search", "api", POSTGRES_URL=database, INDEX_NAME=alias, **environment) as search:
        await ground.ready(search)
        yield search


@asynccontextmanager
async def _gateway(ground: Ground, search: Service) -> AsyncIterator[Service]:
    at = f"http://127.0.0.1:{search.port}"
    # It asks each of them whether it is ready: here all are search.
    given = {"SEARCH_URL": at, "AGREEMENTS_URL": at, "CATALOG_SYNC_URL": at}
    async with ground.service("gateway", "api", **given) as gateway:
        await ground.ready(gateway)
        yield gateway


def _country(sizes: Sizes) -> Country:
    return national.country(sizes.units, swedish_day(datetime.now(UTC)))


async def _fill(ground: Ground, database: str, country: Country, sizes: Sizes) -> None:
    at = datetime.now(UTC)
    about = chain(
        national.units(country),
        national.offerings(country),
        national.agreements(country, sizes.agreements),
        national.waits(country),
        national.announcements(country, sizes.announcements),
    )
    async with (
        ground.service("search", "worker", POSTGRES_URL=database, INDEX_NAME=ALIAS) as worker,
        bulk.client(ground) as http,
    ):
        # Maps first: otherwise offers move, and leave hidden documents behind.
        await topics.put(ground, (encode(one, at=at) for one in national.codes(country)))
        await caught_up(ground, worker)
        number = await topics.put(ground, (encode(one, at=at) for one in about))
        say(f"[fill] {number:,} messages are on the topics")
        await caught_up(ground, worker)
        await bulk.until_count(http, ALIAS, sizes.offers, _FILLED_WITHIN_SECONDS)
