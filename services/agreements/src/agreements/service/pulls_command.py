"""`python -m agreements pulls list|show|run|approve|discard`: readings of regions' interfaces, and decisions."""

import argparse
from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import Row

from agreements.domain.pulling import RunState
from agreements.service import pull_decisions, pulling
from agreements.service.checking import NotReady
from agreements.source import door
from agreements.source.pull_sources import Source
from agreements.store import pulls
from kit import database
from kit.database import Sessions
from rules.personal_numbers import holds_personal_number
from rules.regions import REGIONS
from upkeep import held_runs, terminal
from upkeep.polite import Away
from upkeep.terminal import DONE, FAILED, Misused, agreed, from_one, moment, out, safe, table

SENTENCE = "List readings of regions' own interfaces, show one, read now, decide about one that is held."

_CODES = (
    "exit codes: 0 done · 1 no such run, it does not wait, the interface is away, or declined · 2 wrong usage · 3 held"
)
HELD = 3
_COUNTED = ("read", "accepted", "unchanged", "conflict", "rejected", "passed", "gone", "ended")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what follows the word `pulls`; nothing means `list`."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = f"example: {parser.prog} show 12\n{_CODES}"
    parser.set_defaults(act="list", limit=20, json=False, region=None)
    acts = parser.add_subparsers(dest="act", metavar="ACT")
    listed = _act(acts, "list", "Show the latest runs.", "list --region 05")
    listed.add_argument("--region", type=_region, metavar="NN", help="of this region only")
    listed.add_argument("--limit", type=from_one, default=20, metavar="NUMBER", help="runs at most, default 20")
    show = _act(acts, "show", "Show one run: counts, what was not taken and why, and what is gone.", "show 12")
    show.add_argument("run", metavar="RUN", type=from_one)
    show.add_argument("--limit", type=from_one, default=50, metavar="NUMBER", help="rows at most, default 50")
    now = _act(acts, "run", "Read a region's interface now.", "run 05 --whole")
    now.add_argument("region", metavar="NN", type=_region)
    now.add_argument("--whole", action="store_true", help="read everything, not only what has changed")
    for name, sentence in (
        ("approve", "End the agreements that a held run lists as gone, on the region's behalf."),
        ("discard", "Leave everything as it is. A later whole reading may list the same again."),
    ):
        act = _act(acts, name, sentence, f"{name} 12 --why 'stämt av med regionen'")
        held_runs.decision_arguments(act, why_required=True)


def run(asked: argparse.Namespace, postgres_url: str, sources: Mapping[str, Source]) -> int:
    """Do what was asked; the exit code."""

    async def work() -> int:
        engine = database.connect(postgres_url, pool_size=4)
        sessions = database.sessions(engine)
        try:
            match asked.act:
                case "show":
                    return await _show(asked, sessions)
                case "run":
                    return await _read(asked, sessions, sources)
                case "approve" | "discard":
                    return await _decide(asked, sessions)
                case _:
                    return await _list(asked, sessions)
        except (pull_decisions.NoSuchRun, pulling.Busy) as error:
            out(f"nothing was changed: {error}")
            return FAILED
        except NotReady:
            out("the copy of the national catalogue is not complete yet: the run goes on when it is")
            return FAILED
        except Away as error:
            out(f"the interface is away: {error}; what was read is kept, and the next reading goes on")
            return FAILED
        finally:
            await engine.dispose()

    return terminal.run(f"pulls {asked.act or 'list'}", work)


async def _list(asked: argparse.Namespace, sessions: Sessions) -> int:
    async with sessions() as session:
        found, _ = await pulls.latest(session, [asked.region] if asked.region else None, asked.limit)
    if asked.json:
        out(orjson.dumps({"runs": [as_json(one) for one in found]}).decode())
        return DONE
    heads = ("run", "region", "started (UTC)", "kind", "state", *_COUNTED, "note")
    cells = [
        (
            one.id,
            one.region,
            moment(one.started_at),
            held_runs.kind(one),
            one.state,
            *(getattr(one, name) for name in _COUNTED),
            _note(one) or "-",
        )
        for one in found
    ]
    for line in table(heads, cells) if cells else ["no run yet"]:
        out(line)
    for one in found:
        if one.state == RunState.HELD:
            out(f"run {one.id} waits: pulls show {one.id}, then pulls approve {one.id} or pulls discard {one.id}")
    return DONE


