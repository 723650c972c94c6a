"""Parked records as an operator meets them: listed, shown, redriven in order to their own service, or given up."""

import asyncio
import json
import os
import pty
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from prometheus_client import REGISTRY

import contracts
from contracts.topics import parked
from engines import eventually
from kit import parking
from upkeep import parked_arguments, process
from upkeep.parked_count import PARKED_RECORDS, ParkedCount
from upkeep.reading import everything

pytestmark = pytest.mark.engine


# What a sender may send, too: it does not pass for a verdict.
FOREIGN = [("null", None), ("parked-verdict", b"discarded"), ("parked-of", b"0-0")]


async def _parked_three(service: Any) -> None:
    service.dislikes = {"sour", "unstorable"}
    await service.send({"id": "a", "version": 1, "value": "sour"}, key=b"a")
    await service.send({"id": "b", "version": 2, "value": "fine"}, key=b"b")
    await service.send(b"\xfa not text", key=b"c", headers=FOREIGN)
    await service.send({"id": "d", "version": 4, "value": "unstorable"}, key=b"d")
    await service.consume()


async def test_the_list_tells_of_each_open_record_its_place_key_and_reason_and_never_its_value(service):
    await _parked_three(service)
    answer = await service.command("list")
    assert (answer.code, answer.err) == (0, "")
    head, *rows, counts = answer.lines
    assert [row.split()[0] for row in rows] == [f"{service.parked}:0:{number}" for number in range(3)]
    for row, key, reason in zip(
        rows, "acd", ("value: is disliked", "'utf-8' codec can't", "TypeError: see the service's log"), strict=True
    ):
        assert row[head.index("topic") :].startswith(service.topic)
        assert row[head.index("key")] == key
        assert row[head.index("state") :].startswith("open")
        assert row[head.index("reason") :].startswith(reason)
    assert counts == "3 of 3 shown · in all 3 open, 0 redriven, 0 discarded"
    assert "sour" not in answer.out


async def test_filters_narrow_the_list_and_machines_read_it_as_json(service):
    await _parked_three(service)

    async def keys(*filters: str) -> list[str]:
        answer = await service.command("list", "--json", *filters)
        assert answer.code == 0
        return [row["key"] for row in json.loads(answer.out)["records"]]

    assert await keys("--topic", service.topic) == ["a", "c", "d"]
    assert await keys("--topic", service.parked, "--limit", "2") == ["a", "c"]
    assert await keys("--key", "d") == ["d"]
    assert await keys("--reason", "DISLIKED") == ["a"]
    assert await keys("--since", "2020-01-01", "--until", "2999-01-01T00:00+01:00") == ["a", "c", "d"]
    assert await keys("--until", "2020-01-01") == []
    assert await keys("--state", "discarded") == []
    (row,) = json.loads((await service.command("list", "--json", "--key", "d")).out)["records"]
    assert row.pop("parked_at").endswith("+00:00")
    assert row == {
        "id": f"{service.parked}:0:2",
        "topic": service.topic,
        "partition": 0,
        "offset": 3,
        "key": "d",
        "reason": "TypeError: see the service's log",
        "state": "open",
        "verdict": None,
    }


async def test_show_prints_headers_and_value_readable_and_harmless_for_the_terminal(service):
    await _parked_three(service)
    await service.send({"id": "e", "value": "sour", "text": "åäö \u001b[2J"}, key=b"e\x1b[31m")
    await service.consume()
    shown = await service.command("show", f"{service.parked}:0:0")
    assert shown.code == 0
    assert "  parked-reason: value: is disliked" in shown.lines
    assert f"  parked-topic: {service.topic}" in shown.lines
    assert '    "value": "sour"' in shown.lines
    raw = await service.command("show", f"{service.parked}:0:1")
    assert "000000  fa 20 6e 6f 74 20 74 65 78 74" in raw.out
    assert ". not text" in raw.out
    for command in (("show", f"{service.parked}:0:3"), ("list",)):
        answer = await service.command(*command)
        assert "\x1b" not in answer.out
    assert "åäö" in (await service.command("show", f"{service.parked}:0:3")).out
    gone = await service.command("show", f"{service.parked}:0:99")
    assert (gone.code, gone.out) == (1, "no such parked record, or it has expired\n")


