"""What a region usually writes, from its earlier agreements: what a new form may begin with."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_OF_AGREEMENT = ("law", "direct_award", "choice_of_care", "extension_option")
_OF_SERVICE = ("conditions", "contacts", "included")


def usual(bodies: Sequence[Mapping[str, Any]], *, contacts: bool = True) -> dict[str, Any]:
    """The most frequent value of each field, the latest of those as frequent; without what most leave empty.

    Without `contacts` for an agreement with somebody else than theirs, whose patients would ring the wrong clinic.

    Bodies come latest first. `use_by_others` without the volume left, which is each agreement's own.
    """
    services = [service for body in bodies for service in body.get("services", ())]
    found: dict[str, Any] = {name: _most(body.get(name) for body in bodies) for name in _OF_AGREEMENT}
    found["use_by_others"] = _most({**body.get("use_by_others", {}), "volume_left": None} for body in bodies)
    names = [name for name in _OF_SERVICE if contacts or name != "contacts"]
    service = {name: _most(one.get(name) for one in services) for name in names}
    model = _most((one.get("reimbursement") or {}).get("model") for one in services)
    service["reimbursement"] = {"model": model} if model is not None else None
    found["services"] = [_said(service)] if _said(service) else None
    return _said(found)


def _most(values: Iterable[Any]) -> Any:
    counted: Counter[str] = Counter(json.dumps(value, sort_keys=True) for value in values)
    # Counter keeps the order of first sight, and most_common takes the first of equals.
    return json.loads(counted.most_common(1)[0][0]) if counted else None


def _said(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value not in (None, [], {}, "")}
