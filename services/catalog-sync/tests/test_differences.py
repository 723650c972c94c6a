"""What becomes of a thing that its source no longer has."""

from datetime import date

import pytest

from catalog_sync.domain.differences import ended
from catalog_sync.domain.reading import Fact, Kind
from rules.validity import valid_on

DAY = date(2026, 3, 15)


@pytest.mark.parametrize("last", [None, "2026-02-01", "2026-03-14", "2026-03-15", "2027-12-31"])
def test_a_code_that_is_gone_is_not_valid_from_that_day_on_whatever_last_day_it_had(last: str | None):
    content = {"status": "active", "valid_from": "2020-01-01", "valid_to": last}
    told = ended(Fact(Kind.CODE, "care-area|gallsten", content), DAY).content
    to = date.fromisoformat(told["valid_to"]) if told["valid_to"] else None
    assert told["status"] == "retired"
    assert not valid_on(DAY, active=False, valid_from=date(2020, 1, 1), valid_to=to)
    assert told["valid_to"] == (last if last is None or last < "2026-03-14" else "2026-03-14")
