"""When the guarantee's clock runs out, under which rule, and what is said of a file that cannot be used."""

from datetime import date, timedelta
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.guarantee import (
    BadRules,
    Guarantee,
    NoRule,
    NotCounted,
    Pause,
    Rules,
    days_left,
    deadline,
    parse,
    read,
    shipped,
)

TEXT = (files("rules") / "guarantee.toml").read_text(encoding="utf-8")
MEDICAL, CHOICE = NotCounted.MEDICAL, NotCounted.PATIENT_CHOICE
DAYS = st.dates(date(2020, 1, 1), date(2040, 1, 1))
ONE = """
[[rule]]
guarantee = "{guarantee}"
scope = "general"
text = "Text"
valid_from = {day}
days = {days}
starts = "Text"
stops = "Text"
owed_by = "Text"
not_counted = ["medical"]
source = "Text"
"""


def uncommented() -> Rules:
    """The shipped file with both examples in force."""
    lines = [line.removeprefix("#:").removeprefix(" ") for line in TEXT.splitlines()]
    return parse("\n".join(line for line in lines if not line.startswith("#")), "x")


def several(*rows: tuple[str, int], guarantee: str = "treatment") -> str:
    other = "visit" if guarantee == "treatment" else "treatment"
    text = ONE.format(guarantee=other, day="2000-01-01", days=90)
    return text + "".join(ONE.format(guarantee=guarantee, day=day, days=days) for day, days in rows)


def told(text: str) -> list[str]:
    with pytest.raises(BadRules) as error:
        parse(text, "file.toml")
    assert str(error.value).startswith("file.toml: ")
    return list(error.value.faults)


@pytest.mark.parametrize("guarantee", Guarantee)
def test_visit_and_treatment_are_due_within_90_calendar_days_and_day_90_is_inside(guarantee: Guarantee):
    assert deadline(guarantee, date(2026, 1, 1)) == date(2026, 4, 1)
    assert shipped().on(guarantee, date(2026, 1, 1)).days == 90
    assert days_left(date(2026, 4, 1), date(2026, 4, 1)) == 0
    assert days_left(date(2026, 4, 1), date(2026, 4, 2)) == -1


def test_every_rule_tells_when_the_clock_starts_and_stops_who_owes_and_its_source():
    for rule in uncommented().all:
        assert all((rule.text, rule.starts, rule.stops, rule.owed_by, rule.source))
        assert rule.not_counted == {MEDICAL, CHOICE}
    assert all("HSL 9 kap." in rule.source and "HSF 6 kap." in rule.source for rule in shipped().all)


def test_the_examples_are_right_as_soon_as_their_signs_are_taken_away():
    rules = uncommented()
    start = date(2026, 3, 2)

    assert deadline(Guarantee.VISIT, start, scope="child_psychiatry", rules=rules) == date(2026, 4, 1)
    assert deadline(Guarantee.VISIT, start, rules=rules) == date(2026, 5, 31)
    assert deadline(Guarantee.TREATMENT, date(2027, 12, 31), rules=rules) == date(2028, 3, 30)
    assert deadline(Guarantee.TREATMENT, date(2028, 1, 1), rules=rules) == date(2028, 3, 1)


def test_a_change_of_law_does_not_reach_clocks_that_have_started_unless_one_asks_for_its_day():
    rules, start = uncommented(), date(2027, 12, 31)

    assert (deadline(Guarantee.TREATMENT, start, rules=rules) - start).days == 90
    assert (deadline(Guarantee.TREATMENT, start, date(2028, 1, 1), rules=rules) - start).days == 60


def test_before_the_first_rules_day_or_in_an_unknown_scope_there_is_no_deadline_rather_than_a_wrong_one():
    with pytest.raises(NoRule, match="no rule holds before 2017-04-01"):
        deadline(Guarantee.VISIT, date(2017, 3, 31))
    with pytest.raises(NoRule, match="there is no such scope"):
        deadline(Guarantee.VISIT, date(2026, 3, 31), scope="child_psychiatry")


@given(st.lists(DAYS, min_size=1, max_size=5, unique=True), DAYS)
def test_the_rule_that_holds_is_the_last_whose_day_has_come(days: list[date], day: date):
    days = sorted(days)
    rules = parse(several(*((str(one), number) for number, one in enumerate(days))), "x")
    come = [number for number, one in enumerate(days) if one <= day]

    if come:
        assert rules.on(Guarantee.TREATMENT, day).days == come[-1]
    else:
        with pytest.raises(NoRule):
            rules.on(Guarantee.TREATMENT, day)


