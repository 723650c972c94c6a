"""A small Sweden's simulated catalogue, and this service's own database."""

import copy
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request, Response
from sqlalchemy import func, select

from catalog_sync.domain.differences import Shares
from catalog_sync.domain.reading import Fact, Guide, Kind, Reading
from catalog_sync.service import sync
from catalog_sync.service.catalogue import Pace, sync_catalogue
from catalog_sync.service.sync import Outcome
from catalog_sync.source import national_catalogue
from catalog_sync.store import tables
from contracts import CareOfferingUpdated, CareUnitUpdated, CodeUpdated, Message, decode
from demo import fhir_shapes as shapes
from demo import national_catalogue as simulated
from demo.sweden import Sweden, build
from kit import database

ISSUER, TOUCHED = "5561234567", "2026-03-01T00:00:00Z"

MESSAGES: dict[str, type[Message]] = {
    kind.topic.name: kind for kind in (CareUnitUpdated, CareOfferingUpdated, CodeUpdated)
}


@pytest.fixture(scope="session")
def sweden() -> Sweden:
    return build(1, date(2026, 3, 15))


@pytest.fixture
async def reach() -> AsyncIterator[Callable[..., httpx.AsyncClient]]:
    """`reach(app)`: a client of an ASGI application, as the service would have it."""
    opened: list[httpx.AsyncClient] = []

    def client(app: Any) -> httpx.AsyncClient:
        opened.append(httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://katalog.test/fhir"))
        return opened[-1]

    yield client
    for one in opened:
        await one.aclose()


@pytest.fixture
def catalogue(sweden: Sweden, reach: Callable[..., httpx.AsyncClient]) -> httpx.AsyncClient:
    """The simulated national catalogue, in full health."""
    return reach(simulated.app(sweden))


@pytest.fixture
def small():
    """A provider, a clinic under its hospital, a place and a service for each: (organisations, places, services)."""
    provider = {
        "resourceType": "Organization",
        "id": "vg-1",
        "identifier": [
            {"system": shapes.HSA_ID, "value": f"SE{ISSUER}-0001"},
            {"system": shapes.ORGANISATION_NUMBER, "value": "556123-4567"},
        ],
        "type": [shapes.coded(shapes.SNOMED, shapes.CARE_PROVIDER, "Vårdgivare")],
        "name": "Exempel AB",
    }
    hospital = shapes.unit_row("ve-1", f"SE{ISSUER}-A1", "Sjukhuset", "vg-1", TOUCHED)
    clinic = shapes.unit_row("ve-2", f"SE{ISSUER}-A2", "Ögonkliniken", "ve-1", TOUCHED, order=6)

    def place(number: int, lat: float = 59.3, lon: float = 18.0) -> dict:
        return shapes.resource(
            "Location",
            f"pl-{number}",
            TOUCHED,
            extension=[{"url": "x", "valueCoding": {"system": "urn:oid:1.2.752.129.2.2.1.17", "code": "0180"}}],
            address={"line": ["Gatan 1"], "postalCode": "114 28", "city": "Stockholm"},
            position={"latitude": lat, "longitude": lon},
            managingOrganization={"reference": f"Organization/ve-{number}"},
        )

    def service(number: int) -> dict:
        return shapes.resource(
            "HealthcareService",
            f"tj-{number}",
            TOUCHED,
            providedBy={"reference": f"Organization/ve-{number}"},
            type=[shapes.coded("http://electronichealth.se/id/kva", "cje20", "Katarakt")],
        )

    return [provider, hospital, clinic], [place(1), place(2)], [service(1), service(2)]


class Served:
    """A small catalogue that a test changes. It pages by offset, so rows move when others come and go."""

    def __init__(self, *resources: dict[str, Any]) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []
        self.page_size = 2
        self.answers: Callable[[str], Response | None] = lambda _: None
        """A test's own answer to an address, instead of the right one."""
        self.etags = False
        self.base = "http://katalog.test"
        self.more = ""
        """What addresses of next pages end with; an ETag does not know of it."""
        self.app = FastAPI()
        self.app.get("/fhir/{kind}")(self.search)
        self.app.get("/fhir/{kind}/{identity}")(self.read)
        self.put(*resources)

    def put(self, *resources: dict[str, Any]) -> None:
        """Add or change; each is as of now for a reader that asks for changes."""
        for one in resources:
            changed = {**copy.deepcopy(one), "meta": {"lastUpdated": datetime.now(UTC).isoformat()}}
            self.rows[f"{one['resourceType']}/{one['id']}"] = changed

    async def search(self, request: Request, kind: str) -> Response:
        address = f"{kind}?{request.url.query}"
        self.asked.append(address)
        if (own := self.answers(address)) is not None:
            return own
        offset = int(request.query_params.get("_offset", 0))
        since = request.query_params.get("_lastUpdated", "ge2000-01-01T00:00:00Z").removeprefix("ge")
        found = [
            one
            for one in self.rows.values()
            if one["resourceType"] == kind
            and datetime.fromisoformat(one["meta"]["lastUpdated"]) >= datetime.fromisoformat(since)
        ]
        query = f"_lastUpdated=ge{since}&_offset={offset + self.page_size}"
        more = [{"relation": "next", "url": f"{self.base}/fhir/{kind}?{query}{self.more}"}]
        bundle = {
            "resourceType": "Bundle",
            "entry": [{"resource": one} for one in found[offset : offset + self.page_size]],
            "link": more if len(found) > offset + self.page_size else [],
        }
        body = json.dumps(bundle)
        etag = f'W/"{hash(json.dumps(bundle["entry"]) + str(bool(bundle["link"])))}"'
        if self.etags and request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers={"ETag": etag})
        return Response(body, headers={"ETag": etag} if self.etags else {})

    async def read(self, kind: str, identity: str) -> Response:
        self.asked.append(f"{kind}/{identity}")
        found = self.rows.get(f"{kind}/{identity}")
        return Response(json.dumps(found)) if found is not None else Response(status_code=404)


