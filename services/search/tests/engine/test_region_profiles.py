"""What regions tell of brokering stands beside every offer: whom to call there, what holds for the own patients."""

from datetime import timedelta

import pytest
from sqlalchemy import text

pytestmark = pytest.mark.engine

OWN = {"invoice", "care_paid_first_by", "travel", "lodging", "companion"}


async def offered(world, make, *suffixes, region="0180"):
    """Units in one region, each with an offer everybody may use."""
    units = [make.unit(suffix, region) for suffix in suffixes]
    await world.tell(*units, make.agreement(f"N{region}", region[:2], suffixes, use="yes"))
    await world.settle()


async def test_every_hit_tells_whom_to_call_where_it_lies_and_the_patients_region_what_it_pays(world, make):
    await offered(world, make, "A", "B")
    await offered(world, make, "C", region="1280")
    await world.tell(*(make.profile(region) for region in ("01", "12", "14", "24")))

    answer = await world.ask(patient_region="14")

    profiles = answer["region_profiles"]
    # One for each region, however many hits lie in it; of no other region.
    assert {hit["care_unit"]["region"] for hit in answer["items"]} == {"01", "12"}
    assert list(profiles) == ["01", "12", "14"]
    office = profiles["01"]["office"]
    assert (profiles["01"]["name"], office["name"]) == ("Region Stockholm", "Vårdlotsarna 01")
    assert [(way["channel"], way["value"]) for way in office["contacts"]] == [("phone", "+46 8 000 00 01")]
    assert office["hours"] == [{"weekday": 1, "opens": "08:00", "closes": "16:30"}]
    assert office["hours_note"] == "Lunchstängt 12–13"
    assert office["sdk"] == {"party": "0203:exempel.invalid", "function": "vardlotsar"}
    own = profiles["14"]
    assert own["invoice"]["electronic_address"] == "0007:2321000131"
    assert own["care_paid_first_by"] == "home_region"
    assert own["travel"] == {"granted": True, "paid_first_by": "patient", "text": "Resor 14", "url": None}
    assert (own["lodging"]["text"], own["companion"]["text"]) == ("Boende 14", "Ledsagare 14")
    assert own["office"]["name"] == "Vårdlotsarna 14"


async def test_another_regions_rules_are_not_shown_as_they_do_not_hold_for_the_patient(world, make):
    await offered(world, make, "A")
    await world.tell(make.profile("01"), make.profile("14"))

    for question in ({}, {"patient_region": "14"}):
        assert not OWN & set((await world.ask(**question))["region_profiles"]["01"])
    assert set((await world.ask(patient_region="01"))["region_profiles"]["01"]) > OWN


async def test_the_detail_of_an_offer_and_the_body_search_tell_the_same(world, make):
    await offered(world, make, "A")
    await world.tell(make.profile("01"), make.profile("14"))
    searched = await world.ask(patient_region="14")

    detail = await world.http.get(f"/offers/{make.hsa('A')}|{make.katarakt}", params={"patient_region": "14"})
    by_body = await world.http.post("/offers/search", json={"patient_region": "14"})

    assert list(searched["region_profiles"]) == ["01", "14"]
    beside = {"region_profiles": searched["region_profiles"], "guarantee": None, "as_of": None}
    assert detail.json() == {**searched["items"][0], **beside}
    assert by_body.json() == searched


async def test_a_region_that_has_told_nothing_or_has_withdrawn_it_shows_nothing_and_that_is_said(world, make):
    await offered(world, make, "A")
    silent = (await world.ask(patient_region="14"))["region_profiles"]
    await world.tell(*(make.profile(region) for region in ("01", "14")))
    assert (await world.ask(patient_region="14"))["region_profiles"]["14"]["invoice"] is not None
    await world.tell(*(make.profile(region, version=2, status="withdrawn") for region in ("01", "14")))

    withdrawn = (await world.ask(patient_region="14"))["region_profiles"]

    assert withdrawn == silent
    unknown = {"source": None, "observed_at": None, "age_days": None}
    assert silent == {
        "01": {
            "name": "Region Stockholm",
            "office": None,
            **unknown,
            "text": "Regionprofil: uppgift saknas (Region Stockholm)",
        },
        "14": {
            "name": "Västra Götalandsregionen",
            "office": None,
            **dict.fromkeys(OWN),
            **unknown,
            "text": "Regionprofil: uppgift saknas (Västra Götalandsregionen)",
        },
    }


async def test_the_patients_region_is_told_of_where_nothing_is_found_too(world, make):
    await world.tell(make.profile("14"))
    await world.settle()

    answer = await world.ask(patient_region="14")

    assert (answer["items"], list(answer["region_profiles"])) == ([], ["14"])
    assert (await world.ask())["region_profiles"] == {}


async def test_a_profile_has_its_region_as_source_and_an_age_in_swedish_days(world, make):
    await world.tell(make.profile("14", changed_at=make.now - timedelta(days=3)))
    await world.settle()

    own = (await world.ask(patient_region="14"))["region_profiles"]["14"]

    assert (own["source"], own["age_days"]) == ("Västra Götalandsregionen", 3)
    assert own["observed_at"].startswith((make.now - timedelta(days=3)).strftime("%Y-%m-%dT%H:%M:%S"))
    assert own["text"] == "Regionprofil: uppgiften är 3 dagar gammal (Västra Götalandsregionen)"


async def test_the_newest_profile_is_shown_at_once_and_no_document_is_made_anew(world, make):
    async def office():
        return (await world.ask())["region_profiles"]["01"]["office"]["name"]

    def named(name):
        return {**make.profile("01").model_dump()["office"], "name": name}

    await offered(world, make, "A")
    async with world.sessions() as session:
        before = await session.scalar(text("SELECT max(revision) FROM offer"))
    await world.tell(make.profile("01", version=5, office=named("Newest")))
    assert await office() == "Newest"
    await world.tell(make.profile("01", version=4, office=named("Late")), make.profile("01", version=5))

    assert await office() == "Newest"
    async with world.sessions() as session:
        assert await session.scalar(text("SELECT max(revision) FROM offer")) == before
