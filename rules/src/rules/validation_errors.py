"""What pydantic finds wrong, in words for people: the same over HTTP, in a file's verdict and on a command line."""

from collections.abc import Mapping
from typing import Any

_PREFIX = "Value error, "


_DAY = "must be a day, such as 2026-12-31"
_TIME = "must be a time with its zone, such as 2026-12-31T09:00:00Z"
_NUMBER = "must be a number"
_WHOLE = "must be a whole number"
_PLAIN = {
    "extra_forbidden": "is not a known field",
    "date_from_datetime_inexact": f"{_DAY}, without a time",
    "date_from_datetime_parsing": _DAY,
    "date_parsing": _DAY,
    "date_type": _DAY,
    "datetime_from_date_parsing": _TIME,
    "datetime_parsing": _TIME,
    "datetime_type": _TIME,
    "timezone_aware": _TIME,
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "decimal_parsing": _NUMBER,
    "decimal_type": _NUMBER,
    "finite_number": _NUMBER,
    "int_parsing": _WHOLE,
    "int_type": _WHOLE,
    "int_from_float": _WHOLE,
    "int_parsing_size": f"{_WHOLE}, and is too large",
    "dict_type": "must be a JSON object",
    "model_attributes_type": "must be a JSON object",
    "model_type": "must be a JSON object",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "string_type": "must be a text",
}
"""pydantic's kinds of errors whose own words tell of Python, or of nothing that a person can act on."""


def _items(count: int) -> str:
    return f"{count} item{'s' * (count != 1)}"


def fault_of(row: Mapping[str, Any]) -> tuple[str, str]:
    """One of pydantic's error rows as a dotted field path and a reason, without the refused value.

    The path is empty for the thing as a whole.
    """
    message = str(row["msg"]).removeprefix(_PREFIX)
    match row["type"]:
        case "union_tag_invalid":  # pydantic's own words repeat the refused value
            message = f"must be one of {row['ctx']['expected_tags']}"
        case kind if kind in _PLAIN:
            message = _PLAIN[kind]
        case "too_short":
            message = f"must hold at least {_items(row['ctx']['min_length'])}"
        case "too_long":
            message = f"must hold at most {_items(row['ctx']['max_length'])}"
    return ".".join(str(part) for part in row["loc"]), message[:1].lower() + message[1:]
