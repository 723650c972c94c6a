"""A run that would end or change too much waits for an operator, who sees what it would do and decides."""

import argparse
import asyncio
import json

import pytest
from fastapi import Response

from catalog_sync.domain.reading import Kind, Reading, Rejected, SourceAway
from catalog_sync.service import decisions, runs_command
from catalog_sync.service.decisions import Refused

pytestmark = pytest.mark.engine


@pytest.fixture
def runs(ledger, capsys):
    """`await runs("show", "2")`: exit code and what is printed by `python -m catalog_sync runs …`."""
    parser = argparse.ArgumentParser()
    runs_command.arguments(parser)

    async def command(*argv: str) -> tuple[int, str]:
        capsys.readouterr()
        try:
            # A loop of its own, as on the command line.
            code = await asyncio.to_thread(runs_command.run, parser.parse_args(argv), ledger.url)
        except SystemExit as stopped:
            code = int(stopped.code or 0)
        printed = capsys.readouterr()
        return code, "".join(line for line in (printed.out + printed.err).splitlines(True) if "[info" not in line)

    return command


@pytest.fixture
def renamed(unit):
    """`renamed(30, 10)`: thirty units, the first ten of them under a new name."""

    def make(count: int, of_them: int) -> Reading:
        return Reading([unit(number, **({"name": "Nytt"} if number < of_them else {})) for number in range(count)])

    return make


async def test_a_run_that_would_change_too_much_is_held_and_applied_once_approved(ledger, renamed, runs):
    await ledger.sync(renamed(30, 0))
    await ledger.announced()
    outcome = await ledger.sync(renamed(30, 10), changed=0.3)
    assert (outcome.changed, outcome.held) == (0, "10 of 30 units would change, more than 30%: nothing changed")
    assert await ledger.announced() == []
    code, told = await runs("approve", str(outcome.run), "--yes", "--by", "anna", "--why", "namnbyte i regionen")
    assert (code, told) == (0, "run 2 approved by anna: 10 applied; the running worker sends them\n")
    assert [message.name for message in await ledger.announced()] == ["Nytt"] * 10
    run = (await ledger.rows("run"))[-1]
    assert (run.state, run.decision, run.decided_by, run.decided_why) == (
        "done",
        "approved",
        "anna",
        "namnbyte i regionen",
    )
    code, told = await runs("approve", "2", "--yes")
    assert (code, "does not wait for a decision: it is done" in told) == (1, True)
    assert await ledger.announced() == []


async def test_a_run_that_is_discarded_changes_nothing_and_a_later_one_may_propose_the_same(ledger, renamed, runs):
    await ledger.sync(renamed(30, 0))
    await ledger.announced()
    number = str((await ledger.sync(renamed(20, 0))).run)
    assert (await runs("discard", number, "--yes"))[0] == 2, "a reason is asked for"
    code, told = await runs("discard", number, "--yes", "--by", "bo", "--why", "källan är trasig")
    assert (code, told) == (0, "run 2 discarded by bo: nothing was changed\n")
    assert await ledger.announced() == []
    assert (await ledger.sync(renamed(20, 0))).held is not None
    code, told = await runs()
    assert "discarded by bo" in told
    assert "run 3 waits for a decision" in told


@pytest.mark.parametrize("argv", [("--why", "patient 191212121212 ringde"), ("--why", "trasig", "--by", "811228-9874")])
@pytest.mark.parametrize("act", ["approve", "discard"])
async def test_a_decision_that_holds_a_personal_number_is_refused_and_kept_nowhere(ledger, renamed, runs, act, argv):
    await ledger.sync(renamed(30, 0))
    await ledger.sync(renamed(20, 0))
    code, told = await runs(act, "2", "--yes", *argv)
    option = argv[-2]
    assert (code, len(told.splitlines())) == (2, 1)
    assert f"{option} holds something like a personal number" in told
    assert argv[-1] not in told
    assert [(row.state, row.decision) for row in await ledger.rows("run")][1:] == [("held", None)]


