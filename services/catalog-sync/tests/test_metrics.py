"""What operators read about runs is what the worker serves."""

import re
from pathlib import Path

import pytest
from prometheus_client import REGISTRY, Gauge

from catalog_sync import schedule
from catalog_sync.domain.reading import Reading, Rejected
from catalog_sync.schedule import Clockwork
from catalog_sync.settings import Settings

SERVED = [found for found in vars(schedule).values() if isinstance(found, Gauge)]
METRICS = Path(__file__).parents[3] / "docs" / "operations" / "metrics.md"


def test_every_metric_is_documented_with_its_labels():
    rows = re.findall(r"^\| `(vf_[a-z_]+)` \| .+? \| (.+?) \| .+? \|$", METRICS.read_text(), re.MULTILINE)
    assert len(SERVED) == 3
    for metric in SERVED:
        assert dict(rows)[metric._name] == ", ".join(metric._labelnames)


@pytest.mark.engine
async def test_held_runs_rejected_rows_and_the_age_of_the_reading_are_served(ledger, unit, reach):
    given = Settings(postgres_url=ledger.url, kafka_bootstrap="x", catalogue_url="http://x")
    clockwork = Clockwork(given, ledger.sessions, reach(None))

    async def value(name: str) -> float | None:
        await clockwork.sample()
        return REGISTRY.get_sample_value(name, {"source": "prov"})

    everything = [unit(number) for number in range(30)]
    await ledger.sync(Reading(everything, [Rejected("Organization/99", "name: is missing")]))
    assert (await value("vf_sync_held_runs"), await value("vf_sync_rejected_rows")) == (0, 1)
    assert 0 <= (await value("vf_sync_read_age_seconds") or -1) < 60
    await ledger.sync(Reading(everything[:10]))
    assert (await value("vf_sync_held_runs"), await value("vf_sync_rejected_rows")) == (1, 1)
    await ledger.sync(Reading(everything))
    assert (await value("vf_sync_held_runs"), await value("vf_sync_rejected_rows")) == (0, 0)
