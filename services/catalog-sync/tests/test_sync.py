"""What a source says now against what is known: every difference is announced once, and nothing else."""

import asyncio
import dataclasses
import json

import pytest
from sqlalchemy import select

from catalog_sync.domain.differences import TooMuch, check_changed, check_ended
from catalog_sync.domain.reading import Fact, Kind, Reading, Rejected
from catalog_sync.source import code_files
from catalog_sync.source.national_catalogue import interpret, read
from catalog_sync.store import tables
from contracts import CodeUpdated
from demo.sweden import write_code_files
from rules.calendar import swedish_day

pytestmark = pytest.mark.engine


def changed(fact: Fact, **content: object) -> Fact:
    return dataclasses.replace(fact, content={**fact.content, **content})


def line(code: str, **more: object) -> bytes:
    content = {"system": "kva", "code": code, "status": "active", "text": code, "release": None, "valid_from": None}
    content |= {"valid_to": None, "maps": [], "place": None, "care_area": None, "designations": [], **more}
    return json.dumps(content, ensure_ascii=False).encode()


async def test_the_whole_catalogue_is_announced_once_and_then_no_more(catalogue, ledger, sweden):
    reading = await read(catalogue)
    first = await ledger.sync(reading)
    assert (first.read, first.changed, first.ended, first.held) == (len(reading.facts), len(reading.facts), 0, None)
    announced = await ledger.announced()
    assert len({message.key() for message in announced}) == len(announced) == len(sweden.units) + len(sweden.offerings)
    for provider in sweden.care_providers:
        if provider.sole_trader:
            assert provider.identity_number not in repr(announced)
            assert provider.identity_number not in await ledger.texts()
    again = await ledger.sync(await read(catalogue))
    assert (again.changed, again.ended, await ledger.announced()) == (0, 0, [])
    assert await ledger.count("run") == 2


async def test_every_code_of_the_demo_is_announced_once_and_then_no_more(ledger, sweden, tmp_path):
    write_code_files(sweden, tmp_path)
    first = await ledger.sync(code_files.read(tmp_path), Kind.CODE)
    assert (first.changed, first.rejected) == (len(sweden.codes), [])
    announced = await ledger.announced()
    assert len({message.key() for message in announced}) == len(announced) == len(sweden.codes)
    again = await ledger.sync(code_files.read(tmp_path), Kind.CODE)
    assert (again.changed, again.ended, await ledger.announced()) == (0, 0, [])


async def test_a_changed_name_is_announced_once_with_a_higher_version(ledger, unit):
    await ledger.sync(Reading([unit(1), unit(2)]))
    before = {message.hsa_id: message.version for message in await ledger.announced()}
    renamed = changed(unit(1), name="Nytt namn")
    outcome = await ledger.sync(Reading([renamed, unit(2)]))
    assert (outcome.changed, outcome.ended) == (1, 0)
    (message,) = await ledger.announced()
    assert (message.hsa_id, message.name) == (unit(1).key, "Nytt namn")
    assert message.version > before[message.hsa_id]


async def test_a_new_time_of_reading_alone_is_no_change(ledger, unit):
    await ledger.sync(Reading([unit(1)]))
    await ledger.announced()
    touched = {"system": "prov", "reference": "Organization/1", "observed_at": "2026-04-01T00:00:00Z"}
    assert (await ledger.sync(Reading([changed(unit(1), source=touched)]))).changed == 0
    assert await ledger.announced() == []


async def test_a_unit_that_is_gone_ends_with_its_day_and_revives_when_it_is_back(ledger, unit):
    await ledger.sync(Reading([unit(1), unit(2)]))
    opened = (await ledger.announced())[0]
    for _ in range(2):
        outcome = await ledger.sync(Reading([unit(2)]))
    assert (outcome.ended, outcome.changed) == (0, 0), "it ends once"
    (closed,) = await ledger.announced()
    async with ledger.sessions() as session:
        at = await session.scalar(select(tables.run.c.finished_at).where(tables.run.c.ended == 1))
    assert (closed.hsa_id, closed.status, closed.closed_on) == (unit(1).key, "closed", swedish_day(at))
    assert closed.name == opened.name
    await ledger.sync(Reading([unit(1), unit(2)]))
    (back,) = await ledger.announced()
    assert (back.hsa_id, back.status, back.closed_on) == (unit(1).key, "active", None)
    assert opened.version < closed.version < back.version


