"""Readings of a region's interface as people see them: the region over HTTP, an operator at a terminal."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from agreements.domain.agreement import Agreement, State, Way
from agreements.main import main
from agreements.store import agreements as agreement_store
from agreements.store import pulls

pytestmark = pytest.mark.engine

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
async def held(office, body) -> tuple[int, str]:
    """A reading of region 14 that lists one agreement as gone; its number and the agreement's id."""
    one = (await office.register(body)).json()
    async with office.sessions.begin() as session:
        found = await agreement_store.get(session, one["id"])
        assert isinstance(found, Agreement)
        await session.execute(agreement_store.agreement.update().values(way=Way.PULL, state=State.SUBMITTED))
        number = await pulls.begin(session, "14", "json", NOW, None)
        await pulls.keep_items(
            session,
            number,
            [
                {
                    "reference": "page 1, item 3",
                    "number": "A 1",
                    "answer": "rejected",
                    "agreement_id": None,
                    "reasons": [{"field": "services.0.units.0", "reason": "no such care unit", "suggestion": None}],
                }
            ],
        )
        await pulls.list_gone(session, number, "14")
        await pulls.note(session, number, state="held", read=7, rejected=1, gone=1, held="1 of 8 is gone", read_at=NOW)
        await pulls.begin(session, "01", "fhir", NOW, NOW)
    return number, one["id"]


async def test_a_regions_administrator_sees_its_own_readings_and_an_operator_all(office, held):
    number, agreement = held
    own = (await office.call("anna", "GET", "/agreement-pulls")).json()
    told = [(run["id"], run["region"], run["state"], run["gone"]) for run in own["items"]]
    assert told == [(number, "14", "held", 1)]
    assert (await office.call("operator", "GET", "/agreement-pulls")).json()["total"] == 2
    assert (await office.call("operator", "GET", "/agreement-pulls?region=01")).json()["total"] == 1
    assert (await office.call("anna", "GET", "/agreement-pulls?region=01")).status_code == 403
    one = (await office.call("anna", "GET", f"/agreement-pulls/{number}")).json()
    assert [row["agreement_id"] for row in one["gone_agreements"]] == [agreement]
    assert one["items"][0]["reasons"][0]["reason"] == "no such care unit"
    assert (await office.call("berit", "GET", f"/agreement-pulls/{number}")).status_code == 404


async def test_the_regions_yes_ends_what_is_gone_and_is_asked_for_once(office, held):
    number, agreement = held
    path = f"/agreement-pulls/{number}"
    for who, content, status in (
        ("berit", {"reason": "Ja"}, 404),
        ("anna", {}, 422),
        ("anna", {"reason": "Enligt 19121212-1212"}, 422),
        ("anna", {"reason": "Upphört"}, 200),
        ("anna", {"reason": "Upphört"}, 409),
    ):
        answer = await office.call(who, "POST", f"{path}/approve", json=content)
        assert answer.status_code == status, answer.text
    assert (await office.call("anna", "GET", f"/agreements/{agreement}")).json()["state"] == "withdrawn"
    shown = (await office.call("anna", "GET", path)).json()
    assert (shown["state"], shown["decided_why"], shown["ended"]) == ("approved", "Upphört", 1)


async def test_nothing_of_a_purged_agreement_stays_with_the_readings(office, held):
    number, agreement = held
    async with office.sessions.begin() as session:
        await pulls.forget(session, "14", "A 1", agreement)
        assert await pulls.items(session, number, None) == []
        assert await pulls.gone(session, number) == []


class Operator:
    """Somebody at a terminal."""

    def __init__(self, office: Any, capsys: Any) -> None:
        self.capsys = capsys
        url = office.sessions.kw["bind"].url.set(drivername="postgresql")
        self.environment = {
            "POSTGRES_URL": url.render_as_string(hide_password=False),
            "KAFKA_BOOTSTRAP": "127.0.0.1:1",
            "OIDC_ISSUER": "http://x",
        }

    async def types(self, *words: str) -> tuple[int, str]:
        def run() -> int:
            with pytest.raises(SystemExit) as ended:
                main(["pulls", *words])
            return int(ended.value.code or 0)

        code = await asyncio.to_thread(run)
        said = self.capsys.readouterr()
        # The log goes to stderr, as JSON lines.
        told = [line for line in said.err.splitlines(keepends=True) if not line.startswith("{")]
        return code, said.out + "".join(told)


@pytest.fixture
def operator(office, capsys, monkeypatch) -> Operator:
    one = Operator(office, capsys)
    for name, value in one.environment.items():
        monkeypatch.setenv(name, value)
    return one


async def test_an_operator_lists_shows_and_decides(operator, held):
    number, agreement = held
    code, said = await operator.types("list")
    assert code == 0
    assert f"run {number} waits: pulls show {number}, then pulls approve {number} or pulls discard {number}" in said
    code, said = await operator.types("show", str(number))
    assert (code, "1 of 8 is gone" in said, "no such care unit" in said, agreement in said) == (0, True, True, True)
    assert json.loads((await operator.types("show", str(number), "--json"))[1])["gone"] == 1
    assert (await operator.types("approve", str(number), "--why", "Upphört"))[0] == 2, "nobody can be asked here"
    code, said = await operator.types("approve", str(number), "--why", "Upphört", "--by", "anna", "--yes")
    assert (code, said) == (0, f"run {number} approved by anna: 1 withdrawn\n")
    code, said = await operator.types("discard", str(number), "--why", "fel", "--yes")
    assert (code, "it was approved by anna" in said) == (1, True)
    assert await operator.types("show", "999") == (1, "nothing was changed: there is no run 999\n")
    code, said = await operator.types("run", "05")
    assert (code, "PULL_SOURCES" in said) == (2, True)
