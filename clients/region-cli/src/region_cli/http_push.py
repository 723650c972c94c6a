"""`vf-region push --http` and `watch`: a file sent as it is, and its submission followed until it is done."""

import asyncio
import hashlib
from pathlib import Path
from typing import Any
from uuid import uuid4

from region_cli.asking import Api, api_at
from region_cli.sources import opened
from region_cli.terminal import CANNOT, DONE, SOME_WRONG, Cannot, progress, say, summed_up, tell_json, tell_verdicts

_PATH = "agreement-submissions"
_ENDED = frozenset({"done", "failed"})
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.2, 2.0
_PAGE = 100
_MOST_PAGES = 100


async def push(path: Path, url: str, anew: bool, as_json: bool) -> int:
    """Send a file and follow it. The same file is the same submission, unless it is to be judged `anew`."""
    key = uuid4().hex if anew else _digest(path)
    async with api_at(url) as api:
        with progress("sending"):
            answer = await api.post_file(_PATH, path, key)
        submission = str(answer["id"])
        say(f"{path}: received as submission {submission}")
        return await _followed(api, submission, str(path), as_json)


async def watch(submission: str, url: str, as_json: bool) -> int:
    """Follow a submission, whoever sent it."""
    if not submission.replace("-", "").isalnum():
        raise Cannot("SUBMISSION must be an id as push printed it")
    async with api_at(url) as api:
        return await _followed(api, submission, submission, as_json)


def _digest(path: Path) -> str:
    with opened(path) as file:
        digest = hashlib.sha256()
        while piece := file.read(1024 * 1024):
            digest.update(piece)
        return digest.hexdigest()


async def _followed(api: Api, submission: str, name: str, as_json: bool) -> int:
    pause = _FIRST_PAUSE_SECONDS
    with progress("judging") as advance:
        while (found := await api.get(f"{_PATH}/{submission}", limit=1))["status"] not in _ENDED:
            advance(found["progress"]["done"] or 0, found["progress"]["rows"])
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE_SECONDS)
    verdicts = await _verdicts(api, submission)
    # What is wrong with the file as a whole belongs to no agreement.
    whole = [{"rows": [], "number": None, "verdict": "failed", "findings": found.get("findings") or []}]
    counts = {word: int(count) for word, count in found["counts"].items()}
    failed = found["status"] == "failed"
    if as_json:
        tell_json({**found, "verdicts": verdicts, "total": len(verdicts), "page": 1, "limit": len(verdicts)})
    else:
        tell_verdicts(name, [*(whole if failed else ()), *verdicts])
        say(f"submission {submission}: {'failed, ' if failed else ''}{summed_up(counts)}")
    if failed:
        return CANNOT
    return SOME_WRONG if counts.get("rejected") or counts.get("conflict") else DONE


async def _verdicts(api: Api, submission: str) -> list[dict[str, Any]]:
    """All that were not accepted; what is unchanged is as good as accepted and is only counted."""
    found: list[dict[str, Any]] = []
    for page in range(1, _MOST_PAGES + 1):
        answer = await api.get(f"{_PATH}/{submission}", verdict=["rejected", "conflict"], limit=_PAGE, page=page)
        found += answer["verdicts"]
        if len(answer["verdicts"]) < _PAGE or len(found) >= answer["total"]:
            break
    else:
        say(f"only the first {len(found):,} verdicts are told")
    return found
