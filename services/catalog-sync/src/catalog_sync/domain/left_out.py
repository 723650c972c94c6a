"""What the catalogue holds and this service does not take in, by rule. A row left out is no fault: it is counted.

The first five follow the proposed law on a national register: the duty to report does not cover municipal care,
patient transport, school health, occupational health, and care given by state authorities (Socialdepartementet,
Rättsliga förutsättningar för en nationell vårdförmedling, promemoria 2025, as told by the agencies' first report on
national brokerage, 2026). What no region may buy for its patients must not be found by those who look for care.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Rule(StrEnum):
    """Why a row is left out. The value is shown to people who look through a run."""

    MUNICIPAL = "municipal care"
    STATE = "care given by a state authority"
    SCHOOL = "school health care"
    OCCUPATIONAL = "occupational health care"
    AMBULANCE = "ambulance and patient transport"
    NOT_PUBLIC = "may not be shown to the public (hsaDestinationIndicator is not 03)"
    BARE = "closed, with nothing left but its name"
    BUSINESS = "a line of business (verksamhet), told with its unit"
    ASSIGNMENT = "an assignment (uppdrag), which the agreements tell"


class LeftOut(ValueError):
    """A row that a rule leaves out. Whoever knew it from before may take it for gone."""

    def __init__(self, rule: Rule) -> None:
        super().__init__(f"left out by rule: {rule}")
        self.rule = rule


@dataclass(frozen=True)
class Business:
    """What is known of a unit's line of business: codes in MVO and HSA's list, and their texts."""

    system: str
    code: str
    text: str


# 96 and 9699 are företagshälsovård, 97 skolhälsovård in Socialstyrelsen's list of specialties (MVO). HSA's list of
# codes is not open, so there the coding's own text decides. A unit's name never does: Ambulansgatan is an address.
_MVO = {"96": Rule.OCCUPATIONAL, "97": Rule.SCHOOL}
_TEXTS = (
    (Rule.SCHOOL, ("skolhälsovård", "elevhälsa")),
    (Rule.OCCUPATIONAL, ("företagshälsovård",)),
    (Rule.AMBULANCE, ("ambulans", "sjuktransport")),
    (Rule.MUNICIPAL, ("kommunal hälso- och sjukvård", "kommunal hemsjukvård")),
)


def check(ownership: str | None, *, is_region: bool, businesses: Iterable[Business]) -> None:
    """Raise LeftOut where a rule leaves the unit out.

    `is_region`: its care provider's number is a region's; Gotland is a municipality too, and its hospital counts.
    A unit with several lines of business is left out only when a rule leaves out each of them.
    """
    if not is_region and ownership == "municipality":
        raise LeftOut(Rule.MUNICIPAL)
    if ownership == "state":
        raise LeftOut(Rule.STATE)
    rules = [_rule(one) for one in businesses]
    if rules and rules[0] is not None and None not in rules:
        raise LeftOut(rules[0])


def _rule(business: Business) -> Rule | None:
    if business.system == "mvo":
        return _MVO.get(business.code[:2])
    text = business.text.casefold()
    return next((rule for rule, words in _TEXTS if any(word in text for word in words)), None)
