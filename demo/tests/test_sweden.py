"""The small Sweden is repeatable, large enough, valid throughout, and honest about its sources' faults."""

import json
from collections import Counter, defaultdict
from datetime import date
from pathlib import Path
from typing import Any

from catalog_sync.source import code_files
from contracts import CodeUpdated
from demo.sweden import Sweden, build, write_code_files
from demo.sweden.geography import Spot, distance_km, read_geography
from rules import identifiers
from rules.regions import REGIONS

TODAY = date(2026, 3, 15)


def test_the_same_seed_and_day_give_the_same_sweden(sweden: Sweden) -> None:
    assert build(1, TODAY) == sweden


def test_another_seed_gives_another_sweden(sweden: Sweden) -> None:
    assert build(2, TODAY).agreements != sweden.agreements


def test_there_are_enough_units_in_every_region(sweden: Sweden) -> None:
    per_region = Counter(unit.place.region for unit in sweden.units if unit.active)
    assert len(sweden.units) >= 500
    assert set(per_region) == set(REGIONS)
    assert min(per_region.values()) >= 5


def test_every_unit_has_a_name_of_its_own(sweden: Sweden) -> None:
    assert len({unit.name for unit in sweden.units}) == len(sweden.units)


def test_every_hsa_id_is_valid_and_used_once(sweden: Sweden) -> None:
    ids = [one.hsa_id for one in (*sweden.care_providers, *sweden.units)]
    assert [identifiers.hsa_id(one) for one in ids] == ids
    assert len(set(ids)) == len(ids)


def test_every_organisation_number_is_valid_and_private_ones_are_not_given_out_yet(sweden: Sweden) -> None:
    for provider in sweden.care_providers:
        if provider.sole_trader:
            continue
        assert identifiers.organisation_number(provider.identity_number) == provider.identity_number
        if provider.ownership == "private":
            assert provider.identity_number.startswith("5599")
    numbers = [provider.identity_number for provider in sweden.care_providers]
    assert len(set(numbers)) == len(numbers)


def test_regions_are_care_providers_under_their_real_numbers(sweden: Sweden) -> None:
    regions = {one.name: one.identity_number for one in sweden.care_providers if one.ownership == "region"}
    assert regions == {row.name: row.organisation_number for row in REGIONS.values()}


def test_a_sole_traders_number_never_leaves_the_provider(sweden: Sweden) -> None:
    traders = [one for one in sweden.care_providers if one.sole_trader]
    assert len(traders) == 3
    for trader in traders:
        assert trader.public.organisation_number is None
        assert trader.identity_number not in repr(trader)
        assert any(unit.provider is trader for unit in sweden.units)
    outside = json.dumps([one.body for one in sweden.agreements]) + repr(sweden.units)
    outside += repr((sweden.waits, sweden.forecasts, sweden.announcements))
    assert not any(trader.identity_number in outside for trader in traders)


def test_every_invented_provider_is_labelled_synthetic(sweden: Sweden) -> None:
    assert all(one.name.endswith("(syntetisk)") for one in sweden.care_providers if one.ownership == "private")


def test_a_units_postal_code_locality_and_municipality_belong_together(sweden: Sweden) -> None:
    geography = read_geography()
    for unit in sweden.units:
        assert unit.place.postal_code is not None
        postal = geography.postal_codes[unit.place.postal_code]
        assert (postal.locality, postal.municipality) == (unit.place.locality, unit.place.municipality)
        assert postal.municipality[:2] == unit.place.region


def test_a_clinic_is_part_of_a_hospital_at_the_same_place(sweden: Sweden) -> None:
    units = {unit.hsa_id: unit for unit in sweden.units}
    clinics = [unit for unit in sweden.units if unit.part_of is not None]
    assert len(clinics) > 150
    for clinic in clinics:
        assert clinic.part_of is not None
        hospital = units[clinic.part_of]
        assert (hospital.kind, hospital.place) == ("hospital", clinic.place)
        assert clinic.name.endswith(hospital.name)


def test_no_two_hospitals_share_an_own_point(sweden: Sweden) -> None:
    by_point = defaultdict(list)
    for unit in sweden.units:
        if unit.kind == "hospital" and unit.place.point and unit.place.point.precision == "own":
            by_point[unit.place.point.lat, unit.place.point.lon].append(unit.name)
    assert len(by_point) > 50
    assert {names[0] for names in by_point.values() if len(names) > 1} == set()


