"""Runs of a reading that may be held for a person's decision: how a command takes and tells such a decision."""

import argparse
from typing import Any

from sqlalchemy import Row

from upkeep.terminal import from_one, moment, person, safe


def act(
    acts: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    sentence: str,
    example: str,
    codes: str,
    *,
    tells_json: bool,
) -> argparse.ArgumentParser:
    """Add one act of the command, with an example and what its exit codes mean."""
    raw = argparse.RawDescriptionHelpFormatter
    made = acts.add_parser(name, help=sentence, description=sentence, formatter_class=raw)
    made.epilog = f"example: {made.prog.removesuffix(name)}{example}\n{codes}"
    if tells_json:
        made.add_argument("--json", action="store_true", help="one JSON object, for machines")
    return made


def decision_arguments(parser: argparse.ArgumentParser, *, why_required: bool) -> None:
    """What a decision needs: which run, who decides, and why."""
    parser.add_argument("run", metavar="RUN", type=from_one)
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--by", default=person(), metavar="NAME", help="who decides, kept with the run")
    parser.add_argument("--why", required=why_required, default="", metavar="REASON", help="kept with the run")


def kind(run: Row[Any]) -> str:
    """Whether a run reads everything, or only what has changed."""
    return "whole" if run.whole else f"since {moment(run.since)}"


def decision(run: Row[Any]) -> str:
    """What was decided, by whom, when and why; empty where nothing was."""
    if run.decision is None:
        return ""
    why = f": {run.decided_why}" if run.decided_why else ""
    return safe(f"{run.decision} by {run.decided_by} at {moment(run.decided_at)}{why}")


def as_json(run: Row[Any], names: tuple[str, ...]) -> dict[str, Any]:
    """A run for machines: what `names` tell, the decision, and its times in ISO 8601."""
    times = ("started_at", "since", "read_at", "finished_at", "decided_at")
    at = {name: value.isoformat() if (value := getattr(run, name)) else None for name in times}
    return {**{name: getattr(run, name) for name in (*names, "decision", "decided_by", "decided_why")}, **at}
