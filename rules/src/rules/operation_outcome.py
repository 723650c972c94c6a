"""A refusal in FHIR's words: what HTTP tells as a problem (RFC 9457), as the resource OperationOutcome (R4)."""

from collections.abc import Mapping
from typing import Any

_TYPES = {
    400: "invalid",
    401: "login",
    403: "forbidden",
    404: "not-found",
    405: "not-supported",
    406: "not-supported",
    409: "conflict",
    410: "deleted",
    412: "conflict",
    413: "too-long",
    415: "not-supported",
    422: "processing",
    429: "throttled",
    500: "exception",
    503: "transient",
    504: "timeout",
}


def operation_outcome(problem: Mapping[str, Any]) -> dict[str, Any]:
    """The OperationOutcome for a problem: one issue a fault, the field as expression, the trace in the diagnostics.

    The member `issue` of a problem, where it has one, is the issue type of FHIR's list, else the status gives it.
    """
    status = int(problem.get("status", 500))
    kind = str(problem.get("issue") or _TYPES.get(status, "processing"))
    told = [(str(row["field"]), f"{row['field']}: {row['reason']}") for row in problem.get("errors", ())]
    return {
        "resourceType": "OperationOutcome",
        "issue": [
            {
                "severity": "fatal" if status >= 500 else "error",
                "code": kind,
                "details": {"text": text},
                # Some clients show people the diagnostics alone.
                "diagnostics": f"{text} ({problem['instance']})" if problem.get("instance") else text,
                **({"expression": [field]} if field else {}),
            }
            for field, text in told or [("", str(problem.get("detail") or problem.get("title") or "refused"))]
        ],
    }
