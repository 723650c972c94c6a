"""A care area is one file: what it holds, what is refused in it, and what its lay words do for its codes."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from catalog_sync.domain.care_areas import suggestion
from catalog_sync.domain.code_reading import Before
from catalog_sync.source import code_files
from catalog_sync.source.code_files import SHIPPED

DAY = date(2026, 3, 15)

GALLSTEN = """
text = "Gallsten"
designations = ["gallstensoperation", "gallbesvär", "borttagning av gallblåsan"]
guidance = "Bifoga svar från ultraljud."
valid_from = 2026-01-01
members = ["kva|JKA20", "kva|JKA21", "icd|K80*"]

[[guarantee]]
measure = "treatment"
days = 90
starts = "decision_on_treatment"
valid_from = 2010-07-01
legal_basis = "HSL 9 kap. 1 §, HSF 6 kap. 1 §"
"""


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped files in a folder of our own, with the few chapters of KVÅ that are asked for here."""
    folder = Path(shutil.copytree(SHIPPED, tmp_path_factory.mktemp("codes") / "files"))
    kva = folder / "kva" / "2017" / "kva.csv"
    lines = kva.read_text(encoding="utf-8").splitlines(keepends=True)
    few = [line for line in lines[1:] if line.startswith(("CJ", "JAB", "JKA", "NGB"))]
    kva.write_text("".join([lines[0], *few]), encoding="utf-8")
    return folder


@pytest.fixture
def with_area(shipped: Path):
    """`with_area(text)`: reads the shipped files and a fourth area of that text; gives facts by key, and rejected."""
    file = shipped / "care-areas" / "gallsten.toml"

    def read(text: str, before: Before | None = None, day: date = DAY):
        file.write_text(text, encoding="utf-8")
        reading = code_files.read(shipped, before, day)
        return {fact.key: fact.content for fact in reading.facts}, [
            (row.resource, row.reason) for row in reading.rejected
        ]

    yield read
    file.unlink(missing_ok=True)


def test_a_fourth_care_area_is_one_file_and_no_code(with_area):
    facts, rejected = with_area(GALLSTEN)
    assert rejected == []
    area = facts["care-area|gallsten"]
    assert (area["text"], area["status"], area["valid_from"]) == ("Gallsten", "active", "2026-01-01")
    assert [f"{one['system']}|{one['code']}" for one in area["care_area"]["members"]] == [
        *("kva|JKA20", "kva|JKA21", "icd|K80", "icd|K80.0", "icd|K80.2")
    ]
    assert area["care_area"]["guidance"] == "Bifoga svar från ultraljud."
    assert area["care_area"]["guarantee"] == [
        {
            "measure": "treatment",
            "days": 90,
            "starts": "decision_on_treatment",
            "valid_from": "2010-07-01",
            "valid_to": None,
            "legal_basis": "HSL 9 kap. 1 §, HSF 6 kap. 1 §",
        }
    ]
    assert {"care-area|katarakt", "care-area|ljumskbrack", "care-area|knaprotes"} <= facts.keys()


def test_the_areas_lay_words_are_its_codes_words_too(with_area):
    facts, _ = with_area(GALLSTEN)
    assert "grå starr" in facts["kva|CJE20"]["designations"]
    assert "gallbesvär" in facts["kva|JKA20"]["designations"]
    assert facts["kva|JKA10"]["designations"] == [], "a code outside the area has its own words only"
    ended, _ = with_area(
        GALLSTEN.replace("valid_from = 2026-01-01\n", "valid_from = 2020-01-01\nvalid_to = 2025-12-31\n")
    )
    assert ended["care-area|gallsten"]["status"] == "retired"
    assert ended["kva|JKA20"]["designations"] == [], "an area that has ended lends its words no longer"


def test_a_code_in_two_areas_has_the_words_of_both(with_area):
    facts, _ = with_area(GALLSTEN.replace('"kva|JKA20"', '"kva|CJE20"'))
    assert {"grå starr", "gallbesvär"} <= set(facts["kva|CJE20"]["designations"])