async def test_a_run_that_is_stuck_in_reading_can_be_discarded(ledger, served, client, runs):
    served.answers = lambda address: Response(status_code=403) if address.startswith("Location") else None
    with pytest.raises(SourceAway):
        await ledger.follow(client)
    code, told = await runs("approve", "1", "--yes")
    assert (code, "does not wait for a decision: it is reading" in told) == (1, True)
    code, told = await runs("discard", "1", "--why", "fel adress")
    assert (code, "nobody can be asked here: add --yes" in told) == (2, True)
    code, told = await runs("discard", "1", "--yes", "--by", "bo", "--why", "fel adress")
    assert (code, told) == (0, "run 1 discarded by bo: nothing was changed\n")
    (run,) = await ledger.rows("run")
    assert (run.state, run.decided_by, run.decided_why) == ("abandoned", "bo", "fel adress")
    assert run.finished_at == run.decided_at
    served.answers = lambda _: None
    outcome = await ledger.follow(client)
    assert (outcome.run, outcome.changed) == (2, 4)


async def test_nothing_is_decided_without_a_yes(ledger, renamed, runs):
    await ledger.sync(renamed(30, 0))
    await ledger.sync(renamed(20, 0))
    await ledger.announced()
    code, told = await runs("approve", "2")
    assert (code, "nobody can be asked here: add --yes" in told) == (2, True)
    assert await ledger.announced() == []
    assert (await runs("approve", "77", "--yes")) == (1, "nothing was changed: there is no run 77\n")


@pytest.fixture
async def many(ledger, small, serving, reach):
    """A served catalogue of thirty known units, the first ten of which have just got a new name."""
    (provider, _, unit), (_, place), _ = small
    served = serving(provider)
    for number in range(30):
        row = {**unit, "id": f"ve-{number}", "name": f"Enhet {number}", "partOf": {"reference": "Organization/vg-1"}}
        row["identifier"] = [{**unit["identifier"][0], "value": f"SE5561234567-B{number}"}]
        where = {"reference": f"Organization/ve-{number}"}
        served.put(row, {**place, "id": f"pl-{number}", "managingOrganization": where})
    client = reach(served.app)
    await ledger.follow(client)
    await ledger.announced()
    for number in range(10):
        served.put({**served.rows[f"Organization/ve-{number}"], "name": "Nytt"})
    return client, served


async def test_what_has_changed_since_it_was_proposed_is_left_as_it_is(ledger, many, runs, unit):
    client, _ = many
    outcome = await ledger.follow(client, changed=0.3)
    assert outcome.held is not None
    # Another source tells of one of them meanwhile.
    await ledger.sync(Reading([unit(3, hsa_id="SE5561234567-B3", name="Ännu nyare")]), Kind.CODE)
    assert [message.name for message in await ledger.announced()] == ["Ännu nyare"]
    code, told = await runs("approve", str(outcome.run), "--yes")
    assert (code, "9 applied" in told, "1 have changed since they were proposed" in told) == (0, True, True)
    assert [message.name for message in await ledger.announced()] == ["Nytt"] * 9


async def test_what_a_held_reading_kept_is_never_built_on_once_it_is_discarded(ledger, many, runs):
    client, served = many
    served.etags = True
    await ledger.follow(client, changed=1)
    await ledger.announced()
    sound = dict(served.rows)
    served.rows = {}
    held = await ledger.follow(client, whole=True)
    assert (await runs("discard", str(held.run), "--yes", "--why", "källan är trasig"))[0] == 0
    served.rows = dict(sound)
    # As a change alone it would point to nothing.
    served.put({**sound["Organization/ve-7"], "name": "Nyast"})
    outcome = await ledger.follow(client)
    assert (outcome.read, outcome.changed, outcome.ended, outcome.rejected) == (len(sound), 1, 0, [])
    assert [message.name for message in await ledger.announced()] == ["Nyast"]
    await ledger.follow(client)
    assert [row.whole for row in await ledger.rows("run")][-2:] == [True, False], "one whole reading is enough"


