"""How fast a page of 42,000 agreements is found, filtered and sorted, over HTTP, beside a page read by primary key.

The agreements are copies of one of the demo's size: 2,000 in each region, with five services each.
"""

import argparse
import asyncio
import json
import random
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson
from fastapi import FastAPI, Request, Response
from sqlalchemy import text

import engines
from agreements.api.application import application
from agreements.settings import Settings
from agreements.store import listing
from bench.serving import percentiles, seconds_of, served
from contracts.agreement_form import AgreementForm
from kit import database, http, logging
from rules.regions import REGIONS
from upkeep.migrations import migrate

_SORTS = ("number", "name", "-valid_to", "changed_at", "-changed_at")


def main() -> int:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, epilog="Example: make bench-agreements-list")
    parser.add_argument("--agreements", type=int, default=42_000, help="how many there are (%(default)s)")
    parser.add_argument("--questions", type=int, default=400, help="how many are asked (%(default)s)")
    options = parser.parse_args()
    logging.configure("bench", "ERROR", sys.stderr)
    with tempfile.TemporaryDirectory() as home:
        running = engines.start(["postgres", "oidc"], home=Path(home), say=_say)
        try:
            found = asyncio.run(_measure(running.addresses, options.agreements, options.questions))
        finally:
            running.stop()
    sys.stdout.write(json.dumps(found, indent=2) + "\n")
    return 0


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


async def _measure(at: engines.Addresses, agreements: int, questions: int) -> dict[str, Any]:
    url = f"{at.postgres}/bench"
    _say(f"{agreements} agreements")
    await _fill(at.postgres or "", url, agreements)
    given = Settings(postgres_url=url, kafka_bootstrap="127.0.0.1:1", oidc_issuer=at.oidc or "")
    engine = database.connect(url)
    tokens = {role: engines.token(at.oidc or "", role=role, region="14") for role in ("navigator", "agreement-admin")}
    async with (
        served(application(given)) as ours,
        served(_bare(database.sessions(engine))) as ceiling,
        httpx.AsyncClient(timeout=60, trust_env=False) as client,
    ):
        found = {}
        floor = percentiles(await seconds_of([_get(client, f"{ceiling}/page", {}, "none")] * questions))
        for role, token in tokens.items():
            asked = [_get(client, f"{ours}/agreements", question, token) for question in _questions(questions)]
            taken = percentiles(await seconds_of(asked))
            ratio = round(floor["p95"] / taken["p95"], 2)
            found[f"list_as_{role}"] = {"ours": taken, "ceiling": floor, "ratio": ratio, "unit": "ms"}
    await engine.dispose()
    about = {"agreements": agreements, "questions": questions, "ceiling_is": "20 agreements by primary key, no token"}
    return {**found, **about, "goal": "p95 at most 50 ms"}


def _get(
    client: httpx.AsyncClient, address: str, params: dict[str, str], token: str
) -> Callable[[], Awaitable[httpx.Response]]:
    return lambda: client.get(address, params=params, headers={"Authorization": f"Bearer {token}"})


def _questions(number: int) -> list[dict[str, str]]:
    """Every sort with none, one or two filters; the same ones in every run."""
    chance = random.Random(1)  # noqa: S311 no secret
    filters: list[dict[str, str]] = [
        {},
        {"region": "14"},
        {"q": "avtal 77"},
        {"care_service": "kva|CJE20"},
        {"unit": "SE2321000131-E77"},
        {"usable_by": "03"},
        {"valid_on": "2026-06-01"},
        {"expires_before": "2027-01-01"},
        {"basis": "own_provision"},
        {"state": "published"},
    ]
    return [
        {**chance.choice(filters), **chance.choice(filters), "sort": chance.choice(_SORTS), "limit": "20"}
        for _ in range(number)
    ]


async def _fill(postgres: str, url: str, agreements: int) -> None:
    admin = database.connect(f"{postgres}/postgres", pool_size=1)
    async with admin.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("CREATE DATABASE bench"))
    await admin.dispose()
    await asyncio.to_thread(migrate, url, Settings.model_fields["migrations"].default)
    engine = database.connect(url)
    async with database.sessions(engine).begin() as session:
        await session.execute(_COPIES, {"n": agreements, "regions": list(REGIONS), "body": json.dumps(_body())})
        ids = [str(one) for one in await session.scalars(text("SELECT id FROM agreement"))]
        for first in range(0, len(ids), 2000):
            await listing.refresh(session, ids[first : first + 2000])
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("VACUUM ANALYZE"))
    await engine.dispose()


_COPIES = text("""
INSERT INTO agreement (id, region, number, state, version, author, body, way, edited_at, public_body, public_state,
  public_version, public_at, published_at, created_at, changed_at)
SELECT id, region, number, 'published', n, 'bench', content, 'file', at, content, 'published', n, at, at, at, at
FROM (
  SELECT gen_random_uuid()::text AS id, n, region, 'B-' || n AS number,
    timestamptz '2026-01-01' + n * interval '1 min' AS at,
    content || jsonb_build_object(
      'region', region, 'number', 'B-' || n, 'name', 'Avtal ' || n * 7919 % 42000,
      'commissioning_regions', ARRAY[region],
      'basis', CASE WHEN n % 9 = 0 THEN 'own_provision' ELSE 'own_agreement' END,
      'valid_to', (date '2026-06-01' + n % 900)::text,
      'use_by_others',
      content->'use_by_others' || jsonb_build_object('use', CASE WHEN n % 4 = 0 THEN 'yes' ELSE 'no' END),
      'services', replace(replace(content->>'services', 'E0005', 'E' || n % 4000), 'CJE20', 'CJE' || 10 + n % 90)::jsonb
    ) AS content
  FROM (SELECT n, (CAST(:regions AS text[]))[1 + n % 21] AS region FROM generate_series(1, :n) AS n) AS numbered,
    (SELECT CAST(:body AS jsonb) AS content) AS template
) AS made
""")


def _body() -> dict[str, Any]:
    service = {
        "care_services": [{"system": "kva", "code": code} for code in ("CJE20", "CJE05", "CJE15")],
        "conditions": {"referral_required": True, "other": "Remiss med synskärpa och linsstatus."},
        "reimbursement": {"model": "fixed_price", "amount": "7850.00"},
        "contacts": [{"purpose": "referral", "channel": "phone", "value": "08-123 45 67", "note": "Vardagar 8-16"}],
    }
    services = [{**service, "units": [f"SE2321000131-E{number:04}"]} for number in range(5, 10)]
    made = {"region": "14", "number": "n", "name": "n", "basis": "own_provision", "valid_from": "2026-01-01"}
    return AgreementForm.model_validate({**made, "services": services}).as_json()


def _bare(sessions: database.Sessions) -> FastAPI:
    """The ceiling: the same framework and database, and no question to think about."""
    ids: list[str] = []

    async def anyone(request: Request) -> None:
        return None

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with sessions() as session:
            ids.extend(await session.scalars(text("SELECT id FROM agreement ORDER BY random() LIMIT 2000")))
        yield

    app = http.application("bare", lifespan=lifespan, authorise=anyone)

    @app.get("/page")
    async def page() -> Response:
        chosen = random.sample(ids, 20)
        async with sessions() as session:
            rows = await session.execute(text("SELECT * FROM agreement WHERE id = ANY(:ids)"), {"ids": chosen})
            return Response(orjson.dumps([dict(row._mapping) for row in rows]), media_type="application/json")

    return app


if __name__ == "__main__":
    sys.exit(main())
