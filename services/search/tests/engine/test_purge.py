"""An agreement that became confidential leaves nothing behind: no row, no document, no index kept for later."""

import asyncio
import json
import os
import sys
from dataclasses import dataclass

import pytest
from sqlalchemy import text

from contracts.agreements import purged
from search.index.engine import Index
from search.service.indexing import Indexer, looking_up
from search.service.purging import prove
from search.settings import Settings

pytestmark = pytest.mark.engine

SECRETS = ["HEMLIG-4711", "Förtroligt samarbete", "Fråga prästgårdens växel", "avtal.example/hemlig", "08-555 47 11"]
ID = "0b1f7a52-6f5c-4c53-9d53-2f3f6a1c9e03"


@pytest.fixture
def secret(make):
    """An agreement with secrets in every kind of field, in some version."""

    def of(version=1, **fields):
        contact = {"purpose": "referral", "channel": "phone", "value": SECRETS[4], "note": None}
        use = {"use": "on_request", "regions": [], "through": SECRETS[1], "question": SECRETS[2]}
        plain = {
            "agreement_id": ID,
            "name": SECRETS[1],
            "description": SECRETS[2],
            "document_url": f"https://{SECRETS[3]}",
            "use_by_others": {**use, "price": "separate", "invoiced_by": None, "volume_left": 7},
            "services": [make.service(["A", "B"], ["kva|CJE20"], contacts=[contact])],
        }
        return make.agreement(SECRETS[0], "01", version=version, **{**plain, **fields})

    return of


@pytest.fixture
async def told(world, make, secret):
    """Two units; the secret agreement is shown at both, another one at the first."""
    await world.found(
        make.unit("A"),
        make.unit("B"),
        make.code("kva|CJE20"),
        make.code(make.katarakt),
        make.agreement("1", "01", ["A"]),
        secret(2),
    )
    return world


def gone(make, version=3):
    return purged(ID, "01", version, make.now)


async def proof(world):
    async with world.sessions() as session:
        return await prove(session, (world.index,), ID, SECRETS, lambda *_: None)


async def test_an_announcement_that_still_names_it_is_told_as_a_trace_until_it_is_announced_otherwise(told, make):
    await told.tell(gone(make), make.announcement("1", "A", text=f"Enligt {SECRETS[0]}"))
    await told.settle()

    found = await proof(told)
    assert not found.holds
    assert {trace.place.split(",")[0] for trace in found.traces} > {"table announcement"}

    await told.tell(make.announcement("1", "A", version=2, status="withdrawn"))
    await told.settle()
    assert (await proof(told)).holds


async def test_a_purged_agreement_leaves_no_word_in_any_table_or_index(told, make):
    before = await proof(told)
    assert before.status == "published"
    assert {trace.place.split(",")[0].split(" ")[0] for trace in before.traces} == {"table", "index"}
    assert {trace.what for trace in before.traces} == {"its id", *(f"word {number}" for number in range(1, 6))}

    await told.tell(gone(make))
    await told.settle()

    after = await proof(told)
    assert (after.status, after.traces, after.holds) == ("purged", [], True)
    assert after.documents == 2
    assert after.rows > 8


async def test_what_others_agreed_at_the_same_offer_stays_and_the_rest_is_gone(told, make):
    await told.tell(gone(make))
    await told.settle()

    hit = await told.hit(f"A|{make.katarakt}")
    assert [row["number"] for row in hit["agreements"]] == ["1"]
    assert (await told.ask())["total"] == 1
    (name,) = await told.index.existing()
    left = await told.opensearch.get(f"/{name}/_doc/{make.hsa('B')}|{make.katarakt}")
    assert left.json()["_source"] == {"deleted": True}


async def test_older_versions_that_come_late_are_refused_before_and_after_the_next_rebuild_of_documents(
    told, make, secret
):
    await told.tell(gone(make), secret(1), secret(2))
    await told.settle()
    assert (await proof(told)).holds

    await told.tell(make.unit("A", version=2), make.unit("B", version=2), secret(2))
    await told.settle()
    assert (await proof(told)).holds


async def test_a_purge_that_comes_first_lets_nothing_in(world, make, secret):
    await world.tell(make.unit("A"), gone(make), secret(1), secret(2))
    await world.settle()

    assert (await proof(world)).holds
    assert (await world.ask())["total"] == 0


async def test_what_comes_along_with_a_purge_is_not_kept(told, make, secret):
    await told.tell(secret(3, status="purged"))
    await told.settle()

    assert (await proof(told)).holds
    async with told.sessions() as session:
        rows = [tuple(row) for row in await session.execute(text(f"SELECT * FROM agreement WHERE id = '{ID}'"))]
        assert rows == [(ID, 3, {"status": "purged"})]
        assert await session.scalar(text(f"SELECT count(*) FROM line WHERE source = '{ID}'")) == 0


async def test_an_index_kept_for_a_release_that_is_taken_back_goes_at_the_next_purge(told, make):
    (before,) = await told.index.existing()
    later = Index(str(told.opensearch.base_url), told.name)
    later.shape = "0123abcd"
    try:
        async with looking_up(told.engine) as connection:
            indexer = Indexer(told.engine, later)
            while await indexer.round(connection):
                pass
            assert before in await told.index.existing()
            await told.tell(gone(make))
            assert not (await proof(told)).holds
            indexer = Indexer(told.engine, later)
            while await indexer.round(connection):
                pass
    finally:
        await later.close()

    (kept,) = await told.index.existing()
    assert kept != before
    assert (await proof(told)).holds
    assert (await told.ask())["total"] == 1


