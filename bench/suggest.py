"""How fast type-ahead answers over 20,000 units and 60,000 offers, beside the same body sent straight to the engine.

Ours is a call over HTTP to the api, with its token checked. The ceiling is the same body for units sent straight to
OpenSearch. Names are made up of real towns and synthetic brands.
"""

import argparse
import asyncio
import json
import random
import sys
import tempfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import orjson

import engines
from bench.serving import percentiles, seconds_of, served
from contracts import CodeUpdated
from demo.messages import messages
from demo.sweden import Sweden, build
from kit import database, logging
from search.api.application import application
from search.domain.document import Sources, offer_id, unit_of
from search.domain.document import build as document
from search.index import suggest
from search.index.engine import Index
from search.service import project
from search.settings import Settings
from upkeep.migrations import migrate

_CODES = ("katarakt-operation", "ljumskbrack-operation", "knaprotes-operation")
_KINDS = ("Ögonklinik", "Kirurgcenter", "Ortopedcenter", "Specialistcenter", "Läkargruppen", "Sjukhuset")
_BRANDS = ("Granskär", "Tallmo", "Lövsund", "Ljungudde", "Havsvik", "Rönnberga", "Almdal", "Vindö", "Åslätt", "Enudden")
_TYPED = ("katarakt", "grå starr", "ljumskbråck", "knäprotes", "ny knäled", "karolinska huddinge", "s:t eriks")
_SERVICES_EACH = 3
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
    sweden = build(today=date(2026, 11, 2))
    await _places(postgres, sweden)
    names = await _fill(opensearch, sweden, units)
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
            "offers": units * _SERVICES_EACH,
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


async def _places(postgres: str, sweden: Sweden) -> None:
    codes = [one for one in messages(sweden) if isinstance(one, CodeUpdated)]
    engine = database.connect(postgres)
    for at in range(0, len(codes), _BATCH):
        async with database.sessions(engine).begin() as session:
            await project.codes(session, codes[at : at + _BATCH])
    await engine.dispose()


async def _fill(opensearch: str, sweden: Sweden, units: int) -> list[str]:
    """Offers as the indexer builds them, in the index the api searches; the units' names."""
    index = Index(opensearch, "offers")
    codes = {f"{one['system']}|{one['code']}": one for one in sweden.codes}
    towns = [(one["code"], one["text"]) for one in sweden.codes if one["system"] == "municipality"]
    name, _ = await index.create()
    names, rows = [], []
    for number in range(units):
        code, town = towns[number * 7 % len(towns)]
        names.append(f"{_BRANDS[number % 10]}{number // 290 or ''} {_KINDS[number % 6]} {town}")
        told = _told(f"SE5561234567-B{number:06d}", names[-1], code, town)
        for service in _CODES[:_SERVICES_EACH]:
            key = f"vt-demo|{service}"
            offering = {"status": "active", "valid_from": None, "valid_to": None, "source": told["source"]}
            offering |= {"self_referral": None, "referral_required": None, "target_group": None}
            built = document(
                Sources(
                    unit=unit_of(told, town),
                    code_key=key,
                    code_text=codes[key]["text"],
                    offerings=[offering],
                    services=[],
                    waits=[],
                    codes={key: codes[key]["text"]},
                    designations=codes[key]["designations"],
                )
            )
            rows.append((offer_id(told["hsa_id"], key), 1, built))
        if len(rows) >= _BATCH:
            await index.write(name, rows)
            rows = []
    await index.write(name, rows)
    await index.refresh(name)
    await index.search_in(name)
    await index.close()
    return names


def _told(hsa_id: str, name: str, municipality: str, town: str) -> dict[str, Any]:
    place = {"street": None, "postal_code": None, "locality": town, "municipality": municipality}
    return {
        "hsa_id": hsa_id,
        "status": "active",
        "name": name,
        "care_provider": {"name": "Syntetisk Vård AB"},
        "place": {**place, "region": municipality[:2], "point": None},
        "contacts": [],
        "source": {"system": "bench", "observed_at": datetime(2026, 11, 2, tzinfo=UTC).isoformat()},
    }


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