@pytest.mark.parametrize(
    ("member", "reason"),
    [
        ("kva|CJE2O", "unknown code: did you mean kva|CJE20?"),
        ("kva|cje20", "unknown code: did you mean kva|CJE20?"),
        ("kva|JKA2", "unknown code: did you mean kva|JKA20?"),
        ("vt-demo|katarakt-opration", "unknown code: did you mean vt-demo|katarakt-operation?"),
        ("JKA20", "unknown code: write it as system|code, for example kva|CJE20"),
        ("kva|QQQ*", "no code in use begins so: write it as kva|JAB*"),
        ("*", "no code in use begins so: write it as kva|JAB*"),
        ("vt-demo|knaprotes-halv", "the code was retired after 2024-12-31"),
    ],
)
def test_a_member_that_does_not_exist_is_named_by_file_and_place_with_a_suggestion(with_area, member, reason):
    facts, rejected = with_area(GALLSTEN.replace('"kva|JKA21"', f'"{member}"'))
    ((place, why),) = rejected
    assert place == "care-areas/gallsten.toml: member 2"
    assert why == reason
    codes = [one["code"] for one in facts["care-area|gallsten"]["care_area"]["members"]]
    assert codes == ["JKA20", "K80", "K80.0", "K80.2"], "the others are members all the same"


def test_nothing_is_suggested_where_nothing_is_near():
    assert suggestion("kva|ZZZ99", ["kva|CJE20"]) == ""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (GALLSTEN.replace("guidance", "guidence"), "guidence: is not a known field"),
        (GALLSTEN.replace('"treatment"', '"operation"'), "guarantee.0.measure: must be 'visit' or 'treatment'"),
        (GALLSTEN.replace("days = 90", "days = -1"), "guarantee.0.days: must not be less than 0"),
        (GALLSTEN.replace("legal_basis", "# legal_basis"), "guarantee.0.legal_basis: is missing"),
        (GALLSTEN.replace("text = ", "text "), "is not TOML (line 2)"),
        (GALLSTEN.replace('members = ["kva', "members = [] # "), "members: must hold at least 1"),
        (GALLSTEN.replace('members = ["kva', 'members = "kva" # '), "members: must be a list, in square brackets"),
        (GALLSTEN.replace("days = 90", 'days = "nittio"'), "guarantee.0.days: must be a whole number"),
        (GALLSTEN.replace("valid_from = 2026-01-01", 'valid_from = "i år"', 1), "valid_from: must be a day such as"),
        (GALLSTEN.replace('text = "Gallsten"', "text = 7"), "text: must be a text, in quotation marks"),
        (GALLSTEN.replace("[[guarantee]]", "[guarantee]"), "guarantee: must be a list"),
        (GALLSTEN.replace('text = "Gallsten"', 'text = ""'), "text: is missing"),
        (
            GALLSTEN.replace("ultraljud", "19121212-1212"),
            "guidance: holds something like",
        ),
        (GALLSTEN.replace("valid_from = 2026", "valid_to = 2025-01-01\nvalid_from = 2026", 1), "valid_to: lies before"),
    ],
)
def test_an_area_that_is_written_wrongly_is_told_field_by_field_and_stays_as_it_was(with_area, text, reason):
    known = with_area(GALLSTEN)[0]["care-area|gallsten"]
    facts, rejected = with_area(text)
    assert [place for place, _ in rejected] == ["care-areas/gallsten.toml"]
    assert rejected[0][1].startswith(reason), rejected
    assert "1912" not in repr(rejected)
    assert "care-area|gallsten" not in facts, "an area that was never told is not told now"
    facts, _ = with_area(text, Before(areas={"gallsten": known}))
    assert {**facts["care-area|gallsten"], "changed_at": known["changed_at"]} == known
    assert "gallbesvär" in facts["kva|JKA20"]["designations"]


def test_the_name_of_the_file_is_the_areas_code_and_must_look_like_one(shipped):
    file = shipped / "care-areas" / "Framfall Ö.toml"
    file.write_text(GALLSTEN, encoding="utf-8")
    reading = code_files.read(shipped, day=DAY)
    file.unlink()
    ((place, reason),) = [(row.resource, row.reason) for row in reading.rejected]
    assert (place, reason.startswith("its name is the area's code")) == ("care-areas/Framfall Ö.toml", True)
