"""What pydantic finds wrong, in words for people: the same over HTTP, in a file's verdict and on a command line."""

from collections.abc import Mapping
from typing import Any

_PREFIX = "Value error, "


def fault_of(row: Mapping[str, Any]) -> tuple[str, str]:
    """One of pydantic's error rows as a dotted field path and a reason, without the refused value.

    The path is empty for the thing as a whole.
    """
    message = str(row["msg"]).removeprefix(_PREFIX)
    match row["type"]:
        case "union_tag_invalid":  # pydantic's own words repeat the refused value
            message = f"must be one of {row['ctx']['expected_tags']}"
        case "extra_forbidden":
            message = "is not a known field"
    return ".".join(str(part) for part in row["loc"]), message[:1].lower() + message[1:]
