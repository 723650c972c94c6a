"""How long 2,000 agreements with five services each take as one XLSX file: accepted, validated, published, searchable.

Beside it, in the same run, the floor: reading the file's cells, judging each agreement's shape, and writing the rows.
"""

import argparse
import asyncio
import io
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
from python_calamine import CalamineWorkbook

import engines
from contracts.agreement_form import AgreementForm
from demo import load
from demo.sweden import build
from intake.writing import rows_of, write_xlsx

_REGION = "14"
_SERVICES = 5
_GOALS = {"accepted": 1.0, "validated": 10.0, "published_and_searchable": 15.0, "memory_mb": 300}


def main() -> int:
    """Start a system of its own, measure, print JSON."""
    parser = argparse.ArgumentParser(description=__doc__, epilog="example: make bench-agreements AGREEMENTS=200")
    parser.add_argument("--agreements", type=int, default=2000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-agreements-") as home, _system(Path(home)) as at:
        found = asyncio.run(_measure(Path(home), at, asked.agreements))
    print(json.dumps(found, indent=2))
    return 0


@contextmanager
def _system(home: Path) -> Iterator[dict[str, Any]]:
    command = [sys.executable, "-m", "demo", "up", "--home", str(home), "--agreements", "20"]
    if subprocess.run(command, stdout=sys.stderr, check=False).returncode:  # noqa: S603 our own command
        raise SystemExit("the system did not start; why stands above")
    try:
        yield json.loads((home / "ready.json").read_text())
    finally:
        subprocess.run([sys.executable, "-m", "demo", "down", "--home", str(home)], stdout=sys.stderr, check=False)  # noqa: S603


def made_up(agreements: int) -> list[dict[str, Any]]:
    """Agreements of one region, each with five services at different units; the demo's own words."""
    sweden = build()
    model = next(one.body for one in sweden.agreements if one.region == _REGION and one.body["law"] == "LOU")
    units: dict[str, list[str]] = {}
    for unit in sweden.units:
        if unit.active and unit.provider.ownership == "private":
            units.setdefault(unit.provider.hsa_id, []).append(unit.hsa_id)
    providers = {unit.provider.hsa_id: unit.provider.public.model_dump(mode="json") for unit in sweden.units}
    owners = sorted(units)
    codes = ["CJE20", "CJE05", "JAB10", "JAB30", "NGB29"]
    name = uuid4().hex[:6]
    rows = []
    for number in range(agreements):
        owner = owners[number % len(owners)]
        theirs = units[owner]
        services = [
            {
                **model["services"][0],
                "care_services": [{"system": "kva", "code": codes[place]}],
                "units": [theirs[(number + place) % len(theirs)]],
            }
            for place in range(_SERVICES)
        ]
        body = {**model, "number": f"BENCH {name}-{number:05d}", "services": services, "revision": 1}
        body["care_provider"] = providers[owner]
        rows.append(AgreementForm.model_validate(body).model_dump(mode="json"))
    return rows


async def _measure(home: Path, at: dict[str, Any], agreements: int) -> dict[str, Any]:
    content = made_up(agreements)
    file = io.BytesIO()
    write_xlsx((row for one in content for row in rows_of(one)), file)
    upload = file.getvalue()
    sys.stderr.write(f"{agreements} agreements x {_SERVICES} services: {len(upload) / 1e6:.1f} MB\n")
    floor = await _floor(at["postgres"], upload, content)
    tokens = await asyncio.to_thread(load.tokens_for, at["issuer"], [_REGION])
    watched = _watched(home)
    async with httpx.AsyncClient(base_url=at["gateway"], timeout=60, trust_env=False) as client:
        taken = await _by_file(client, tokens, upload, agreements)
        taken |= await _through_gates(client, tokens, at["opensearch"], content)
    memory = {name: round(_peak_mb(pid)) for name, pid in watched.items()}
    whole = taken["validated"] + taken["published_and_searchable"]
    return {
        "file": {
            "ours": taken,
            "ceiling": floor,
            "ratio": round(floor["seconds"] / whole, 2),
            "unit": "s",
            "goals": _GOALS,
            "peak_memory_mb": memory,
        },
        "agreements": agreements,
        "services_each": _SERVICES,
        "ceiling_is": "cells read, each agreement's shape judged, rows copied into a table",
    }


async def _by_file(
    client: httpx.AsyncClient, tokens: dict[str, str], upload: bytes, agreements: int
) -> dict[str, float]:
    headers = {
        "Authorization": f"Bearer {tokens[f'{_REGION} author']}",
        "Content-Type": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "Idempotency-Key": uuid4().hex,
    }
    begun = time.perf_counter()
    answer = await client.post("/agreement-submissions?name=bench.xlsx", content=upload, headers=headers)
    accepted = time.perf_counter() - begun
    submission = answer.raise_for_status().json()["id"]
    while True:
        told = (await client.get(f"/agreement-submissions/{submission}", headers=headers)).raise_for_status().json()
        if told["status"] in ("done", "failed"):
            break
        await asyncio.sleep(0.1)
    validated = time.perf_counter() - begun
    if told["counts"].get("accepted") != agreements:
        raise SystemExit(f"not all were accepted: {json.dumps(told)[:2000]}")
    return {"accepted": round(accepted, 2), "validated": round(validated, 2)}


async def _through_gates(
    client: httpx.AsyncClient, tokens: dict[str, str], opensearch: str, content: list[dict[str, Any]]
) -> dict[str, float]:
    begun = time.perf_counter()
    for token in (tokens[f"{_REGION} reviewer"], tokens["agency"]):
        headers = {"Authorization": f"Bearer {token}"}
        waiting = (await client.get("/agreement-reviews/versions", headers=headers)).raise_for_status().json()["items"]
        answer = await client.post("/agreement-reviews/approve", json={"agreements": waiting}, headers=headers)
        if answer.raise_for_status().json()["counts"]["done"] != len(waiting):
            raise SystemExit(f"not all were approved: {answer.text[:2000]}")
    approved = time.perf_counter() - begun
    wanted = {one["number"] for one in content}
    async with httpx.AsyncClient(base_url=opensearch, timeout=60, trust_env=False) as engine:

        async def all_found() -> bool:
            return wanted <= await _searchable(engine, content[0]["number"].split("-")[0])

        await engines.eventually(all_found, within=300)
    return {"approved": round(approved, 2), "published_and_searchable": round(time.perf_counter() - begun, 2)}


async def _searchable(engine: httpx.AsyncClient, beginning: str) -> set[str]:
    """The numbers of the agreements that some offer in the index rests on."""
    mine = {"prefix": {"bases.number": beginning}}
    asked = {
        "size": 0,
        "query": {"nested": {"path": "bases", "query": mine}},
        "aggs": {"in": {"nested": {"path": "bases"}, "aggs": {"mine": {"filter": mine, "aggs": {
            "numbers": {"terms": {"field": "bases.number", "size": 10_000}}}}}}},
    }  # fmt: skip
    answer = (await engine.post("/offers/_search", json=asked)).raise_for_status().json()
    return {bucket["key"] for bucket in answer["aggregations"]["in"]["mine"]["numbers"]["buckets"]}


async def _floor(postgres: str, upload: bytes, content: list[dict[str, Any]]) -> dict[str, float]:
    connection = await asyncpg.connect(f"{postgres.replace('+asyncpg', '')}/postgres")
    await connection.execute("CREATE TABLE floor (number text, content jsonb)")
    begun = time.perf_counter()
    rows = CalamineWorkbook.from_filelike(io.BytesIO(upload)).get_sheet_by_index(0).to_python()
    for one in content:
        AgreementForm.model_validate(one)
    records = [(one["number"], json.dumps(one)) for one in content]
    await connection.copy_records_to_table("floor", records=records)
    seconds = time.perf_counter() - begun
    await connection.execute("DROP TABLE floor")
    await connection.close()
    return {"seconds": round(seconds, 2), "rows": len(rows)}


def _watched(home: Path) -> dict[str, int]:
    running = json.loads((home / "processes.json").read_text())
    names = ("agreements-api", "agreements-worker", "search-worker", "gateway")
    return {name: int(running[name]["pid"]) for name in names}


def _peak_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024


if __name__ == "__main__":
    sys.exit(main())