@pytest.fixture
def serving() -> type[Served]:
    """`serving(*resources)`: a catalogue that a test changes."""
    return Served


@pytest.fixture
def served(small) -> Served:
    """A provider, a hospital and its clinic, their places, and a service of each."""
    return Served(*(one for rows in small for one in rows))


@pytest.fixture
def client(served: Served, reach: Callable[..., httpx.AsyncClient]) -> httpx.AsyncClient:
    """A client of it."""
    return reach(served.app)


class Ledger:
    """This service's database: run a sync, look at what it holds and what it would send."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = database.connect(url)
        self.sessions = database.sessions(self.engine)

    async def sync(
        self, reading: Reading, *kinds: Kind, share: float = 0.1, changed: float = 1.0, source: str = "prov"
    ) -> Outcome:
        return await sync.sync(
            self.sessions,
            source,
            list(kinds or (Kind.UNIT, Kind.OFFERING)),
            copy.deepcopy(reading),
            largest_share=share,
            largest_changed_share=changed,
        )

    async def follow(
        self,
        client: httpx.AsyncClient,
        *,
        whole: bool = False,
        share: float = 0.1,
        changed: float = 0.3,
        guide: Guide = national_catalogue.GUIDE,
    ) -> Outcome:
        """Read a served catalogue, as the worker does."""
        pace = Pace(timedelta(days=1), timedelta(minutes=5))
        return await sync_catalogue(self.sessions, client, guide, Shares(share, changed), pace, whole=whole)

    async def rows(self, table: str) -> list[Any]:
        """All rows of a table, by its primary key."""
        found = tables.tables.tables[table]
        async with self.sessions() as session:
            return list(await session.execute(select(found).order_by(*found.primary_key.columns)))

    async def announced(self) -> list[Any]:
        """What waits in the outbox, decoded as readers would, oldest first; the outbox is empty afterwards."""
        outbox = tables.tables.tables["outbox"]
        async with self.sessions.begin() as session:
            rows = list(await session.execute(select(outbox).order_by(outbox.c.seq)))
            await session.execute(outbox.delete())
        return [
            decode(MESSAGES[row.aggregatetype], row.headers, row.aggregateid.encode(), bytes(row.payload))
            for row in rows
        ]

    async def texts(self) -> str:
        """Everything that is stored, as one text."""
        async with self.sessions() as session:
            found = [
                repr(row) for table in tables.tables.tables.values() for row in await session.execute(select(table))
            ]
            return "\n".join(found)

    async def count(self, table: str) -> int:
        async with self.sessions() as session:
            return await session.scalar(select(func.count()).select_from(tables.tables.tables[table])) or 0


@pytest.fixture
async def ledger(new_database) -> AsyncIterator[Ledger]:
    made = Ledger(await new_database("catalog_sync"))
    yield made
    await made.engine.dispose()


@pytest.fixture
def unit() -> Callable[..., Fact]:
    """`unit(3, name="x")`: the fact of a care unit, by number."""

    def make(number: int, **changed: Any) -> Fact:
        hsa_id = f"SE5561234567-A{number:04}"
        content = {
            "hsa_id": hsa_id,
            "status": "active",
            "name": f"Enhet {number}",
            "care_provider": {"hsa_id": "SE5561234567-0001", "name": "Exempel AB", "organisation_number": None},
            "part_of": None,
            "ownership": None,
            "care_forms": [],
            "specialties": [],
            "place": {
                "street": None,
                "postal_code": "11428",
                "locality": "Stockholm",
                "municipality": "0180",
                "region": "01",
                "point": None,
            },
            "contacts": [],
            "opened_on": None,
            "closed_on": None,
            "merged_into": None,
            "staff_categories": [],
            "beds": None,
            "source": {"system": "prov", "reference": f"Organization/{number}", "observed_at": "2026-03-01T00:00:00Z"},
            **changed,
        }
        return Fact(Kind.UNIT, hsa_id, content)

    return make
