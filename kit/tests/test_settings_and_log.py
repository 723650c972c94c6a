"""What every process reads and writes: settings from its environment, and its log."""

import logging as standard_logging
import os
import time
from collections.abc import Callable
from typing import Any

import pytest
import structlog
from pydantic import field_validator
from pydantic_settings import BaseSettings

from kit import logging, settings


class Settings(BaseSettings):
    a_url: str
    a_count: int
    a_list: list[str] = []
    a_level: str = "INFO"

    @field_validator("a_level")
    @classmethod
    def _known(cls, level: str) -> str:
        if level not in {"INFO", "DEBUG"}:
            raise ValueError("must be INFO or DEBUG")
        return level


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({}, ["A_URL: field required", "A_COUNT: field required"]),
        ({"A_URL": "secret", "A_COUNT": "secret"}, ["A_COUNT: input should be a valid integer"]),
        ({"A_URL": "secret", "A_COUNT": "1", "A_LEVEL": "secret"}, ["A_LEVEL: value error, must be info or debug"]),
        ({"A_URL": "secret", "A_COUNT": "1", "A_LIST": "secret"}, ['error parsing value for field "a_list"']),
    ],
)
def test_a_bad_setting_is_one_line_without_its_value_and_exit_code_2(
    environment: dict[str, str],
    told: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in list(os.environ):
        if name.startswith("A_"):
            monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        settings.read(Settings)
    assert ended.value.code == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == len(told)
    assert all(line.startswith(f"setting {start}") for line, start in zip(lines, told, strict=True))
    assert "secret" not in str(lines)


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_URL", "here")
    monkeypatch.setenv("A_COUNT", "3")
    assert settings.read(Settings).a_count == 3


def test_log_records_are_json_lines_with_service_level_time_and_fields(
    log_lines: Callable[[], list[dict[str, Any]]],
) -> None:
    structlog.get_logger("things").info("made", name="Åsa\nÖst", number=3)
    standard_logging.getLogger("library").warning("told %s", "so")
    ours, theirs = log_lines()
    assert (ours["event"], ours["name"], ours["number"]) == ("made", "Åsa\nÖst", 3)
    assert (ours["service"], ours["level"], ours["logger"]) == ("kit-tests", "info", "things")
    assert ours["at"].startswith(time.strftime("%Y-", time.gmtime()))
    assert ours["at"].endswith("Z")
    assert (theirs["event"], theirs["level"], theirs["logger"]) == ("told so", "warning", "library")


def test_libraries_that_would_log_addresses_and_queries_are_kept_quiet(
    log_lines: Callable[[], list[dict[str, Any]]],
) -> None:
    standard_logging.getLogger("httpx").info("HTTP Request: GET http://x/?q=secret")
    standard_logging.getLogger("uvicorn.access").info("GET /?q=secret")
    assert log_lines() == []


def _fail(value: str) -> None:
    raise ValueError(f"bad value {value}")


def test_an_exception_is_logged_as_its_kind_and_place_never_its_message(
    log_lines: Callable[[], list[dict[str, Any]]],
) -> None:
    log = structlog.get_logger("things")
    try:
        _fail("secret")
    except ValueError as error:
        log.exception("by us")
        log.error("by us", exc_info=error)
        log.error("by us", where=logging.where(error))
        standard_logging.getLogger("library").exception("by a library")
    lines = log_lines()
    assert len(lines) == 4
    for line in lines:
        assert line["where"].startswith("ValueError < _fail ")
        assert "secret" not in str(line)
