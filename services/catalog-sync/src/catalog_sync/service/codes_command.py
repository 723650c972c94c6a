"""`python -m catalog_sync codes`: check a folder of code files before it is used, or tell how far the maps reach."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from catalog_sync.domain.code_reading import CodeReading, Coverage
from catalog_sync.domain.reading import SourceAway
from catalog_sync.service.codes import coverage_known
from catalog_sync.source import code_files
from kit import database
from upkeep import terminal
from upkeep.terminal import DONE, FAILED, USAGE, out, safe, table

SENTENCE = "Check a folder of code files, or tell how far the maps reach."

_NAMED = 10
_NOTHING = "there is nothing to read: a folder of code files holds SYSTEM/RELEASE/release.toml, maps/*.csv, "
_NOTHING += "care-areas/*.toml or *.jsonl"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what follows the word `codes`."""
    acts = parser.add_subparsers(dest="act", required=True, metavar="ACT")
    for name, sentence, codes in (
        (
            "check",
            "Read a folder of code files and tell what would be used. Needs no database, changes nothing.",
            "0 everything can be used · 1 something is refused, or there is nothing to read · 2 no such folder",
        ),
        ("report", "Tell how many codes are known and how far the maps reach, from the database.", "0 done"),
    ):
        one = acts.add_parser(
            name, help=sentence, description=sentence, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        one.epilog = f"example: {one.prog}{' codes/' * (name == 'check')}\nexit codes: {codes}"
        if name == "check":
            one.add_argument("folder", type=Path, metavar="FOLDER", help="what CODE_FILES is to name")
        one.add_argument("--json", action="store_true", help="one JSON object, for machines")


def check(folder: Path, *, as_json: bool) -> int:
    """Tell what a folder holds; the exit code. Nothing is known of earlier readings here."""
    try:
        reading = code_files.read(folder)
        passed_by = code_files.not_read(folder, reading)
    except SourceAway as error:
        sys.stderr.write(f"codes check: {error}\n")
        return USAGE
    if as_json:
        out(json.dumps({**_object(reading), "not_read": passed_by}, ensure_ascii=False))
    else:
        _tell(reading, passed_by)
    if not (reading.files or reading.rejected):
        sys.stderr.write(f"codes check: {_NOTHING}\n")
        return FAILED
    return FAILED if reading.rejected else DONE


def report(postgres_url: str, *, as_json: bool) -> int:
    """Tell what is known; the exit code."""

    async def work() -> int:
        engine = database.connect(postgres_url, pool_size=1)
        try:
            async with database.sessions(engine)() as session:
                counts, coverage = await coverage_known(session)
        finally:
            await engine.dispose()
        if as_json:
            out(json.dumps({"codes": counts, "coverage": [_area(one) for one in coverage]}, ensure_ascii=False))
        else:
            for line in table(("system", "codes"), list(counts.items())):
                out(line)
            _tell_coverage(coverage)
        return DONE

    return terminal.run("codes report", work)


def _object(reading: CodeReading) -> dict[str, object]:
    return {
        "codes": len(reading.facts),
        "files": [
            {"file": one.place, "taken": one.taken, "passed_over": one.passed, "refused": one.refused}
            for one in reading.files
        ],
        "refused": [{"place": one.resource, "reason": one.reason} for one in reading.rejected],
        "coverage": [_area(one) for one in reading.coverage],
    }


def _area(one: Coverage) -> dict[str, object]:
    return {
        "care_area": one.care_area,
        "system": one.system,
        "codes": one.members,
        "mapped": one.mapped,
        "share": round(one.share, 4),
        "without_map": list(one.without),
    }


def _tell(reading: CodeReading, passed_by: Sequence[str]) -> None:
    rows = [(safe(one.place), one.taken, one.passed, one.refused) for one in reading.files]
    for line in table(("file", "taken", "passed over", "refused"), rows) if rows else ():
        out(line)
    for fault in reading.rejected:
        out(f"refused: {safe(fault.resource)}: {safe(fault.reason)}")
    if passed_by:
        more = f" and {len(passed_by) - _NAMED} more (--json names all)" if len(passed_by) > _NAMED else ""
        out(f"not read, no code file or not where one is looked for: {safe(', '.join(passed_by[:_NAMED]))}{more}")
    if not (rows or reading.rejected):
        return
    _tell_coverage(reading.coverage)
    out()
    refused = len(reading.rejected)
    out(f"{len(reading.facts)} codes, {refused} refused" if refused else f"{len(reading.facts)} codes, nothing refused")


def _tell_coverage(coverage: Sequence[Coverage]) -> None:
    rows = [(one.care_area, one.system, one.members, one.mapped, f"{one.share:.0%}") for one in coverage]
    if not rows:
        return
    out()
    for line in table(("care area", "system", "codes in use", "lead to a care service", "share"), rows):
        out(line)
    for one in coverage:
        if one.without:
            more = f" and {len(one.without) - _NAMED} more (--json names all)" if len(one.without) > _NAMED else ""
            out(f"without a map: {one.care_area}: {', '.join(one.without[:_NAMED])}{more}")
