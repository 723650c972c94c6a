"""The command line and the migrations."""

import os
import subprocess
import sys
from importlib.resources import files

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from kit import database
from search.service.rebuild import Report
from search.store.tables import tables


def run(*arguments, **environment):
    bare = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
    return subprocess.run(
        [sys.executable, "-m", "search", *arguments],
        capture_output=True,
        text=True,
        env={**bare, **environment},
        check=False,
        timeout=30,
    )


def test_help_needs_no_settings():
    told = run("--help")

    assert told.returncode == 0
    assert all(command in told.stdout for command in ("api", "worker", "all", "migrate"))


def test_a_missing_setting_is_named_in_one_line_without_a_traceback():
    told = run("worker", KAFKA_BOOTSTRAP="unused:1", OPENSEARCH_URL="http://unused", OIDC_ISSUER="http://unused")

    assert told.returncode == 2
    assert told.stderr == "setting POSTGRES_URL: field required (an environment variable)\n"


def test_a_malformed_setting_is_named_in_one_line_without_its_value():
    given = {"POSTGRES_URL": "foo", "KAFKA_BOOTSTRAP": "foo:bar", "OPENSEARCH_URL": "", "OIDC_ISSUER": "http://unused"}
    told = run("rebuild", "--from", "rows", **given)

    assert told.returncode == 2
    lines = told.stderr.splitlines()
    assert [line.split(":")[0] for line in lines] == [f"setting {name}" for name in list(given)[:3]]
    assert "foo" not in told.stderr


def test_guarantee_rules_that_cannot_be_used_are_told_line_by_line_and_nothing_is_served(tmp_path):
    given = {"POSTGRES_URL": "postgresql://x@127.0.0.1:1/x", "KAFKA_BOOTSTRAP": "x:1"}
    given |= {"OPENSEARCH_URL": "http://127.0.0.1:1", "OIDC_ISSUER": "http://unused"}
    future = tmp_path / "future.toml"
    shipped = (files("rules") / "guarantee.toml").read_text(encoding="utf-8")
    future.write_text(shipped.replace("2017-04-01", "2999-01-01"), encoding="utf-8")

    missing = run("api", **given, GUARANTEE_RULES=str(tmp_path / "none.toml"))
    early = run("api", **given, GUARANTEE_RULES=str(future))

    assert (missing.returncode, early.returncode) == (2, 2)
    assert missing.stderr == "setting GUARANTEE_RULES: cannot be read: No such file or directory\n"
    assert early.stderr == "setting GUARANTEE_RULES: visit: no rule holds before 2999-01-01\n"


def test_an_option_that_cannot_matter_is_refused_in_words():
    given = {"POSTGRES_URL": "postgresql://x@127.0.0.1:1/x", "KAFKA_BOOTSTRAP": "x:1"}
    given |= {"OPENSEARCH_URL": "http://127.0.0.1:1", "OIDC_ISSUER": "http://unused"}
    told = run("rebuild", "--from", "rows", "--may-lose", "care-unit-updated", **given)

    assert told.returncode == 2
    assert told.stderr == "rebuild: --may-lose is for --from topics: from rows, no row is ever removed\n"


def test_a_rebuild_names_a_few_unreadable_records_in_short_or_all_of_them_whole():
    report = Report(unreadable=[f"topic:0:{number}: {'reason ' * 100}" for number in range(23)])

    *shown, more = report.lines()
    assert len(shown) == 20
    assert all(len(line) < 220 for line in shown)
    assert more == "… and 3 more (--all lists them with their whole reasons)"
    assert report.lines(everything=True) == [f"unreadable: {one}" for one in report.unreadable]


@pytest.mark.engine
async def test_migrations_make_exactly_the_tables_that_the_code_declares(new_database):
    engine = database.connect(await new_database("search"))

    def differences(connection):
        return compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), tables)

    try:
        async with engine.connect() as connection:
            assert await connection.run_sync(differences) == []
    finally:
        await engine.dispose()
