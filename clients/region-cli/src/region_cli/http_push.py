"""`vf-region push --http` and `watch`: a file sent as it is, and its submission followed until it is done."""

import asyncio
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

from contracts.agreements import Answer
from intake import Sent, UnreadableFile, read, told
from intake.limits import MIB, UPLOAD_BYTES
from region_cli.asking import Api, api_at
from region_cli.checking import as_line
from region_cli.judging import Judged, judged
from region_cli.sources import is_piped, mapping_in, opened, piped, reading_of, size_of
from region_cli.terminal import (
    CANNOT,
    DONE,
    SOME_WRONG,
    Cannot,
    Shown,
    grouped,
    noted,
    printable,
    progress,
    say,
    summed_up,
    tell_json,
    tell_verdicts,
    worth_telling,
)
from rules.regions import REGIONS

_PATH = "agreement-submissions"
_ENDED = frozenset({"done", "failed"})
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.2, 2.0
_PAGE = 100
_MOST_PAGES = 1_000
_ANSWERS = [answer.value for answer in Answer]
_LONGEST_NAME = 200


async def push(path: Path, url: str, region: str | None, mapping: Path | None, anew: bool, shown: Shown) -> int:
    """Send a file and follow it. The same file is the same submission, unless it is to be judged `anew`.

    With a mapping the file is read here and sent as JSON lines, and what is wrong already is told and not sent.
    """
    own = _Converted.of(path, mapping, region) if mapping is not None else None
    if own is None and region is not None:
        _check_region(path, region)
    if own is not None and not own.sent:
        counts = {"rejected": len(own.wrong)}
        return _told(None, {"status": "done", "counts": counts}, own.wrong, str(path), shown)
    sending: Path | bytes = own.content if own is not None else piped(path) if is_piped(path) else path
    if (size_of(path) if own is None else len(own.content)) > UPLOAD_BYTES:
        raise Cannot(f"{path}: is larger than {UPLOAD_BYTES // MIB} MiB: send it in several files, or as XLSX")
    key = uuid4().hex if anew else _digest(path) if own is None else hashlib.sha256(own.content).hexdigest()
    async with api_at(url) as api:
        with progress("skickar"):
            answer = await api.post_file(_PATH, sending, key, name=printable(path.name)[-_LONGEST_NAME:])
        submission = str(answer["id"])
        if answer.get("repeated"):
            say(f"{path}: skickades förut, som inskick {submission}; med --anew bedöms den igen")
        else:
            say(f"{path}: mottagen som inskick {submission}")
        return await _followed(api, submission, str(path), shown, own)


@dataclass
class _Converted:
    """A file read by a mapping: what is sent of it, line by line, and what was wrong already."""

    sent: list[Judged]
    content: bytes
    wrong: list[dict[str, Any]]

    @classmethod
    def of(cls, path: Path, mapping: Path, region: str | None) -> Self:
        """Raises Cannot."""
        sent: list[Judged] = []
        wrong: list[dict[str, Any]] = []
        lines: list[bytes] = []
        with opened(path) as file:
            reading = reading_of(file, path, mapping_in(mapping))
            with progress("läser", reading.rows) as advance:
                for one in judged(reading, region, None, advance):
                    if one.lacks_region:
                        raise Cannot(f"{path}: names no region for its agreements: say --region NN")
                    if one.form is None and not one.sent.confidential:
                        wrong.append(one.verdict("rejected"))
                        continue
                    sent.append(one)
                    lines.append(as_line(one.form) if one.form is not None else _marked(one.sent))
        return cls(sent, b"".join(lines), wrong)

    def in_place(self, verdict: Mapping[str, Any]) -> dict[str, Any]:
        """A verdict about a line that was sent, told of the rows it was read from."""
        line = next(iter(verdict["rows"]), 0) - 1
        if not 0 <= line < len(self.sent):
            return dict(verdict)
        one = self.sent[line]
        findings = [
            told(one.sent, found["field"], found["reason"], found.get("suggestion")).as_json()
            for found in verdict["findings"]
        ]
        return {**verdict, "rows": list(one.sent.rows), "findings": [*findings, *one.noted]}


