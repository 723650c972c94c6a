"""What each region tells about brokering its patients: synthetic, in the form its administrator fills in."""

from typing import Any

from demo.sweden.contacts import phone
from rules.regions import REGIONS, Region

_OFFICES = ("Vårdlotsen", "Vårdgarantienheten", "Vårdgarantikansliet", "Vårdlots och vårdgaranti")
_OPENS = (("08:00", "16:30"), ("08:30", "15:30"), ("08:00", "12:00"), ("09:00", "16:00"))
_NOTES = (None, "Lunchstängt 12–13", "Stängt dag före röd dag", None)
_TRAVEL = (
    "Sjukresa ersätts enligt regionens sjukreseregler när resan är längre än 30 km.",
    "Resan bokas genom regionens beställningscentral; egen bil ersätts per kilometer.",
    "Tåg och buss ersätts mot kvitto. Flyg och taxi kräver beslut i förväg.",
)
_LODGING = (
    "Hotell ersätts en natt före och en natt efter operation när resan tar mer än tre timmar.",
    "Boende prövas från fall till fall; kontakta enheten före bokning.",
)
_COMPANION = (
    "Ledsagare ersätts när vården bedömer att det behövs; intyg bifogas.",
    "Resa för en ledsagare ersätts för patienter som inte kan resa ensamma.",
)


def build_profiles() -> dict[str, dict[str, Any]]:
    """A profile for each of the 21 regions, by region code; always the same."""
    return {region.code: _profile(order, region) for order, region in enumerate(REGIONS.values())}


def _profile(order: int, region: Region) -> dict[str, Any]:
    name = f"region-{region.code}"
    opens, closes = _OPENS[order % len(_OPENS)]
    # One in four closes earlier on Fridays.
    hours = [
        {"weekday": day, "opens": opens, "closes": "12:00" if day == 5 and order % 4 == 3 else closes}
        for day in range(1, 6)
    ]
    return {
        "status": "active",
        "office": {
            "name": f"{_OFFICES[order % len(_OFFICES)]}, {region.name} (syntetisk)",
            "contacts": [
                _contact("phone", phone(order + 200), "För vårdlotsar i andra regioner"),
                _contact("email", f"vardlots@{name}.example", "Inga patientuppgifter i e-post"),
            ],
            "hours": hours,
            "hours_note": _NOTES[order % len(_NOTES)],
            "sdk": {"party": f"0203:{name}.example", "function": "vardgaranti"},
        },
        "invoice": {
            "name": f"{region.name}, fakturaservice",
            "street": None,
            "postal_code": None,
            "locality": None,
            "electronic_address": f"0007:{region.organisation_number}",
            "reference": f"VF{region.code}",
        },
        "care_paid_first_by": "home_region" if order % 3 else "performing_region",
        "travel": _support(True, "patient", _TRAVEL[order % len(_TRAVEL)], f"https://{name}.example/sjukresor"),
        "lodging": _support(None if order % 2 else True, "home_region", _LODGING[order % len(_LODGING)], None),
        # Some have not told.
        "companion": None if order % 5 == 4 else _support(None, None, _COMPANION[order % len(_COMPANION)], None),
    }


def _contact(channel: str, value: str, note: str) -> dict[str, Any]:
    return {"purpose": "brokerage", "channel": channel, "value": value, "note": note}


def _support(granted: bool | None, first: str | None, text: str, url: str | None) -> dict[str, Any]:
    return {"granted": granted, "paid_first_by": first, "text": text, "url": url}
