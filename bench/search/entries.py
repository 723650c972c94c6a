"""One figure of the result: ours, the ceiling, their ratio, the goal, and whether it is met."""

from collections.abc import Mapping
from typing import Any

Entry = dict[str, Any]


def entry(
    ours: float,
    ceiling: float | None,
    unit: str,
    *,
    most: float | None = None,
    least: float | None = None,
    of_ratio: bool = False,
    **facts: Any,
) -> Entry:
    """The goal is a bound of `ours`, or of the ratio ours / ceiling."""
    ratio = round(ours / ceiling, 2) if ceiling else None
    judged = ratio if of_ratio else ours
    bounds = [f"at most {most:g}"] if most is not None else []
    bounds += [f"at least {least:g}"] if least is not None else []
    kept = judged is not None and (most is None or judged <= most) and (least is None or judged >= least)
    goal = " and ".join(bounds) + (" x the ceiling" if of_ratio else f" {unit}") if bounds else None
    return {
        "ours": round(ours, 2),
        "ceiling": round(ceiling, 2) if ceiling is not None else None,
        "ratio": ratio,
        "unit": unit,
        "goal": goal,
        "met": kept if bounds else None,
        **facts,
    }


def of_each(entries: Mapping[str, Entry]) -> dict[str, Any]:
    """What was met and what not, for people who look at one line."""
    return {name: one.get("met") for name, one in entries.items()}
