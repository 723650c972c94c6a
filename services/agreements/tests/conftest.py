"""The real application on a database of its own, with a catalogue copied and tokens of a real issuer."""

import asyncio
import copy
import dataclasses
import json
import logging
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from asgi_lifespan import LifespanManager
from fastapi import FastAPI
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

import contracts
import engines
from agreements.domain.agreement import Agreement, State, Way
from agreements.main import api
from agreements.service import catalogue as copies
from agreements.settings import Settings
from agreements.store import tables as _tables
from agreements.store.tables import history, tables
from contracts import AgreementRegistered, decode
from engines import eventually
from kit import database
from kit.consumer import record as readable
from kit.outbox import Relay
from rules.calendar import swedish_day
from upkeep.reading import everything
from upkeep.topics import create_topics, read_topics

TODAY = swedish_day(datetime.now(UTC))
UNIT, OTHER_UNIT, CLOSED_UNIT = "SE5561234567-A0017", "SE5561234567-A0021", "SE5561234567-A0099"
PROVIDER = "SE5561234567-0001"

FULL: dict[str, Any] = {
    "region": "14",
    "number": "VGR 2026-00042",
    "name": "Kataraktkirurgi 2026–2027",
    "kind": "assignment",
    "assignment_id": "U14-0042",
    "assignment_document_url": "https://avtal.example/uppdrag/42",
    "basis": "own_agreement",
    "law": "LOU",
    "direct_award": False,
    "choice_of_care": False,
    "commissioning_regions": ["14", "13"],
    "care_provider": {"hsa_id": PROVIDER, "name": "Ögonklinikerna Exempel AB", "organisation_number": "556123-4567"},
    "valid_from": "2026-01-01",
    "valid_to": "2027-12-31",
    "extension_option": "Kan förlängas 12 + 12 månader",
    "document_url": "https://avtal.example/14/0042",
    "description": "Operation av grå starr på vuxna.",
    "use_by_others": {
        "use": "named_regions",
        "regions": ["03"],
        "through": "Vårdgarantikansliet",
        "question": "Ange önskad månad.",
    },
    "services": [
        {
            "care_services": [{"system": "kva", "code": "CJE20"}],
            "units": [UNIT],
            "target_group": {"age_min": 18, "age_max": None, "bmi_max": "35.5", "asa_max": 3, "other": "Vuxna"},
            "conditions": {"referral_required": True, "referral_attachments": ["Synskärpa"], "other": "Enligt överens"},
            "included": ["assessment", "procedure"],
            "reimbursement": {"model": "fixed_price", "amount": "7850.50", "valid_from": "2026-01-01"},
            "contacts": [{"purpose": "referral", "channel": "phone", "value": "08-123 45 67", "note": "Vardagar"}],
            "expected_capacity": {"count": 600, "per": "year"},
        }
    ],
}


@pytest.fixture
def body() -> dict[str, Any]:
    """A new agreement of region 14 with every field filled; change it at will."""
    return copy.deepcopy(FULL)


@pytest.fixture
def standing() -> Callable[..., Agreement]:
    """`standing(State.DRAFT, State.PUBLISHED)`: an agreement of region 14, in work and as the public sees it."""

    def make(state: State, public: State | None = None, **more: Any) -> Agreement:
        then = datetime(2026, 3, 1, tzinfo=UTC)
        seen = public is not None
        told = Agreement(
            id="id",
            region="14",
            number="n",
            state=state,
            version=1,
            author="author",
            body={"number": "n"},
            way=Way.FORM,
            revision=None,
            sent_digest=None,
            edited_at=then,
            public_body={"number": "n"} if seen and public is not State.PURGED else None,
            public_state=public,
            public_version=1 if seen else None,
            public_at=then if seen else None,
            ended_on=None,
            published_at=then if seen else None,
            created_at=then,
            changed_at=then,
        )
        return dataclasses.replace(told, **more)

    return make


@pytest.fixture
def spoken(caplog, capsys) -> Callable[[], str]:
    """Everything written to the log or to standard output and error since the test began or asked last."""
    caplog.set_level(logging.DEBUG)

    def said() -> str:
        written = capsys.readouterr()
        return written.out + written.err + caplog.text

    return said


@pytest.fixture(scope="session")
def token(oidc_issuer: str) -> Callable[..., str]:
    """`token("agreement-admin", "14", "anna")`: a real token, fetched once."""
    kept: dict[tuple[str, ...], str] = {}

    def get(role: str, region: str = "", user: str = "demo") -> str:
        if (role, region, user) not in kept:
            kept[role, region, user] = engines.token(oidc_issuer, role=role, region=region, user=user)
        return kept[role, region, user]

    return get