async def test_offerings_and_codes_end_in_their_own_words(ledger, catalogue, tmp_path):
    reading = await read(catalogue)
    await ledger.sync(reading)
    gone = next(fact for fact in reading.facts if fact.kind is Kind.OFFERING)
    (tmp_path / "a.jsonl").write_bytes(line("CJE05") + b"\n" + line("CJE20"))
    codes = code_files.read(tmp_path)
    await ledger.sync(codes, Kind.CODE)
    await ledger.announced()
    await ledger.sync(Reading([fact for fact in reading.facts if fact is not gone]))
    await ledger.sync(Reading(codes.facts[1:]), Kind.CODE)
    offering, code = await ledger.announced()
    assert (offering.key(), offering.status) == (gone.key, "ended")
    assert (code.key(), code.status) == ("kva|CJE05", "retired")


@pytest.mark.parametrize(("left", "held"), [(18, False), (17, True), (0, True)])
async def test_a_source_that_has_lost_too_much_changes_nothing(ledger, unit, left, held):
    await ledger.sync(Reading([unit(number) for number in range(20)]))
    await ledger.announced()
    before = await ledger.texts()
    renamed = [changed(unit(number), name="Nytt namn") for number in range(left)]
    outcome = await ledger.sync(Reading(renamed))
    if not held:
        assert (outcome.changed, outcome.ended, outcome.held) == (18, 2, None)
        return
    assert (outcome.changed, outcome.ended) == (0, 0)
    assert f"{20 - left} of 20 units would end" in outcome.held
    assert await ledger.announced() == []
    assert [line for line in (await ledger.texts()).splitlines() if line not in before] != [], "the run is noted"
    assert (await ledger.sync(Reading(renamed), share=1)).ended == 20 - left, "an operator may let it through"


