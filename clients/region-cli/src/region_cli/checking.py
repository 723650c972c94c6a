"""`vf-region check` and `convert`: offline, on one file."""

import io
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, BinaryIO

from contracts.agreement_form import AgreementForm
from intake import Finding, told
from intake.limits import MIB, UPLOAD_BYTES
from intake.writing import NotInATable, Written, rows_of, write_csv, write_xlsx
from region_cli.judging import STAYS, judged, secret_rows
from region_cli.sources import Codes, mapping_in, opened, reading_of, size_of
from region_cli.terminal import (
    DONE,
    SOME_WRONG,
    Cannot,
    grouped,
    in_one_line,
    progress,
    say,
    summed_up,
    tell_json,
    tell_verdicts,
)


def check(path: Path, region: str | None, mapping: Path | None, codes: Path | None, as_json: bool) -> int:
    """Tell what is wrong with a file. Exit code 0: nothing; 1: some of it."""
    known = Codes.of(codes) if codes is not None else None
    counts = {"right": 0, "wrong": 0}
    wrong: list[dict[str, Any]] = []
    notes: list[Finding] = []
    regionless = False
    with opened(path) as file:
        reading = reading_of(file, path, mapping_in(mapping))
        with progress("prövar", reading.rows) as advance:
            for one in judged(reading, region, known, advance):
                notes += one.notes
                regionless = regionless or one.lacks_region
                if not one.findings:
                    counts["right"] += 1
                else:
                    counts["wrong"] += 1
                    # Notes stand apart here.
                    wrong.append({**one.verdict("rejected"), "findings": [it.as_json() for it in one.findings]})
    notes = [*reading.notes, *notes]
    if regionless:
        notes.append(Finding("region", "the file names no region: --region NN checks it as your region's"))
    if size_of(path) > UPLOAD_BYTES:
        most = f"the service takes at most {UPLOAD_BYTES // MIB} MiB at once"
        notes.append(Finding("", f"{most}: send it in several files, or as XLSX, which is compressed"))
    if as_json:
        tell_json(
            {
                "file": str(path),
                "format": reading.format,
                "rows": reading.rows,
                "counts": counts,
                "notes": [note.as_json() for note in notes],
                "verdicts": wrong,
            }
        )
    else:
        tell_verdicts(str(path), wrong)
        _tell_notes(path, notes)
        say(f"{path}: {summed_up(counts)}, på {grouped(reading.rows)} rader")
    return SOME_WRONG if wrong else DONE


def _tell_notes(path: Path, notes: Iterable[Finding]) -> None:
    for note in notes:
        say(f"{path}: obs: {in_one_line(note)}")


Write = Callable[[list[AgreementForm], BinaryIO], None]


def _json_lines(forms: list[AgreementForm], file: BinaryIO) -> None:
    file.writelines(map(as_line, forms))


def as_line(form: AgreementForm) -> bytes:
    """An agreement as the service takes it, on a line of its own."""
    content = form.model_dump(mode="json", exclude_none=True, exclude={"confidential"})
    return json.dumps(content, ensure_ascii=False).encode() + b"\n"


def _table(write: Callable[[Iterable[list[Written]], BinaryIO], None]) -> Write:
    return lambda forms, file: write((cells for form in forms for cells in _cells(form)), file)


def _cells(form: AgreementForm) -> list[list[Written]]:
    return list(rows_of({**form.as_json(), "revision": form.revision}))


_WRITERS: dict[str, Write] = {".jsonl": _json_lines, ".csv": _table(write_csv), ".xlsx": _table(write_xlsx)}


def convert(path: Path, mapping: Path, to: Path, region: str | None, force: bool, as_json: bool) -> int:
    """Write a region's own spreadsheet in our shape. What is wrong is told and left out, and the exit code is 1."""
    write = _WRITERS.get(to.suffix.lower())
    if write is None:
        raise Cannot(f"{to}: must end in .jsonl, .csv or .xlsx")
    if to.exists() and not force:
        raise Cannot(f"{to}: is there already; --force overwrites it")
    if to.exists() and path.exists() and to.samefile(path):
        raise Cannot(f"{to}: is the file that is read; choose another name")
    forms: list[AgreementForm] = []
    wrong: list[dict[str, Any]] = []
    secret: list[int] = []
    with opened(path) as file:
        reading = reading_of(file, path, mapping_in(mapping))
        with progress("gör om", reading.rows) as advance:
            for one in judged(reading, region, None, advance):
                findings = one.findings
                if one.lacks_region:
                    raise Cannot(f"{path}: names no region for its agreements: say --region NN")
                if one.form is not None and write is not _json_lines:
                    try:
                        _cells(one.form)
                    except NotInATable as error:
                        findings = (told(one.sent, error.field, "cannot be written in a table", "convert to .jsonl"),)
                if one.form is not None and not findings:
                    forms.append(one.form)
                else:
                    told_of = [*(finding.as_json() for finding in findings), *one.noted]
                    wrong.append({**one.verdict("rejected"), "findings": told_of})
                    secret += one.sent.rows[:1] if one.sent.confidential else ()
    _write_whole(to, lambda file: write(forms, file))
    counts = {"converted": len(forms), "left out": len(wrong)}
    if as_json:
        tell_json({"file": str(path), "to": str(to), "counts": counts, "verdicts": wrong})
    else:
        tell_verdicts(str(path), wrong)
        _tell_notes(path, reading.notes)
        say(f"{to}: {summed_up(counts)}")
    if secret:
        say(f"VARNING: {STAYS.format(path, len(secret), secret_rows(secret))}")
    return SOME_WRONG if wrong else DONE


def _write_whole(to: Path, write: Callable[[BinaryIO], None]) -> None:
    """The whole file or none of it."""
    made = io.BytesIO()
    write(made)
    beside = to.with_name(f".{to.name}.part")
    try:
        beside.write_bytes(made.getvalue())
        beside.replace(to)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise Cannot(f"{to}: {error.strerror}") from None
