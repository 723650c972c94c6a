"""Builders of the messages that search reads."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from contracts import (
    AgreementRegistered,
    CapacityAnnounced,
    CareOfferingUpdated,
    CareUnitUpdated,
    CodeUpdated,
    RegionProfileUpdated,
    WaittimeUpdated,
)
from rules.calendar import swedish_day
from rules.guarantee import Guarantee, deadline, shipped
from search.domain.question import Clock, Question, Sort

NOW = datetime.now(UTC).replace(microsecond=0)
TODAY = swedish_day(NOW)
PROVIDER = {"hsa_id": "SE5561234567-0001", "name": "Vårdbolaget Exempel AB", "organisation_number": "5599999991"}

KATARAKT, BRACK, KNA = "vt-demo|katarakt-operation", "vt-demo|ljumskbrack-operation", "vt-demo|knaprotes-operation"
MAPS = {"kva|CJE20": KATARAKT, "kva|CJE15": KATARAKT, "kva|JAB30": BRACK, "kva|NGB49": KNA}
TEXTS = {
    KATARAKT: "Kataraktoperation (operation av grå starr)",
    BRACK: "Ljumskbråcksoperation",
    KNA: "Knäprotesoperation",
    "kva|CJE20": "Fakoemulsifikation med implantation av linsprotes i bakre kammare",
    "kva|CJE15": "Fakoemulsifikation med iridektomi eller iridotomi och implantation av linsprotes i främre kammare",
    "kva|CJE25": "Fakoemulsifikation med iridektomi eller iridotomi och implantation av linsprotes i bakre kammare",
    "kva|JAB30": "Öppen operation av ljumskbråck med implantat mellan bukväggens muskellager Lichtenstein m fl",
    "kva|NGB49": "Primär totalprotes i knäled med cement",
}
PLACES = {
    "0180": ("Stockholm", "59.33", "18.07"),
    "1280": ("Malmö", "55.60", "13.00"),
    "1380": ("Halmstad", "56.67", "12.86"),
    "1383": ("Varberg", "57.11", "12.25"),
    "1480": ("Göteborg", "57.71", "11.97"),
    "2480": ("Umeå", "63.83", "20.26"),
    "0780": ("Växjö", "56.88", "14.81"),
}


class Make:
    """Messages as the producers send them; what a test does not name is as plain as can be."""

    now, today, provider = NOW, TODAY, PROVIDER
    katarakt, brack, kna = KATARAKT, BRACK, KNA

    @staticmethod
    def hsa(suffix: str) -> str:
        return f"SE5561234567-{suffix}"

    @staticmethod
    def day(days: int) -> date:
        return TODAY + timedelta(days=days)

    def unit(self, suffix: str, municipality: str = "0180", *, version: int = 1, **fields: Any) -> CareUnitUpdated:
        name, lat, lon = PLACES[municipality]
        place = {
            "street": None,
            "postal_code": None,
            "locality": name,
            "municipality": municipality,
            "region": municipality[:2],
            "point": {"lat": lat, "lon": lon, "precision": "own"},
        }
        plain = {
            "version": version,
            "hsa_id": self.hsa(suffix),
            "status": "active",
            "name": f"Kliniken {suffix}",
            "care_provider": PROVIDER,
            "part_of": None,
            "ownership": None,
            "care_forms": (),
            "specialties": (),
            "place": place,
            "contacts": (),
            "opened_on": None,
            "closed_on": None,
            "merged_into": None,
            "staff_categories": [],
            "beds": None,
            "source": source("nationell-katalog"),
        }
        return CareUnitUpdated.model_validate({**plain, **fields, "place": {**place, **fields.get("place", {})}})

    def offering(self, suffix: str, key: str = KATARAKT, *, version: int = 1, **fields: Any) -> CareOfferingUpdated:
        plain = {
            "version": version,
            "unit": self.hsa(suffix),
            "care_service": ref(key),
            "status": "active",
            "encounter_means": (),
            "target_group": None,
            "referral_required": None,
            "referral_guidance": None,
            "self_referral": None,
            "contacts": (),
            "valid_from": None,
            "valid_to": None,
            "source": source("nationell-katalog"),
        }
        return CareOfferingUpdated.model_validate({**plain, **fields})

    def code(self, key: str, *, version: int = 1, maps: Iterable[str] | None = None, **fields: Any) -> CodeUpdated:
        targets = maps if maps is not None else [MAPS[key]] if key in MAPS else []
        lines = [
            {
                "target": ref(target),
                "equivalence": "wider",
                "map": "kva-till-vt-demo",
                "map_version": "1",
                "source": None,
                "reviewed_by": None,
                "valid_from": None,
                "valid_to": None,
            }
            for target in targets
        ]
        plain = {
            **ref(key),
            "version": version,
            "status": "active",
            "text": TEXTS.get(key, key),
            "release": None,
            "valid_from": None,
            "valid_to": None,
            "maps": lines,
            "place": None,
            "care_area": None,
            "designations": [],
            "changed_at": NOW,
        }
        return CodeUpdated.model_validate({**plain, **fields})

    def municipality(self, code: str, *, version: int = 1) -> CodeUpdated:
        name, lat, lon = PLACES[code]
        return self.code(
            f"municipality|{code}", version=version, text=name, place=place(code, lat, lon, "municipality")
        )

    def postal_code(self, code: str, municipality: str) -> CodeUpdated:
        name, lat, lon = PLACES[municipality]
        return self.code(
            f"postal-code|{code}", text=f"{code} {name}", place=place(municipality, lat, lon, "postal_code")
        )

    def service(self, units: Iterable[str], codes: Iterable[str], **fields: Any) -> dict[str, Any]:
        plain = {
            "care_services": [ref(key) for key in codes],
            "units": [self.hsa(suffix) for suffix in units],
            "target_group": None,
            "conditions": {
                "referral_required": None,
                "referral_kind": None,
                "referral_attachments": [],
                "self_referral": None,
                "self_referral_how": None,
                "payment_commitment_required": None,
                "other": None,
            },
            "included": [],
            "reimbursement": {"model": "drg", "amount": "48123.50", "valid_from": None, "valid_to": None},
            "contacts": [],
            "expected_capacity": None,
        }
        return {**plain, **fields}

    @staticmethod
    def group(age_min: int | None = None, age_max: int | None = None, **fields: Any) -> dict[str, Any]:
        plain = {"age_min": age_min, "age_max": age_max, "sex": None, "bmi_max": None, "asa_max": None, "other": None}
        return {**plain, **fields}

    @staticmethod
    def clock(start: date, guarantee: Guarantee = Guarantee.TREATMENT) -> Clock:
        return Clock(start, deadline(guarantee, start), shipped().on(guarantee, start))

    @staticmethod
    def question(**fields: Any) -> Question:
        plain: dict[str, Any] = {
            "today": TODAY,
            "moment": NOW,
            "words": None,
            "word_codes": (),
            "care_services": None,
            "near": None,
            "max_distance_km": None,
            "patient_region": None,
            "max_wait_days": None,
            "reimbursement_model": None,
            "basis": None,
            "guarantee": Guarantee.TREATMENT,
            "clock": None,
            "limit_days": 90,
            "age": None,
            "sex": None,
            "self_referral": None,
            "free_capacity": None,
            "sort": Sort.BEST,
            "limit": 20,
            "offset": 0,
            "terms": True,
        }
        return Question(**{**plain, **fields})

    def agreement(
        self,
        number: str,
        region: str,
        units: Iterable[str] = (),
        codes: Iterable[str] = (KATARAKT,),
        *,
        use: str = "no",
        named: Iterable[str] = (),
        version: int = 1,
        **fields: Any,
    ) -> AgreementRegistered:
        plain = {
            "version": version,
            "agreement_id": f"id-{number}",
            "status": "published",
            "region": region,
            "number": number,
            "name": f"Avtal {number}",
            "kind": "agreement",
            "assignment_id": None,
            "assignment_document_url": None,
            "basis": "own_agreement",
            "law": "LOU",
            "direct_award": False,
            "choice_of_care": False,
            "commissioning_regions": [region],
            "leading_region": None,
            "care_provider": PROVIDER,
            "valid_from": self.day(-100),
            "valid_to": None,
            "ended_on": None,
            "extension_option": None,
            "document_url": f"https://avtal.example/{number}",
            "description": None,
            "use_by_others": self.use(use, named),
            "services": [self.service(units, codes)],
            "published_at": NOW,
            "changed_at": NOW,
        }
        return AgreementRegistered.model_validate({**plain, **fields})

    @staticmethod
    def use(use: str, named: Iterable[str] = (), *, volume_left: int | None = None) -> dict[str, Any]:
        return {
            "use": use,
            "regions": list(named) if use == "named_regions" else [],
            "through": None,
            "question": "Finns plats?",
            "price": None,
            "invoiced_by": None,
            "volume_left": volume_left,
        }

    def wait(
        self, suffix: str, days: float | None, key: str = KATARAKT, *, version: int = 1, **fields: Any
    ) -> WaittimeUpdated:
        plain = {
            "version": version,
            "subject": {"kind": "unit", "id": self.hsa(suffix)},
            "care_service": ref(key),
            "measure": "treatment_median",
            "paying_region": None,
            "status": "current",
            "kind": "register",
            "value": None if days is None else str(days),
            "low": None,
            "high": None,
            "unit": "days",
            "patients": None,
            "period_start": self.day(-60),
            "period_end": self.day(-31),
            "stale_after": self.day(11),
            "source": source("vantetider"),
        }
        return WaittimeUpdated.model_validate({**plain, **fields})

    def announcement(
        self,
        name: str,
        suffix: str | None,
        codes: Iterable[str] = (KATARAKT,),
        *,
        version: int = 1,
        days: tuple[int, int] = (-5, 20),
        **fields: Any,
    ) -> CapacityAnnounced:
        """`days` are the first and last day of the period, from today."""
        plain = {
            "version": version,
            "announcement_id": f"announced-{name}",
            "status": "open",
            "direction": "offer",
            "unit": self.hsa(suffix) if suffix is not None else None,
            "region": "01",
            "care_services": [ref(key) for key in codes],
            "count": 5,
            "left": 4,
            "level": "capacity",
            "target_group": None,
            "usable_by": [],
            "period_start": self.day(days[0]),
            "period_end": self.day(days[1]),
            "expires_at": datetime.combine(self.day(days[1] + 1), time(), UTC),
            "contacts": [],
            "text": None,
            "announced_at": NOW,
            "changed_at": NOW,
        }
        return CapacityAnnounced.model_validate({**plain, **fields})

    def profile(self, region: str, *, version: int = 1, **fields: Any) -> RegionProfileUpdated:
        contact = {"purpose": "brokerage", "channel": "phone", "value": f"+46 8 000 00 {region}", "note": None}
        plain = {
            "version": version,
            "region": region,
            "status": "active",
            "office": {
                "name": f"Vårdlotsarna {region}",
                "contacts": [contact],
                "hours": [{"weekday": 1, "opens": "08:00", "closes": "16:30"}],
                "hours_note": "Lunchstängt 12–13",
                "sdk": {"party": "0203:exempel.invalid", "function": "vardlotsar"},
            },
            "invoice": {
                "name": f"Fakturor {region}",
                "street": None,
                "postal_code": None,
                "locality": None,
                "electronic_address": "0007:2321000131",
                "reference": "Ärendets nummer",
            },
            "care_paid_first_by": "home_region",
            "travel": {"granted": True, "paid_first_by": "patient", "text": f"Resor {region}", "url": None},
            "lodging": {"granted": None, "paid_first_by": "home_region", "text": f"Boende {region}", "url": None},
            "companion": {"granted": False, "paid_first_by": None, "text": f"Ledsagare {region}", "url": None},
            "changed_at": NOW,
        }
        return RegionProfileUpdated.model_validate({**plain, **fields})


def ref(key: str) -> dict[str, str]:
    system, _, code = key.partition("|")
    return {"system": system, "code": code}


def source(system: str, observed_at: datetime = NOW) -> dict[str, Any]:
    return {"system": system, "reference": None, "observed_at": observed_at}


def place(municipality: str, lat: str, lon: str, precision: str) -> dict[str, Any]:
    return {
        "street": None,
        "postal_code": None,
        "locality": PLACES[municipality][0],
        "municipality": municipality,
        "region": municipality[:2],
        "point": {"lat": lat, "lon": lon, "precision": precision},
    }


@pytest.fixture(scope="session")
def make() -> Make:
    """Builders of messages."""
    return Make()
