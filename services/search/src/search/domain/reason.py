"""One reason as an answer tells it: a code that stays the same, a Swedish sentence, and the values it speaks of."""

from enum import StrEnum
from typing import Any


class Code(StrEnum):
    """Every code of an explanation. New ones may come; what one means never changes."""

    # matched: codes and words of the question
    CARE_SERVICE = "care_service"
    CODE = "code"
    SAME_WORD = "same_word"
    OTHER_FORM = "other_form"
    COMPOUND_PART = "compound_part"
    SYNONYM = "synonym"
    FOUND = "found"
    # ranked_by
    WAIT = "wait"
    CAPACITY = "capacity"
    # capacity
    CAPACITY_DECIDES = "capacity_decides"
    CAPACITY_LATER = "capacity_later"
    CAPACITY_NO_DAY = "capacity_no_day"
    # deadline
    IN_TIME = "in_time"
    TOO_LATE = "too_late"
    WAIT_UNKNOWN = "wait_unknown"
    # questions
    ASK_AGE = "ask_age"
    ASK_SEX = "ask_sex"
    ASK_BMI = "ask_bmi"
    ASK_ASA = "ask_asa"
    ASK_OTHER = "ask_other"
    # requires
    REFERRAL_REQUIRED = "referral_required"
    PAYMENT_COMMITMENT_REQUIRED = "payment_commitment_required"
    REFERRAL_MAY_BE_REQUIRED = "referral_may_be_required"
    PAYMENT_COMMITMENT_MAY_BE_REQUIRED = "payment_commitment_may_be_required"
    BY_RIKSAVTALET = "by_riksavtalet"
    # lowers
    NOT_KNOWN_IN_TIME = "not_known_in_time"
    AFTER_DEADLINE = "after_deadline"
    ASK_FIRST = "ask_first"
    VOLUME_USED_UP = "volume_used_up"
    AGREEMENTS_UNFIT = "agreements_unfit"
    AGREEMENTS_NOT_USABLE = "agreements_not_usable"
    CAPACITY_WITHOUT_AGREEMENT = "capacity_without_agreement"
    CAPACITY_NOT_USABLE = "capacity_not_usable"
    CAPACITY_NOT_FOR_PATIENT = "capacity_not_for_patient"
    WAIT_FORECAST = "wait_forecast"
    WAIT_MISSING = "wait_missing"
    WAIT_OF_OTHERS = "wait_of_others"
    OTHER_WAITS = "other_waits"
    WAIT_STALE = "wait_stale"
    PLACE_UNKNOWN = "place_unknown"
    PLACE_ROUGH = "place_rough"
    NEAR_ROUGH = "near_rough"


def reason(code: Code, text: str, **values: Any) -> dict[str, Any]:
    """`values` are for machines: days, dates, codes and fields, so that nobody needs to read the sentence."""
    return {"code": code.value, "text": text, **values}
