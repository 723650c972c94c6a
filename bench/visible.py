"""How soon an agreement is found by search after the agency's approval, at a steady rate.

Beside it, in the same run, the floor: how soon a document put straight into the same OpenSearch is found there.
"""

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

import engines
from demo import cli, load
from demo.sweden import build

_POLL_SECONDS = 0.1


def main() -> int:
    """Start the demo if it is not up, measure, print JSON."""
    parser = argparse.ArgumentParser(description=__doc__, epilog="example: python -m bench.visible --pushes 500")
    parser.add_argument("--pushes", type=int, default=500)
    parser.add_argument("--rate", type=float, default=50.0, help="approvals a second")
    parser.add_argument("--home", type=Path, default=cli.HOME)
    asked = parser.parse_args()
    home = asked.home.absolute()
    ready = home / "ready.json"
    if not ready.exists():
        sys.stderr.write("starting the demo …\n")
        # Its progress is for people: the JSON alone belongs on stdout.
        sys.stdout, stdout = sys.stderr, sys.stdout
        failed = cli.up(home)
        sys.stdout = stdout
        if failed:
            return failed
    addresses = json.loads(ready.read_text())
    found = asyncio.run(_measure(addresses, asked.pushes, asked.rate))
    print(json.dumps(found, indent=2))
    return 0


async def _measure(at: dict[str, str], pushes: int, rate: float) -> dict[str, Any]:
    tokens = load.tokens_for(at["issuer"], ["14"])
    reader = engines.token(at["issuer"], role="navigator", region="14")
    async with httpx.AsyncClient(base_url=at["gateway"], timeout=30, trust_env=False) as client:
        waiting = load.new_agreements(build(), pushes, f"BENCH {uuid4().hex[:8]}")
        ids: list[str] = []
        for begin in range(0, len(waiting), 16):
            part = waiting[begin : begin + 16]
            ids += await asyncio.gather(*(load.push(client, tokens, one, until="region") for one in part))
            sys.stderr.write(f"\rregistered and approved by the region: {len(ids)} of {pushes}")
        sys.stderr.write("\n")

        async def approve(agreement: str) -> None:
            headers = {"Authorization": f"Bearer {tokens['agency']}"}
            (await client.post(f"/agreements/{agreement}/approve", headers=headers)).raise_for_status()

        async def seen() -> set[str]:
            answer = await client.get(
                "/offers",
                params=load.WHERE_NEW_ONES_ARE_FOUND,
                headers={"Authorization": f"Bearer {reader}"},
            )
            items = answer.raise_for_status().json()["items"]
            return {one["id"] for hit in items for one in hit["agreements"]}

        ours = await _delays(ids, approve, seen, rate)
    floor = await _bare(at["opensearch"], pushes, rate)
    return {
        "approved_to_found": {
            "ours": _percentiles(ours),
            "ceiling": _percentiles(floor),
            "ratio": round(statistics.median(floor) / statistics.median(ours), 2),
            "unit": "s",
            "pushes": pushes,
            "rate_per_s": rate,
            "resolution": _POLL_SECONDS,
            "ceiling_is": "one document put straight into the same OpenSearch, refresh 1 s",
        }
    }


async def _delays(
    ids: Sequence[str],
    write: Callable[[str], Awaitable[None]],
    seen: Callable[[], Awaitable[set[str]]],
    rate: float,
) -> list[float]:
    """Seconds from each write's answer to the first look that shows it."""
    written: dict[str, float] = {}
    delays: dict[str, float] = {}

    async def write_one(one: str, due: float) -> None:
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        await write(one)
        written[one] = time.monotonic()

    async def watch() -> None:
        until = time.monotonic() + len(ids) / rate + 60
        while len(delays) < len(ids):
            asked = time.monotonic()
            found = await seen()
            now = time.monotonic()
            for one in found & written.keys() - delays.keys():
                delays[one] = now - written[one]
            if now > until:
                raise SystemExit(f"{len(ids) - len(delays)} were never found")
            await asyncio.sleep(max(0.0, _POLL_SECONDS - (now - asked)))

    begin = time.monotonic() + 0.1
    await asyncio.gather(watch(), *(write_one(one, begin + place / rate) for place, one in enumerate(ids)))
    return list(delays.values())


async def _bare(opensearch: str, count: int, rate: float) -> list[float]:
    index = f"bench-{uuid4().hex[:8]}"
    async with httpx.AsyncClient(base_url=opensearch, timeout=30, trust_env=False) as client:
        settings = {"settings": {"refresh_interval": "1s", "number_of_replicas": 0}}
        (await client.put(f"/{index}", json=settings)).raise_for_status()

        async def write(one: str) -> None:
            (await client.put(f"/{index}/_doc/{one}", json={"number": one})).raise_for_status()

        async def seen() -> set[str]:
            answer = await client.post(f"/{index}/_search", json={"size": 10_000, "_source": False})
            return {hit["_id"] for hit in answer.raise_for_status().json()["hits"]["hits"]}

        try:
            return await _delays([f"d{number}" for number in range(count)], write, seen, rate)
        finally:
            await client.delete(f"/{index}")


def _percentiles(values: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(values, n=100)
    return {"p50": round(cuts[49], 2), "p99": round(cuts[98], 2), "max": round(max(values), 2)}


if __name__ == "__main__":
    sys.exit(main())
