"""`python -m catalog_sync runs list|show|approve|discard|rejected`: what runs did, and what an operator decides."""

import argparse
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from sqlalchemy import Row

from catalog_sync.domain.differences import Act, fields
from catalog_sync.service import decisions
from catalog_sync.service.decisions import Refused
from catalog_sync.store import proposals, rejections, runs
from catalog_sync.store.runs import State
from kit import database
from kit.database import Sessions
from rules.personal_numbers import holds_personal_number
from upkeep import held_runs, terminal
from upkeep.terminal import DONE, FAILED, Misused, agreed, from_one, moment, out, safe, table

SENTENCE = "List runs, show what one changes, decide about one that is held, list the rows that cannot be used."

_CODES = "exit codes: 0 done · 1 no such run, it does not wait for a decision, or declined · 2 wrong usage"
_WIDTH = 60
_COUNTED = ("read", "new", "changed", "ended", "stale", "rejected")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what follows the word `runs`; nothing means `list`."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = f"example: {parser.prog} show 12\n{_CODES}"
    parser.set_defaults(act="list", limit=20, json=False)
    acts = parser.add_subparsers(dest="act", metavar="ACT")
    listed = _act(acts, "list", "Show the latest runs.", "list --json")
    listed.add_argument("--limit", type=from_one, default=20, metavar="NUMBER", help="runs at most, default 20")
    show = _act(acts, "show", "Show one run: counts, why it is held, and every difference, field by field.", "show 12")
    show.add_argument("run", metavar="RUN", type=from_one)
    show.add_argument("--limit", type=from_one, default=50, metavar="NUMBER", help="things at most, default 50")
    unusable = _act(acts, "rejected", "List the rows that cannot be used, with the reason.", "rejected --json")
    unusable.add_argument("--source", metavar="NAME", help="of this source only")
    unusable.add_argument("--limit", type=from_one, default=200, metavar="NUMBER", help="rows at most, default 200")
    for name, sentence in (
        ("approve", "Apply a held run as it was proposed. What has changed meanwhile stays as it is."),
        (
            "discard",
            "Give up a run that is held, or stuck in reading. A later whole reading may propose the same again.",
        ),
    ):
        act = _act(acts, name, sentence, f"{name} 12" + " --why 'the source is broken'" * (name == "discard"))
        held_runs.decision_arguments(act, why_required=name == "discard")


def run(asked: argparse.Namespace, postgres_url: str) -> int:
    """Do what was asked; the exit code."""

    async def work() -> int:
        engine = database.connect(postgres_url, pool_size=3)
        sessions = database.sessions(engine)
        try:
            match asked.act:
                case "show":
                    return await _show(asked, sessions)
                case "rejected":
                    return await _rejected(asked, sessions)
                case "approve" | "discard":
                    return await _decide(asked, sessions)
                case _:
                    return await _list(asked, sessions)
        except Refused as error:
            out(f"nothing was changed: {error}")
            return FAILED
        finally:
            await engine.dispose()

    return terminal.run(f"runs {asked.act or 'list'}", work)


async def _list(asked: argparse.Namespace, sessions: Sessions) -> int:
    async with sessions() as session:
        found = await runs.latest(session, asked.limit)
    if asked.json:
        out(orjson.dumps({"runs": [_as_json(one) for one in found]}).decode())
        return DONE
    heads = ("run", "started (UTC)", "source", "kind", "state", "read", "new", "changed", "ended", "rejected", "note")
    cells = [
        (
            one.id,
            moment(one.started_at),
            one.source,
            held_runs.kind(one),
            one.state,
            one.read,
            one.new,
            one.changed,
            one.ended,
            one.rejected,
            _note(one) or "-",
        )
        for one in found
    ]
    for line in table(heads, cells) if cells else ["no run yet"]:
        out(line)
    waiting = [one.id for one in found if one.state == State.HELD]
    for number in waiting:
        out(f"run {number} waits for a decision: runs show {number}, then runs approve {number} or discard {number}")
    return DONE


