"""Whatever the catalogue does wrong, everything that is right in it is read once. One row a fault."""

import asyncio
from typing import Any

import pytest

from catalog_sync.domain.left_out import Rule
from catalog_sync.domain.reading import Kind, Reading
from catalog_sync.source.guides import read
from contracts import CareUnitUpdated
from demo import national_catalogue as simulated

UNIT, OTHER = "ve-D100001", "ve-D100002"

FAULTS: dict[str, dict[str, Any]] = {
    "in health": {},
    "busy, and says for how many seconds": {"fail_every": 3},
    "busy, and says until when": {"fail_every": 3, "retry_after": "date"},
    "busy, and says nothing": {"fail_every": 2, "retry_after": "none"},
    "slow": {"slow_every": 2, "slow_seconds": 0.01},
    "stops in the middle of a page": {"half_every": 3},
    "changes between two pages": {"change_every": 1},
    "shows a row on two pages": {"repeat_every": 1},
    "all of it at once": {"fail_every": 5, "half_every": 7, "change_every": 2, "repeat_every": 3, "slow_every": 11},
}


@pytest.fixture
def hurried(monkeypatch):
    """Nobody waits: what sleeps is woken at once."""
    sleep = asyncio.sleep

    async def short(_: float) -> None:
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", short)


def keys(reading: Reading) -> list[str]:
    return sorted(fact.key for fact in reading.facts)


@pytest.mark.parametrize("fault", FAULTS)
async def test_reading_survives(sweden, reach, hurried, fault):
    reading = await read(reach(simulated.app(sweden, page_size=90, faults=simulated.Faults(**FAULTS[fault]))))
    expected = [unit.hsa_id for unit in sweden.units]
    expected += [f"{one.unit}|{one.care_service.key}" for one in sweden.offerings]
    assert keys(reading) == sorted(expected)
    assert {row.resource for row in reading.rejected} == {f"{row.kind}/{row.id}" for row in simulated.BROKEN}


async def test_what_is_left_out_by_rule_is_told_apart_from_what_is_broken(sweden, reach):
    reading = await read(reach(simulated.app(sweden)))
    units = {resource: str(rule) for resource, rule in reading.left_out if rule is not Rule.ASSIGNMENT}
    assert units == {f"Organization/{row.id}": row.why for row in simulated.LEFT_OUT}
    assert sum(rule is Rule.ASSIGNMENT for _, rule in reading.left_out) > 100


async def test_a_unit_that_closes_opens_again_and_merges_is_told_each_time(sweden, reach):
    client = reach(simulated.app(sweden))

    async def told(hsa_id: str) -> CareUnitUpdated:
        reading = await read(client)
        (fact,) = (fact for fact in reading.facts if fact.kind is Kind.UNIT and fact.key == hsa_id)
        return CareUnitUpdated.model_validate({**fact.content, "version": 1})

    one, other = (next(unit for unit in sweden.units if f"ve-{unit.suffix}" == name) for name in (UNIT, OTHER))
    before = await told(one.hsa_id)
    assert (before.status, before.closed_on, before.merged_into, before.beds) == ("active", None, None, one.beds)
    assert before.staff_categories == one.staff
    assert (await client.post(f"http://katalog.test/admin/units/{UNIT}/close")).is_success
    closed = await told(one.hsa_id)
    assert (closed.status, closed.closed_on is not None, closed.merged_into) == ("closed", True, None)
    assert (await client.post(f"http://katalog.test/admin/units/{UNIT}/reopen")).is_success
    reopened = await told(one.hsa_id)
    assert (reopened.status, reopened.closed_on, reopened.opened_on) == ("active", None, before.opened_on)
    assert (await client.post(f"http://katalog.test/admin/units/{UNIT}/merge?into={OTHER}")).is_success
    merged = await told(one.hsa_id)
    assert (merged.status, merged.merged_into) == ("closed", other.hsa_id)


async def test_units_and_offerings_of_the_demo_tell_all_that_it_made_up(sweden, reach):
    reading = await read(reach(simulated.app(sweden)))
    by_key = {fact.key: fact.content for fact in reading.facts}
    for unit in sweden.units:
        told = by_key[unit.hsa_id]
        assert told["ownership"] == unit.provider.ownership
        assert tuple(told["care_forms"]) == unit.care_forms
        assert told["closed_on"] == (unit.closed_on.isoformat() if unit.closed_on else None)
        assert bool(told["specialties"]) is (unit.kind != "hospital")
    knees = [one for one in by_key.values() if one.get("target_group")]
    assert knees
    assert all(one["target_group"] | {"other": None} == one["target_group"] for one in knees)
    assert {one["target_group"]["asa_max"] for one in knees} == {2}
    assert {tuple(one["encounter_means"]) for one in by_key.values() if "encounter_means" in one} == {("physical",)}
