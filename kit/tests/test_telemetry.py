"""What operators read about metrics is what the processes serve."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase

from kit import telemetry

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations"
METRICS = (OPERATIONS / "metrics.md").read_text()
ALERTS = yaml.safe_load((OPERATIONS / "alerts.yaml").read_text())
RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]
SERVED = [found for found in vars(telemetry).values() if isinstance(found, MetricWrapperBase)]


def _bare(name: str) -> str:
    return re.sub(r"_(total|count|sum|bucket)$", "", name)


def _named(text: str) -> set[str]:
    return {_bare(name) for name in re.findall(r"\bvf_[a-z_]+", text)}


@pytest.mark.parametrize("metric", SERVED, ids=lambda metric: metric._name)
def test_every_metric_is_documented_with_its_labels(metric: MetricWrapperBase) -> None:
    rows = re.findall(r"^\| `(vf_[a-z_]+)` \| .+? \| (.+?) \| .+? \|$", METRICS, re.MULTILINE)
    documented = {_bare(name): labels for name, labels in rows}
    assert documented[metric._name] == (", ".join(metric._labelnames) or "–")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_every_alert_asks_for_documented_metrics_and_says_what_to_do(rule: dict[str, Any]) -> None:
    assert _named(rule["expr"])
    assert _named(rule["expr"]) <= _named(METRICS)
    assert rule["annotations"]["summary"]
    assert rule["annotations"]["action"]
