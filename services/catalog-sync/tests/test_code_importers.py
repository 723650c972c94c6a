"""Files of code systems in the shapes their publishers give them: what is taken, passed over and refused, and where."""

import os
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog_sync.domain.reading import SourceAway
from catalog_sync.source import code_files
from catalog_sync.source.code_files import SHIPPED

DAY = date(2026, 3, 15)


@pytest.fixture
def folder(tmp_path: Path):
    """`folder("kva/2026", file="content")`: a release of that name, as bytes or text; gives the whole folder."""

    def make(place: str, manifest: str = "", **files: str | bytes) -> Path:
        release = tmp_path / place
        release.mkdir(parents=True, exist_ok=True)
        (release / "release.toml").write_text(
            f'title = "Prov"\nrelease = "{place}"\nvalid_from = 2026-01-01\n{manifest}', encoding="utf-8"
        )
        for name, content in files.items():
            content = content if isinstance(content, bytes) else content.encode()
            (release / name.replace("_", ".")).write_bytes(content)
        return tmp_path

    return make


def read(folder: Path) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Texts by key, without the code systems themselves, and what was rejected."""
    reading = code_files.read(folder, day=DAY)
    texts = {fact.key: fact.content["text"] for fact in reading.facts if not fact.key.startswith("code-system|")}
    return texts, [(row.resource, row.reason) for row in reading.rejected]


def designations(folder: Path, key: str) -> list[str]:
    return next(fact.content["designations"] for fact in code_files.read(folder, day=DAY).facts if fact.key == key)


def test_the_official_kva_file_is_read_and_its_headings_are_no_codes(folder):
    text = (
        '\ufeff"Kod"\t"Överordnad kod"\t"Titel"\r\n"C"\t""\t"Öga"\r\n"CJE"\t"CJ"\t"Starr"\r\n'
        '"CJE20"\t"CJE"\t"Fako, ""bakre"" kammare"\r\n"AU124"\t"AU"\t"Ultraljud"\r\n'
    )
    where = folder("kva/2026", kka_tsv=text)
    assert read(where) == ({"kva|CJE20": 'Fako, "bakre" kammare', "kva|AU124": "Ultraljud"}, [])
    (counted,) = code_files.read(where).files
    assert (counted.place, counted.taken, counted.passed, counted.refused) == ("kva/2026/kka.tsv", 2, 2, 0)


def test_the_official_icd_file_is_read_with_its_days_and_its_notes_are_passed_over(folder):
    text = (
        "\ufeffKod\tGiltig från\tÖverordnad kod\tTitel\tLatin\tUtesluter\n"
        "07\t\t\tÖgats sjukdomar\t\t\nH25-H28\t\t07\tSjukdomar i linsen\t\t\n"
        "H25.1\t1997-01-01\tH25\tÅldersstarr\tCataracta nuclearis\tnågot\nH25.1\t\t\t\t\tännu något\n"
        "\t\t\t\t\toch mer\nB341A\t2027-01-01\tB34\tNy kod\t\t\n"
    )
    where = folder("icd/2026", **{"icd-10-se_tsv": text})
    assert read(where) == ({"icd|H25.1": "Åldersstarr", "icd|B34.1A": "Ny kod"}, [])
    facts = {fact.key: fact.content for fact in code_files.read(where, day=DAY).facts}
    assert (facts["icd|H25.1"]["valid_from"], facts["icd|B34.1A"]["valid_from"]) == ("1997-01-01", "2027-01-01")
    assert facts["icd|H25.1"]["designations"] == ["Cataracta nuclearis"]
    assert facts["icd|H25.1"]["release"] == "icd/2026"


def test_a_list_of_specialties_may_repeat_a_head_and_the_first_one_counts(folder):
    text = (
        'source_code,source_concept_name,target_concept_id,source_concept_name\n511,Ögon,1,Eye\n70,"Öron, näsa",2,x\n'
    )
    assert read(folder("mvo/2026", mvo_csv=text)) == ({"mvo|511": "Ögon", "mvo|70": "Öron, näsa"}, [])


def test_business_codes_may_come_with_semicolons_and_in_an_older_encoding(folder):
    text = "Kod;Klartext;Giltig till\n1101;Internmedicin;\n1502;Allmänmedicin;2099-12-31\n".encode("iso-8859-1")
    where = folder("hsa-verksamhetskod/2026", 'encoding = "iso-8859-1"', koder_csv=text)
    assert read(where)[0] == {"hsa-verksamhetskod|1101": "Internmedicin", "hsa-verksamhetskod|1502": "Allmänmedicin"}
    assert all(fact.content["valid_to"] is None for fact in code_files.read(where).facts), "2099 means no end"


CONCEPTS = {
    "394579002": "Kardiologi",
    "43741000": "Vårdenhet",
    "143591000052106": "Vårdgivare",
    "424144002": "Ålder",
    "184100006": "Kön",
    "60621009": "BMI",
    "302132005": "ASA-klass",
}
"""Codes that E-hälsomyndigheten's published examples name."""


