"""A workbook of 2,000 rows, 137 of them wrong in 15 ways, told row by row; and a worker that is killed midway."""

import asyncio
import io
import json
import os
import signal
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from agreements.service.working_off import WorkingOff
from agreements.store.tables import agreement, history, refusal, submission_upload, submission_verdict
from demo.submission_file import WAYS, Clinic, Known, make, write
from engines import eventually
from intake import COLUMNS

pytestmark = [pytest.mark.engine, pytest.mark.slow, pytest.mark.timeout(180)]

KNOWN = Known(
    region="14",
    clinics=[Clinic("SE5561234567-A0017", "SE5561234567-0001", "Ögonklinikerna Exempel AB", "5561234567")],
    closed_unit="SE5561234567-A0099",
    codes=("CJE20", "NGB29"),
)
TOLD = {
    "a code with a slip of the pen": ("services.0.care_services.0.code", "unknown code"),
    "a unit that does not exist": ("services.0.units.0", "no such care unit"),
    "a unit that is closed": ("services.0.units.0", "is closed"),
    "a unit whose check digit is wrong": ("services.0.units.0", "check digit"),
    "no care provider": ("care_provider", "required"),
    "a period that ends before it starts": ("valid_to", "ends before it starts"),
    "a day that does not exist": ("valid_to", ""),
    "a day that can be read in two ways": ("valid_from", ""),
    "no name": ("name", ""),
    "a word that is not in the list": ("services.0.reimbursement.model", ""),
    "ages that cross": ("services.0.target_group.age_max", "lower than age_min"),
    "on request, without the question": ("use_by_others.question", "must say what to ask"),
    "a personal number in a text": ("description", "personal number"),
    "another region's": ("region", "another region's"),
    "covered by secrecy": ("confidential", "secrecy"),
}
"""For each way, the field and words of the finding that tells of it."""


async def number_of(office, table) -> int:
    async with office.sessions() as session:
        return await session.scalar(select(func.count()).select_from(table)) or 0


async def test_of_2000_rows_the_137_wrong_ones_are_told_and_the_others_taken(office, spoken):
    made = make(KNOWN, agreements=2000, services=1, wrong=137)
    assert (len(made.rows), len(made.planted), set(made.planted.values())) == (2000, 137, set(WAYS)) == (
        2000, 137, set(TOLD),
    )  # fmt: skip
    file = io.BytesIO()
    write(made, file)
    answer = await office.call("anna", "POST", "/agreement-submissions?name=avtal.xlsx", content=file.getvalue())
    assert await WorkingOff(office.sessions.kw["bind"]).work_one()
    path = answer.headers["location"]
    found: list[dict[str, Any]] = []
    while len(found) < 137:
        told = (await office.call("anna", "GET", f"{path}?limit=100&page={len(found) // 100 + 1}")).json()
        assert told["verdicts"]
        found += told["verdicts"]
    assert told["counts"] == {"accepted": 1863, "unchanged": 0, "conflict": 0, "rejected": 137}
    assert (told["status"], told["progress"], told["total"]) == ("done", {"rows": 2000, "done": 2000}, 137)
    # The rows as Excel counts them: the headings are row 1.
    wrong = {place + 2: made.planted[str(row[0])] for place, row in enumerate(made.rows) if row[0] in made.planted}
    assert {verdict["rows"][0] for verdict in found} == set(wrong)
    for verdict in found:
        way = wrong[verdict["rows"][0]]
        field, reason = TOLD[way]
        (finding,) = verdict["findings"]
        assert (finding["field"], reason in finding["reason"]) == (field, True), f"{way}: {finding}"
        assert finding["row"] == verdict["rows"][0]
        assert finding["reason"]
        if way in ("a personal number in a text", "covered by secrecy"):
            assert finding["value"] is None
        if way == "covered by secrecy":
            assert verdict["number"] is None
        else:
            assert finding["column"] in (None, *(name.heading for name in COLUMNS))
    assert await number_of(office, agreement) == 1863
    assert await number_of(office, refusal) == Counter(made.planted.values())["covered by secrecy"]
    assert await number_of(office, submission_upload) == 0
    assert "1212-1212" not in json.dumps(found) + spoken()


class Worker:
    """The service's worker as a process of its own."""

    def __init__(self, office: Any, kafka_address: str, log: Path) -> None:
        url = office.sessions.kw["bind"].url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._environment = {
            **os.environ,
            "POSTGRES_URL": url,
            "KAFKA_BOOTSTRAP": kafka_address,
            "OIDC_ISSUER": "http://127.0.0.1:1",
            "WORKER_PORT": "0",
        }
        self._log = log
        self._child: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        with self._log.open("ab") as log:
            self._child = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "agreements", "worker", env=self._environment, stdout=log, stderr=log
            )

    async def end(self, number: signal.Signals) -> None:
        assert self._child is not None
        self._child.send_signal(number)
        await self._child.wait()


async def test_a_worker_killed_in_the_middle_of_a_file_is_followed_by_one_that_goes_on(
    office, body, kafka_address, tmp_path
):
    total = 3000
    lines = [json.dumps({**body, "number": f"N {place:05}"}) for place in range(total)]
    answer = await office.call("anna", "POST", "/agreement-submissions", content="\n".join(lines).encode())
    path = answer.headers["location"]

    async def done() -> int:
        return int((await office.call("anna", "GET", path)).json()["progress"]["done"])

    async def midway() -> bool:
        return await done() >= 100

    async def finished() -> bool:
        return bool((await office.call("anna", "GET", path)).json()["status"] == "done")

    worker = Worker(office, kafka_address, tmp_path / "worker.log")
    await worker.start()
    await eventually(midway, within=60)
    await worker.end(signal.SIGKILL)
    behind = await done()
    assert 0 < behind < total, "killed in the middle"
    assert await number_of(office, submission_verdict) == await number_of(office, agreement) == behind
    assert await number_of(office, submission_upload) > 0
    await worker.start()
    try:
        await eventually(finished, within=90)
    finally:
        await worker.end(signal.SIGTERM)
    told = (await office.call("anna", "GET", path)).json()
    assert told["counts"] == {"accepted": total, "unchanged": 0, "conflict": 0, "rejected": 0}
    for table in (agreement, history, submission_verdict):
        assert await number_of(office, table) == total, "none twice"
    assert await number_of(office, submission_upload) == 0