async def test_units_are_not_lost_among_many_offerings(ledger, catalogue):
    """The share is counted per kind: a third of all units is a small part of all rows."""
    reading = await read(catalogue)
    await ledger.sync(reading)
    units = [fact for fact in reading.facts if fact.kind is Kind.UNIT]
    gone = {fact.key for fact in units[: len(units) // 8]}
    outcome = await ledger.sync(Reading([fact for fact in reading.facts if fact.key not in gone]))
    assert "units would end" in (outcome.held or "")


def test_the_share_is_judged_from_twenty_things_on():
    for check in (check_ended, check_changed):
        check(Kind.UNIT, 19, 19, 0.1)
        check(Kind.UNIT, 2, 20, 0.1)
        check(Kind.CODE, 0, 0, 0.1)
        with pytest.raises(TooMuch):
            check(Kind.UNIT, 3, 20, 0.1)
    check_changed(Kind.CODE, 20, 20, 0.1)


async def test_a_row_that_cannot_be_read_any_more_is_not_a_row_that_is_gone(ledger, unit):
    await ledger.sync(Reading([unit(number) for number in range(3)]))
    await ledger.announced()
    rejected = [Rejected("Organization/1", "HSA-id: fails its check digit")]
    outcome = await ledger.sync(Reading([unit(0)], rejected))
    (closed,) = await ledger.announced()
    assert (outcome.ended, closed.hsa_id) == (1, unit(2).key), "only the one that is really gone ends"


async def test_a_known_unit_whose_row_breaks_in_the_catalogue_stays_as_it_was(ledger, small):
    await ledger.sync(interpret(*small))
    await ledger.announced()
    organisations, places, services = small
    organisations[2] |= {"identifier": [], "name": ""}
    outcome = await ledger.sync(interpret(organisations, places, services))
    assert {row.resource for row in outcome.rejected} == {"Organization/ve-2", "HealthcareService/tj-2"}
    assert (outcome.changed, outcome.ended, await ledger.announced()) == (0, 0, [])


async def test_a_known_fact_that_no_longer_makes_a_message_stays_as_it_was(ledger, unit):
    await ledger.sync(Reading([unit(1)]))
    await ledger.announced()
    outcome = await ledger.sync(Reading([changed(unit(1), opened_on="i fjol")]))
    assert [(row.resource, row.reason.split(":")[0]) for row in outcome.rejected] == [("Organization/1", "opened_on")]
    assert "i fjol" not in await ledger.texts()
    assert (outcome.read, outcome.ended, await ledger.announced()) == (0, 0, [])


async def test_two_rows_of_the_same_unit_are_announced_once(ledger, unit):
    twin = changed(unit(1), name="Tvilling", hsa_id=unit(1).key.lower())
    outcome = await ledger.sync(Reading([unit(1), dataclasses.replace(twin, key=unit(1).key.lower())]))
    assert [row.reason for row in outcome.rejected] == ["tells of the same unit as another row"]
    (message,) = await ledger.announced()
    assert message.name == "Enhet 1"


async def test_two_runs_at_once_announce_everything_once(ledger, unit):
    reading = Reading([unit(number) for number in range(50)])
    await asyncio.gather(*(ledger.sync(reading) for _ in range(4)))
    announced = await ledger.announced()
    assert len({message.key() for message in announced}) == len(announced) == 50


async def test_versions_rise_even_where_the_clock_was_ahead(ledger, unit):
    await ledger.sync(Reading([unit(1)]))
    (first,) = await ledger.announced()
    async with ledger.sessions.begin() as session:
        await session.execute(tables.fact.update().values(version=first.version + 10**15))
    await ledger.sync(Reading([changed(unit(1), name="Nytt")]))
    (second,) = await ledger.announced()
    assert second.version == first.version + 10**15 + 1


async def test_bad_lines_of_code_files_are_rejected_with_their_place(ledger, tmp_path):
    bad = [b"{", b"\xff", b"[]", b"7", b'{"system": "kva"}', line("CJE20")[:-5]]
    (tmp_path / "b.jsonl").write_bytes(b"\n".join([line("CJE05"), *bad, b"", line("cje20"), line("XX"), b""]))
    (tmp_path / "a.jsonl").write_bytes(b"\xef\xbb\xbf" + line("CJE10", text="rad\u2028brytning\u0085här") + b"\r\n")
    (tmp_path / "notes.txt").write_text("no codes")
    outcome = await ledger.sync(code_files.read(tmp_path), Kind.CODE)
    assert [row.resource for row in outcome.rejected] == [*(f"b.jsonl:{n}" for n in range(2, 8)), "kva|XX"]
    assert outcome.rejected[0].reason == "is not a JSON object with system and code"
    announced = await ledger.announced()
    assert [message.key() for message in announced] == ["kva|CJE05", "kva|CJE10", "kva|CJE20"]
    assert isinstance(announced[1], CodeUpdated)
    assert announced[1].text == "rad\u2028brytning\u0085här"


async def test_no_code_is_retired_while_a_line_cannot_be_told_apart(ledger, tmp_path):
    file = tmp_path / "a.jsonl"
    file.write_bytes(line("CJE05") + b"\n" + line("CJE20"))
    await ledger.sync(code_files.read(tmp_path), Kind.CODE)
    await ledger.announced()
    file.write_bytes(line("CJE05", text="Ny text") + b"\n" + line("CJE20")[:-9])
    await ledger.sync(code_files.read(tmp_path), Kind.CODE)
    (message,) = await ledger.announced()
    assert (message.key(), message.text) == ("kva|CJE05", "Ny text")
    file.write_bytes(line("CJE05", text="Ny text"))
    await ledger.sync(code_files.read(tmp_path), Kind.CODE)
    (message,) = await ledger.announced()
    assert (message.key(), message.status) == ("kva|CJE20", "retired")
