"""A new index beside the one that is searched: what appears, disappears and changed, and when it is not searched."""

import json

import pytest
from structlog.testing import capture_logs

from search.index.engine import Index
from search.service import rebuild as rebuilding
from search.service.indexing import Indexer, looking_up
from search.service.rebuild import Held

pytestmark = [pytest.mark.engine, pytest.mark.slow]


@pytest.fixture
async def units(land, make):
    """Thirty offers, as a worker has indexed them."""
    names = [f"U{number:02}" for number in range(30)]
    await land.world.tell(*(make.unit(name) for name in names), make.agreement("1", "01", names))
    await land.world.settle()
    return names


async def write(land, make, names, document):
    """These offers stand so in the index that is searched, whatever the rows say."""
    (name,) = await land.searched()
    offers = {f"{make.hsa(one)}|{make.katarakt}" for one in names}
    for offer, (revision, held) in (await land.world.index.read(name, list(offers))).items():
        await land.world.index.write(name, [(offer, revision + 1, document(held))])
    await land.world.opensearch.post(f"/{land.world.name}/_refresh")


async def test_what_appears_disappears_and_changed_is_told_by_number_and_field(land, make, units):
    await write(land, make, units[:3], lambda _: None)
    await write(land, make, units[3:5], lambda held: {**held, "precision": "municipality"})
    gone = {"unit": "SE5561234567-GONE", "care_service": make.katarakt, "deleted": False}
    (before,) = await land.searched()
    await land.world.index.write(before, [(f"SE5561234567-GONE|{make.katarakt}", 1, gone)])

    found = (await land.rebuild("rows")).found

    assert (found.before, found.shown_before, found.shown, found.hidden, found.refused) == (before, 28, 30, 0, 0)
    assert (found.appear, found.disappear, found.gone) == (3, 1, [f"SE5561234567-GONE|{make.katarakt}"])
    assert (found.looked_at, found.differ) == (30, 0)
    # Those hidden have every other field beside.
    assert found.changed == 5
    assert found.fields["precision"] == 5
    assert found.fields["deleted"] == 3
    assert any(what == "offers compared" for what, _, _ in land.progress)


async def most_go(land, make, units, count=20):
    """Most offers have ended, and nobody has told the index."""
    await land.world.tell(make.agreement("1", "01", units[count:], version=2))


async def test_an_index_from_which_most_offers_would_disappear_is_not_searched_unasked(land, make, units):
    await most_go(land, make, units)
    before, searched = await land.answer(), await land.searched()

    with pytest.raises(Held, match=r"20 of 30 offers that .* shows would disappear; .* --may-hide"):
        await land.rebuild("rows")
    assert (await land.answer(), await land.searched()) == (before, searched)

    report = await land.rebuild("rows", may_hide=True)
    assert (report.found.disappear, report.found.hidden) == (20, 20)
    assert len(await land.answer()) == 10
    assert await land.searched() == [report.found.index]


async def test_a_few_that_disappear_and_half_of_them_need_no_asking(land, make, units):
    await most_go(land, make, units, 15)

    assert (await land.rebuild("rows")).found.disappear == 15


async def test_the_command_tells_machines_what_it_found_and_has_an_exit_code_for_what_it_held(land, make, units):
    await most_go(land, make, units)
    searched = await land.searched()

    code, out, error = await land.command("--from", "rows", "--json")
    told = json.loads(out)
    assert (code, told["searched"], told["compared"]["disappear"]) == (3, False, 20)
    assert error.splitlines()[-1].startswith("rebuild: ")
    assert "--may-hide" in error
    assert await land.searched() == searched

    code, out, error = await land.command("--from", "rows", "--json", "--may-hide")
    told = json.loads(out)
    assert (code, told["searched"], told["records"], told["removed"]) == (0, True, 0, 0)
    assert (told["compared"]["shown"], told["compared"]["hidden"]) == (10, 20)
    assert await land.searched() == [told["compared"]["index"]]


async def test_the_workers_own_switch_compares_logs_and_holds_in_the_same_way(land, make, units, monkeypatch):
    monkeypatch.setattr("search.service.following.build", lambda sources: None)
    index = Index(str(land.world.opensearch.base_url), land.world.name)
    index.shape = "0123abcd"
    searched = await land.searched()
    try:
        with capture_logs() as lines:
            indexer = Indexer(land.world.engine, index)
            async with looking_up(land.world.engine) as connection:
                while await indexer.round(connection):
                    pass
    finally:
        await index.close()

    (compared,) = [line for line in lines if line["event"] == "index compared"]
    assert (compared["shown"], compared["shown_before"], compared["disappear"]) == (0, 30, 30)
    assert any(line["event"] == "index not searched" and line["log_level"] == "error" for line in lines)
    assert indexer.waiting_for == "an operator: the new index shows far less than the one that is searched"
    assert await land.searched() == searched
    assert len(await land.answer()) == 30


def test_the_sweep_of_rows_and_the_switch_of_indexes_have_the_same_measure():
    from search.service import comparing

    assert (comparing._LARGEST_SHARE, comparing._FEW) == (rebuilding._LARGEST_SHARE, rebuilding._FEW)
