"""How fast codes are judged, found and translated over HTTP, beside a bare lookup in memory served the same way.

The codes are made up in the shapes and numbers of the real systems: 9,700 of KVÅ, 38,000 of ICD-10-SE, 300 services.
"""

import argparse
import asyncio
import json
import random
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import orjson
from fastapi import FastAPI, Request, Response
from sqlalchemy import text

import engines
from bench.serving import percentiles, seconds_of, served
from catalog_sync.main import api
from catalog_sync.settings import ApiSettings, Settings
from catalog_sync.store import tables
from kit import database, http, logging
from upkeep.migrations import migrate

_AT_ONCE = 20_000
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_STEMS = (
    "katarakt",
    "starr",
    "ljumskbråck",
    "knäprotes",
    "höftled",
    "artroskopi",
    "laparoskopi",
    "extraktion",
    "reposition",
    "exstirpation",
    "sutur",
    "implantation",
    "linsprotes",
    "endoskopi",
    "fraktur",
    "tumör",
    "gallblåsa",
    "sköldkörtel",
    "njure",
    "lunga",
    "hjärta",
    "klaff",
    "kärl",
    "ven",
    "nerv",
    "muskel",
    "sena",
    "ligament",
    "menisk",
    "axel",
    "armbåge",
    "handled",
    "finger",
    "fot",
    "tå",
    "rygg",
    "disk",
    "öra",
    "näsa",
    "hals",
    "tonsill",
    "tand",
    "käke",
    "öga",
)
_ENDINGS = ("", "en", "er", "operation", "plastik", "ektomi", "skada", "sjukdom", "tillstånd")


def main() -> int:
    """Print one JSON object: validation, text search and translation, ours and the ceiling."""
    parser = argparse.ArgumentParser(description=__doc__, epilog="example: python -m bench.codes --questions 300")
    parser.add_argument("--questions", type=int, default=300, help="searches and translations, each one call")
    parser.add_argument("--calls", type=int, default=20, help=f"validations of {_AT_ONCE} codes")
    asked = parser.parse_args()
    # A line a request would be written and measured too.
    logging.configure("bench", "WARNING", sys.stderr)
    with tempfile.TemporaryDirectory(prefix="bench-codes-") as home:
        running = engines.start(["postgres", "oidc"], home=Path(home), say=_say)
        try:
            found = asyncio.run(_measure(running.addresses, asked.questions, asked.calls))
        finally:
            running.stop()
    print(json.dumps(found, indent=2))
    return 0


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


async def _measure(at: engines.Addresses, questions: int, calls: int) -> dict[str, Any]:
    url = f"{at.postgres}/bench"
    codes = made_up()
    _say(f"{len(codes)} codes")
    await _fill(at.postgres or "", url, codes)
    known = {f"{one['system']}|{one['code']}": orjson.dumps(one) for one in codes}
    bearer = {"Authorization": f"Bearer {engines.token(at.oidc or '', role='navigator', region='14')}"}
    async with (
        served(api(ApiSettings(postgres_url=url, oidc_issuer=at.oidc or ""))) as ours,
        served(bare(known)) as ceiling,
        httpx.AsyncClient(headers=bearer, timeout=60, trust_env=False) as client,
    ):

        async def ready() -> bool:
            return (await client.get(f"{ours}/readyz")).status_code == httpx.codes.OK

        await engines.eventually(ready, within=60)
        return await _figures(client, ours, ceiling, list(known), questions, calls)


async def _figures(
    client: httpx.AsyncClient, ours: str, ceiling: str, keys: list[str], questions: int, calls: int
) -> dict[str, Any]:
    chance = random.Random(1)  # noqa: S311 the same questions in every run
    right = [chance.choice(keys) for _ in range(_AT_ONCE)]
    slips = [key[:-1] + chance.choice("0123456789X") if chance.random() < 0.1 else key for key in right]
    wrong = [f"{key[:-1]}X" for key in right]

    def validation(base: str, codes: list[str]) -> Callable[[], Awaitable[httpx.Response]]:
        body = orjson.dumps({"codes": codes})
        headers = {"Content-Type": "application/json"}
        return lambda: client.post(f"{base}/codes/validate", content=body, headers=headers)

    async def a_second(work: Callable[[], Awaitable[httpx.Response]]) -> int:
        return round(_AT_ONCE / statistics.median(await seconds_of([work] * calls)))

    floor = await a_second(validation(ceiling, right))
    validated = {}
    for name, codes in (("validate", right), ("validate_one_in_ten_wrong", slips), ("validate_all_wrong", wrong)):
        rate = await a_second(validation(ours, codes))
        row = {"ours": rate, "ceiling": floor, "ratio": round(rate / floor, 2), "unit": "codes/s"}
        validated[name] = {**row, "codes_a_call": _AT_ONCE, "calls": calls}

    words = [f"{chance.choice(_STEMS)} {chance.choice(_STEMS)}{chance.choice(_ENDINGS)}" for _ in range(questions)]
    words = [slip(word, chance) if number % 5 == 0 else word for number, word in enumerate(words)]
    asked = [chance.choice(keys) for _ in range(questions)]
    mapped = [key for key in asked if not key.startswith("vt-demo")]

    def get(base: str, path: str, **params: str) -> Callable[[], Awaitable[httpx.Response]]:
        return lambda: client.get(f"{base}{path}", params=params)

    bare_one = percentiles(await seconds_of([get(ceiling, "/codes", code=key) for key in asked]))
    search = percentiles(await seconds_of([get(ours, "/codes", q=word) for word in words]))
    translate = percentiles(await seconds_of([get(ours, "/codes/translate", code=key) for key in mapped]))
    return {
        **validated,
        "text_search": _row(search, bare_one, questions),
        "translate": _row(translate, bare_one, len(mapped)),
        "ceiling_is": "a dict of the same codes in memory, served by the same framework, without tokens",
    }