async def test_a_redriven_record_takes_effect_once_its_fault_is_mended_and_the_original_stays_as_it_was(
    service, log_lines
):
    await _parked_three(service)
    before = [record async for batch in everything(service.bootstrap, [service.parked]) for record in batch]
    service.dislikes = set()
    answer = await service.command("redrive", "--yes", "--by", "anna", "--why", "the rule was wrong")
    assert answer.code == 1, "one of them can never be read"
    assert answer.lines[0] == f"{service.parked}:0:0  applied"
    assert answer.lines[1].startswith(f"{service.parked}:0:1  fails again: 'utf-8' codec")
    assert answer.lines[2] == f"{service.parked}:0:2  applied"
    assert answer.lines[3] == "2 applied, 1 failed again and stay open"
    assert await service.stored() == {"a": 1, "b": 2, "d": 4}
    after = [record async for batch in everything(service.bootstrap, [service.parked]) for record in batch]
    assert after[:3] == before
    verdicts = [{name: value.decode() for name, value in record.headers} for record in after[3:]]
    assert [verdict.pop("parked-at")[-6:] for verdict in verdicts] == ["+00:00", "+00:00"]
    assert [verdict.pop("parked-of") for verdict in verdicts] == ["0-0", "0-2"]
    assert verdicts == [{"parked-verdict": "redriven", "parked-by": "anna", "parked-why": "the rule was wrong"}] * 2
    assert [(record.key, record.value) for record in after[3:]] == [(b"a", b""), (b"d", b"")]
    told = [line for line in log_lines() if line["event"] == "parked record judged"]
    assert [(line["parked"], line["verdict"], line["by"]) for line in told] == [
        (f"{service.parked}:0:0", "redriven", "anna"),
        (f"{service.parked}:0:2", "redriven", "anna"),
    ]
    assert "rule was wrong" not in str(log_lines()), "free text stays out of the log"
    listed = await service.command("list")
    assert listed.lines[-1] == "1 of 1 shown · in all 1 open, 2 redriven, 0 discarded"
    again = await service.command("redrive", f"{service.parked}:0:0", "--yes")
    assert again.code == 1
    assert again.lines == [f"{service.parked}:0:0  is not open, or does not match", "no open record matches"]


async def test_nothing_is_sent_to_the_shared_topic_and_an_old_redriven_version_changes_nothing(service):
    await _parked_three(service)
    await service.send({"id": "a", "version": 9, "value": "fine"}, key=b"a")
    await service.consume()
    service.dislikes = set()
    answer = await service.command("redrive", "--key", "a", "--yes")
    assert answer.code == 0
    assert (await service.stored())["a"] == 9
    assert "where it already knows a newer version, the newer one stays" in answer.out
    shared = [record async for batch in everything(service.bootstrap, [service.topic]) for record in batch]
    assert len(shared) == 5


async def test_records_are_redriven_in_the_order_in_which_they_stood_on_their_topic(service):
    service.dislikes = {"sour", "unstorable"}
    # What cannot be decoded and what cannot be applied is found at different times of one batch.
    things = [
        {"id": f"n{number}", "version": 1, "value": ("unstorable", "sour", "fine")[number % 3]} for number in range(60)
    ]
    await service.send(*things)
    await service.consume()
    service.dislikes, service.applied = set(), []
    assert (await service.command("redrive", "--yes", "--limit", "10")).code == 0
    assert (await service.command("redrive", "--yes")).code == 0
    assert service.applied == [f"n{number}@1" for number in range(60) if number % 3 != 2]


async def test_a_dry_run_tells_what_would_happen_and_changes_nothing(service):
    await _parked_three(service)
    service.dislikes = {"unstorable"}
    answer = await service.command("redrive", "--dry-run")
    assert answer.code == 1
    assert answer.lines[0] == f"{service.parked}:0:0  would be applied"
    assert answer.lines[2] == f"{service.parked}:0:2  would fail again: TypeError: see the service's log"
    assert answer.lines[3] == "dry run, nothing was changed: 1 would be applied, 2 would fail again"
    assert await service.stored() == {"b": 2}
    assert (await service.command("list")).lines[-1].endswith("in all 3 open, 0 redriven, 0 discarded")