@pytest.fixture
def settings(oidc_issuer: str) -> Callable[[str], Settings]:
    """Settings for a database's address."""

    def make(url: str) -> Settings:
        return Settings(postgres_url=url, kafka_bootstrap="127.0.0.1:1", oidc_issuer=oidc_issuer)

    return make


class Office:
    """The application as people use it: each of them with a token of their own."""

    def __init__(self, client: httpx.AsyncClient, engine: AsyncEngine, token: Callable[..., str]) -> None:
        self.client = client
        self.sessions = database.sessions(engine)
        self.url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._token = token

    async def call(self, who: str, method: str, path: str, **more: Any) -> httpx.Response:
        """`who` is anna or arne (administrators of 14), berit (of 01), agency, navigator or any other role."""
        role, region = {
            "anna": ("agreement-admin", "14"),
            "arne": ("agreement-admin", "14"),
            "berit": ("agreement-admin", "01"),
            "agency": ("agency-reviewer", ""),
            "navigator": ("navigator", "14"),
        }.get(who, (who, "14"))
        headers = {"Authorization": f"Bearer {self._token(role, region, who)}", **more.pop("headers", {})}
        return await self.client.request(method, path, headers=headers, **more)

    async def register(self, content: dict[str, Any], who: str = "anna", **headers: str) -> httpx.Response:
        return await self.call(who, "POST", "/agreements", json=content, headers=headers)

    async def act(self, who: str, agreement: str, action: str, reason: str | None = None) -> httpx.Response:
        content = {"json": {"reason": reason}} if reason is not None else {}
        return await self.call(who, "POST", f"/agreements/{agreement}/{action}", **content)

    async def publish(self, content: dict[str, Any], **headers: str) -> dict[str, Any]:
        answer = await self.register(content, **headers)
        for who, action in (("anna", "submit"), ("arne", "approve"), ("agency", "approve")):
            answer = await self.act(who, answer.json()["id"], action)
            assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def announced(self) -> list[AgreementRegistered]:
        """What waits in the outbox, decoded as a reader of the topic would."""
        async with self.sessions() as session:
            rows = await session.execute(select(tables.tables["outbox"]).order_by("seq"))
            return [
                decode(AgreementRegistered, row.headers, row.aggregateid.encode(), bytes(row.payload)) for row in rows
            ]

    async def counts(self) -> dict[str, int]:
        """Rows in every table that a call may write."""
        async with self.sessions() as session:
            names = ("agreement", "agreement_history", "idempotency", "outbox")
            return {
                name: await session.scalar(select(func.count()).select_from(tables.tables[name])) or 0 for name in names
            }

    async def everything(self) -> str:
        """Every row of every table, as text."""
        async with self.sessions() as session:
            asked = [text(f"SELECT coalesce(json_agg(t)::text, '') FROM \"{name}\" AS t") for name in tables.tables]
            return "\n".join([await session.scalar(one) for one in asked])

    async def history(self, agreement: str) -> list[Any]:
        async with self.sessions() as session:
            query = select(history).where(history.c.agreement_id == agreement)
            return list(await session.execute(query.order_by(history.c.seq)))


@dataclass(frozen=True)
class Catalogue:
    """What the copy of the catalogue holds: ready for the service's copy functions."""

    units: list[dict[str, Any]]
    codes: list[dict[str, Any]]


@pytest.fixture
def catalogue() -> Catalogue:
    """Three units of one provider, and codes that are active, just retired, soon retired, long gone and to begin."""

    def unit(hsa_id: str, status: str, closed_on: date | None = None) -> dict[str, Any]:
        return {
            "hsa_id": hsa_id,
            "version": 1,
            "status": status,
            "name": "Ögonkliniken",
            "care_provider": PROVIDER,
            "closed_on": closed_on,
        }

    def code(
        key: str, status: str = "active", valid_to: date | None = None, valid_from: date | None = None
    ) -> dict[str, Any]:
        days = {"valid_from": valid_from, "valid_to": valid_to}
        return {"key": key, "version": 1, "status": status, "text": key, **days}

    return Catalogue(
        units=[
            unit(UNIT, "active"),
            unit(OTHER_UNIT, "active", TODAY + timedelta(days=1)),
            unit(CLOSED_UNIT, "closed", TODAY - timedelta(days=9)),
        ],
        codes=[
            code("kva|CJE20"),
            code("kva|CJE99", "retired"),
            code("kva|CJE98", "retired", TODAY - timedelta(days=1)),
            code("kva|CJE97", "retired", TODAY + timedelta(days=1)),
            code("kva|CJE96", "retired", TODAY),
            code("kva|CJD98", valid_from=TODAY + timedelta(days=1)),
            code("kva|NGB29"),
            code("vt-demo|kataraktoperation"),
            code("vt|1001010006"),
        ],
    )