async def test_without_a_purge_that_index_stays(told, make):
    await told.tell(gone(make))
    await told.settle()
    (before,) = await told.index.existing()
    later = Index(str(told.opensearch.base_url), told.name)
    later.shape = "0123abcd"
    try:
        async with looking_up(told.engine) as connection:
            for _ in range(2):
                await told.tell(make.unit("A", version=9))
                indexer = Indexer(told.engine, later)
                while await indexer.round(connection):
                    pass
    finally:
        await later.close()

    assert len(await told.index.existing()) == 2
    assert before in await told.index.existing()


async def test_an_offer_that_cannot_be_built_anew_is_hidden_rather_than_shown_with_what_was_purged(told, make):
    async with told.sessions.begin() as session:
        await session.execute(text("UPDATE agreement SET content = '{\"status\": \"published\"}' WHERE id = 'id-1'"))
    await told.tell(gone(make))
    await told.settle()

    assert (await proof(told)).holds
    assert (await told.ask())["total"] == 0
    async with told.sessions() as session:
        assert await session.scalar(text("SELECT count(*) FROM refused_document")) == 1


async def test_an_offer_that_cannot_be_built_stays_shown_where_nothing_in_it_was_purged(told, make):
    async with told.sessions.begin() as session:
        await session.execute(text("UPDATE agreement SET content = '{\"status\": \"published\"}' WHERE id = 'id-1'"))
    await told.tell(make.unit("A", version=2))
    await told.settle()

    assert (await told.ask())["total"] == 2


@dataclass(frozen=True)
class Command:
    """`python -m search purged` as an operator calls it."""

    world: object
    issuer: str

    async def __call__(self, *arguments, words=""):
        given = Settings(
            postgres_url=self.world.engine.url.render_as_string(hide_password=False).replace("+asyncpg", ""),
            kafka_bootstrap="unused:1",
            opensearch_url=str(self.world.opensearch.base_url),
            oidc_issuer=self.issuer,
            index_name=self.world.name,
        )
        environment = {name.upper(): str(value) for name, value in given.model_dump().items()}
        bare = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "search", "purged", *arguments),
            env={**bare, **environment},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, error = await process.communicate(words.encode())
        return process.returncode, out.decode(), error.decode()


@pytest.fixture
def command(told, oidc_issuer):
    """The command on the world with the secret agreement."""
    return Command(told, oidc_issuer)


async def test_the_command_proves_a_purge_and_says_how_much_it_looked_through(told, make, command):
    await told.tell(gone(make))
    await told.settle()

    code, out, _ = await command(ID, "--words", "-", words="\n".join(SECRETS))
    assert code == 0
    assert out.startswith("nothing is left; ")
    assert "2 documents in 1 indexes looked through" in out

    code, out, _ = await command(ID, "--json")
    assert code == 0
    found = json.loads(out)
    assert (found["agreement_id"], found["status"], found["purged"], found["traces"]) == (ID, "purged", True, [])
    assert found["looked_through"]["documents"] == 2


async def test_the_command_tells_where_something_is_left_and_never_what(told, make, command):
    await told.tell(gone(make))
    await told.settle()
    async with told.sessions.begin() as session:
        await session.execute(text("CREATE TABLE of_a_later_release (note text)"))
        await session.execute(text("INSERT INTO of_a_later_release VALUES (:note)"), {"note": f'x "{SECRETS[1]}"'})
    (name,) = await told.index.existing()
    await told.opensearch.put(f"/{name}/_doc/stray", json={"waits": [{"deep": SECRETS[0].lower()}]})

    code, out, error = await command(ID, "--words", "-", words="\n".join(SECRETS))
    assert code == 1
    heads, *rows, verdict = out.splitlines()
    assert heads.split() == ["WHERE", "WHAT", "TIMES"]
    assert {" ".join(row.split()) for row in rows} == {
        "table of_a_later_release word 2 1",
        f"index {name}, document stray word 1 1",
    }
    assert verdict.startswith("traces are left; ")
    assert not any(secret.lower() in (out + error).lower() for secret in SECRETS)

    code, out, _ = await command(ID, "--words", "-", "--json", words="\n".join(SECRETS))
    assert code == 1
    assert {row["what"] for row in json.loads(out)["traces"]} == {"word 1", "word 2"}


async def test_the_command_proves_nothing_of_what_is_not_purged_or_unknown(told, command):
    code, out, _ = await command(ID)
    assert code == 1
    assert "not purged: the agreement is published" in out

    code, out, _ = await command("id-of-nothing", "--json")
    assert code == 1
    assert (json.loads(out)["status"], json.loads(out)["traces"]) == (None, [])


async def test_the_command_needs_words_that_can_be_read(command, tmp_path):
    code, _, error = await command(ID, "--words", str(tmp_path / "gone.txt"))
    assert code == 1
    assert error.endswith("gone.txt: No such file or directory\n")
    assert len(error.splitlines()) == 1

    (tmp_path / "latin.txt").write_bytes(b"\xe5")
    assert await command(ID, "--words", str(tmp_path / "latin.txt")) == (2, "", "purged: the words are not UTF-8\n")