async def test_a_reading_beside_a_held_run_is_whole_and_the_same_again_waits_under_the_first_number(ledger, many, runs):
    client, served = many
    sound = dict(served.rows)
    served.rows = {}
    first = await ledger.follow(client, whole=True)
    again = await ledger.follow(client)
    assert again.held == f"{first.held}; run {first.run} waits with the same"
    found = {row.id: (row.state, row.whole) for row in await ledger.rows("run")}
    assert (found[first.run], found[again.run]) == (("held", True), ("abandoned", True))
    assert {row.run for row in await ledger.rows("proposed")} == {first.run}, "nothing is kept twice"
    code, told = await runs("approve", str(first.run), "--yes")
    assert (code, "30 applied" in told) == (0, True)
    assert len(await ledger.announced()) == 30
    served.rows = sound
    assert (await ledger.follow(client, changed=1)).changed == 30


async def test_an_approved_run_is_built_on(ledger, many, runs):
    client, _ = many
    held = await ledger.follow(client)
    await runs("approve", str(held.run), "--yes")
    await ledger.follow(client)
    assert [(row.state, row.whole) for row in await ledger.rows("run")] == [
        ("done", True),
        ("done", False),
        ("done", False),
    ]


async def test_a_held_reading_takes_no_row_off_the_list(ledger, many, runs):
    client, served = many
    served.put({**served.rows["Organization/ve-29"], "name": ""})
    await ledger.follow(client, changed=1)
    (before,) = await ledger.rows("rejected")
    sound = dict(served.rows)
    served.rows = {}
    held = await ledger.follow(client, whole=True)
    assert held.held is not None
    await runs("discard", str(held.run), "--yes", "--why", "källan är trasig")
    assert [(row.resource, row.first_seen) for row in await ledger.rows("rejected")] == [
        ("Organization/ve-29", before.first_seen)
    ]
    served.rows = sound
    outcome = await ledger.follow(client)
    assert [row.resource for row in outcome.rejected] == ["Organization/ve-29"]
    assert [row.first_seen for row in await ledger.rows("rejected")] == [before.first_seen]
    served.put({**served.rows["Organization/ve-29"], "name": "Åter"})
    assert (await ledger.follow(client)).rejected == []


async def test_a_later_whole_reading_takes_the_place_of_a_held_one(ledger, renamed):
    await ledger.sync(renamed(30, 0))
    held = await ledger.sync(renamed(20, 0))
    await ledger.sync(renamed(30, 1))
    with pytest.raises(Refused, match="a later whole reading has looked at everything anew"):
        await decisions.approve(ledger.sessions, held.run, "anna", "")
    assert [row.state for row in await ledger.rows("run")] == ["done", "superseded", "done"]


async def test_show_tells_counts_first_and_then_every_field_old_and_new(ledger, unit, runs):
    before = [unit(number) for number in range(30)]
    await ledger.sync(Reading(before))
    moved = {**unit(0).content["place"], "locality": "Solna", "postal_code": "17141"}
    after = [unit(0, name="Nytt\x1bnamn", place=moved), *before[1:20]]
    await ledger.sync(Reading(after))
    code, told = await runs("show", "2")
    lines = told.splitlines()
    assert code == 0
    assert lines[0].startswith("run 2  prov, whole, begun ")
    assert lines[0].endswith(": held")
    assert lines[1] == "held      10 of 30 units would end, more than 10%: nothing changed"
    assert lines[2] == "20 read, 0 new, 1 changed, 10 ended, 0 stale, 0 rejected"
    assert lines[4:6] == ["kind  new  changed  ended", "unit    0        1     10"]
    at = lines.index(f"changed unit {unit(0).key}  Nytt\\x1bnamn")
    assert [line.split() for line in lines[at + 1 : at + 4]] == [
        ["name", "Enhet", "0", "→", "Nytt\\x1bnamn"],
        ["place.locality", "Stockholm", "→", "Solna"],
        ["place.postal_code", "11428", "→", "17141"],
    ]
    code, told = await runs("show", "2", "--json")
    changes = {row["key"]: row for row in json.loads(told)["changes"]}
    assert len(changes) == 11
    assert changes[unit(25).key]["fields"][-1] == {"field": "status", "old": "active", "new": "closed"}
    assert "and 8 more" in (await runs("show", "2", "--limit", "3"))[1]
    assert (await runs("show", "99")) == (1, "nothing was changed: there is no run 99\n")


