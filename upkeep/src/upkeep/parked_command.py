"""`python -m SERVICE parked list|show|redrive|discard`: what an operator does about parked records."""

import argparse
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import aclosing, suppress

import orjson

from kit import database, parking
from kit.consumer import Handler
from upkeep import terminal
from upkeep.parked import Parked, State, Wanted, listing, with_values
from upkeep.parked_arguments import wanted_by
from upkeep.terminal import DONE, FAILED, Misused, agreed, out, safe, table
from upkeep.verdicts import noting, redrive

_DUMPED_BYTES = 512
_WIDTH = 60


def run(
    asked: argparse.Namespace, group: str, bootstrap: str, postgres_url: str, handlers: Mapping[str, Handler]
) -> int:
    """Do what was asked of the parked records of this group; the exit code."""

    async def work() -> int:
        topic = getattr(asked, "topic", None)
        if topic is not None and topic not in {*handlers, *(parking.name(one, group) for one in handlers)}:
            raise Misused(f"{group} does not read {safe(topic)}; it reads {', '.join(sorted(handlers))}")
        match asked.act:
            case "list":
                return await _list(asked, group, bootstrap, handlers)
            case "show":
                return await _show(asked.id, group, bootstrap, handlers)
            case "redrive":
                return await _redrive(asked, group, bootstrap, postgres_url, handlers)
            case _:
                return await _discard(asked, group, bootstrap, handlers)

    return terminal.run(f"parked {asked.act}", work)


async def _list(asked: argparse.Namespace, group: str, bootstrap: str, handlers: Mapping[str, Handler]) -> int:
    everyone = await listing(bootstrap, group, handlers, seen=terminal.progress("read"))
    states = frozenset(State) if asked.state == "all" else frozenset({State(asked.state)})
    matching = [one for one in everyone if one in wanted_by(asked, states)]
    shown = matching[: asked.limit]
    counts = Counter(one.state for one in everyone)
    if asked.json:
        rows = [
            {
                "id": one.id,
                "topic": one.topic,
                "partition": one.place[0],
                "offset": one.place[1],
                "key": one.key,
                "parked_at": one.at.isoformat(),
                "reason": one.reason,
                "state": one.state.value,
                "verdict": dict(one.verdict) or None,
            }
            for one in shown
        ]
        totals = {state.value: counts[state] for state in State}
        out(orjson.dumps({"records": rows, "matching": len(matching), "counts": totals}).decode())
        return DONE
    cells = [
        (one.id, one.topic, _short(one.key), f"{one.at:%Y-%m-%d %H:%M:%S}", one.state.value, _short(one.reason))
        for one in shown
    ]
    if cells:
        for line in table(("id", "topic", "key", "parked (UTC)", "state", "reason"), cells):
            out(line)
    told = ", ".join(f"{counts[state]} {state}" for state in State)
    out(f"{len(shown)} of {len(matching)} shown · in all {told}")
    return DONE


async def _show(identity: str, group: str, bootstrap: str, handlers: Mapping[str, Handler]) -> int:
    found = await _chosen(Wanted(ids=frozenset({identity})), group, bootstrap, handlers)
    async with aclosing(with_values(bootstrap, found)) as wholes:
        one = await anext(wholes, None)
    if one is None:
        out("no such parked record, or it has expired")
        return FAILED
    record = one.record
    judged = ", ".join(f"{name} {safe(said)}" for name, said in one.verdict.items() if said)
    out(f"{one.id}  {one.state} {judged}".rstrip())
    out(f"key    {safe(one.key)}")
    for name, value in record.headers:
        out(f"  {safe(name)}: {safe((value or b'').decode(errors='backslashreplace'))}")
    out(f"value  {len(record.value)} bytes")
    for line in _value(record.value):
        out(f"  {line}")
    return DONE


