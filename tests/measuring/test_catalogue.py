"""The measurement of the catalogue's sync: what it prints."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.engine
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_small_run_prints_each_figure_beside_its_ceiling():
    argv = [sys.executable, "-m", "bench.catalogue", "--units", "400"]
    finished = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    found = json.loads(finished.stdout)
    for name in ("whole", "again", "part", "memory"):
        assert found[name]["ours"] > 0
        assert found[name]["ceiling"] > 0
    assert (found["whole"]["records"], found["again"]["announced"], found["part"]["changes"]) == (1600, 0, 100)
