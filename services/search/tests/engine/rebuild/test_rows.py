"""Rows made anew from the topics: damaged, missing and superfluous ones; what is refused and what is told."""

import pytest
from sqlalchemy import delete, select, text, update

from search.service.rebuild import Refused
from search.store.tables import (
    agreement,
    announcement,
    announcement_line,
    care_unit,
    code_map,
    line,
    offer,
    offering,
    region_profile,
    wait,
)

pytestmark = [pytest.mark.engine, pytest.mark.slow]


async def test_damaged_missing_and_superfluous_rows_are_as_the_topics_tell_it_again(land, make):
    await land.announce_and_tell(*land.some(make))
    before = await land.answer()
    assert len(before) == 4
    async with land.world.sessions.begin() as session:
        one = update(care_unit).where(care_unit.c.hsa_id == make.hsa("A"))
        await session.execute(one.values(content=text("jsonb_set(content::jsonb, '{name}', '\"Damaged\"')::json")))
        await session.execute(delete(care_unit).where(care_unit.c.hsa_id == make.hsa("B")))
        await session.execute(delete(line).where(line.c.source == "id-1"))
        await session.execute(delete(code_map))
        await session.execute(delete(wait))
        await session.execute(delete(offering))
        await session.execute(delete(offer).where(offer.c.unit == make.hsa("A")))
    await land.world.tell(
        make.agreement("nowhere", "01", ["A", "B"], [make.kna]), make.unit("C"), make.offering("C"), make.wait("B", 1)
    )
    await land.world.settle()
    assert await land.answer() != before

    report = await land.rebuild()

    assert await land.answer() == before
    # A superfluous unit, offering, wait, and agreement with its two lines.
    assert (report.records, report.unreadable, report.removed) == (9, [], 6)
    assert report.lines()[-1] == f"{report.found.index} is searched"
    assert (report.found.shown, report.found.refused) == (4, 0)
    async with land.world.sessions() as session:
        assert set(await session.scalars(select(agreement.c.id))) == {"id-1", "id-2"}


async def test_what_regions_tell_is_as_the_topic_tells_it_again(land, make):
    async def shown():
        return (await land.world.ask(patient_region="14"))["region_profiles"]

    await land.announce_and_tell(*land.some(make), make.profile("01"), make.profile("14"))
    before = await shown()
    assert list(before) == ["01", "14"]
    async with land.world.sessions.begin() as session:
        await session.execute(delete(region_profile).where(region_profile.c.region == "01"))
        await session.execute(update(region_profile).values(content={"status": "active"}))
    await land.world.tell(make.profile("24"))

    report = await land.rebuild()

    assert await shown() == before
    assert (report.unreadable, report.removed) == ([], 1)
    async with land.world.sessions() as session:
        assert set(await session.scalars(select(region_profile.c.region))) == {"01", "14"}


async def test_what_is_announced_is_as_the_topic_tells_it_again(land, make):
    told = [make.announcement("1", "A"), make.announcement("2", "B", [make.brack], left=None, level="limited")]
    await land.announce_and_tell(*land.some(make), *told)
    before = await land.answer()
    async with land.world.sessions.begin() as session:
        await session.execute(delete(announcement_line).where(announcement_line.c.source == "announced-1"))
        damaged = text("jsonb_set(content::jsonb, '{left}', '7')::json")
        await session.execute(update(announcement).where(announcement.c.id == "announced-2").values(content=damaged))
        await session.execute(announcement_line.insert().values(source="nobody", unit=make.hsa("B"), code_key=make.kna))
    await land.world.tell(make.announcement("3", "B", [make.kna]))

    report = await land.rebuild()

    assert await land.answer() == before
    # The announcement that no record tells of, its line, and the line of none.
    assert (report.unreadable, report.removed) == ([], 3)
    async with land.world.sessions() as session:
        assert set(await session.scalars(select(announcement.c.id))) == {"announced-1", "announced-2"}


async def test_a_newer_row_in_the_table_wins_over_the_topic(land, make):
    await land.announce_and_tell(*land.some(make))
    await land.world.tell(make.unit("A", version=2, name="Newer"))

    await land.rebuild()

    assert (await land.answer())[f"{make.hsa('A')}|{make.katarakt}"]["care_unit"]["name"] == "Newer"


async def test_a_topic_that_is_empty_is_refused_unless_its_rows_may_be_lost(land, make):
    await land.announce_and_tell(*land.some(make))
    before = await land.answer()
    await land.lose("care-offering-updated")

    with pytest.raises(Refused, match=r"care-offering-updated is empty, and 1 rows .* --may-lose"):
        await land.rebuild()
    assert await land.answer() == before

    report = await land.rebuild(may_lose=["care-offering-updated"])
    assert report.removed == 1
    assert set(await land.answer()) == set(before) - {f"{make.hsa('A')}|{make.kna}"}


async def test_a_topic_that_lost_most_of_its_records_is_refused_too(land, make):
    units = [make.unit(f"U{number}") for number in range(25)]
    await land.announce(*land.some(make))
    await land.world.tell(*land.some(make), *units)

    with pytest.raises(Refused, match="25 of 27 rows from care-unit-updated"):
        await land.rebuild()

    async with land.world.sessions() as session:
        assert len(list(await session.scalars(select(care_unit.c.hsa_id)))) == 27


async def test_a_record_that_cannot_be_read_is_told_and_its_row_stays(land, make):
    await land.announce_and_tell(*land.some(make))
    await land.world.tell(make.unit("OLD"))
    await land.raw("care-unit-updated", make.hsa("OLD").encode(), b"{}")
    await land.raw("care-unit-updated", b"\xff", b"{")
    await land.raw("care-unit-updated", b"nothing", None)

    report = await land.rebuild()

    assert (report.records, report.nulls, len(report.unreadable), report.removed) == (11, 1, 2, 0)
    assert report.unreadable[0].startswith("care-unit-updated:")
    assert "ce_type is missing" in report.unreadable[0]
    assert [line for line in report.lines() if line.startswith("unreadable")] == [
        f"unreadable: {one}" for one in report.unreadable
    ]
