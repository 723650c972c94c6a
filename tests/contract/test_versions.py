"""One bound of versions in two members that may not know each other."""

from contracts.message import HIGHEST_VERSION
from kit.database import next_version
from upkeep import reconcile


def test_reconcile_takes_exactly_the_versions_that_the_contract_takes():
    assert reconcile.HIGHEST_VERSION == HIGHEST_VERSION


def test_a_clock_stays_below_the_bound_for_two_hundred_years():
    assert next_version(None) + 200 * 365 * 86_400 * 10**6 < HIGHEST_VERSION
