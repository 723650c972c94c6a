"""Answers through the gateway beside the same bodies sent straight to the engine, in turns."""

from typing import Any

from bench.plumbing.meter import Meter
from bench.plumbing.rounds import say
from bench.search import clients, recorder
from bench.search.clients import Asked, percentiles
from bench.search.entries import Entry, entry
from bench.search.questions import questions
from bench.search.sizes import Sizes
from bench.search.world import World
from engines import observe

_CEILING_IS = "the requests search makes for the same questions, sent straight to the engine by as many clients"


async def measure(world: World, sizes: Sizes) -> dict[str, Entry]:
    """p99, throughput and p95 of the mix; then the memory of the api that has answered it all."""
    asked = questions(world.country, sizes.questions)
    straight = await recorder.recorded(world, asked)
    contenders = {"ours": world.asked(asked), "ceiling": straight}
    turns: dict[str, list[Asked]] = {name: [] for name in contenders}
    cpu: dict[str, list[dict[str, float]]] = {name: [] for name in contenders}
    groups = {"api": [world.api.child.pid], "gateway": [world.gateway.child.pid], **world.ground.pids()}
    for number in range(sizes.rounds + 1):
        for name, calls in contenders.items():
            meter = Meter(groups)
            turn = await clients.once(world.ground, calls, sizes.clients)
            spent = meter.stop()
            which = f"round {number} of {sizes.rounds}" if number else "warming up"
            say(f"[answers] {which}, {name}: {turn.per_second:.1f}/s {percentiles(turn.milliseconds)} cpu {spent.cpu}")
            if number:
                turns[name].append(turn)
                cpu[name].append({group: 1000 * one / len(calls) for group, one in spent.cpu.items()})
    ours, ceiling = (_pooled(turns[name]) for name in contenders)
    facts: dict[str, Any] = {
        "ceiling_is": _CEILING_IS,
        "clients": sizes.clients,
        "questions": sizes.questions,
        "offers": sizes.offers,
    }
    each = {
        name: [{**percentiles(turn.milliseconds), "per_second": round(turn.per_second, 1)} for turn in found]
        for name, found in turns.items()
    }
    spent_each = {
        name: {group: round(sum(one[group] for one in found) / len(found), 2) for group in found[0]}
        for name, found in cpu.items()
    }
    return {
        "answer_p99": entry(
            ours["p99"],
            ceiling["p99"],
            "ms",
            most=1.5,
            of_ratio=True,
            **facts,
            ours_more=ours,
            ceiling_more=ceiling,
            rounds=each,
            cpu_ms_a_question=spent_each,
        ),
        "throughput": entry(
            _rate(turns["ours"]), _rate(turns["ceiling"]), "answers/s", least=0.6, of_ratio=True, **facts
        ),
        "answer_p95": entry(ours["p95"], ceiling["p95"], "ms", most=50, **facts),
        "memory": entry(observe.memory(world.api.child.pid), None, "MB of resident memory, the api", most=150),
    }


def _pooled(turns: list[Asked]) -> dict[str, float]:
    return percentiles([one for turn in turns for one in turn.milliseconds])


def _rate(turns: list[Asked]) -> float:
    return sum(len(turn.milliseconds) for turn in turns) / sum(turn.seconds for turn in turns)
