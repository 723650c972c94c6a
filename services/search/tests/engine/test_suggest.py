"""Letters typed so far are met by care services, units and places, told apart; nonsense by nothing, never an error."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.engine

UNITS = {
    "ERIK": ("S:t Eriks ögonsjukhus", "0180", "kva|CJE20"),
    "HUDDINGE": ("Ortopedkliniken Karolinska universitetssjukhuset Huddinge", "0180", "kva|NGB49"),
    "SOLNA": ("Kirurgkliniken Karolinska universitetssjukhuset Solna", "0180", "kva|JAB30"),
    "MALMO": ("Almdal Ögonklinik Malmö", "1280", "kva|CJE20"),
    "UMEA": ("Kirurgkliniken Norrlands universitetssjukhus", "2480", "kva|JAB30"),
}


@pytest.fixture(scope="module")
async def sweden(shared_world, make):
    """Five units, their towns, and a locality."""
    for suffix, (name, municipality, code) in UNITS.items():
        await shared_world.tell(
            make.municipality(municipality), make.unit(suffix, municipality, name=name), make.offering(suffix, code)
        )
    await shared_world.tell(make.municipality("1383"), make.municipality("0780"), make.postal_code("11428", "0180"))
    locality = make.postal_code("43270", "1383")
    await shared_world.tell(locality.model_copy(update={"text": "432 70 Träslövsläge"}))
    await shared_world.tell(make.code(make.katarakt, designations=["grå starr", "linsbyte"]))
    for key in (make.brack, make.kna, "kva|CJE20", "kva|JAB30", "kva|NGB49"):
        await shared_world.tell(make.code(key))
    await shared_world.settle()
    return shared_world


async def suggestions(world, typed, **more):
    answer = await world.http.get("/suggest", params={"q": typed, **more})
    assert answer.status_code == 200, answer.text
    items = answer.json()["items"]
    kinds = ("care_service", "care_unit", "place")
    assert [one["kind"] for one in items] == sorted((one["kind"] for one in items), key=kinds.index)
    named = {"care_service": "care_service", "care_unit": "hsa_id", "place": "near"}
    return [one[named[one["kind"]]].removeprefix("SE5561234567-").removeprefix("vt-demo|") for one in items]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        # Care services, by official and lay words and by those of KVÅ.
        ("kat", ["katarakt-operation"]),
        ("KATARAKTOP", ["katarakt-operation"]),
        ("grå st", ["katarakt-operation"]),
        ("starr g", ["katarakt-operation"]),
        ("linsb", ["katarakt-operation"]),
        ("fako", ["katarakt-operation"]),
        ("ljum", ["ljumskbrack-operation"]),
        ("knäp", ["knaprotes-operation"]),
        # Units, by name and town.
        ("s:t er", ["ERIK"]),
        ("st erik", ["ERIK"]),
        ("sankt e", ["ERIK"]),
        ("karolinska hud", ["HUDDINGE"]),
        ("huddinge karo", ["HUDDINGE"]),
        ("ögonkl", ["MALMO"]),
        ("kirurgkliniken ume", ["UMEA"]),
        # Places, and a unit that lies there.
        ("malm", ["MALMO", "1280"]),
        ("varb", ["1383"]),
        ("träsl", ["43270"]),
        # Dots may be left out, and slips are forgiven where nothing begins so.
        ("gra st", ["katarakt-operation"]),
        ("ogonkl", ["MALMO"]),
        ("malmo", ["MALMO", "1280"]),
        ("vaxj", ["0780"]),
        ("katrak", ["katarakt-operation"]),
        ("katarkto", ["katarakt-operation"]),
        ("ljumksb", ["ljumskbrack-operation"]),
        ("karolisnka hudd", ["HUDDINGE"]),
        ("vrabe", ["1383"]),
        # Nonsense.
        ("qwrtzx", []),
        ("zzz", []),
        ("katarakt zzzz", []),
        ("*", []),
        ("?", []),
        ("🐟", []),
        ("kat*", ["katarakt-operation"]),
        ("text:kat", []),
        ('"grå st', ["katarakt-operation"]),
        ("kat AND (", []),
        ("\u0000", []),
    ],
)
async def test_letters_are_met_by_what_they_begin(sweden, typed, found):
    assert await suggestions(sweden, typed) == found


async def test_every_kind_says_what_leads_on_from_it(sweden):
    items = (await sweden.http.get("/suggest", params={"q": "malm"})).json()["items"]
    service = (await sweden.http.get("/suggest", params={"q": "grå"})).json()["items"]

    assert items == [
        {
            "kind": "care_unit",
            "text": "Almdal Ögonklinik Malmö",
            "care_service": None,
            "hsa_id": "SE5561234567-MALMO",
            "near": None,
            "municipality_name": "Malmö",
        },
        {
            "kind": "place",
            "text": "Malmö",
            "care_service": None,
            "hsa_id": None,
            "near": "1280",
            "municipality_name": "Malmö",
        },
    ]
    assert [(one["text"], one["care_service"]) for one in service] == [
        ("Kataraktoperation (operation av grå starr)", "vt-demo|katarakt-operation")
    ]
    # What a suggestion says is what the search takes.
    assert (await sweden.ask(care_service=service[0]["care_service"], near=items[1]["near"]))["total"] == 2


async def test_at_most_so_many_of_each_kind_are_suggested(sweden):
    assert len(await suggestions(sweden, "k", limit=1)) == 2
    assert len(await suggestions(sweden, "k")) > 3


async def test_a_unit_without_offers_is_not_suggested(world, make):
    await world.found(make.unit("A", name="Havsvik"), make.offering("A"))
    assert await suggestions(world, "havs") == ["A"]

    await world.found(make.offering("A", version=2, status="ended"))

    assert await suggestions(world, "havs") == []


async def test_nothing_wrong_is_answered_by_anything_but_400(sweden):
    for typed in ("", "   ", "a" * 301, "å" * 10_000):
        answer = await sweden.http.get("/suggest", params={"q": typed})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "q")
    for wrong in ({"q": "a", "limit": 0}, {"q": "a", "limit": 21}, {"q": "a", "page": 2}, {}):
        assert (await sweden.http.get("/suggest", params=wrong)).status_code == 400
    assert (await sweden.http.get("/suggest?q=a&q=b")).status_code == 400


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(typed=st.text(st.characters(codec="utf-8"), min_size=1, max_size=300).filter(lambda typed: typed.strip()))
async def test_no_letters_are_an_error(sweden, typed):
    answer = await sweden.http.get("/suggest", params={"q": typed})

    assert answer.status_code == 200, answer.text