async def _redrive(
    asked: argparse.Namespace, group: str, bootstrap: str, postgres_url: str, handlers: Mapping[str, Handler]
) -> int:
    wanted = wanted_by(asked, frozenset({State.OPEN}))
    chosen = await _chosen(wanted, group, bootstrap, handlers)
    missing = _told_missing(wanted, chosen)
    chosen = chosen[: asked.limit]
    if not chosen:
        out("no open record matches")
        return FAILED
    if not asked.dry_run:
        agreed(f"{_several(chosen)} will be given to {group} again, oldest first.", yes=asked.yes)
    engine = database.connect(postgres_url, pool_size=2)
    failed = 0
    try:
        async with noting(bootstrap, asked.by, asked.why) as note:
            redriving = redrive(bootstrap, database.sessions(engine), handlers, chosen, None if asked.dry_run else note)
            async with aclosing(redriving) as outcomes:
                async for outcome in outcomes:
                    failed += outcome.fault is not None
                    words = ("would be applied", "would fail again") if asked.dry_run else ("applied", "fails again")
                    told = words[0] if outcome.fault is None else f"{words[1]}: {safe(outcome.fault)}"
                    out(f"{outcome.parked.id}  {told}")
    finally:
        await engine.dispose()
    done = len(chosen) - failed
    if asked.dry_run:
        out(f"dry run, nothing was changed: {done} would be applied, {failed} would fail again")
    else:
        out(f"{done} applied, {failed} failed again and stay open")
    if done:
        out("applied = accepted by the service; where it already knows a newer version, the newer one stays")
    return FAILED if failed or missing else DONE


async def _discard(asked: argparse.Namespace, group: str, bootstrap: str, handlers: Mapping[str, Handler]) -> int:
    wanted = wanted_by(asked, frozenset({State.OPEN}))
    if wanted == Wanted(states=wanted.states):
        raise Misused("name the records, or narrow them with a filter")
    if not asked.why.strip():
        raise Misused("--why must say something")
    chosen = await _chosen(wanted, group, bootstrap, handlers)
    missing = _told_missing(wanted, chosen)
    chosen = chosen[: asked.limit]
    if not chosen:
        out("no open record matches")
        return FAILED
    agreed(f"{_several(chosen)} will be given up.", yes=asked.yes)
    async with noting(bootstrap, asked.by, asked.why) as note:
        for one in chosen:
            await note(one, State.DISCARDED)
            out(f"{one.id}  discarded")
    out(f"{len(chosen)} discarded")
    return FAILED if missing else DONE


async def _chosen(wanted: Wanted, group: str, bootstrap: str, handlers: Mapping[str, Handler]) -> list[Parked]:
    return [one for one in await listing(bootstrap, group, handlers, seen=terminal.progress("read")) if one in wanted]


def _told_missing(wanted: Wanted, chosen: Sequence[Parked]) -> int:
    """Tell of each record that was named and is not there or not open; their number."""
    missing = sorted(wanted.ids - {one.id for one in chosen})
    for identity in missing:
        out(f"{safe(identity)}  is not open, or does not match")
    return len(missing)


def _several(chosen: Sequence[Parked]) -> str:
    topics = Counter(one.topic for one in chosen)
    named = ", ".join(f"{number} of {topic}" for topic, number in sorted(topics.items()))
    return f"{len(chosen)} parked records ({named})" if len(chosen) > 1 else f"The parked record {chosen[0].id}"


def _short(text: str) -> str:
    shown = safe(text)
    return shown if len(shown) <= _WIDTH else f"{shown[: _WIDTH - 1]}…"


def _value(value: bytes) -> Iterator[str]:
    """The value as lines: JSON indented, other text as it is, anything else the head of a hex dump."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        head = value[:_DUMPED_BYTES]
        for at in range(0, len(head), 16):
            row = head[at : at + 16]
            letters = "".join(chr(one) if 32 <= one < 127 else "." for one in row)
            yield f"{at:06x}  {row.hex(' '):<47}  {letters}"
        if len(value) > len(head):
            yield f"… {len(value) - len(head)} more bytes"
        return
    with suppress(orjson.JSONDecodeError, orjson.JSONEncodeError):
        text = orjson.dumps(orjson.loads(value), option=orjson.OPT_INDENT_2).decode()
    for line in text.splitlines():
        yield safe(line)
