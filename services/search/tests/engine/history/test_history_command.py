"""`python -m search history` as an operator calls it, the setting behind it, and the metric."""

import asyncio
import json
import os
import sys
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from contracts.agreements import purged
from search.service.indexing import looking_up
from search.settings import Settings

pytestmark = pytest.mark.engine


@pytest.fixture
def command(past, oidc_issuer):
    """The command on the world: exit code, stdout, stderr."""

    async def run(*arguments, **environment):
        given = Settings(
            postgres_url=past.world.engine.url.render_as_string(hide_password=False).replace("+asyncpg", ""),
            kafka_bootstrap="unused:1",
            opensearch_url="http://127.0.0.1:9",
            oidc_issuer=oidc_issuer,
            index_name=past.world.name,
        )
        told = {name.upper(): str(value) for name, value in given.model_dump().items() if value is not None}
        bare = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "search", "history", *arguments),
            env={**bare, **told, **environment},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, error = await process.communicate()
        return process.returncode, out.decode(), error.decode()

    return run


async def test_it_tells_the_first_day_what_is_kept_and_how_far_behind_it_is(remembered, command, make, ago):
    code, out, _ = await command()
    assert code == 0
    days, kept, index = out.splitlines()
    assert days.startswith(f"days can be asked for from {ago(20)} on; complete to ")
    assert kept.startswith("3 documents kept, 1 of them still shown; ")
    assert index == f"index: {(await remembered.index_names()).pop()}; 0 rows are not in it yet"

    code, out, _ = await command("--json")
    told = json.loads(out)
    assert (code, told["first_day"], told["documents"], told["still_shown"]) == (0, ago(20).isoformat(), 3, 1)
    assert 25 < told["behind_seconds"] < 300

    await remembered.world.tell(purged("id-2", "12", 9, make.now))
    code, out, _ = await command()
    assert code == 1
    assert out.splitlines()[-1].startswith("an agreement that became confidential has not left it yet")


async def test_before_it_has_begun_and_when_it_is_long_behind_the_exit_code_is_1(past, command, make, ago):
    code, out, _ = await command()
    assert (code, out.splitlines()[0]) == (1, "no day can be asked for yet: the history has not begun")

    await past.on(ago(2), make.unit("A"), make.agreement("1", "01", ["A"]))
    assert (await command("--json"))[0] == 1


async def test_fewer_days_than_400_are_refused_at_the_start(command):
    code, out, error = await command(HISTORY_DAYS="399")

    assert (code, out) == (2, "")
    assert error == "setting HISTORY_DAYS: input should be greater than or equal to 400 (an environment variable)\n"


async def test_the_metric_tells_how_far_behind_the_history_is(past, make, ago):
    await past.on(ago(2), make.unit("A"), make.agreement("1", "01", ["A"]))
    async with looking_up(past.world.engine) as connection:
        await past.historian().purge(connection)

    behind = timedelta(seconds=REGISTRY.get_sample_value("vf_history_behind_seconds"))
    assert timedelta(days=1) < behind < timedelta(days=3)
