"""What an operator does: parked records redriven, and the topic brought in line with the tables."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

import contracts
from agreements.consumer import HANDLERS, PUSHED
from agreements.main import main
from agreements.service import announcing
from agreements.store import catalogue
from contracts import AgreementRegistered, CodeUpdated, encode
from contracts.topics import parked as parked_topic
from kit import kafka
from kit.consumer import Record

pytestmark = pytest.mark.engine

TOPIC = AgreementRegistered.topic.name
EXAMPLE = Path(contracts.__file__).parents[2] / "examples/code-updated/v1/kva-with-maps.json"


async def test_a_topic_made_anew_gets_all_that_has_been_public_and_nothing_else(operator, body):
    office = operator.office
    published = [(await office.publish({**body, "number": f"P{number}"}))["id"] for number in range(3)]
    draft = (await office.register({**body, "number": "D1"})).json()["id"]
    ended = published[0]
    assert (await office.act("anna", ended, "terminate", "upphört i förtid")).status_code == 200
    async with operator.relay():
        await operator.sent()
        before = await operator.told()
        assert await operator.reconcile() == {"exit": 0, "compared": 3, "agreeing": 3}
        await operator.remake(TOPIC)
        assert await operator.reconcile("--dry-run") == {"exit": 1, "compared": 3, "missing": 3}
        assert await operator.told() == {}
        assert await operator.reconcile() == {"exit": 0, "compared": 3, "missing": 3, "announced": 3}
        await operator.sent()
        after = await operator.told()
        assert await operator.reconcile() == {"exit": 0, "compared": 3, "agreeing": 3}
    versions = await operator.versions()
    assert {key: message.version for key, message in after.items()} == {key: versions[key] for key in published}
    assert draft not in after
    for key in published:
        assert after[key].version > before[key].version
        assert after[key] == before[key].model_copy(update={"version": after[key].version}), "nothing else has changed"
    history = await office.history(ended)
    assert [(row.action, row.actor, row.version) for row in history][-1] == ("announce", "reconcile", versions[ended])
    assert history[-1].at > history[-2].at


async def test_after_a_restore_the_tables_win_and_an_agreement_they_have_lost_is_told(operator, body):
    office = operator.office
    kept, lost = [(await office.publish({**body, "number": f"R{number}"}))["id"] for number in range(2)]
    before = (await operator.versions())[kept]
    assert (await office.act("anna", kept, "withdraw", "fel pris")).status_code == 200
    async with operator.relay():
        await operator.sent()
        ahead = (await operator.told())[kept].version
        # Restored from a backup: an older state of the one, nothing of the other.
        older = (
            "UPDATE agreement SET version = :version, public_version = :version, state = 'published',"
            " public_state = 'published' WHERE id = :id"
        )
        await operator.change(older, version=before, id=kept)
        await operator.change("DELETE FROM agreement WHERE id = :id", id=lost)
        code, out, _ = await operator.command("reconcile")
        assert code == 1
        assert f"unknown to the tables: {TOPIC} {lost}" in out.splitlines()
        assert "1 keys announced anew; the running worker sends them" in out.splitlines()
        await operator.sent()
        told = await operator.told()
    assert told[kept].version == (await operator.versions())[kept] > ahead
    assert told[kept].status == "published"
    assert told[lost].status == "published", "what it is nobody but the operator can know"


async def test_a_code_that_was_parked_is_redriven_into_the_copy_of_the_catalogue(operator, kafka_address):
    parked = parked_topic(CodeUpdated.topic.name, "agreements")
    names = [parked_topic(name, "agreements") for name in (*HANDLERS, *PUSHED)]
    await operator.remake(*names)
    value = json.loads(EXAMPLE.read_text())["value"]
    message = CodeUpdated.model_validate({**value, "version": 77})
    event = encode(message, at=datetime.now(UTC))
    context = {"topic": event.topic, "partition": "0", "offset": "5", "group": "agreements", "reason": "a mistake"}
    headers = [*event.headers.items(), *((f"parked-{name}", said) for name, said in context.items())]
    producer = kafka.producer(kafka_address)
    await producer.start()
    await producer.send_and_wait(
        parked, event.value, key=event.key.encode(), headers=[(name, said.encode()) for name, said in headers]
    )
    await kafka.stop(producer)
    code, out, _ = await operator.command("parked", "list")
    assert code == 0
    assert out.splitlines()[1].split()[:3] == [f"{parked}:0:0", event.topic, event.key]
    code, out, err = await operator.command("parked", "redrive")
    assert (code, "add --yes" in err) == (2, True)
    code, out, err = await operator.command("parked", "redrive", "--yes")
    assert (code, out.splitlines()[0]) == (0, f"{parked}:0:0  applied")
    assert json.loads(err.splitlines()[-1])["event"] == "parked record judged"
    async with operator.office.sessions() as session:
        found = await catalogue.codes(session, [event.key])
    assert found[event.key].version == 77
    code, out, _ = await operator.command("parked", "list")
    assert out == "0 of 0 shown · in all 0 open, 1 redriven, 0 discarded\n"


def test_help_tells_of_both_commands(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert "parked List, show, redrive or discard the records this service could not use." in shown
    assert "reconcile Compare this service's topics with its tables" in shown


async def test_a_record_of_another_thing_does_not_pass_for_an_agreements_state():
    with pytest.raises(contracts.Unreadable):
        announcing.version_told(Record(TOPIC, 0, 0, b"k", b"{}", {"ce_type": "se.vardformedling.code-updated.v1"}))
