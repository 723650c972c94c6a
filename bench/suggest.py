"""How fast type-ahead answers over 20,000 units and 60,000 offers, beside the same body sent straight to the engine.

Ours is a call over HTTP to the api, with its token checked. The ceiling is the same body for units sent straight to
OpenSearch. The country is `bench.national`'s.
"""

import argparse
import asyncio
import json
import random
import sys
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import orjson

import engines
from bench import national
from bench.national import Country, facts
from bench.national.country import SERVICES_EACH
from bench.serving import percentiles, seconds_of, served
from kit import database, logging
from search.api.application import application
from search.domain.document import Sources, offer_id, unit_of
from search.domain.document import build as document
from search.index import suggest
from search.index.engine import Index
from search.service import project
from search.settings import Settings
from upkeep.migrations import migrate

_TYPED = ("katarakt", "grå starr", "ljumskbråck", "knäprotes", "ny knäled", "karolinska huddinge", "s:t eriks")
_BATCH = 2000


def main() -> int:
    """Print one JSON object: letters that begin something, letters with a slip, nonsense; ours and the ceiling."""
    parser = argparse.ArgumentParser(description=__doc__, epilog="example: python -m bench.suggest --units 2000")
    parser.add_argument("--units", type=int, default=20_000)
    parser.add_argument("--questions", type=int, default=200)
    asked = parser.parse_args()
    logging.configure("bench", "WARNING", sys.stderr)
    with tempfile.TemporaryDirectory(prefix="bench-suggest-") as home:
        Path(home).chmod(0o711)
        running = engines.start(["postgres", "opensearch", "oidc"], home=Path(home), say=_say)
        try:
            found = asyncio.run(_measure(running.addresses, asked.units, asked.questions))
        finally:
            running.stop()
    print(json.dumps(found, indent=2))
    return 0


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


async def _measure(at: engines.Addresses, units: int, questions: int) -> dict[str, Any]:
    postgres, opensearch = f"{at.postgres}/postgres", at.opensearch or ""
    await asyncio.to_thread(migrate, postgres, Settings.model_fields["migrations"].default)
    country = national.country(units, date(2026, 11, 2))
    await _places(postgres, country)
    await _fill(opensearch, country)
    names = [one.name for one in country.units]
    given = Settings(
        postgres_url=postgres, kafka_bootstrap="unused:1", opensearch_url=opensearch, oidc_issuer=at.oidc or ""
    )
    bearer = {"Authorization": f"Bearer {engines.token(at.oidc or '', role='navigator', region='14')}"}
    chance = random.Random(1)  # noqa: S311 the same letters in every run
    asked = {name: made(names, chance, questions) for name, made in _ASKED.items()}
    async with (
        served(application(given)) as ours,
        httpx.AsyncClient(headers=bearer, timeout=60, trust_env=False) as client,
    ):
        return {name: await _row(client, ours, opensearch, typed) for name, typed in asked.items()} | {
            "ceiling_is": "the same body for units sent straight to OpenSearch",
            "units": units,
            "offers": units * SERVICES_EACH,
        }


async def _row(client: httpx.AsyncClient, ours: str, opensearch: str, typed: list[str]) -> dict[str, Any]:
    def bare(text: str) -> bytes:
        return orjson.dumps(suggest.units(text.split(), 5, slips=False, collapsed=False))

    # The first call of all reads the places.
    (await client.get(f"{ours}/suggest", params={"q": "a"})).raise_for_status()
    headers = {"Content-Type": "application/json"}
    own = await seconds_of([lambda one=one: client.get(f"{ours}/suggest", params={"q": one}) for one in typed])  # type: ignore[misc]
    ceiling = await seconds_of(
        [
            lambda one=one: client.post(f"{opensearch}/offers/_search", content=bare(one), headers=headers)  # type: ignore[misc]
            for one in typed
        ]
    )
    measured, floor = percentiles(own), percentiles(ceiling)
    ratio = round(measured["p50"] / floor["p50"], 2)
    return {"ours": measured, "ceiling": floor, "ratio": ratio, "unit": "ms", "questions": len(typed)}


async def _places(postgres: str, country: Country) -> None:
    codes = list(national.codes(country))
    engine = database.connect(postgres)
    for at in range(0, len(codes), _BATCH):
        async with database.sessions(engine).begin() as session:
            await project.codes(session, codes[at : at + _BATCH])
    await engine.dispose()


async def _fill(opensearch: str, country: Country) -> None:
    """Offers as the indexer builds them, in the index the api searches."""
    index = Index(opensearch, "offers")
    designations = {f"{one['system']}|{one['code']}": one["designations"] for one in country.codes}
    texts = country.texts
    name, _ = await index.create()
    rows = []
    for told, one in zip(national.units(country), country.units, strict=True):
        unit = unit_of(told.model_dump(mode="json"), country.towns[one.town])
        for key in one.services:
            offering = facts.offering(one, key, told.source.observed_at).model_dump(mode="json")
            sources = Sources(
                unit=unit,
                code_key=key,
                code_text=texts[key],
                offerings=[offering],
                services=[],
                waits=[],
                codes={key: texts[key]},
                designations=designations[key],
            )
            rows.append((offer_id(one.hsa_id, key), 1, document(sources)))
        if len(rows) >= _BATCH:
            await index.write(name, rows)
            rows = []
    await index.write(name, rows)
    await index.refresh(name)
    await index.search_in(name)
    await index.close()


def _begun(names: list[str], chance: random.Random, count: int) -> list[str]:
    """Care services, units and towns, typed to one letter or more."""
    whole = [chance.choice((*_TYPED, chance.choice(names), chance.choice(names).split()[-1])) for _ in range(count)]
    return [one[: chance.randint(1, len(one))] for one in whole]


def _slipped(names: list[str], chance: random.Random, count: int) -> list[str]:
    """The same, typed to six letters at least, two of them changed over."""
    typed: list[str] = []
    while len(typed) < count:
        one = chance.choice((*_TYPED, chance.choice(names)))
        one = one[: chance.randint(6, len(one))]
        place = chance.randint(2, 4)
        typed.append(one[:place] + one[place + 1] + one[place] + one[place + 2 :])
    return typed


def _nonsense(names: list[str], chance: random.Random, count: int) -> list[str]:
    return ["".join(chance.choice("bcdfghjklmnpqrstvwxz") for _ in range(chance.randint(6, 14))) for _ in range(count)]


_ASKED = {"begun": _begun, "with_a_slip": _slipped, "nonsense": _nonsense}


if __name__ == "__main__":
    sys.exit(main())