def _marked(sent: Sent) -> bytes:
    """What is sent of one under secrecy: its mark and number, by which the service purges what is registered."""
    number = {"number": sent.marked_number} if sent.marked_number else {}
    return json.dumps({**number, "confidential": True}, ensure_ascii=False).encode() + b"\n"


def _check_region(path: Path, region: str) -> None:
    """Raises Cannot where the file names another region; one that only the service can read is its to judge."""
    try:
        with opened(path) as file:
            named = {sent.content.get("region") for sent in read(file)}
    except UnreadableFile:
        return
    if others := sorted(str(one) for one in named - {None, "", region} if isinstance(one, str) and one in REGIONS):
        raise Cannot(
            f"{path}: holds agreements of region {', '.join(others)}, and --region says {region}: nothing is sent"
        )


async def watch(submission: str, url: str, shown: Shown) -> int:
    """Follow a submission, whoever sent it."""
    if not submission.replace("-", "").isalnum():
        raise Cannot("SUBMISSION must be an id as push printed it")
    async with api_at(url) as api:
        return await _followed(api, submission, submission, shown)


def _digest(path: Path) -> str:
    with opened(path) as file:
        digest = hashlib.sha256()
        while piece := file.read(1024 * 1024):
            digest.update(piece)
        return digest.hexdigest()


async def _followed(api: Api, submission: str, name: str, shown: Shown, own: _Converted | None = None) -> int:
    pause = _FIRST_PAUSE_SECONDS
    with progress("bedöms") as advance:
        while (found := await api.get(f"{_PATH}/{submission}", limit=1))["status"] not in _ENDED:
            advance(found["progress"]["done"] or 0, found["progress"]["rows"])
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE_SECONDS)
    verdicts = await _verdicts(api, submission)
    if own is not None:
        verdicts = [*own.wrong, *map(own.in_place, verdicts)]
        rejected = found["counts"].get("rejected", 0) + len(own.wrong)
        found = {**found, "counts": {**found["counts"], "rejected": rejected}}
    return _told(submission, found, verdicts, name, shown)


def _told(
    submission: str | None, found: Mapping[str, Any], verdicts: list[dict[str, Any]], name: str, shown: Shown
) -> int:
    # What is wrong with the file as a whole belongs to no agreement.
    whole = [{"rows": [], "number": None, "verdict": "failed", "findings": found.get("findings") or []}]
    counts = {word: int(count) for word, count in found["counts"].items()}
    failed = found["status"] == "failed"
    if shown is Shown.JSON:
        tell_json({**found, "verdicts": verdicts, "total": len(verdicts), "page": 1, "limit": len(verdicts)})
    else:
        tell_verdicts(name, [*(whole if failed else ()), *worth_telling(verdicts, shown is Shown.ALL)])
        sent = f"inskick {submission}" if submission is not None else f"{name}: inget skickades"
        say(f"{sent}: {'misslyckad, ' if failed else ''}{summed_up(counts)}{noted(verdicts)}")
    if failed:
        return CANNOT
    return SOME_WRONG if counts.get("rejected") or counts.get("conflict") else DONE


async def _verdicts(api: Api, submission: str) -> list[dict[str, Any]]:
    """Every agreement's: what was taken may have a note."""
    found: list[dict[str, Any]] = []
    for page in range(1, _MOST_PAGES + 1):
        answer = await api.get(f"{_PATH}/{submission}", verdict=_ANSWERS, limit=_PAGE, page=page)
        found += answer["verdicts"]
        if len(answer["verdicts"]) < _PAGE or len(found) >= answer["total"]:
            break
    else:
        say(f"bara de första {grouped(len(found))} beskeden visas")
    return found
