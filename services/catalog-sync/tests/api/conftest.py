"""The api of catalog-sync over a real database, with the demo's codes in it and everybody's tokens."""

import importlib
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
from asgi_lifespan import LifespanManager
from fhir.resources.R4B import get_fhir_model_class
from sqlalchemy import func, select

import engines
from catalog_sync.main import api
from catalog_sync.service.terminology import today
from catalog_sync.settings import ApiSettings
from catalog_sync.store import tables
from contracts import CodeUpdated, Message, RegionProfileUpdated, decode
from demo.sweden import Sweden
from engines import eventually
from kit import database
from kit.database import upsert_newer

TODAY = today()
Code = dict[str, Any]


def code(system: str, value: str, text: str, **more: Any) -> Code:
    """A code's content as stored; `kva`, `CJE20`, its text, and what differs from an active code without more."""
    nothing = {"release": None, "valid_from": None, "valid_to": None, "maps": [], "place": None, "care_area": None}
    changed = {"changed_at": "2026-03-01T00:00:00Z", "designations": []}
    return {"system": system, "code": value, "status": "active", "text": text, **nothing, **changed, **more}


def map_line(target: tuple[str, str], equivalence: str = "wider", **more: Any) -> dict[str, Any]:
    """A line of the map from ICD-10-SE to the care services."""
    line = {"target": {"system": target[0], "code": target[1]}, "equivalence": equivalence, "map": "icd-till-vt-demo"}
    return line | {"map_version": "1", "valid_from": None, "valid_to": None, "source": None, "reviewed_by": None} | more


def days(number: int) -> str:
    """The day so many days from today."""
    return (TODAY + timedelta(days=number)).isoformat()


ICD = (
    code("icd", "H25", "Senil katarakt", release="2026", maps=[map_line(("vt-demo", "katarakt-operation"))]),
    code(
        "icd",
        "H25.1",
        "Senil kärnkatarakt",
        release="2026",
        designations=["Kärnstarr"],
        maps=[
            map_line(("vt-demo", "katarakt-operation")),
            map_line(("vt-demo", "katarakt-bedomning"), "inexact", valid_to=days(-1)),
            map_line(("vt-demo", "katarakt-linsbyte"), "inexact", valid_from=days(1)),
        ],
    ),
    code("icd", "H26.9", "Katarakt, ospecificerad", status="retired", release="2026", valid_to=days(1)),
    code("icd", "H28.0", "Diabeteskatarakt", status="retired", release="2026", valid_to=days(-1)),
    code("icd", "H28.1", "Katarakt vid andra sjukdomar", release="2026", valid_from=days(1)),
    code("icd", "H28.2", "Katarakt vid andra tillstånd", status="retired", release="2026"),
    code("vt", "394579002", "kardiologi", release="20260531"),
)


@pytest.fixture(scope="session")
def codes(sweden: Sweden) -> list[Code]:
    """The 50 KVÅ codes near the demo's care areas, care services, a few places; ICD-10-SE of these tests' own."""
    prefixes = ("kva|CJC", "kva|CJD", "kva|CJE", "kva|JAB", "kva|NGB", "postal-code|114", "postal-code|541")
    whole = {"vt-demo", "care-area", "municipality", "region", "code-system"}
    keys = ((one, f"{one['system']}|{one['code']}") for one in sweden.codes)
    made = [one for one, key in keys if one["system"] in whole or key.startswith(prefixes)]
    return [*({**one, "changed_at": "2026-03-01T00:00:00Z"} for one in made), *ICD]


@pytest.fixture(scope="session")
def cataract() -> tuple[str, ...]:
    """The 15 codes of Socialstyrelsen's activity 51101 Gråstarr."""
    return (
        *("CJC00", "CJC10", "CJC20", "CJC99", "CJD00", "CJD10", "CJD20", "CJD99"),
        *("CJE00", "CJE05", "CJE10", "CJE15", "CJE20", "CJE25", "CJE99"),
    )


@pytest.fixture(scope="session")
def token(oidc_issuer: str) -> Callable[..., str]:
    """`token("agreement-admin", "14", "anna")`: a real token, fetched once."""
    kept: dict[tuple[str, ...], str] = {}

    def get(role: str, region: str = "", user: str = "demo") -> str:
        if (role, region, user) not in kept:
            kept[role, region, user] = engines.token(oidc_issuer, role=role, region=region, user=user)
        return kept[role, region, user]

    return get


