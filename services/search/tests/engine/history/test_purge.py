"""An agreement that became confidential leaves the history too: rows and index, in time, from backups as well."""

import pytest

from contracts.agreements import purged
from search.service import historian, history_index
from search.service.historian import Historian
from search.service.indexing import Indexer, looking_up

pytestmark = pytest.mark.engine

ID = "0b1f7a52-6f5c-4c53-9d53-2f3f6a1c9e03"
SECRETS = ["HEMLIG-4711", "Förtroligt samarbete", "avtal.example/hemlig", "Fråga prästgårdens växel", "främre kammare"]


@pytest.fixture
async def told(past, make, ago):
    """A secret agreement, with a code of its own, is shown at A beside another one, and alone at B."""
    secret = make.agreement(
        SECRETS[0],
        "01",
        agreement_id=ID,
        name=SECRETS[1],
        document_url=f"https://{SECRETS[2]}",
        services=[make.service(["A", "B"], ["kva|CJE15"])],
        use_by_others={
            **make.agreement("x", "01").use_by_others.model_dump(),
            "use": "on_request",
            "question": SECRETS[3],
        },
    )
    await past.on(
        ago(20),
        make.unit("A"),
        make.unit("B"),
        *(make.code(key) for key in ("kva|CJE20", "kva|CJE15", make.katarakt)),
        make.agreement("1", "01", ["A"], ["kva|CJE20"]),
        secret,
    )
    await past.on(ago(10), make.wait("A", 40))
    await past.remember()
    return past


def gone(make):
    return purged(ID, "01", 9, make.now)


async def test_a_purged_agreement_leaves_every_day_and_what_others_gave_stays(told, make, ago):
    before = await told.proof(ID, SECRETS)
    assert {trace.place.split(",")[0] for trace in before.traces} >= {"table shown_document"}
    assert any("-history-" in trace.place for trace in before.traces)
    assert [one[0] for one in await told.found(ago(15))] == ["A", "B"]
    assert len(await told.found(ago(15), q="främre kammare")) == 2

    await told.world.tell(gone(make))
    await told.remember()

    after = await told.proof(ID, SECRETS[:4])
    assert (after.holds, after.traces) == (True, [])
    assert after.indexes == 2
    for day, waits in ((15, []), (9, [40])):
        (hit,) = (await told.ask(ago(day)))["items"]
        assert [row["number"] for row in hit["agreements"]] == ["1"]
        assert [wait["days"] for wait in hit["waits"]] == waits
        # The words of a code that only the secret agreement gave are found no more.
        assert await told.found(ago(day), q="främre kammare") == []
        assert len(await told.found(ago(day), q="bakre kammare")) == 1
    assert await told.rows() == [
        ("A", ago(20), ago(10), True),
        ("A", ago(10), None, True),
        ("B", ago(20), ago(20), False),
    ]


async def test_from_the_moment_of_the_purge_no_day_is_answered_until_rows_and_index_are_clean(told, make, ago):
    removing = "an agreement that became confidential is being removed from the history; try again shortly"
    asked = {"as_of": ago(15).isoformat()}

    await told.world.tell(gone(make))
    assert await told.refused(**asked) == (503, None, removing)

    # The rows are cleaned while OpenSearch is away; the index is not, and still must not be searched.
    away = type(told.index)("http://127.0.0.1:9", f"{told.world.name}-history")
    try:
        async with looking_up(told.world.engine) as connection:
            await Historian(away, 400).purge(connection)
    finally:
        await away.close()
    proof = await told.proof(ID)
    assert [trace.place.split(",")[0].split(" ")[0] for trace in proof.traces] == ["index"] * len(proof.traces) != []
    assert await told.refused(**asked) == (503, None, removing)
    assert (await told.world.ask())["total"] == 2

    await told.remember()
    assert (await told.proof(ID)).holds
    assert [one[0] for one in await told.found(ago(15))] == ["A"]


async def test_the_rows_are_cleaned_before_anything_else_also_while_much_waits_to_be_indexed(told, make, monkeypatch):
    await told.world.tell(gone(make))

    async def stuck(*_, **__):
        raise RuntimeError("the index is at work for long")

    monkeypatch.setattr("search.service.indexing.advance", stuck)
    indexer = Indexer(told.world.engine, told.world.index, told.historian())
    async with looking_up(told.world.engine) as connection:
        with pytest.raises(RuntimeError):
            await indexer.round(connection)

    assert [trace for trace in (await told.proof(ID)).traces if trace.place.startswith("table")] == []


async def test_a_purge_of_more_rows_than_a_batch_leaves_none(told, make, monkeypatch):
    monkeypatch.setattr(historian, "_BATCH", 1)
    monkeypatch.setattr(history_index, "_BATCH", 1)

    await told.world.tell(gone(make))
    await told.remember()

    assert (await told.proof(ID, SECRETS[:4])).holds


async def test_rows_from_a_backup_before_the_purge_are_cleaned_when_the_historian_begins(told, make, ago):
    await told.execute("CREATE TABLE backup AS SELECT * FROM shown_document")
    await told.world.tell(gone(make))
    await told.remember()
    await told.execute("DELETE FROM shown_document")
    await told.execute("INSERT INTO shown_document SELECT * FROM backup")
    await told.execute("DROP TABLE backup")
    await told.lose_index()
    assert not (await told.proof(ID)).holds

    await told.remember()

    assert (await told.proof(ID, SECRETS[:4])).holds
    assert [one[0] for one in await told.found(ago(15))] == ["A"]


async def test_a_document_that_the_index_refuses_when_cleaned_is_hidden_rather_than_shown_as_before(told, make, ago):
    # As an older release may have stored it: this mapping takes no such number.
    await told.execute(
        "UPDATE shown_document SET content = jsonb_set(content::jsonb, '{bases,1,age_max}', '1000000')::json"
        " WHERE right(unit, 1) = 'A' AND shown_to IS NOT NULL"
    )
    await told.world.tell(gone(make))
    await told.remember()

    assert (await told.proof(ID, SECRETS[:4])).holds
    assert await told.found(ago(15)) == []
    assert [one[0] for one in await told.found(ago(9))] == ["A"]


async def test_what_cannot_be_built_anew_loses_the_agreement_on_every_day(told, make, ago):
    await told.execute("UPDATE agreement SET content = '{\"status\": \"published\"}' WHERE id = 'id-1'")
    await told.world.tell(gone(make))
    await told.remember()

    assert (await told.proof(ID, SECRETS[:4])).holds
    assert [one[0] for one in await told.found(ago(15))] == ["A"]
