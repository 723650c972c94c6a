"""The demo's five questions, as `make questions` asks them of the whole system."""

import json
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.flow, pytest.mark.engine]


def _asked(system, *more: str) -> str:
    command = [sys.executable, "-m", "demo", "questions", "--home", str(system.home), *more]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


def test_each_question_is_answered_and_every_hit_says_why_it_is_there(system):
    answers = [json.loads(line)["answer"] for line in _asked(system, "--json").splitlines()]
    assert len(answers) == 5
    found, nothing = answers[:4], answers[4]
    assert all(answer["total"] > 0 for answer in found)
    for hit in [hit for answer in found for hit in answer["items"]]:
        assert hit["explain"]["matched"], hit["id"]
        assert hit["explain"]["facts"]["care_unit"]["source"], hit["id"]
    assert (nothing["total"], bool(nothing["without"])) == (0, True)


def test_for_people_each_reason_stands_in_a_line_of_its_own(system):
    told = _asked(system)
    assert [number for number in range(1, 6) if f"\n{number}. " in f"\n{told}"] == [1, 2, 3, 4, 5]
    for label in ("träff", "rang", "garanti", "uppgift", "sökte på", "Utan "):
        assert label in told