def _row(ours: dict[str, float], ceiling: dict[str, float], questions: int) -> dict[str, Any]:
    ratio = round(ceiling["p50"] / ours["p50"], 2)
    return {"ours": ours, "ceiling": ceiling, "ratio": ratio, "unit": "ms", "questions": questions}


def slip(word: str, chance: random.Random) -> str:
    """The word with two of its letters changed over."""
    place = chance.randrange(1, len(word) - 1)
    return word[:place] + word[place + 1] + word[place] + word[place + 2 :]


def made_up() -> list[dict[str, Any]]:
    """Codes in the shape of `contracts.CodeUpdated`, always the same."""
    chance = random.Random(1)  # noqa: S311 no secret

    def words() -> str:
        return " ".join(chance.choice(_STEMS) + chance.choice(_ENDINGS) for _ in range(6)).capitalize()

    services = [f"tjanst-{number}" for number in range(300)]
    kva = [f"{a}{b}{c}{number:02}" for a in "ACFJNQ" for b in _LETTERS for c in _LETTERS[:8] for number in range(9)]
    ends = [f"{part}{end}" for part in range(4) for end in ("", "A", "B", "C", "D")]
    icd = [f"{a}{number:02}.{end}" for a in _LETTERS[:19] for number in range(100) for end in ends]
    rows = [("vt-demo", code) for code in services]
    rows += [("kva", code) for code in kva[:9_700]] + [("icd", code) for code in icd]
    return [
        {
            "system": system,
            "code": code,
            "status": "active",
            "text": words(),
            "release": "2026",
            "valid_from": "1997-01-01",
            "valid_to": None,
            "maps": [] if system == "vt-demo" else [_line(chance.choice(services), system)],
            "place": None,
            "care_area": None,
            "designations": [chance.choice(_STEMS)],
            "changed_at": "2026-01-01T00:00:00Z",
        }
        for system, code in rows
    ]


def _line(target: str, system: str) -> dict[str, Any]:
    return {
        "target": {"system": "vt-demo", "code": target},
        "equivalence": "wider",
        "map": f"{system}-till-vt-demo",
        "map_version": "1",
        "valid_from": None,
        "valid_to": None,
        "source": None,
        "reviewed_by": None,
    }


async def _fill(postgres: str, url: str, codes: list[dict[str, Any]]) -> None:
    admin = database.connect(f"{postgres}/postgres", pool_size=1)
    async with admin.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("CREATE DATABASE bench"))
    await admin.dispose()
    await asyncio.to_thread(migrate, url, Settings.model_fields["migrations"].default)
    engine = database.connect(url)
    now = int(datetime.now(UTC).timestamp() * 1_000_000)
    rows = []
    for number, content in enumerate(codes):
        key = f"{content['system']}|{content['code']}"
        row = {"kind": "code", "key": key, "version": now + number, "fingerprint": key, "ended": False}
        rows.append({**row, "reference": key, "content": content})
    names = tables.fact.c.keys()
    async with database.sessions(engine).begin() as session:
        await database.upsert_newer(session, tables.fact, [{n: row[n] for n in row if n in names} for row in rows])
    await engine.dispose()


def bare(known: dict[str, bytes]) -> FastAPI:
    """The ceiling: the same framework, and nothing but a lookup."""

    async def anyone(request: Request) -> None:
        return None

    @asynccontextmanager
    async def nothing(app: FastAPI) -> AsyncIterator[None]:
        yield

    app = http.application("bare", lifespan=nothing, authorise=anyone)

    @app.post("/codes/validate")
    async def validate(request: Request) -> Response:
        keys = orjson.loads(await request.body())["codes"]
        return Response(orjson.dumps([key in known for key in keys]), media_type="application/json")

    @app.get("/codes")
    async def one(code: str) -> Response:
        return Response(known[code], media_type="application/json")

    return app


if __name__ == "__main__":
    sys.exit(main())