async def _show(asked: argparse.Namespace, sessions: Sessions) -> int:
    async with sessions() as session:
        one = await runs.one(session, asked.run)
        if one is None:
            raise Refused(f"there is no run {asked.run}")
        counted = await proposals.counts(session, asked.run, applied=one.state == State.DONE)
        every = await proposals.counts(session, asked.run)
        found = await proposals.shown(session, asked.run, None if asked.json else asked.limit)
    if asked.json:
        changes = [
            {
                "kind": row.kind,
                "key": row.key,
                "act": row.act,
                "outcome": row.outcome,
                "name": _name(row),
                "fields": [
                    {"field": name, "old": old, "new": new} for name, old, new in fields(row.before or {}, row.content)
                ],
            }
            for row in found
        ]
        out(orjson.dumps({"run": _as_json(one), "changes": changes}).decode())
        return DONE
    out(f"run {one.id}  {one.source}, {held_runs.kind(one)}, begun {moment(one.started_at)}: {one.state}")
    for label, value in (("held", one.held), ("decision", held_runs.decision(one))):
        if value:
            out(f"{label:<9} {safe(value)}")
    out(", ".join(f"{getattr(one, name)} {name}" for name in _COUNTED))
    for heading, by in (("left out by rule", one.left_out), ("mended", one.noted)):
        if by:
            out()
            for line in table((heading, "rows"), sorted(by.items())):
                out(line)
    # What is new and applied is counted above only.
    acts = [act for act in Act if one.state != State.DONE or act is not Act.NEW]
    rows = [(kind.value, *(of.get(act, 0) for act in acts)) for kind, of in sorted(counted.items(), reverse=True)]
    if rows:
        out()
        for line in table(("kind", *acts), rows):
            out(line)
    for row in found:
        out()
        for line in _difference(row):
            out(line)
    left = sum(sum(of.values()) for of in every.values()) - len(found)
    if left:
        out(f"\n… and {left} more (--limit, or --json for all)")
    return DONE


def _difference(row: Row[Any]) -> Iterator[str]:
    outcome = " (has changed meanwhile: stays as it is)" if row.outcome == "stale" else ""
    yield f"{row.act} {row.kind} {safe(row.key)}  {safe(_name(row))}".rstrip() + outcome
    if row.before is not None:
        changed = [(name, _short(old), "→", _short(new)) for name, old, new in fields(row.before, row.content)]
        for line in table(("", "", "", ""), changed)[1:]:
            yield f"    {line}"


async def _rejected(asked: argparse.Namespace, sessions: Sessions) -> int:
    async with sessions() as session:
        found = await rejections.listed(session, asked.source, None if asked.json else asked.limit)
        counted = await rejections.counts(session)
    if asked.json:
        rows = [
            {
                "source": row.source,
                "resource": row.resource,
                "reason": row.reason,
                "first_seen": row.first_seen.isoformat(),
                "last_seen": row.last_seen.isoformat(),
            }
            for row in found
        ]
        out(orjson.dumps({"rejected": rows}).decode())
        return DONE
    cells = [
        (row.source, safe(row.resource), moment(row.first_seen), moment(row.last_seen), safe(row.reason))
        for row in found
    ]
    if cells:
        for line in table(("source", "row", "first seen (UTC)", "last seen (UTC)", "reason"), cells):
            out(line)
    total = sum(number for name, number in counted.items() if asked.source in (None, name))
    out(f"{len(found)} of {total} rows that cannot be used; each stays as it was known until it is mended")
    return DONE


async def _decide(asked: argparse.Namespace, sessions: Sessions) -> int:
    if asked.act == "discard" and not asked.why.strip():
        raise Misused("--why must say something")
    for option, text in (("--why", asked.why), ("--by", asked.by)):
        if holds_personal_number(text):
            raise Misused(f"{option} holds something like a personal number: say it without; nothing was changed")
    async with sessions() as session:
        one = await runs.one(session, asked.run)
    if one is not None and one.state == State.HELD:
        counted = f"{one.new} new, {one.changed} changed, {one.ended} ended"
        will = "applied and announced" if asked.act == "approve" else "given up"
        agreed(f"Run {asked.run} of {one.source} ({counted}) will be {will}.", yes=asked.yes)
    if one is not None and one.state == State.READING and asked.act == "discard":
        agreed(f"Run {asked.run} of {one.source} (reading, {one.read} rows read) will be given up.", yes=asked.yes)
    if asked.act == "approve":
        done = await decisions.approve(sessions, asked.run, asked.by, asked.why)
        out(f"run {asked.run} approved by {safe(asked.by)}: {done['applied']} applied; the running worker sends them")
        if done["stale"]:
            out(f"{done['stale']} have changed since they were proposed and stay as they are")
    else:
        await decisions.discard(sessions, asked.run, asked.by, asked.why)
        out(f"run {asked.run} discarded by {safe(asked.by)}: nothing was changed")
    return DONE


def _as_json(one: Row[Any]) -> Mapping[str, Any]:
    return held_runs.as_json(one, ("id", "source", "state", "whole", *_COUNTED, "left_out", "noted", "held"))


def _note(one: Row[Any]) -> str:
    return held_runs.decision(one) or one.held or (f"{one.stale} stale" if one.stale else "")


def _name(row: Row[Any]) -> str:
    return str(row.content.get("name") or row.content.get("text") or "")


def _short(value: object) -> str:
    told = safe(value if isinstance(value, str) else orjson.dumps(value).decode())
    return told if len(told) <= _WIDTH else f"{told[: _WIDTH - 1]}…"


def _act(
    acts: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, sentence: str, example: str
) -> argparse.ArgumentParser:
    return held_runs.act(acts, name, sentence, example, _CODES, tells_json=name in ("list", "show", "rejected"))
