"""Plain Swedish words find the care, the unit and the place; anything else finds nothing, never an error."""

import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from search.index.engine import Index
from search.index.word_files import SHIPPED
from search.service.indexing import Indexer, looking_up

pytestmark = pytest.mark.engine

# Unit, name, municipality, what it offers. MAPPED ones stand under the care service, RAW ones under a KVÅ code alone.
UNITS = {
    "ERIK": ("S:t Eriks ögonsjukhus", "0180", "kva|CJE20"),
    "RAWEYE": ("Capio Specialistkliniken", "1280", "kva|CJE25"),
    "HERNIA": ("Kirurgkliniken Norrlands universitetssjukhus", "2480", "kva|JAB30"),
    "KNEE": ("Ortopedcenter Göteborg", "1480", "kva|NGB49"),
    "RAWKNEE": ("Carlanderska", "1480", "kva|NGB29"),
}
ALL = set(UNITS)


@pytest.fixture(scope="module")
async def sweden(shared_world, make):
    """Five units."""
    for suffix, (name, municipality, code) in UNITS.items():
        await shared_world.tell(
            make.municipality(municipality), make.unit(suffix, municipality, name=name), make.offering(suffix, code)
        )
    for key in (make.katarakt, make.brack, make.kna, "kva|CJE20", "kva|CJE25", "kva|JAB30", "kva|NGB49"):
        await shared_world.tell(make.code(key))
    await shared_world.tell(make.code("kva|NGB29", text="Primär totalprotes i knäled utan cement"))
    await shared_world.settle()
    return shared_world


async def units(world, words):
    return {hit["id"].split("|")[0].split("-")[1] for hit in (await world.ask(q=words, limit=100))["items"]}