@pytest.fixture(scope="session")
async def application(oidc_issuer) -> AsyncIterator[FastAPI]:
    """The application, made once: its routes take longer to make than most tests. Each test gives it a database."""
    app = api(
        Settings(postgres_url="postgresql://127.0.0.1:1/none", kafka_bootstrap="127.0.0.1:1", oidc_issuer=oidc_issuer)
    )
    async with LifespanManager(app):
        yield app


@pytest.fixture
async def empty_office(new_database, application, token) -> AsyncIterator[Office]:
    """The application before anything of the catalogue has been copied."""
    engine = database.connect(await new_database("agreements"))
    application.state.sessions = database.sessions(engine)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(application), base_url="http://agreements.test"
    ) as client:
        yield Office(client, engine, token)
    await engine.dispose()


@pytest.fixture
async def office(empty_office: Office, catalogue: Catalogue) -> Office:
    """The application ready for work."""
    async with empty_office.sessions.begin() as session:
        await copies.copy_units(session, catalogue.units)
        await copies.copy_codes(session, catalogue.codes)
        await copies.catalogue_copied(session, datetime.now(UTC))
    return empty_office


_TOPIC = AgreementRegistered.topic.name


async def remake(bootstrap: str, *names: str) -> None:
    """Topics of these names, declared as they are, with nothing in them."""
    rows = [row for row in read_topics(Path(contracts.__file__).parent / "topics.yaml") if row["name"] in names]
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.delete_topics([name for name in await admin.list_topics() if name in names])

    async def made() -> bool:
        await create_topics(bootstrap, rows)
        return set(names) <= set(await admin.list_topics())

    await eventually(made, within=20)
    await admin.close()


class Operator:
    """Somebody at a terminal, beside a running office."""

    def __init__(self, office: Any, bootstrap: str) -> None:
        self.office = office
        self.bootstrap = bootstrap
        self.engine = office.sessions.kw["bind"]
        self.url = office.url

    async def remake(self, *names: str) -> None:
        """Topics of these names, as they are declared, with nothing in them."""
        await remake(self.bootstrap, *names)

    async def command(self, *argv: str) -> tuple[int, str, str]:
        """`python -m agreements …`: exit code, output and error output."""
        environment = {"POSTGRES_URL": self.url, "KAFKA_BOOTSTRAP": self.bootstrap, "OIDC_ISSUER": "http://x"}
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "agreements", *argv),
            env={**os.environ, **environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await child.communicate()
        return child.returncode or 0, out.decode(), err.decode()

    async def reconcile(self, *argv: str) -> dict[str, Any]:
        """What `reconcile` counts, without what is zero, and its exit code."""
        code, out, err = await self.command("reconcile", "--json", *argv)
        assert out, err
        (row,) = json.loads(out)["topics"]
        assert row.pop("topic") == _TOPIC
        return {"exit": code, **{name: number for name, number in row.items() if number}}

    async def told(self) -> dict[str, AgreementRegistered]:
        """The last message of each agreement on the topic."""
        found: dict[str, AgreementRegistered] = {}
        async for batch in everything(self.bootstrap, [_TOPIC]):
            for one in batch:
                record = readable(one)
                message = decode(AgreementRegistered, record.headers, record.key, record.value)
                found[message.agreement_id] = message
        return found

    async def versions(self) -> dict[str, int]:
        """What the table says of each agreement, public or not."""
        async with self.office.sessions() as session:
            return {row.id: row.public_version for row in await session.execute(select(_tables.agreement))}

    async def change(self, statement: str, **values: Any) -> None:
        async with self.office.sessions.begin() as session:
            await session.execute(text(statement), values)

    @asynccontextmanager
    async def relay(self) -> AsyncIterator[None]:
        running = asyncio.create_task(Relay(self.engine, self.bootstrap).run())
        yield
        running.cancel()
        await asyncio.wait([running])

    async def sent(self) -> None:
        async def empty() -> bool:
            return (await self.office.counts())["outbox"] == 0

        await eventually(empty, within=30)


@pytest.fixture
async def operator(office, kafka_address) -> Operator:
    await remake(kafka_address, _TOPIC)
    return Operator(office, kafka_address)
