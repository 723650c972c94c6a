"""What the simulated catalogue can be made to do wrong, as real ones do, and how it does it."""

import json
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import count
from typing import Any

RETRY_AFTER = ("seconds", "date", "none")


class BadFault(ValueError):
    """A fault that cannot be switched so; the message says why."""


@dataclass(frozen=True)
class Faults:
    """Which searches go wrong, each as `every Nth` (0: never). All can be on at once."""

    fail_every: int = 0
    """Fails, in turn with 429 and 503."""
    retry_after: str = "seconds"
    """How a 429 says when to come back: `seconds`, a `date`, or `none`."""
    retry_seconds: int = 0
    """How long a 429 asks to be left alone."""
    half_every: int = 0
    """Breaks off in the middle of the page."""
    slow_every: int = 0
    """Answers late."""
    slow_seconds: float = 1.0
    """How late."""
    change_every: int = 0
    """Changes the row that the next page begins with, between the two."""
    repeat_every: int = 0
    """Shows the last row of the page before once more."""

    def changed(self, wanted: dict[str, Any]) -> "Faults":
        """These faults with some switched. Raises BadFault."""
        for name, value in wanted.items():
            if name not in asdict(self):
                raise BadFault(f"{name[:40]}: is not a fault; there are {', '.join(asdict(self))}")
            kind = str if name == "retry_after" else (int, float) if name == "slow_seconds" else int
            if not isinstance(value, kind) or isinstance(value, bool) or (not isinstance(value, str) and value < 0):
                raise BadFault(f"{name}: must be a number from 0 on" if kind is not str else f"{name}: must be a word")
        if wanted.get("retry_after", "none") not in RETRY_AFTER:
            raise BadFault(f"retry_after: must be one of {', '.join(RETRY_AFTER)}")
        return replace(self, **wanted)


@dataclass
class Trouble:
    """The faults that are on, and how many searches there have been."""

    faults: Faults
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    def next_search(self) -> int:
        """The number of a search that comes in."""
        return next(self._numbers)

    def is_due(self, every: int, number: int) -> bool:
        """True for every Nth search."""
        return every > 0 and number % every == 0

    def refusal(self, number: int) -> tuple[int, dict[str, str]] | None:
        """Status and headers of a search that fails."""
        if not self.is_due(self.faults.fail_every, number):
            return None
        if (number // self.faults.fail_every) % 2 == 0:
            return 503, {}
        back = datetime.now(UTC) + timedelta(seconds=self.faults.retry_seconds)
        said = {"seconds": str(self.faults.retry_seconds), "date": format_datetime(back, usegmt=True)}
        return 429, {"Retry-After": said[self.faults.retry_after]} if self.faults.retry_after in said else {}


def half(page: dict[str, Any]) -> bytes:
    """A page whose sender stopped writing."""
    whole = json.dumps(page, ensure_ascii=False).encode()
    return whole[: len(whole) // 2]