@pytest.mark.parametrize(
    ("words", "found"),
    [
        # Grå starr, in the words of patients, referrals and code texts.
        ("katarakt", {"ERIK", "RAWEYE"}),
        ("Katarakt", {"ERIK", "RAWEYE"}),
        ("grå starr", {"ERIK", "RAWEYE"}),
        ("gråstarr", {"ERIK", "RAWEYE"}),
        ("Gråstarr", {"ERIK", "RAWEYE"}),
        ("starr", {"ERIK", "RAWEYE"}),
        ("starroperation", {"ERIK", "RAWEYE"}),
        ("starroperationer", {"ERIK", "RAWEYE"}),
        ("gråstarrsoperation", {"ERIK", "RAWEYE"}),
        ("grå starr operation", {"ERIK", "RAWEYE"}),
        ("operation av grå starr", {"ERIK", "RAWEYE"}),
        ("operera grå starr", {"ERIK", "RAWEYE"}),
        ("kataraktoperation", {"ERIK", "RAWEYE"}),
        ("kataraktoperationer", {"ERIK", "RAWEYE"}),
        ("kataraktkirurgi", {"ERIK", "RAWEYE"}),
        ("kataraktextraktion", {"ERIK", "RAWEYE"}),
        ("linsprotes", {"ERIK", "RAWEYE"}),
        ("linsbyte", {"ERIK", "RAWEYE"}),
        ("fakoemulsifikation", {"ERIK", "RAWEYE"}),
        # Ljumskbråck.
        ("ljumskbråck", {"HERNIA"}),
        ("ljumskbråcket", {"HERNIA"}),
        ("bråck", {"HERNIA"}),
        ("bråck i ljumsken", {"HERNIA"}),
        ("bråckoperation", {"HERNIA"}),
        ("ljumskbråcksoperation", {"HERNIA"}),
        ("ljumskbråcksoperationer", {"HERNIA"}),
        ("inguinalbråck", {"HERNIA"}),
        ("lichtenstein", {"HERNIA"}),
        # Knäprotes.
        ("knäprotes", {"KNEE", "RAWKNEE"}),
        ("knäproteser", {"KNEE", "RAWKNEE"}),
        ("knäprotesoperation", {"KNEE", "RAWKNEE"}),
        ("ny knäled", {"KNEE", "RAWKNEE"}),
        ("nytt knä", {"KNEE", "RAWKNEE"}),
        ("konstgjord knäled", {"KNEE", "RAWKNEE"}),
        ("knäledsprotes", {"KNEE", "RAWKNEE"}),
        ("totalprotes i knäled", {"KNEE", "RAWKNEE"}),
        ("byta knäled", {"KNEE", "RAWKNEE"}),
        # Codes.
        ("CJE20", {"ERIK"}),
        ("cje20", {"ERIK"}),
        (" CJE20 ", {"ERIK"}),
        ("CJE25", {"RAWEYE"}),
        ("NGB49", {"KNEE"}),
        # Units and places, and both together: all words must be found.
        ("S:t Erik", {"ERIK"}),
        ("s:t eriks", {"ERIK"}),
        ("St Erik", {"ERIK"}),
        ("Sankt Erik", {"ERIK"}),
        ("ögonsjukhus", {"ERIK"}),
        ("sjukhus", {"ERIK", "HERNIA"}),
        ("universitetssjukhuset", {"HERNIA"}),
        ("kirurgklinik", {"HERNIA"}),
        ("Capio", {"RAWEYE"}),
        ("Malmö", {"RAWEYE"}),
        ("malmö", {"RAWEYE"}),
        ("MALMÖ", {"RAWEYE"}),
        ("Malmo\u0308", {"RAWEYE"}),
        ("Göteborg", {"KNEE", "RAWKNEE"}),
        ("katarakt Malmö", {"RAWEYE"}),
        ("starr hos Capio", {"RAWEYE"}),
        ("ljumskbråck vid Kirurgkliniken", {"HERNIA"}),
        ("grå starr i Stockholm", {"ERIK"}),
        ("knäprotes i Göteborg", {"KNEE", "RAWKNEE"}),
        ("knäprotes Umeå", set()),
        ("katarakt knäprotes", set()),
        # Codes and words beside each other, and how codes begin.
        ("CJE20 Solna", set()),
        ("CJE25 Malmö", {"RAWEYE"}),
        ("CJE2", {"ERIK", "RAWEYE"}),
        ("cje2", {"ERIK", "RAWEYE"}),
        ("CJE", {"ERIK", "RAWEYE"}),
        ("JAB", {"HERNIA"}),
        ("NGB2 Göteborg", {"RAWKNEE"}),
        ("cje", set()),
        # å, ä and ö are letters of their own, and forgiven where nothing is found.
        ("Malmo", {"RAWEYE"}),
        ("MALMO", {"RAWEYE"}),
        ("ljumskbrack", {"HERNIA"}),
        ("knaprotes", {"KNEE", "RAWKNEE"}),
        ("nytt kna", {"KNEE", "RAWKNEE"}),
        ("goteborg knaprotes", {"KNEE", "RAWKNEE"}),
        # Slips of the finger.
        ("katarkt", {"ERIK", "RAWEYE"}),
        ("kattarakt", {"ERIK", "RAWEYE"}),
        ("kataratk Malmö", {"RAWEYE"}),
        ("ljumksbråck", {"HERNIA"}),
        ("knäprotse Götborg", {"KNEE", "RAWKNEE"}),
        ("carlandrska", {"RAWKNEE"}),
        ("inguinalhenria", {"HERNIA"}),
        # A compound nobody has written, and one of other parts.
        ("kataraktmottagning", {"RAWEYE"}),
        ("ögonoperation Stockholm", {"ERIK"}),
        ("starrkörning", set()),
        # Regions, where they are not named as a town.
        ("katarakt Skåne", {"RAWEYE"}),
        ("knäprotes VGR", {"KNEE", "RAWKNEE"}),
        ("knäprotes Västra Götaland", {"KNEE", "RAWKNEE"}),
        # Whole sentences.
        ("vem opererar grå starr i Malmö?", {"RAWEYE"}),
        ("kort väntetid knäprotes i Göteborg", {"KNEE", "RAWKNEE"}),
        ("var finns det kö för ljumskbråck", {"HERNIA"}),
    ],
)
async def test_words_find_what_they_mean(sweden, words, found):
    assert await units(sweden, words) == found


async def test_other_accents_than_the_swedish_ones_are_folded(world, make):
    await world.found(make.unit("A", name="Crèmerie Müller"), make.offering("A"))

    assert [await units(world, words) for words in ("crem", "cremerie", "muller", "Müller")] == [
        set(),
        {"A"},
        {"A"},
        {"A"},
    ]


async def test_a_code_as_words_finds_what_the_code_maps_to(sweden):
    by_words = await sweden.ask(q="JAB30")
    by_code = await sweden.ask(care_service="kva|JAB30")

    assert by_words["total"] == by_code["total"] == 1
    (matched,) = by_words["items"][0]["explain"]["matched"]
    assert (matched["code"], matched["words"], matched["asked"]) == ("code", "JAB30", "kva|JAB30")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            "grå starr Malmö",
            [("grå starr", "synonym", "care_service", None), ("Malmö", "same_word", "municipality", None)],
        ),
        ("fakoemulsifikation Capios", [("fakoemulsifikation", "same_word", "care_service", None)]),
        ("katrakt S:t Erik", [("katarakt", "compound_part", "care_service", "slip")]),
        ("knäledsoperation Carlanderska", [("knäledsoperation", "synonym", "care_service", None)]),
    ],
)
async def test_every_word_of_every_hit_tells_through_what_it_was_found(sweden, words, told):
    answer = await sweden.ask(q=words)

    assert answer["total"]
    for hit in answer["items"]:
        matched = hit["explain"]["matched"]
        assert not any(one["code"] == "found" for one in matched)
        seen = [(one["words"], one["code"], one["field"], (one["read_as"] or {}).get("by")) for one in matched]
        assert seen[: len(told)] == told


