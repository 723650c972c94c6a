"""The measurement of search: what it prints, and that it measures what it says."""

import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from bench import national
from bench.national.country import TREATMENTS
from bench.search.questions import questions

from search.api.offers import AskedOnPage

ROOT = Path(__file__).parents[2]


@pytest.mark.engine
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_small_run_prints_each_figure_beside_its_ceiling_and_its_goal():
    argv = [sys.executable, "-m", "bench.search", "--small", "--only", "answers,visible"]
    finished = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    found = json.loads(finished.stdout)
    for name in ("answer_p99", "answer_p95", "throughput"):
        assert found[name]["ratio"] == pytest.approx(found[name]["ours"] / found[name]["ceiling"], abs=0.02)
        assert found[name]["offers"] == 1200
    for name in ("answer_p99", "answer_p95", "throughput", "memory", "visible_p99"):
        assert found[name]["ours"] > 0
        assert found[name]["met"] in {True, False}
    # The engine's work is the same for both: what is beside it is ours.
    spent = found["answer_p99"]["cpu_ms_a_question"]
    assert spent["ours"]["api"] > 0
    assert spent["ceiling"]["api"] < spent["ours"]["api"]
    assert found["visible_p99"]["events"] == 200
    assert set(found["visible_p99"]["by_kind"]) == {"wait", "agreement", "offering", "unit", "capacity"}


@pytest.fixture(scope="module")
def country():
    return national.country(300, date(2026, 11, 2))


def test_the_country_is_of_the_size_and_mix_that_is_told(country):
    assert len({(one.hsa_id, key) for one in country.units for key in one.services}) == 900
    assert len(list(national.agreements(country, 600))) == 600
    waits = {(one.subject.id, one.care_service.key) for one in national.waits(country)}
    assert 0.5 < len(waits) / 900 < 0.7
    assert country.texts.keys() >= {key for one in country.units for key in one.services}
    for announced in national.announcements(country, 30):
        unit = country.units[int(announced.unit.rpartition("B")[2])]
        assert {one.key for one in announced.care_services} <= set(unit.services) & TREATMENTS.keys()


def test_a_smaller_country_is_the_beginning_of_a_larger_one(country):
    assert national.country(100, date(2026, 11, 2)).units == country.units[:100]


def test_the_questions_are_as_the_api_takes_them_and_broad_ones_can_be_left_out(country):
    every = questions(country, 300)
    assert all(AskedOnPage.model_validate(one).patient_region for one in every)
    assert any(not {"q", "care_service"} & one.keys() for one in every)
    assert all({"q", "care_service"} & one.keys() for one in questions(country, 300, broad=False))