async def _show(asked: argparse.Namespace, sessions: Sessions) -> int:
    async with sessions() as session:
        one = await pulls.one(session, asked.run)
        if one is None:
            raise pull_decisions.NoSuchRun(f"there is no run {asked.run}")
        limit = None if asked.json else asked.limit
        items = await pulls.items(session, asked.run, limit)
        gone = await pulls.gone(session, asked.run, limit=limit)
    if asked.json:
        out(orjson.dumps(detail(one, items, gone)).decode())
        return DONE
    began = f"{held_runs.kind(one)}, begun {moment(one.started_at)}"
    out(f"run {one.id}  region {one.region}, {one.format}, {began}: {one.state}")
    for label, value in (("held", one.held), ("decision", held_runs.decision(one))):
        if value:
            out(f"{label:<9} {safe(value)}")
    out(", ".join(f"{getattr(one, name)} {name}" for name in _COUNTED))
    rows = [(safe(row.reference), safe(row.number or "-"), row.answer, safe(_reasons(row))) for row in items]
    if rows:
        out()
        for line in table(("row", "number", "answer", "reasons"), rows):
            out(line)
    rows = [(row.agreement_id, safe(row.number), row.why, row.outcome or "waits") for row in gone]
    if rows:
        out()
        for line in table(("gone", "number", "why", "outcome"), rows):
            out(line)
    left = one.gone - len(gone)
    if left > 0:
        out(f"… and {left} more that are gone (--limit, or --json for all)")
    return DONE


async def _read(asked: argparse.Namespace, sessions: Sessions, sources: Mapping[str, Source]) -> int:
    source = sources.get(asked.region)
    if source is None:
        raise Misused(f"region {asked.region} does not stand in the file that PULL_SOURCES names")
    async with door.client(source) as client:
        outcome = await pulling.pull(sessions, client, source, whole=asked.whole)
    one = await pulls.as_it_is(sessions, outcome.run)
    if asked.json:
        out(orjson.dumps(as_json(one)).decode())
    else:
        out(f"run {one.id}: " + ", ".join(f"{getattr(one, name)} {name}" for name in _COUNTED))
        if outcome.held is not None:
            out(f"held: {safe(outcome.held)} (python -m agreements pulls show {one.id})")
    return HELD if outcome.held is not None else DONE


async def _decide(asked: argparse.Namespace, sessions: Sessions) -> int:
    if not asked.why.strip():
        raise Misused("--why must say something")
    for option, text in (("--why", asked.why), ("--by", asked.by)):
        if holds_personal_number(text):
            raise Misused(f"{option} holds something like a personal number: say it without; nothing was changed")
    async with sessions() as session:
        one = await pulls.one(session, asked.run)
    if one is not None and one.state == RunState.HELD:
        will = f"{one.gone} agreements will be ended" if asked.act == "approve" else "Everything stays as it is"
        agreed(f"Run {asked.run} of region {one.region}: {will}.", yes=asked.yes)
    if asked.act == "approve":
        done = await pull_decisions.approve(sessions, asked.run, asked.by, asked.why)
        told = ", ".join(f"{count} {word}" for word, count in sorted(done.items()))
        out(f"run {asked.run} approved by {safe(asked.by)}: {told}")
    else:
        await pull_decisions.discard(sessions, asked.run, asked.by, asked.why)
        out(f"run {asked.run} discarded by {safe(asked.by)}: nothing was changed")
    return DONE


def as_json(one: Row[Any]) -> dict[str, Any]:
    """A run for machines."""
    return held_runs.as_json(one, ("id", "region", "format", "state", "whole", *_COUNTED, "held"))


def detail(one: Row[Any], items: list[Row[Any]], gone: list[Row[Any]]) -> dict[str, Any]:
    """A run with what became of its rows, and what is gone."""
    names = ("reference", "number", "answer", "agreement_id", "reasons")
    lost = ("agreement_id", "number", "why", "outcome")
    return {
        **as_json(one),
        "items": [{name: getattr(row, name) for name in names} for row in items],
        "gone_agreements": [{name: getattr(row, name) for name in lost} for row in gone],
    }


def _note(one: Row[Any]) -> str:
    return held_runs.decision(one) or safe(one.held or "")


def _reasons(row: Row[Any]) -> str:
    return "; ".join(
        f"{found['field']}: {found['reason']}" if found["field"] else found["reason"] for found in row.reasons
    )


def _act(
    acts: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, sentence: str, example: str
) -> argparse.ArgumentParser:
    return held_runs.act(acts, name, sentence, example, _CODES, tells_json=name in ("list", "show", "run"))


def _region(text: str) -> str:
    if text not in REGIONS:
        raise argparse.ArgumentTypeError("is no region's code")
    return text
