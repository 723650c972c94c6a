"""What of a question an offer answers, and through what: words, forms, parts, synonyms, readings, codes and maps."""

import pytest

from search.domain import matching
from search.domain.document import Sources, build, unit_of
from search.domain.held import CodeMap, Meaning
from search.domain.question import Reading
from search.domain.terms import Terms
from search.index.word_files import SHIPPED, read_folder

TERMS = Terms(read_folder(SHIPPED))
CJE20 = "Fakoemulsifikation med implantation av linsprotes i bakre kammare"


@pytest.fixture
def matched(make):
    """The reasons why the katarakt offer of S:t Eriks ögonsjukhus in Stockholm was found."""
    line = CodeMap("kva|CJE20", make.katarakt, "wider", "kva-till-vt-demo")
    known = {
        make.katarakt: Meaning("Kataraktoperation", ["gråstarroperation på en dag"], []),
        "kva|CJE20": Meaning(CJE20, [], [line]),
        "kva|CJE15": Meaning("Annan", [], [CodeMap("kva|CJE15", make.katarakt, "equivalent", "kva-till-vt-demo")]),
    }

    def of(named=("words",), *, told=known, **question):
        unit = make.unit("A", name="S:t Eriks ögonsjukhus", place={"locality": "Solna"})
        document = build(
            Sources(
                unit=unit_of(unit.model_dump(mode="json"), "Stockholm"),
                code_key=make.katarakt,
                code_text="Kataraktoperation",
                offerings=[make.offering("A", "kva|CJE20").model_dump(mode="json")],
                services=[],
                waits=[],
                codes={"kva|CJE20": CJE20},
                designations={"gråstarroperation på en dag"},
            )
        )
        asked = make.question(**question)
        return matching.of(document, asked, set(named), matching.asked(asked, TERMS, told), TERMS)

    return of


@pytest.mark.parametrize(
    ("words", "code", "field", "found", "synonym"),
    [
        ("GRÅSTARR", "synonym", "care_service", ["Kataraktoperation"], "katarakt"),
        ("fakoemulsifikation", "same_word", "care_service", ["Fakoemulsifikation"], None),
        ("implantationer", "other_form", "care_service", ["implantation"], None),
        ("lins", "compound_part", "care_service", ["linsprotes"], None),
        ("Solna", "same_word", "locality", ["Solna"], None),
        ("Stockholms", "other_form", "municipality", ["Stockholm"], None),
        ("ögonsjukhuset", "other_form", "care_unit", ["ögonsjukhus"], None),
        ("lasarett", "synonym", "care_unit", ["ögonsjukhus"], "sjukhus"),
        ("sankt", "synonym", "care_unit", ["S:t"], "s:t"),
        ("dag", "same_word", "designation", ["dag"], None),
    ],
)
def test_a_word_tells_which_text_holds_it_and_in_which_form(matched, words, code, field, found, synonym):
    (one,) = matched(words=words)

    assert (one["code"], one["words"], one["field"], one["found"], one["synonym"]) == (
        code,
        words,
        field,
        found,
        synonym,
    )
    assert one["read_as"] is None


def test_words_that_mean_something_together_are_one_and_tell_the_word_of_the_list(matched):
    first, second = matched(words="grå starr i Solna")

    assert first["words"] == "grå starr"
    assert first["synonym"] == "katarakt"
    assert first["text"] == "”grå starr” betyder enligt ordlistan ”katarakt”: ”Kataraktoperation” i vårdtjänsten"
    assert (second["words"], second["text"]) == ("Solna", "”Solna” står i ortens namn: Solna")


def test_the_text_of_a_code_tells_the_code_and_the_map_it_came_by(matched, make):
    (one,) = matched(words="bakre")

    assert one["care_service"] == "kva|CJE20"
    assert one["text"].endswith(" (kva|CJE20 hör till vt-demo|katarakt-operation)")
    assert one["maps"] == [
        {"source": "kva|CJE20", "target": make.katarakt, "equivalence": "wider", "map": "kva-till-vt-demo"}
    ]


def test_a_slip_and_a_compound_nobody_has_written_tell_what_they_were_read_as(matched):
    slip, compound = Reading("solnna", "solna", "slip"), Reading("linskammare", "lins kammare", "compound")

    (place,) = matched(words="solna", readings=(slip,))
    lens, chamber = matched(words="lins kammare", readings=(compound,))

    assert place["read_as"] == {"asked": "solnna", "meant": "solna", "by": "slip"}
    assert place["text"] == "”solnna” läses som ”solna”; ”solna” står i ortens namn: Solna"
    assert lens["read_as"] == chamber["read_as"] == {"asked": "linskammare", "meant": "lins kammare", "by": "compound"}


def test_a_word_whose_text_is_not_known_here_is_said_to_be_found_and_no_more(matched):
    (one,) = matched(words="xyz")

    assert one == {
        "code": "found",
        "text": "”xyz” finns i vårdtjänst, enhet eller ort",
        "words": "xyz",
        "read_as": None,
    }


def test_a_code_tells_whether_the_offer_has_it_or_only_what_it_maps_to(matched, make):
    own = matched(care_services=(make.katarakt,))
    same = matched(care_services=("kva|CJE20", make.katarakt))
    mapped = matched(care_services=("kva|CJE15", make.katarakt))

    assert [(one["code"], one["exact"], one["asked"]) for (one,) in (own, same, mapped)] == [
        ("care_service", True, make.katarakt),
        ("care_service", True, "kva|CJE20"),
        ("care_service", False, "kva|CJE15"),
    ]
    assert [[(row["source"], row["equivalence"]) for row in one["maps"]] for (one,) in (own, same, mapped)] == [
        [("kva|CJE20", "wider")],
        [("kva|CJE20", "wider")],
        [("kva|CJE15", "equivalent")],
    ]
    assert mapped[0]["text"] == "kva|CJE15 hör till Kataraktoperation"


def test_of_several_codes_among_the_words_only_those_that_the_offer_has_are_told(matched, make):
    question = {
        "words": "CJE2 JAB30 solna",
        "word_codes": ("kva|CJE20", "kva|JAB30", make.katarakt),
        "words_beside_codes": "solna",
        "codes_of_words": (("CJE2", ("kva|CJE20",)), ("JAB30", ("kva|JAB30",))),
    }

    code, place = matched(("code", "words beside codes"), **question)

    assert (code["code"], code["words"], code["asked"]) == ("code", "CJE2", "kva|CJE20")
    assert (place["code"], place["words"]) == ("same_word", "solna")


def test_a_text_that_its_code_has_no_more_is_told_without_the_code(matched):
    (one,) = matched(words="bakre", told={})

    assert (one["code"], one["field"], one["care_service"], one["maps"]) == ("same_word", "care_service", None, [])


def test_without_words_and_codes_nothing_is_said_to_match(matched):
    assert matched(()) == []
