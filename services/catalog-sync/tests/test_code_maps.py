"""Maps between code systems: which lines are taken, why the others are refused, and how far the maps reach."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog_sync.domain.code_reading import Before
from catalog_sync.domain.maps import MapLine, usable
from catalog_sync.domain.releases import Dated
from catalog_sync.source import code_files
from catalog_sync.source.code_files import SHIPPED

DAY = date(2026, 3, 15)
HEADS = (
    "source_system,source_code,target_system,target_code,equivalence,map,version,valid_from,valid_to,source,reviewed_by"
)

# Socialstyrelsen's activity 51101 Gråstarr.
CATARACT = [
    *("CJC00", "CJC10", "CJC20", "CJC99", "CJD00", "CJD10", "CJD20", "CJD99"),
    *("CJE00", "CJE05", "CJE10", "CJE15", "CJE20", "CJE25", "CJE99"),
]


@pytest.fixture
def folder(tmp_path: Path):
    """`folder("line", ...)`: three KVÅ codes and two services, one of them retired, with a map of those lines."""
    for system, text in (
        ("kva", "code,text,valid_to\nCJE20,Fako,\nCJE25,Fako två,\nJAB30,Bråck,2024-12-31\n"),
        ("vt-demo", "code,text,valid_to\nstarr,Starr,\ngammal,Gammal,2024-12-31\n"),
    ):
        (tmp_path / system / "1").mkdir(parents=True)
        (tmp_path / system / "1" / "a.csv").write_text(text, encoding="utf-8")
        (tmp_path / system / "1" / "release.toml").write_text(
            f'title = "{system}"\nrelease = "1"\nvalid_from = 2020-01-01\n', encoding="utf-8"
        )
    (tmp_path / "maps").mkdir()
    (tmp_path / "care-areas").mkdir()
    (tmp_path / "care-areas" / "starr.toml").write_text(
        'text = "Starr"\nvalid_from = 2020-01-01\nmembers = ["kva|CJE*", "vt-demo|starr"]\nguarantee = []\n',
        encoding="utf-8",
    )

    def make(*lines: str, heads: str = HEADS) -> Path:
        (tmp_path / "maps" / "m.csv").write_text("\n".join([heads, *lines]) + "\n", encoding="utf-8")
        return tmp_path

    return make


def maps(folder: Path, before: Before | None = None) -> tuple[dict[str, list[dict]], list[tuple[str, str]]]:
    reading = code_files.read(folder, before, DAY)
    told = {fact.key: fact.content["maps"] for fact in reading.facts if fact.content["maps"]}
    return told, [(row.resource.rpartition(":")[2], row.reason) for row in reading.rejected]


def test_a_line_carries_its_version_days_source_and_reviewer(folder):
    told, rejected = maps(
        folder("kva,cje20,vt-demo,starr,Wider,prov,2026.1,2026-01-01,2099-12-31,Kodgruppen,Vårdfunktionen")
    )
    assert rejected == []
    assert told == {
        "kva|CJE20": [
            {
                "target": {"system": "vt-demo", "code": "starr"},
                "equivalence": "wider",
                "map": "prov",
                "map_version": "2026.1",
                "valid_from": "2026-01-01",
                "valid_to": None,
                "source": "Kodgruppen",
                "reviewed_by": "Vårdfunktionen",
            }
        ]
    }


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("kva,CJE99,vt-demo,starr,wider,m,1,,,,", "source: unknown code"),
        ("kva,CJE20,vt-demo,borta,wider,m,1,,,,", "target: unknown code"),
        ("kva,CJE20,vt-demo,gammal,wider,m,1,,,,", "target: the code was retired after 2024-12-31"),
        ("kva,CJE20,vt-demo,gammal,wider,m,1,2025-01-01,,,", "target: the code is retired, or not valid yet"),
        ("kva,JAB30,vt-demo,starr,wider,m,1,2025-06-01,,,", "source: the code is retired, or not valid yet"),
        ("kva,CJE20,vt-demo,starr,liknar,m,1,,,,", "equivalence: must be equivalent, equal, wider, narrower, inexact"),
        ("kva,XX,vt-demo,starr,wider,m,1,,,,", "source_code: is no code of its system"),
        ("kva,CJE20,vt-demo,starr,wider,,1,,,,", "map: is missing"),
        ("kva,CJE20,vt-demo,starr,wider,m,1,2026-02-01,2026-01-01,,", "valid_to: lies before valid_from"),
        ("kva,CJE20,vt-demo,starr,wider,m,1,igår,,,", "valid_from: must be a day"),
        ("kva,CJE20", "cannot be read"),
    ],
)
def test_a_line_that_cannot_be_used_says_why_and_stops_no_other(folder, line, reason):
    told, rejected = maps(folder(line, "kva,CJE25,vt-demo,starr,wider,m,1,,,,"))
    assert list(told) == ["kva|CJE25"]
    ((at, why),) = rejected
    assert (at, why.startswith(reason)) == ("2", True)


def test_a_line_of_the_past_may_lead_from_and_to_codes_of_the_past(folder):
    told, rejected = maps(folder("kva,JAB30,vt-demo,gammal,wider,m,1,2021-01-01,2024-12-31,,"))
    assert (list(told), rejected) == (["kva|JAB30"], [])


def test_duplicates_and_conflicts_name_the_line_they_meet(folder):
    told, rejected = maps(
        folder(
            "kva,CJE20,vt-demo,starr,wider,m,1,2025-01-01,,,",
            "kva,CJE20,vt-demo,starr,wider,m,2,2026-01-01,,,",
            "kva,CJE20,vt-demo,starr,equal,m,2,2026-01-01,,,",
            "kva,CJE20,vt-demo,starr,equal,m,0,2023-01-01,2024-12-31,,",
            "kva,CJE20,vt-demo,starr,equal,another,1,,,,",
        )
    )
    assert len(told["kva|CJE20"]) == 3, "other days and other maps are no conflict"
    assert rejected == [
        ("3", "says the same as maps/m.csv:2, on the same days"),
        ("4", "conflicts with maps/m.csv:2: another equivalence on the same days"),
    ]


def test_many_codes_lead_to_many(folder):
    lines = [f"kva,{code},vt-demo,starr,wider,{name},1,,,," for code in ("CJE20", "CJE25") for name in ("a", "b")]
    told, rejected = maps(folder(*lines))
    assert ([len(lines) for lines in told.values()], rejected) == ([2, 2], [])


@pytest.mark.parametrize("broken", [("kva,CJE20", HEADS), ("", "fel,huvud")])
def test_while_a_line_cannot_be_read_no_map_is_taken_for_gone(folder, broken):
    known, _ = maps(folder("kva,CJE20,vt-demo,starr,wider,m,1,,,,", "kva,CJE25,vt-demo,starr,wider,m,1,,,,"))
    line, heads = broken
    told, rejected = maps(folder(line, "kva,CJE25,vt-demo,starr,wider,m,2,,,,", heads=heads), Before(maps=known))
    assert len(rejected) == 1
    assert told["kva|CJE20"] == known["kva|CJE20"]
    version = "2" if heads == HEADS else "1"
    assert [line["map_version"] for line in told["kva|CJE25"]] == [version]
    assert maps(folder("kva,CJE25,vt-demo,starr,wider,m,1,,,,"), Before(maps=known))[0].keys() == {"kva|CJE25"}


def test_coverage_counts_the_codes_in_use_that_lead_to_a_service_in_use(folder):
    reading = code_files.read(folder("kva,CJE20,vt-demo,starr,wider,m,1,,,,"), day=DAY)
    (found,) = reading.coverage
    assert (found.care_area, found.system, found.members, found.mapped, found.share) == ("starr", "kva", 2, 1, 0.5)
    assert found.without == ("kva|CJE25",)
    later = code_files.read(folder("kva,CJE20,vt-demo,starr,wider,m,1,2027-01-01,,,"), day=DAY)
    assert later.coverage[0].mapped == 0, "a line that is only to begin leads nowhere today"


def test_the_fifteen_official_cataract_codes_lead_to_the_cataract_service():
    reading = code_files.read(SHIPPED, day=DAY)
    facts = {fact.key: fact.content for fact in reading.facts}
    for code in CATARACT:
        (line,) = facts[f"kva|{code}"]["maps"]
        assert (line["target"]["system"], line["target"]["code"]) == ("vt-demo", "katarakt-operation")
    members = facts["care-area|katarakt"]["care_area"]["members"]
    assert [one["code"] for one in members if one["system"] == "kva"] == CATARACT
    assert {(one.care_area, one.system): one.share for one in reading.coverage} == {
        (area, system): 1.0 for area in ("katarakt", "ljumskbrack", "knaprotes") for system in ("kva", "icd")
    }


_DAY = st.one_of(st.none(), st.dates(date(2025, 1, 1), date(2025, 1, 9)))
_LINES = st.lists(
    st.builds(
        MapLine,
        place=st.integers().map(str),
        source=st.sampled_from(["kva|A", "kva|B"]),
        target=st.sampled_from(["vt|1", "vt|2"]),
        equivalence=st.sampled_from(["equal", "wider"]),
        map=st.just("m"),
        version=st.just("1"),
        valid_from=_DAY,
        valid_to=_DAY,
        made_by=st.none(),
        reviewed_by=st.none(),
    ),
    max_size=12,
)


@given(_LINES, st.dates(date(2025, 1, 1), date(2025, 1, 9)))
def test_on_no_day_does_a_map_say_two_things_of_the_same_two_codes(lines, day):
    codes = {key: Dated("x", None, None, None) for key in ("kva|A", "kva|B", "vt|1", "vt|2")}
    judged = list(usable(lines, codes, day))
    assert [line for line, _ in judged] == lines, "every line gets its verdict"
    in_force = [(line.source, line.target) for line, reason in judged if reason is None and line.in_force(day)]
    assert len(set(in_force)) == len(in_force)
