"""Contenders measured in turn, and what is told of them: medians, the ratio, every round."""

import json
import statistics
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from bench.plumbing.meter import Spent


@dataclass(frozen=True)
class Run:
    """One contender's turn: its figure, what it took, and figures beside it."""

    value: float
    spent: Spent
    more: Mapping[str, float] = field(default_factory=dict)


Contender = Callable[[], Awaitable[Run]]


def say(line: str) -> None:
    """Progress, for people."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


async def in_turn(
    name: str, contenders: Mapping[str, Contender], rounds: int, *, warm: int = 0
) -> dict[str, list[Run]]:
    """Each contender once a round, so that a busy machine meets all of them; `warm` rounds before do not count."""
    runs: dict[str, list[Run]] = {one: [] for one in contenders}
    for number in range(1 - warm, rounds + 1):
        which = f"round {number} of {rounds}" if number > 0 else "warming up"
        for one, measured in contenders.items():
            run = await measured()
            if number > 0:
                runs[one].append(run)
            say(f"[{name}] {which}, {one}: {run.value:,.1f}  cpu {json.dumps(run.spent.cpu)}")
    return runs


def told(runs: Mapping[str, Sequence[Run]], unit: str, *, more_is_better: bool = True, **facts: Any) -> dict[str, Any]:
    """One entry of the result, from the turns of `ours`, `ceiling` and others that stand beside them.

    Ratios are ours to the other's (1 is level, above 1 is ahead), the median of those of the rounds.
    """

    def ratios(other: Sequence[Run]) -> list[float]:
        pairs = zip(runs["ours"], other, strict=True)
        return [one.value / two.value if more_is_better else two.value / one.value for one, two in pairs]

    against = ratios(runs["ceiling"])
    beside = {
        name: {**median(found), "ours_to_it": round(statistics.median(ratios(found)), 2)}
        for name, found in runs.items()
        if name not in ("ours", "ceiling")
    }
    return {
        "ours": median(runs["ours"])["value"],
        "ceiling": median(runs["ceiling"])["value"],
        "ratio": round(statistics.median(against), 2),
        "ratio_range": [round(min(against), 2), round(max(against), 2)],
        "unit": unit,
        **facts,
        "ours_more": median(runs["ours"]),
        "ceiling_more": median(runs["ceiling"]),
        **({"beside": beside} if beside else {}),
        "rounds": {name: [asdict(run) for run in found] for name, found in runs.items()},
    }


def median(runs: Sequence[Run]) -> dict[str, Any]:
    """The median of each figure of several turns."""

    def of(values: Sequence[float]) -> float:
        middle = statistics.median(values)
        return round(middle) if middle >= 1000 else round(middle, 2)

    return {
        "value": of([run.value for run in runs]),
        **{name: of([run.more[name] for run in runs]) for name in runs[0].more},
        "seconds": of([run.spent.seconds for run in runs]),
        "cpu_s": {name: of([run.spent.cpu[name] for run in runs]) for name in runs[0].spent.cpu},
        "cores_of_others": of([run.spent.cpu["others"] / run.spent.seconds for run in runs]),
    }