def test_care_services_are_read_from_a_plain_list_and_each_is_checked(folder):
    rows = "".join(f"{code},{text}\n" for code, text in CONCEPTS.items())
    texts, rejected = read(folder("vt/2026", urval_csv=f"conceptid,text\n{rows}394579003,Fel siffra\n"))
    assert texts == {f"vt|{code}": text for code, text in CONCEPTS.items()}
    assert rejected == [("vt/2026/urval.csv:9", "code: fails its check digit")]


def rf2(heads: str, *rows: str) -> str:
    """Lines as RF2 writes them: tabs for spaces, spaces for underscores."""
    return "\r\n".join("\t".join(row.split()) for row in (heads, *rows)).replace("_", " ") + "\r\n"


def test_care_services_are_read_from_rf2_the_latest_row_and_the_preferred_swedish_term(folder):
    heads = "id effectiveTime active moduleId refsetId referencedComponentId"
    refset = rf2(
        heads,
        "a 20240101 1 m r 394579002",
        "b 20240101 1 m r 43741000",
        "b 20250101 0 m r 43741000",
        "c 20240101 1 m r 60621009",
        "d 20240101 1 m r 302132005",
        "e 20240101 1 m r 394579003",
    )
    language = rf2(f"{heads} acceptabilityId", "l 20240101 1 m s 3 900000000000548007")
    terms = rf2(
        "id effectiveTime active moduleId conceptId languageCode typeId term caseSignificanceId",
        "1 20240101 1 m 394579002 sv 900000000000003001 kardiologi_(kvalificerare) c",
        '2 20240101 1 m 394579002 sv 900000000000013009 hjärtvård_"öppen c',
        "3 20240101 1 m 394579002 sv 900000000000013009 kardiologi c",
        "4 20240101 1 m 60621009 sv 900000000000003001 BMI_(observerbar) c",
        "5 20240101 0 m 60621009 sv 900000000000013009 gammal c",
        "6 20240101 1 m 302132005 en 900000000000013009 ASA c",
        "7 20240101 1 m 999999999 sv 900000000000013009 annat c",
    )
    where = folder("vt/2026", refset_txt=refset, language_txt=language, description_txt=terms)
    texts, rejected = read(where)
    assert texts == {"vt|394579002": "kardiologi", "vt|60621009": "BMI"}
    assert designations(where, "vt|394579002") == ['hjärtvård "öppen']
    assert sorted(rejected) == [
        ("vt/2026/refset.txt", "a member has no Swedish description"),
        ("vt/2026/refset.txt:7", "referencedComponentId: fails its check digit"),
    ]


def test_a_refset_without_descriptions_is_refused_whole(folder):
    text = "id\teffectiveTime\tactive\tmoduleId\trefsetId\treferencedComponentId\na\t20240101\t1\tm\tr\t394579002\n"
    texts, rejected = read(folder("vt/2026", refset_txt=text))
    assert texts == {}
    assert rejected[0] == (
        "vt/2026/refset.txt",
        "there is no description file beside the refset (conceptId, term, typeId, languageCode)",
    )