def test_known_wrong_hospital_coordinates_are_repaired(sweden: Sweden) -> None:
    verdicts = {repair.name: repair for repair in sweden.report.repairs if repair.source.startswith("eu_")}
    for name in (
        "Nyköpings sjukhus",
        "Blekingesjukhuset Karlskrona",
        "Höglandssjukhuset",
        "Länssjukhuset Ryhov",
        "Gävle sjukhus",
        "Ängelholms sjukhus",
        "Södersjukhuset",
    ):
        assert verdicts[name].verdict == "repaired", name
        assert verdicts[name].fault
    assert verdicts["Riket"].verdict == "dropped"
    assert Counter(one.verdict for one in verdicts.values()) == {"kept": 66, "repaired": 32, "dropped": 34}


def test_every_hospital_lies_near_its_municipality(sweden: Sweden) -> None:
    geography = read_geography()
    for unit in sweden.units:
        assert unit.place.point is not None
        assert unit.place.municipality is not None
        spot = Spot(float(unit.place.point.lat), float(unit.place.point.lon))
        limit = 120 if unit.place.region in {"17", "20", "21", "22", "23", "24", "25", "09"} else 45
        assert distance_km(spot, geography.municipalities[unit.place.municipality].spot) < limit, unit.name


def test_every_municipality_and_postal_code_has_a_point(sweden: Sweden) -> None:
    by_system = defaultdict(list)
    for code in sweden.codes:
        by_system[code["system"]].append(code)
    assert len(by_system["municipality"]) == 290
    assert len(by_system["postal-code"]) == 15463
    for code in by_system["municipality"] + by_system["postal-code"]:
        point = code["place"]["point"]
        assert 55 < float(point["lat"]) < 69.2
        assert 10.9 < float(point["lon"]) < 24.3


def test_every_code_has_exactly_the_fields_of_the_contract(sweden: Sweden) -> None:
    fields = set(CodeUpdated.model_fields) - {"version", "changed_at"}
    for code in sweden.codes:
        assert set(code) == fields
        CodeUpdated.model_validate(code | {"version": 1, "changed_at": "2026-01-01T00:00:00Z"})
    keys = [(code["system"], code["code"]) for code in sweden.codes]
    assert len(set(keys)) == len(keys)


def test_care_areas_hold_known_codes_and_the_90_day_rules(sweden: Sweden) -> None:
    known = {(code["system"], code["code"]): code for code in sweden.codes}
    areas = {code["code"]: code["care_area"] for code in sweden.codes if code["system"] == "care-area"}
    assert set(areas) == {"katarakt", "ljumskbrack", "knaprotes"}
    for area in areas.values():
        assert all(known[member["system"], member["code"]]["status"] == "active" for member in area["members"])
        assert {(rule["measure"], rule["days"]) for rule in area["guarantee"]} == {("visit", 90), ("treatment", 90)}
    assert sum(member["system"] == "kva" for member in areas["katarakt"]["members"]) == 15
    assert any(code["status"] == "retired" for code in sweden.codes)


def test_code_files_read_by_the_service_give_every_code_once(sweden: Sweden, tmp_path: Path) -> None:
    write_code_files(sweden, tmp_path)
    (tmp_path / "kva.jsonl").write_text("what an earlier demo wrote")
    files = write_code_files(sweden, tmp_path)
    assert {path.name for path in files if path.suffix == ".jsonl"} == {"municipality.jsonl", "postal-code.jsonl"}
    assert sum(len(_rows(path)) for path in files if path.suffix == ".jsonl") == 290 + 15463
    reading = code_files.read(tmp_path, day=TODAY)
    assert reading.rejected == []
    read = {(fact.content["system"], fact.content["code"]): dict(fact.content) for fact in reading.facts}
    assert len(read) == len(reading.facts) == len(sweden.codes)
    for code in sweden.codes:
        assert read[code["system"], code["code"]] == code | {"changed_at": read["region", "14"]["changed_at"]}


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_phone_numbers_come_from_the_ranges_kept_for_fiction(sweden: Sweden) -> None:
    ranges = ("031-390 06 ", "040-628 04 ", "08-465 004 ", "0980-319 2", "070-174 06 ")
    holders = (*sweden.units, *sweden.offerings)
    phones = [one.value for holder in holders for one in holder.contacts if one.channel == "phone"]
    assert phones
    assert all(phone.startswith(ranges) for phone in phones)