async def test_a_place_where_nothing_is_offered_is_never_taken_for_another_one(world, make):
    await world.found(make.municipality("1280"), make.unit("A", "1280"), make.code(make.katarakt), make.offering("A"))
    assert await units(world, "katarakt Malma") == {"A"}

    await world.tell(make.code("municipality|1299", text="Malma"))

    assert await units(world, "katarakt Malma") == set()


async def test_an_answer_to_other_words_than_the_asked_ones_says_so(sweden):
    assert (await sweden.ask(q="katarakt Malmö"))["read_as"] is None
    assert (await sweden.ask(q="zzzzzzzz"))["read_as"] is None
    assert (await sweden.ask(q="katarkt CJE25 i Malmo"))["read_as"] == {
        "words": "katarakt CJE25 i malmö",
        "text": "”katarkt CJE25 i Malmo” gav inga träffar; sökte på ”katarakt CJE25 i malmö”",
    }


@pytest.mark.parametrize(
    "words",
    [
        "*",
        "?",
        "kat*",
        "katarakt~2",
        'katarakt"',
        '"grå starr',
        "katarakt AND (",
        "text:katarakt",
        "_exists_:text",
        "katarakt^5",
        "[1 TO 2]",
        "{}",
        "\\",
        "/katarakt/",
        "katarakt && || !",
        "🐟",
        "👩‍⚕️ katarakt",
        "\u0000",
        "\u200b",
        "\ufffd",
        "<script>",
        "'; DROP TABLE offer; --",
        "%",
        "å" * 300,
        "katarakt " * 33,
        "a b " * 75,
        "och",
        "i",
        "العربية",
        "日本語",
    ],
)
async def test_no_words_are_an_error(sweden, words):
    by_query = await sweden.http.get("/offers", params={"q": words})
    by_body = await sweden.http.post("/offers/search", json={"q": words})

    assert by_query.status_code == by_body.status_code == 200
    assert by_query.json() == by_body.json()
    assert by_query.json()["total"] <= len(ALL)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.text(st.characters(codec="utf-8"), min_size=1, max_size=300).filter(lambda words: words.strip()))
async def test_no_text_is_an_error(sweden, words):
    answer = await sweden.http.post("/offers/search", json={"q": words})

    assert answer.status_code == 200, answer.text


async def test_words_are_neither_empty_nor_endless(sweden):
    for words in ("", "   ", "a" * 301):
        answer = await sweden.http.get("/offers", params={"q": words})
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["field"] == "q"


async def test_a_codes_own_lay_words_find_it_without_a_line_in_searchs_files(world, make):
    await world.tell(make.code("kva|JKA21", maps=[], text="Laparoskopisk kolecystektomi"), make.unit("A"))
    await world.tell(make.agreement("1", "01", ["A"], codes=["kva|JKA21"]))
    assert await world.found(q="gallbesvär") == []
    words = ["gallsten", "gallbesvär"]
    told = make.code("kva|JKA21", version=2, maps=[], text="Laparoskopisk kolecystektomi", designations=words)
    assert await world.found(told, q="gallbesvär") == ["A|kva|JKA21"]
    taken_away = make.code("kva|JKA21", version=3, maps=[], text="Laparoskopisk kolecystektomi")
    assert await world.found(taken_away, q="gallbesvär") == []


async def test_an_operators_changed_words_are_in_use_once_a_worker_has_filled_an_index_with_them(world, make, tmp_path):
    told = [make.code(make.katarakt), make.unit("A"), make.offering("A")]
    assert await world.found(*told, q="dimmögdhet") == []
    folder = shutil.copytree(SHIPPED, tmp_path / "words")
    with (folder / "synonyms.txt").open("a", encoding="utf-8") as file:
        file.write("dimmögdhet => katarakt\n")
    index = Index(str(world.opensearch.base_url), world.name, folder)
    try:
        async with looking_up(world.engine) as connection:
            while await Indexer(world.engine, index).round(connection):
                pass
    finally:
        await index.close()

    assert [hit["id"] for hit in (await world.ask(q="dimmögdhet"))["items"]] == [f"{make.hsa('A')}|{make.katarakt}"]
