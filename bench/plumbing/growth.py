"""Whether ten times the rows, or ten times the documents, slow anything down."""

from typing import Any

from bench.plumbing import bulk, facts, projection, relay
from bench.plumbing.ground import Ground
from bench.plumbing.rounds import Run, median, say
from bench.plumbing.sizes import Sizes

_TIMES = 10
# Into each index, one after the other: on a busy machine one alone says little.
_LOADS = 2


async def outbox(ground: Ground, sizes: Sizes) -> dict[str, Any]:
    """The relay with a backlog, with a many times larger one, and with the first again. The backlog has been made."""
    once = [await relay.ours(ground, sizes.outbox_rows)]
    say(f"[growth-outbox] {sizes.outbox_rows:,} rows: {once[0].value:,.0f} rows/s")
    many = await relay.ours(ground, sizes.outbox_rows, sizes.outbox_times)
    say(f"[growth-outbox] {sizes.outbox_times} times as many: {many.value:,.0f} rows/s")
    once.append(await relay.ours(ground, sizes.outbox_rows))
    return _told([many], once, "rows/s", rows=[sizes.outbox_rows, sizes.outbox_rows * sizes.outbox_times])


async def index(ground: Ground, sizes: Sizes) -> dict[str, Any]:
    """The same loads of offerings into an index of as many documents, and into one of ten times as many."""
    runs: dict[int, list[Run]] = {}
    units, codes = sizes.grown_units, sizes.codes
    async with bulk.client(ground) as http:
        for times in (1, _TIMES):
            there, end = range(units * times), units * (times + _LOADS)
            world = await projection.prepared(ground, http, there, range(len(there), end), codes)
            runs[times] = []
            for begin in range(len(there), end, units):
                coming = facts.offerings(range(begin, begin + units), codes)
                runs[times].append(await projection.load(world, coming, (begin + units) * codes + end - begin - units))
                say(f"[growth-index] into {begin * codes:,} documents: {runs[times][-1].value:,.0f} documents/s")
            await world.remove()
    sizes_of_index = [units * codes, units * codes * _TIMES]
    return _told(runs[_TIMES], runs[1], "documents/s", documents=sizes_of_index, load=units * codes)


def _told(many: list[Run], once: list[Run], unit: str, **more: Any) -> dict[str, Any]:
    ours, ceiling = median(many), median(once)
    return {
        "ours": ours["value"],
        "ceiling": ceiling["value"],
        "ratio": round(ours["value"] / ceiling["value"], 2),
        "unit": unit,
        **more,
        "ceiling_is": "ours with the smaller amount",
        "ours_more": ours,
        "ceiling_more": ceiling,
    }