async def test_what_was_too_large_to_park_is_read_where_it_stands_or_told_to_be_gone(service, kafka_address):
    service.dislikes = {"sour"}
    large = "x" * 3_000_000
    await service.send(*({"id": key, "version": 1, "value": "sour", "more": large} for key in ("a", "b")))
    await service.consume()
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_address)
    await admin.start()
    await admin.delete_records({TopicPartition(service.topic, 0): RecordsToDelete(before_offset=1)})
    await admin.close()
    service.dislikes = set()
    answer = await service.command("redrive", "--yes")
    assert answer.code == 1
    assert answer.lines[:2] == [
        f"{service.parked}:0:0  fails again: it was too large to be parked whole, and is gone from {service.topic}:0:0",
        f"{service.parked}:0:1  applied",
    ]
    assert await service.stored() == {"b": 1}


async def test_a_value_left_out_is_not_taken_from_a_topic_made_anew(service, topic, kafka_address):
    service.dislikes = {"sour"}
    await service.send({"id": "a", "version": 1, "value": "sour", "more": "x" * 3_000_000})
    await service.consume()
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_address)
    await admin.start()
    await admin.delete_topics([service.topic])

    async def made() -> bool:
        await topic("things")
        return service.topic in await admin.list_topics()

    await eventually(made, within=20)
    await admin.close()
    service.dislikes = set()
    await service.send({"id": "b", "version": 1, "value": "another"})
    answer = await service.command("redrive", "--yes")
    assert (answer.code, "is gone from" in answer.lines[0]) == (1, True)
    assert await service.stored() == {}


async def test_a_discarded_record_is_given_up_with_a_reason_and_stays_to_be_looked_at(service):
    await _parked_three(service)
    answer = await service.command("discard", f"{service.parked}:0:1", "--why", "rubbish", "--by", "bo", "--yes")
    assert (answer.code, answer.lines) == (0, [f"{service.parked}:0:1  discarded", "1 discarded"])
    listed = await service.command("list", "--state", "all")
    assert [row.split()[5] for row in listed.lines[1:-1]] == ["open", "discarded", "open"]
    assert listed.lines[-1] == "3 of 3 shown · in all 2 open, 0 redriven, 1 discarded"
    shown = await service.command("show", f"{service.parked}:0:1")
    assert shown.lines[0].startswith(f"{service.parked}:0:1  discarded by bo, why rubbish, at 20")
    (row,) = json.loads((await service.command("list", "--state", "discarded", "--json")).out)["records"]
    assert (row["verdict"]["by"], row["verdict"]["why"]) == ("bo", "rubbish")


async def test_discard_needs_a_reason_and_says_which_records(service, capsys):
    with pytest.raises(SystemExit) as ended:
        await service.command("discard", f"{service.parked}:0:1", "--yes")
    assert ended.value.code == 2
    everything_open = await service.command("discard", "--why", "rubbish", "--yes")
    assert (everything_open.code, everything_open.err) == (
        2,
        "parked discard: name the records, or narrow them with a filter\n",
    )
    empty = await service.command("discard", "--key", "k", "--why", " ", "--yes")
    assert (empty.code, empty.err) == (2, "parked discard: --why must say something\n")


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        ["list", "--since", "yesterday"],
        ["list", "--limit", "0"],
        ["show", "17"],
        ["redrive", "topic:x:1"],
        ["drop"],
    ],
)
async def test_wrong_usage_ends_with_exit_code_2(service, wrong):
    with pytest.raises(SystemExit) as ended:
        await service.command(*wrong)
    assert ended.value.code == 2


@pytest.mark.parametrize("act", [("list",), ("redrive", "--yes"), ("discard", "--why", "x", "--yes")], ids=" ".join)
async def test_a_topic_that_the_service_does_not_read_is_wrong_usage_and_not_an_empty_answer(service, act):
    answer = await service.command(*act, "--topic", "nonsense\x1b")
    assert (answer.code, answer.out) == (2, "")
    reads = f"{service.group} does not read nonsense\\x1b; it reads {service.topic}"
    assert answer.err == f"parked {act[0]}: {reads}\n"
    for known in (service.topic, service.parked):
        assert (await service.command("list", "--topic", known)).code == 0


async def test_an_unknown_state_is_told_with_the_words_that_are_known(service, capsys):
    with pytest.raises(SystemExit) as ended:
        await service.command("list", "--state", "bogus")
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert all(word in told for word in ("open", "redriven", "discarded", "all"))
    assert "State" not in told