def test_broken_lines_are_rejected_with_file_line_and_reason_and_good_ones_go_on(folder):
    lines = [
        b"code,text,valid_from,valid_to",
        b"CJE20,Bra,,",
        b"CHF0,Kort kod,,",
        b"CJE21,,,",
        b"CJE22,Fel dag,i fjol,",
        b"CJE23,Bakl\xc3\xa4nges,2026-01-01,2025-01-01",
        b"CJE24,\xff,,",
        b"CJE25",
        b"CJE20,En annan text,,",
        b"CJE26,Patient 19121212-1212,,",
        b"CJE27,Tecken \x07,,",
        b"",
        b"CJE28,Ocks\xc3\xa5 bra,,",
    ]
    texts, rejected = read(folder("kva/2026", a_csv=b"\n".join(lines)))
    assert texts == {"kva|CJE20": "Bra", "kva|CJE28": "Också bra"}
    assert [(int(place.removeprefix("kva/2026/a.csv:")), reason.split(":")[0]) for place, reason in rejected] == [
        (3, "code"),
        (4, "text"),
        (5, "valid_from"),
        (6, "valid_to"),
        (7, "cannot be read"),
        (8, "cannot be read"),
        (9, "code"),
        (10, "text"),
        (11, "text"),
    ]
    told = repr(rejected)
    assert not [value for value in ("CHF0", "i fjol", "1912", "En annan", "Patient") if value in told]


def test_a_quotation_mark_left_open_is_told_at_its_line_and_nothing_is_taken_for_gone(folder):
    where = folder("kva/2026", a_csv='code,text\nCJE20,Bra\nCJE21,"Öppen\nCJE22,Slukad\nCJE23,Slukad\n')
    texts, rejected = read(where)
    assert list(texts) == ["kva|CJE20"]
    assert [place for place, _ in rejected] == ["kva/2026/a.csv:3"]


@pytest.mark.parametrize(
    ("manifest", "content", "place", "reason"),
    [
        ("", "kolumn,annan\nCJE20,x\n", "kva/2026/a.csv", "the header has no column for code"),
        ("", "", "kva/2026/a.csv", "the header has no column for code"),
        ('encoding = "klingon"', "code,text\n", "kva/2026/a.csv", "is not in the encoding"),
        ("valid_frm = 2026-01-01", "code,text\nCJE20,x\n", "kva/2026/release.toml", "valid_frm: is not a known field"),
        ("valid_from 2026", "code,text\nCJE20,x\n", "kva/2026/release.toml", "is not TOML (line 4)"),
    ],
)
def test_a_file_that_cannot_be_used_at_all_is_told_once(folder, manifest, content, place, reason):
    texts, rejected = read(folder("kva/2026", manifest, a_csv=content))
    assert texts == {}
    assert (rejected[0][0], rejected[0][1].startswith(reason)) == (place, True)


def test_a_release_without_its_release_toml_is_not_read(folder):
    where = folder("kva/2026", a_csv="code,text\nCJE20,x\n")
    (where / "kva/2026/release.toml").unlink()
    assert read(where) == ({}, [])


def test_a_file_that_is_listed_and_cannot_be_opened_means_that_the_source_is_away(folder):
    where = folder("kva/2026", a_csv="code,text\nCJE20,x\n")
    (where / "kva/2026/b.csv").symlink_to(where / "nowhere.csv")
    with pytest.raises(SourceAway, match="cannot be opened"):
        code_files.read(where, day=DAY)


def test_a_file_whose_name_is_not_utf8_can_be_told_of(folder):
    where = folder("kva/2026", a_csv="code,text\nCJE20,x\n")
    Path(os.fsdecode(os.fsencode(where / "kva/2026") + b"/\xff.csv")).write_text("code,text\nXX1,x\n")
    (place,) = [place for place, _ in read(where)[1]]
    assert place.encode() == b"kva/2026/?.csv:2"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["kva", "icd", "vt", "mvo"]), st.binary(max_size=200), st.booleans())
def test_whatever_bytes_a_file_holds_nothing_stops_and_every_text_can_be_stored(folder, system, content, with_heads):
    heads = b"code,text,valid_from\n" if with_heads else b"id\teffectiveTime\tconceptId\n"
    where = folder(f"{system}/2026", a_csv=heads + content)
    for fact in code_files.read(where, day=DAY).facts:
        assert "\x00" not in fact.content["text"] + fact.content["code"]
        fact.content["text"].encode()


def test_everything_that_comes_with_the_service_can_be_used():
    reading = code_files.read(SHIPPED, day=DAY)
    assert reading.rejected == []
    by_system: dict[str, int] = {}
    for fact in reading.facts:
        by_system[fact.content["system"]] = by_system.get(fact.content["system"], 0) + 1
    assert by_system == {
        "kva": 9679,
        "icd": 35,
        "vt": 1,
        "vt-demo": 7,
        "mvo": 161,
        "hsa-verksamhetskod": 4,
        "region": 21,
        "care-area": 3,
        "code-system": 7,
    }