async def test_the_list_one_run_and_the_log_tell_the_same_counts_as_they_were_applied(ledger, unit, runs):
    known = [unit(number) for number in range(30)]
    await ledger.sync(Reading(known))
    # Two new, five changed, six ended: held.
    after = [unit(number, **({"name": "Nytt"} if number < 5 else {})) for number in range(24)]
    held = await ledger.sync(Reading([*after, unit(40), unit(41)]))
    assert (held.changed, held.ended) == (0, 0)
    # Another source tells of one of each meanwhile.
    await ledger.sync(
        Reading([unit(0, name="Annat"), unit(25, name="Annat"), unit(40, name="Annat")]), Kind.CODE, source="annan"
    )
    await counted(runs, "2", {"new": 2, "changed": 5, "ended": 6, "stale": 0})
    code, told = await runs("approve", "2", "--yes", "--by", "anna")
    assert (code, told.splitlines()) == (
        0,
        [
            "run 2 approved by anna: 10 applied; the running worker sends them",
            "3 have changed since they were proposed and stay as they are",
        ],
    )
    told = await counted(runs, "2", {"new": 1, "changed": 4, "ended": 5, "stale": 3})
    assert "kind  changed  ended" in told, "new ones are counted only, once they are applied"
    assert "unit        4      5" in told
    await counted(runs, "1", {"new": 30, "changed": 0, "ended": 0, "stale": 0})


async def counted(runs, number: str, counts: dict[str, int]) -> str:
    """What `show` tells, once the list, the table and JSON tell these counts."""
    _, listed = await runs("list")
    head = listed.splitlines()[0]
    row = next(line for line in listed.splitlines() if line.strip().startswith(f"{number} "))
    for name in ("new", "changed", "ended"):
        end = head.index(f" {name} ") + len(name) + 1
        assert int(row[:end].split()[-1]) == counts[name], name
    _, told = await runs("show", number)
    assert ", ".join(f"{count} {name}" for name, count in counts.items()) in told
    of = json.loads((await runs("show", number, "--json"))[1])["run"]
    assert {name: of[name] for name in counts} == counts
    return told


async def test_list_is_a_table_whose_columns_stand_under_their_heads(ledger, unit, runs):
    assert await runs() == (0, "no run yet\n")
    await ledger.sync(Reading([unit(1), unit(2)], [Rejected("Organization/9", "name: is missing")]))
    await ledger.sync(Reading([unit(1)]))
    _, told = await runs("list")
    head, newest, older = told.splitlines()
    for row, numbers in ((newest, ("1", "0", "0", "1", "0")), (older, ("2", "2", "0", "0", "1"))):
        for name, number in zip(("read", "new", "changed", "ended", "rejected"), numbers, strict=True):
            end = head.index(f" {name} ") + len(name) + 1
            assert row[:end].split()[-1] == number, f"{name} of {row!r}"
    rows = json.loads((await runs("list", "--json"))[1])["runs"]
    assert [(row["id"], row["state"], row["whole"]) for row in rows] == [(2, "done", True), (1, "done", True)]


async def test_the_rows_that_cannot_be_used_are_listed_with_reason_and_time(ledger, unit, runs):
    rejected = [Rejected("Organization/9", "name: is missing"), Rejected("Location/3", "position: outside Sweden")]
    await ledger.sync(Reading([unit(1)], rejected))
    await ledger.sync(Reading([unit(1)], rejected[1:]))
    _, told = await runs("rejected")
    head, row, total = told.splitlines()
    assert row[head.index("row") :].startswith("Location/3")
    assert row[head.index("reason") :] == "position: outside Sweden"
    assert total == "1 of 1 rows that cannot be used; each stays as it was known until it is mended"
    (found,) = json.loads((await runs("rejected", "--json", "--source", "prov"))[1])["rejected"]
    assert found["first_seen"] < found["last_seen"]
    assert "0 of 0 rows" in (await runs("rejected", "--source", "code-files"))[1]