async def test_without_a_terminal_nothing_changes_unless_yes_is_given(service, monkeypatch):
    await _parked_three(service)
    with os.fdopen(os.open(os.devnull, os.O_RDONLY)) as nobody:
        monkeypatch.setattr(sys, "stdin", nobody)
        answer = await service.command("redrive")
    assert (answer.code, answer.err) == (
        2,
        "parked redrive: this changes something and nobody can be asked here: add --yes\n",
    )
    assert (await service.command("list")).lines[-1].endswith("in all 3 open, 0 redriven, 0 discarded")


async def test_at_a_terminal_it_asks_and_takes_anything_but_yes_for_no(service, monkeypatch):
    await _parked_three(service)
    service.dislikes = set()
    for said, code in (("\n", 1), ("no\n", 1), ("y\n", 0)):
        control, terminal = pty.openpty()
        with os.fdopen(terminal) as stdin:
            monkeypatch.setattr(sys, "stdin", stdin)
            os.write(control, said.encode())
            answer = await service.command("redrive", "--key", "a")
        os.close(control)
        assert answer.code == code
        question = f"The parked record {service.parked}:0:0 will be given to {service.group} again, oldest first."
        assert answer.err.startswith(f"{question} Proceed? [y/N] ")
        assert (await service.stored()).get("a") == (1 if code == 0 else None)


async def test_an_engine_that_is_away_is_told_in_one_line(service, silent_port):
    await _parked_three(service)
    kafka_away = await service.command("list", bootstrap=silent_port)
    assert kafka_away.code == 1
    assert kafka_away.err == f"parked list: Kafka at {silent_port} cannot be reached\n"
    service.dislikes = set()
    away = f"postgresql://nobody@{silent_port}/x"
    postgres_away = await service.command("redrive", "--key", "a", "--yes", url=away)
    assert postgres_away.code == 1
    assert "PostgreSQL is away (" in postgres_away.err
    assert postgres_away.err.count("\n") == 1
    assert (await service.command("list")).lines[-1].endswith("in all 3 open, 0 redriven, 0 discarded")


async def test_the_metric_agrees_with_the_list_and_follows_every_change(service, kafka_address):
    def metric() -> float | None:
        return REGISTRY.get_sample_value("vf_parked_records", {"topic": service.topic})

    count = ParkedCount(service.group, service.bootstrap, [service.topic])
    await count.look()
    assert metric() == 0
    await _parked_three(service)
    await count.look()
    assert metric() == 3
    service.dislikes = set()
    await service.command("redrive", "--key", "a", "--yes")
    await service.command("discard", "--key", "c", "--why", "rubbish", "--yes")
    await count.look()
    assert metric() == 1
    await ParkedCount(service.group, service.bootstrap, [service.topic]).look()
    assert metric() == 1, "a worker that starts counts the same"
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_address)
    await admin.start()
    await admin.delete_records({TopicPartition(service.parked, 0): RecordsToDelete(before_offset=3)})
    await admin.close()
    await count.look()
    assert metric() == 0, "what has expired cannot be redriven any more"
    assert (
        (await service.command("list", "--state", "all")).lines[-1].endswith("in all 0 open, 0 redriven, 0 discarded")
    )


async def test_the_count_goes_on_while_kafka_is_away(service, silent_port, log_lines: Callable[[], list[Any]]):
    running = asyncio.create_task(ParkedCount(service.group, silent_port, [service.topic]).run())
    await eventually(lambda: [line for line in log_lines() if line["event"] == "parked records not counted"], within=20)
    assert not running.done()
    running.cancel()
    await asyncio.wait([running])


def test_help_shows_an_example_and_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    for argv in (["parked"], ["parked", "list"], ["parked", "show"], ["parked", "redrive"], ["parked", "discard"]):
        with pytest.raises(SystemExit) as ended:
            process.command(
                "things",
                "Things.",
                {"parked": parked_arguments.SENTENCE},
                [*argv, "--help"],
                {"parked": parked_arguments.arguments},
            )
        shown = capsys.readouterr().out
        assert ended.value.code == 0
        assert "example: python -m things parked" in shown
        assert "exit codes: 0 done" in shown


def test_a_services_parked_topic_is_the_one_that_the_contracts_declare() -> None:
    for topic in (message.topic for message in contracts.MESSAGES):
        assert parking.name(topic.name, "search") == parked(topic.name, "search")


def test_the_metric_is_documented_with_its_labels() -> None:
    table = (Path(__file__).parents[2] / "docs/operations/metrics.md").read_text()
    assert f"| `{PARKED_RECORDS._name}` | records | {', '.join(PARKED_RECORDS._labelnames)} |" in table
