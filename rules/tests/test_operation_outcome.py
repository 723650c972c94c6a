"""A problem told in FHIR's words loses nothing on the way."""

import pytest

from rules.operation_outcome import operation_outcome


def test_every_fault_of_a_problem_is_an_issue_with_its_field_and_the_trace():
    problem = {
        "status": 400,
        "detail": "count: must be a number; and 1 more",
        "instance": "urn:trace:1",
        "errors": [{"field": "count", "reason": "must be a number"}, {"field": "x", "reason": "is not known"}],
    }
    issues = operation_outcome(problem)["issue"]
    assert [one["expression"] for one in issues] == [["count"], ["x"]]
    assert [one["details"]["text"] for one in issues] == ["count: must be a number", "x: is not known"]
    assert {one["code"] for one in issues} == {"invalid"}
    assert issues[1]["diagnostics"] == "x: is not known (urn:trace:1)"


@pytest.mark.parametrize(
    ("status", "code", "severity"),
    [(401, "login", "error"), (403, "forbidden", "error"), (404, "not-found", "error"), (418, "processing", "error"),
     (500, "exception", "fatal"), (503, "transient", "fatal")],
)  # fmt: skip
def test_the_status_gives_the_type_of_the_issue(status, code, severity):
    (issue,) = operation_outcome({"status": status, "detail": "words"})["issue"]
    assert (issue["code"], issue["severity"], issue["details"]) == (code, severity, {"text": "words"})
    assert "expression" not in issue


def test_a_problem_may_name_its_type_itself():
    (issue,) = operation_outcome({"status": 422, "detail": "narrow it", "issue": "too-costly"})["issue"]
    assert issue["code"] == "too-costly"