def pauses(reason: st.SearchStrategy[NotCounted]) -> st.SearchStrategy[list[Pause]]:
    one = st.builds(
        lambda first, length, why: Pause(first, first + timedelta(days=length), why),
        st.dates(date(2026, 1, 1), date(2027, 1, 1)),
        st.integers(0, 60),
        reason,
    )
    return st.lists(one, max_size=6)


@given(st.dates(date(2026, 1, 1), date(2026, 12, 31)), pauses(st.sampled_from(NotCounted)), st.integers(0, 120))
def test_the_deadline_is_the_day_on_which_as_many_days_as_the_limit_have_counted(
    start: date, given_pauses: list[Pause], limit: int
):
    rules = parse(several(("2000-01-01", limit)), "x")

    # The rule counts medical reasons off and nothing else.
    off = {
        one.first + timedelta(days=day)
        for one in given_pauses
        if one.reason is MEDICAL
        for day in range((one.last - one.first).days + 1)
    }
    day, counted = start, 0
    while counted < limit:
        day += timedelta(days=1)
        counted += day not in off

    assert deadline(Guarantee.TREATMENT, start, pauses=given_pauses, rules=rules) == day


@given(DAYS, pauses(st.just(MEDICAL)), st.data())
def test_a_pause_never_brings_the_deadline_nearer_and_the_order_of_pauses_is_of_no_matter(
    start: date, given_pauses: list[Pause], data: st.DataObject
):
    shuffled = data.draw(st.permutations(given_pauses))
    end = deadline(Guarantee.VISIT, start, pauses=given_pauses)

    assert end == deadline(Guarantee.VISIT, start, pauses=shuffled)
    assert end >= deadline(Guarantee.VISIT, start, pauses=given_pauses[:-1]) >= deadline(Guarantee.VISIT, start)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (('"treatment"', '"contact"'), "rule 2: guarantee: must be one of visit, treatment"),
        (("days = 60", "days = -1"), "rule 2: days: must be a whole number from 0 to 3650"),
        (("days = 60", "days = true"), "rule 2: days: must be a whole number from 0 to 3650"),
        (("days = 60", "days = 60.5"), "rule 2: days: must be a whole number from 0 to 3650"),
        (("days = 60", "weeks = 8"), "rule 2: weeks: is not a known field"),
        (("days = 60\n", ""), "rule 2: days: is missing"),
        (
            ("valid_from = 2026-01-01", 'valid_from = "2026-01-01"'),
            "rule 2: valid_from: must be a day without quotation marks, such as 2027-01-01",
        ),
        (
            ("valid_from = 2026-01-01", "valid_from = 2026-01-01T00:00:00Z"),
            "rule 2: valid_from: must be a day without quotation marks, such as 2027-01-01",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_told_by_place(change: tuple[str, str], fault: str):
    text = several(("2026-01-01", 60))
    head, row = text.rsplit("[[rule]]", 1)
    assert change[0] in row

    assert fault in told(f"{head}[[rule]]{row.replace(*change)}")


def test_every_fault_of_a_file_is_told_at_once():
    text = several(("2026-01-01", 60)).replace('["medical"]', '["weather"]').replace('"general"', '"Every body"')
    assert told("first = 1\n" + text) == [
        "first: is not a known field",
        *(
            f"rule {number}: {fault}"
            for number in (1, 2)
            for fault in (
                "scope: must be general, or a short word such as child_psychiatry",
                "not_counted: must be a list of medical, patient_choice",
            )
        ),
    ]


def test_days_must_rise_and_both_guarantees_must_be_there():
    assert told(several(("2026-01-01", 60), ("2026-01-01", 30))) == [
        "rule 3: valid_from: must be later than that of the same guarantee and scope before it"
    ]
    assert told(ONE.format(guarantee="visit", day="2026-01-01", days=90)) == ["treatment: has no rule of general scope"]
    assert told("") == ["must hold at least one [[rule]]"]
    assert told("rule = 1") == ["must hold at least one [[rule]]"]
    assert told("[[rule")[0].startswith("is not TOML")


def test_an_operators_file_is_read_and_one_that_is_missing_or_unreadable_is_told_by_name(tmp_path: Path):
    good, latin = tmp_path / "own.toml", tmp_path / "latin.toml"
    good.write_text(several(("2026-01-01", 60)), encoding="utf-8")
    latin.write_bytes("text = 'å'".encode("latin-1"))

    assert read(good).on(Guarantee.TREATMENT, date(2026, 1, 1)).days == 60
    with pytest.raises(BadRules, match=r"latin\.toml: is not UTF-8"):
        read(latin)
    with pytest.raises(BadRules, match=r"none\.toml: cannot be read: No such file"):
        read(tmp_path / "none.toml")
