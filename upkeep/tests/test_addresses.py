"""Addresses in settings: a malformed one is one line at the start that says what it must look like."""

import contextlib

import pytest
from aiokafka.conn import collect_hosts
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic_settings import BaseSettings

from kit import settings
from upkeep.__main__ import main
from upkeep.addresses import KafkaBootstrap, LogLevel, Port, PostgresUrl, WebUrl, brokers


class Settings(BaseSettings):
    a_database: PostgresUrl = "postgresql://x"
    a_broker: KafkaBootstrap = "x"
    a_site: WebUrl = "http://x"
    a_port: Port = 1
    a_level: LogLevel = "INFO"


@pytest.mark.parametrize(
    ("name", "bad", "told"),
    [
        *(("A_DATABASE", bad, "must be like postgresql://") for bad in ("", "secret", "http://secret")),
        ("A_DATABASE", "postgresql://user:secret@host:secret/x", "must be like postgresql://"),
        ("A_DATABASE", "postgresql://secret/x?sslmode=require", "may only have options that asyncpg knows"),
        *(
            ("A_BROKER", bad, "must be host:port")
            for bad in ("", "secret:x", "secret:0", "secret:65536", "a:1,", "http://secret:1", "a secret:1", ":9092")
        ),
        *(
            ("A_SITE", bad, "must be like http://")
            for bad in ("", "secret", "ftp://secret", "http://", "http://secret:x")
        ),
        *(("A_PORT", bad, "input should be") for bad in ("", "secret", "-1", "65536")),
        *(("A_LEVEL", bad, "input should be 'debug', 'info'") for bad in ("", "secret")),
    ],
)
def test_a_malformed_one_is_one_line_that_names_the_setting_and_not_its_value(
    name: str, bad: str, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv(name, bad)
    with pytest.raises(SystemExit) as ended:
        settings.read(Settings)
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"setting {name}: {told}")
    assert "secret" not in line


@pytest.mark.parametrize(
    ("name", "good"),
    [
        ("a_database", "postgresql://user:pass%40word@host-1.svc:5432/search?ssl=require"),
        ("a_database", "postgresql:///search?host=/var/run/postgresql"),
        ("a_broker", "kafka:9092"),
        ("a_broker", "kafka-0.kafka.svc:9092, kafka-1.kafka.svc:9092,[::1]:9092"),
        ("a_site", "https://user:word@opensearch.svc:9200/below"),
        ("a_port", 0),
    ],
)
def test_a_good_one_is_kept_as_it_is_written(name: str, good: str | int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(name.upper(), str(good))
    assert getattr(settings.read(Settings), name) == good


def test_the_level_may_be_written_small(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("A_LEVEL", "debug")
    assert settings.read(Settings).a_level == "DEBUG"


@given(st.text())
@example("[::1]")
@example("a:1, b")
def test_what_is_taken_for_brokers_the_client_can_read(text: str):
    with contextlib.suppress(ValueError):
        assert collect_hosts(brokers(text))


def test_topics_are_not_created_at_a_malformed_address(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        main(["create-topics", "topics.yaml", "--bootstrap", "kafka:x"])
    assert ended.value.code == 2
    assert "--bootstrap: must be host:port" in capsys.readouterr().err
