"""Identifiers that check themselves: each function returns the normal form, or a ValueError says what is wrong.

No message repeats the value it refuses: a refused organisation number may be somebody's personal number.
"""

import re
from datetime import date
from functools import lru_cache

from rules.regions import REGIONS

_HSA_ID = re.compile(r"SE(\d{10})-([A-Z0-9]{1,18})")
_LIKE_DIGITS = str.maketrans("OIL", "011")
"""Letters that a hand writes or a scanner reads for digits."""
_KVA = re.compile(r"[A-Z]{3}\d{2}|[A-Z]{2}\d{3}")
_ICD10 = re.compile(r"([A-Z]\d{2})(?:\.?(\d[A-Z0-9]?))?")

_VERHOEFF_TIMES = (
    "0123456789",
    "1234067895",
    "2340178956",
    "3401289567",
    "4012395678",
    "5987604321",
    "6598710432",
    "7659821043",
    "8765932104",
    "9876543210",
)
_VERHOEFF_TURN = (
    "0123456789",
    "1576283094",
    "5803796142",
    "8916043527",
    "9453126870",
    "4286573901",
    "2793806415",
    "7046913258",
)


def passes_luhn(digits: str) -> bool:
    """True when the last digit is the Luhn check digit of those before it (organisation and personal numbers)."""
    doubled = [int(digit) * (2 - position % 2) for position, digit in enumerate(digits[-10:])]
    return sum(number - 9 if number > 9 else number for number in doubled) % 10 == 0


def passes_verhoeff(digits: str) -> bool:
    """True when the last digit is the Verhoeff check digit of those before it (SNOMED CT identifiers)."""
    check = 0
    for position, digit in enumerate(reversed(digits)):
        check = int(_VERHOEFF_TIMES[check][int(_VERHOEFF_TURN[position % 8][int(digit)])])
    return check == 0


def is_personal_number(digits: str) -> bool:
    """True when ten digits read as a personnummer or samordningsnummer (day + 60) with a right check digit.

    Organisation numbers never do: their third digit is at least 2, so they hold no month.
    """
    return len(digits) == 10 and digits.isdecimal() and _holds_a_date(digits) and passes_luhn(digits)


def _holds_a_date(digits: str) -> bool:
    year, month, day = int(digits[:2]), int(digits[2:4]), int(digits[4:6])
    try:
        # 2000 + year is a leap year exactly when 1900 + year is, but for 1900 itself: 29 February 1900 is let through.
        date(2000 + year, month, day - 60 if day > 60 else day)
    except ValueError:
        return False
    return True


def organisation_number(value: str) -> str:
    """A Swedish organisation number as ten digits: Luhn check digit, third digit at least 2.

    Raises ValueError for a sole trader's number, which is a personnummer: see `provider_number`.
    """
    digits = _ten_digits(value)
    if is_personal_number(digits):
        raise ValueError("is a personal number: use the care provider's HSA-id instead")
    if digits[2] < "2":
        raise ValueError("is not an organisation number: its third digit must be at least 2")
    return digits


def provider_number(value: str) -> str:
    """A care provider's identity number: an organisation number, or a sole trader's personnummer.

    The latter is never stored, indexed, logged, announced or shown: the HSA-id stands in (`is_personal_number` tells).
    """
    digits = _ten_digits(value)
    return digits if is_personal_number(digits) else organisation_number(digits)


def _ten_digits(value: str) -> str:
    digits = value.strip().replace("-", "").replace(" ", "")
    if len(digits) == 12 and digits[:2] in {"16", "18", "19", "20"}:
        digits = digits[2:]
    if len(digits) != 10 or not (digits.isascii() and digits.isdecimal()):
        raise ValueError("must be ten digits, with or without a hyphen before the last four")
    if not passes_luhn(digits):
        raise ValueError("fails its check digit")
    return digits


def _upper(value: str) -> str:
    # Checked before the change of case: ß, ı and ſ turn into plain letters, and full-width digits count as digits.
    plain = value.strip()
    return plain.upper() if plain.isascii() else ""


def hsa_id(value: str) -> str:
    """An HSA-id in upper case: SE, its owner's organisation number, a hyphen, 1-18 letters or digits."""
    normal = _upper(value)
    match = _HSA_ID.fullmatch(normal)
    if match is None:
        raise ValueError("must look like SE2321000016-A123: SE, ten digits, a hyphen, then 1-18 letters or digits")
    _check_owner(match[1])
    return normal


@lru_cache(maxsize=1024)
def _check_owner(digits: str) -> None:
    # Few owners issue many ids. What is refused is not kept: it may be a personal number.
    if not passes_luhn(digits):
        raise ValueError("holds an organisation number that fails its check digit")
    if is_personal_number(digits):
        raise ValueError("holds a personal number: an HSA-id must be issued under an organisation number")


def sctid(value: str) -> str:
    """A SNOMED CT concept identifier: 6-18 digits, no leading zero, partition 00 or 10, Verhoeff check digit."""
    digits = value.strip()
    if not (6 <= len(digits) <= 18 and digits.isascii() and digits.isdecimal()) or digits[0] == "0":
        raise ValueError("must be 6-18 digits without a leading zero")
    if not passes_verhoeff(digits):
        raise ValueError("fails its check digit")
    if digits[-3:-1] not in {"00", "10"}:
        raise ValueError("is not a concept: the two digits before the last must be 00 or 10")
    return digits


def kva_code(value: str) -> str:
    """A KVÅ code in upper case: three letters and two digits (surgical) or two letters and three digits (medical)."""
    normal = _upper(value)
    if _KVA.fullmatch(normal) is None:
        shape = "must look like CJE20 or AU124: three letters and two digits, or two letters and three digits"
        meant = [normal[:letters] + normal[letters:].translate(_LIKE_DIGITS) for letters in (3, 2)]
        found = next(filter(_KVA.fullmatch, meant), None)
        raise ValueError(f"{shape}; did you mean {found}?" if found else shape)
    return normal


def icd10_code(value: str) -> str:
    """An ICD-10-SE code in upper case with its dot: H25, H25.1 or B34.1A; no dot, or a comma for it, is accepted."""
    match = _ICD10.fullmatch(_upper(value).replace(",", "."))
    if match is None:
        raise ValueError("must look like H25, H25.1 or B34.1A")
    return f"{match[1]}.{match[2]}" if match[2] else match[1]


def region_code(value: str) -> str:
    """A region's two-digit county code; 02, 11, 15 and 16 are not in use."""
    if value not in REGIONS:
        raise ValueError("must be one of the 21 regions' two-digit codes, for example 01 or 14")
    return value


def municipality_code(value: str) -> str:
    """A municipality's four-digit code; its first two digits are the region's."""
    if len(value) != 4 or not (value.isascii() and value.isdecimal()):
        raise ValueError("must be four digits, for example 0180")
    if value[:2] not in REGIONS:
        raise ValueError("must begin with a region's two-digit code")
    return value


def postal_code(value: str) -> str:
    """A Swedish postal code as five digits; the space after the third digit is accepted."""
    digits = value.strip().replace(" ", "")
    if len(digits) != 5 or not (digits.isascii() and digits.isdecimal()) or digits[0] == "0":
        raise ValueError("must be five digits, for example 11428")
    return digits