class Room:
    """The application as its callers use it, and its database."""

    def __init__(self, app: Any, client: httpx.AsyncClient, url: str, token: Callable[..., str]) -> None:
        self.app = app
        self.client = client
        self.url = url
        self.engine = database.connect(url)
        self.sessions = database.sessions(self.engine)
        self.token = token

    def bearer(self, who: str) -> dict[str, str]:
        """Headers of anna or arne (administrators of 14), berit (of 01), or any role."""
        role, region = {
            "anna": ("agreement-admin", "14"),
            "arne": ("agreement-admin", "14"),
            "berit": ("agreement-admin", "01"),
        }.get(who, (who, "14"))
        return {"Authorization": f"Bearer {self.token(role, region, who)}"}

    async def call(self, who: str, method: str, path: str, **more: Any) -> httpx.Response:
        """One call as somebody."""
        headers = {**self.bearer(who), **more.pop("headers", {})}
        return await self.client.request(method, path, headers=headers, **more)

    async def get(self, path: str, **params: Any) -> httpx.Response:
        """A navigator reads."""
        return await self.call("navigator", "GET", path, params=params)

    async def fhir(self, path: str, content: Any = None, *, status: int = 200, **more: Any) -> dict[str, Any]:
        """A navigator asks the FHIR service; every answer is held against two libraries' models of R4."""
        method = "GET" if content is None else "POST"
        body = {} if content is None else {"json": content, "headers": {"Content-Type": "application/fhir+json"}}
        answer = await self.call("navigator", method, f"/fhir/{path}", **{**body, **more})
        assert answer.status_code == status, answer.text
        return self.checked(answer)

    @staticmethod
    def checked(answer: httpx.Response) -> dict[str, Any]:
        """The resource in an answer, once both libraries have taken it for one."""
        assert answer.headers["content-type"] == "application/fhir+json", answer.text
        resource = dict(answer.json())
        kind = resource["resourceType"]
        get_fhir_model_class(kind).model_validate_json(answer.text)
        module = importlib.import_module(f"fhirclient.models.{kind.lower()}")
        assert getattr(module, kind)(resource, strict=True).as_json()["resourceType"] == kind
        return resource

    async def tell(self, codes: Iterable[Code]) -> None:
        """Keep codes as a sync would, at new versions."""
        now = time.time_ns() // 1000
        rows = []
        for number, content in enumerate(codes):
            key = f"{content['system']}|{content['code']}"
            told = {"kind": "code", "key": key, "version": now + number, "fingerprint": key, "ended": False}
            rows.append({**told, "reference": key, "content": content})
        known = tables.fact.c.keys()
        async with self.sessions.begin() as session:
            await upsert_newer(session, tables.fact, [{n: row[n] for n in row if n in known} for row in rows])

    async def ready(self) -> None:
        """Wait until the application answers with what the database holds."""

        async def is_ready() -> bool:
            return (await self.client.get("/readyz")).status_code == 200

        await eventually(is_ready)

    async def announced(self) -> list[Message]:
        """What waits in the outbox, decoded as a reader of the topic would."""
        outbox = tables.tables.tables["outbox"]
        kinds: dict[str, type[Message]] = {one.topic.name: one for one in (CodeUpdated, RegionProfileUpdated)}
        async with self.sessions() as session:
            return [
                decode(kinds[row.aggregatetype], row.headers, row.aggregateid.encode(), bytes(row.payload))
                for row in await session.execute(select(outbox).order_by(outbox.c.seq))
            ]

    async def rows(self, table: Any) -> list[Any]:
        """A table's rows in the order they were written."""
        async with self.sessions() as session:
            return list(await session.execute(select(table).order_by(*table.primary_key.columns)))

    async def count(self) -> dict[str, int]:
        """Rows in every table that a call may write."""
        names = ("region_profile", "region_profile_history", "outbox")
        async with self.sessions() as session:
            return {
                name: await session.scalar(select(func.count()).select_from(tables.tables.tables[name])) or 0
                for name in names
            }


@asynccontextmanager
async def opened(url: str, issuer: str, token: Callable[..., str], codes: Iterable[Code]) -> AsyncIterator[Room]:
    """The application over a database, ready with the codes where there are any."""
    app = api(ApiSettings(postgres_url=url, oidc_issuer=issuer, fhir_base="http://fhir.test/fhir/"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://catalog.test") as client:
        room = Room(app, client, url, token)
        await room.tell(codes)
        async with LifespanManager(app):
            if codes:
                await room.ready()
            yield room
        await room.engine.dispose()


@pytest.fixture
async def empty_room(new_database, oidc_issuer, token) -> AsyncIterator[Room]:
    """The application before any code is known, with a database of this test's own."""
    async with opened(await new_database("catalog_sync"), oidc_issuer, token, ()) as room:
        yield room


@pytest.fixture(scope="session")
async def room(databases, oidc_issuer, token, codes) -> AsyncIterator[Room]:
    """The application with the codes in memory, for tests that only read: one for all of them."""
    url = await databases.make("catalog_sync")
    async with opened(url, oidc_issuer, token, codes) as made:
        yield made
    databases.drop(url)


@pytest.fixture(scope="session")
def day() -> Callable[[int], str]:
    """`day(-1)`: yesterday in Sweden."""
    return days
