"""Free capacity and forecasts: believable, labelled, of every kind that a search must tell apart."""

from collections import Counter
from datetime import date, timedelta

from contracts import CapacityAnnounced, WaittimeUpdated
from contracts.message import Contact
from demo.sweden import Sweden, build
from rules.personal_numbers import holds_personal_number


def test_there_are_offers_and_requests_open_and_ended_each_way(sweden: Sweden) -> None:
    kinds = Counter((one.direction, one.status) for one in sweden.announcements)

    assert {status for direction, status in kinds if direction == "offer"} == {
        *("open", "fulfilled", "withdrawn", "expired")
    }
    assert 20 < kinds["offer", "open"] < 80
    assert sum(number for (direction, _), number in kinds.items() if direction == "request") >= 3
    assert {one.level for one in sweden.announcements} == {"capacity", "limited", "waitlist", "ask"}


def test_of_the_open_offers_some_begin_later_some_are_used_up_and_some_have_expired_unsaid(sweden: Sweden) -> None:
    offers = [one for one in sweden.announcements if (one.direction, one.status) == ("offer", "open")]

    assert any(one.period_start > sweden.today for one in offers)
    assert any(one.period_start < sweden.today for one in offers)
    assert any(one.left == 0 for one in offers)
    assert any(one.expires_at.date() < sweden.today for one in offers)
    assert any(one.usable_by for one in offers)
    assert any(not one.usable_by for one in offers)


def test_every_announcement_is_one_by_the_contract_of_a_unit_and_code_that_exist(sweden: Sweden) -> None:
    units = {unit.hsa_id: unit.place.region for unit in sweden.units if unit.active}
    codes = {f"{code['system']}|{code['code']}" for code in sweden.codes if code["status"] == "active"}

    assert len({one.key() for one in sweden.announcements}) == len(sweden.announcements)
    for one in sweden.announcements:
        assert CapacityAnnounced.model_validate_json(one.model_dump_json()) == one
        assert (one.unit is None) == (one.direction == "request")
        assert one.unit is None or units[one.unit] == one.region
        assert {code.key for code in one.care_services} <= codes
        assert one.period_start <= one.period_end
        assert one.announced_at < one.changed_at
        assert one.changed_at.date() < sweden.today
        assert (one.left or 0) <= (one.count or 0)


def test_every_announcement_says_that_it_is_synthetic_and_names_nobody(sweden: Sweden) -> None:
    assert all(one.text is not None and one.text.endswith("Syntetiska uppgifter.") for one in sweden.announcements)
    contacts: list[Contact] = [contact for one in sweden.announcements for contact in one.contacts]
    assert not any(holds_personal_number(contact.value) for contact in contacts)


def test_a_forecast_stands_beside_what_was_measured_with_the_days_it_may_fall_between(sweden: Sweden) -> None:
    measured = {wait.key(): wait for wait in sweden.waits}
    regions = {unit.hsa_id: unit.place.region for unit in sweden.units}

    assert len(sweden.forecasts) > 50
    assert not {wait.key() for wait in sweden.forecasts} & measured.keys()
    for wait in sweden.forecasts:
        assert WaittimeUpdated.model_validate_json(wait.model_dump_json()) == wait
        assert (wait.kind, wait.measure, wait.source.system) == (
            *("forecast", "treatment_median", "demo-prognoser (syntetisk)"),
        )
        assert wait.paying_region == regions[wait.subject.id]
        assert wait.value is not None
        assert wait.low is not None
        assert wait.high is not None
        assert wait.low <= wait.value <= wait.high
        assert wait.source.observed_at.date() < sweden.today <= wait.period_end


def test_a_day_later_the_same_is_announced_again_in_newer_versions(sweden: Sweden) -> None:
    later: date = sweden.today + timedelta(days=1)
    before = {one.key(): one for one in (*sweden.announcements, *sweden.forecasts)}
    after = {one.key(): one for one in (*build(1, later).announcements, *build(1, later).forecasts)}

    assert before.keys() == after.keys()
    assert all(after[key].version > before[key].version for key in before)
