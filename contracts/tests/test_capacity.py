"""Free texts of an announcement are read by everybody: none of them may name a patient."""

import json
from pathlib import Path
from typing import Any

import pytest

from contracts import CapacityAnnounced, Unreadable, decode

OFFER = Path(__file__).parents[1] / "examples" / "capacity-announced" / "v1" / "offer-full.json"
PERSON = "19121212-1212"


def read(**changed: Any) -> CapacityAnnounced:
    told = json.loads(OFFER.read_text(encoding="utf-8"))
    value = json.dumps({**told["value"], **changed}).encode()
    return decode(CapacityAnnounced, told["headers"], told["key"].encode(), value)


def contact(**changed: str) -> dict[str, str | None]:
    return {"purpose": "brokerage", "channel": "phone", "value": "+46 19 000 00 00", "note": None, **changed}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("text", f"Platsen hålls för {PERSON}"),
        ("contacts", [contact(), contact(note=f"Fråga efter {PERSON}")]),
        ("contacts", [contact(value=PERSON)]),
        ("target_group", {**dict.fromkeys(("age_min", "age_max", "sex", "bmi_max", "asa_max")), "other": PERSON}),
    ],
)
def test_a_personal_number_in_a_free_text_makes_it_unreadable_and_is_not_repeated(field: str, value: Any) -> None:
    with pytest.raises(Unreadable) as refused:
        read(**{field: value})

    assert str(refused.value).startswith(f"{field}: ")
    assert "personal number" in str(refused.value)
    assert "1212" not in str(refused.value)


def test_telephone_numbers_dates_and_words_are_no_personal_numbers() -> None:
    told = read(
        text="Lediga tider 2026-03-16 – 2026-04-10, ring 019-602 10 00", contacts=[contact(note="Vardagar 9–15")]
    )

    assert told.left == 9
