"""Codes over HTTP: found by code and by people's words, judged many at once, translated by the maps."""

import pytest

pytestmark = pytest.mark.engine


def keys(answer) -> list[str]:
    return [f"{one['system']}|{one['code']}" for one in answer.json()["items"]]


async def test_lay_words_find_the_operation_the_care_service_and_the_care_area(room):
    for words in ("grå starr", "Grå Starr", "gråstarr", "operation av grå starr", "starroperation", "grå starrr"):
        answer = await room.get("/codes", q=words, limit=100)
        assert answer.status_code == 200
        found = keys(answer)
        assert {"kva|CJE20", "vt-demo|katarakt-operation"} <= set(found), words
        assert all(one.startswith(("care-area|k", "vt-demo|k", "kva|CJ", "icd|H2")) for one in found), words
    assert keys(await room.get("/codes", q="grå starr"))[0] == "care-area|katarakt"
    assert keys(await room.get("/codes", q="kärnstarr")) == ["icd|H25.1"]
    assert keys(await room.get("/codes", q="gra starr")) == keys(await room.get("/codes", q="grå starr"))


async def test_inflected_forms_and_typing_slips_find_the_same_code(room):
    for words in ("ljumskbråck", "ljumskbråcket", "Ljumskbråcken", "ljumskbråkc", "ljumksbråck"):
        assert "care-area|ljumskbrack" in keys(await room.get("/codes", q=words)), words
    assert keys(await room.get("/codes", q="ljumskbrack"))[0] == "care-area|ljumskbrack"
    assert keys(await room.get("/codes", q="mora", system="municipality")) == ["municipality|2062", "municipality|2083"]
    assert keys(await room.get("/codes", q="mörå", system="municipality")) == []


async def test_the_beginning_of_a_code_finds_it_however_it_is_typed(room):
    assert keys(await room.get("/codes", q="cje2")) == ["kva|CJE20", "kva|CJE25"]
    assert keys(await room.get("/codes", q="CJE20"))[0] == "kva|CJE20"
    assert keys(await room.get("/codes", q="h251")) == keys(await room.get("/codes", q="H25.1")) == ["icd|H25.1"]
    assert keys(await room.get("/codes", q="h26,9"))[0] == "icd|H26.9"
    assert keys(await room.get("/codes", q="h25", system="icd"))[:2] == ["icd|H25", "icd|H25.1"]
    assert keys(await room.get("/codes", q="114 28")) == ["postal-code|11428"]


async def test_without_words_a_system_is_listed_in_the_order_of_codes_page_by_page(room):
    seen = []
    for page in (1, 2, 3):
        answer = (await room.get("/codes", system="kva", limit=20, page=page)).json()
        assert (answer["total"], answer["page"], answer["limit"]) == (50, page, 20)
        seen += [one["code"] for one in answer["items"]]
    assert seen == sorted(set(seen))
    assert len(seen) == 50
    blank = (await room.get("/codes", q="  ", system="kva")).json()
    assert (
        blank
        == (await room.get("/codes", q="", system="kva")).json()
        == (await room.get("/codes", system="kva")).json()
    )


async def test_a_code_retired_tomorrow_is_valid_today_and_one_that_begins_tomorrow_is_not(room, day):
    async def valid(**on: str) -> dict[str, bool]:
        items = (await room.get("/codes", system="icd", **on)).json()["items"]
        return {one["code"]: one["valid"] for one in items}

    today = await valid()
    assert today == {"H25": True, "H25.1": True, "H26.9": True, "H28.0": False, "H28.1": False, "H28.2": False}
    assert today == await valid(on=day(0))
    assert (await valid(on=day(1)))["H26.9"] is True
    assert (await valid(on=day(2))) == {**today, "H26.9": False, "H28.1": True}
    assert (await valid(on=day(-1)))["H28.0"] is True
    assert set(await valid(status="active")) == {"H25", "H25.1", "H26.9"}
    assert set(await valid(status="retired")) == {"H28.0", "H28.1", "H28.2"}
    assert set(await valid(status="active", on=day(-1))) == {"H25", "H25.1", "H26.9", "H28.0"}


async def test_each_code_tells_what_a_person_needs_to_choose_it(room):
    (one,) = (await room.get("/codes", q="CJE20")).json()["items"]
    assert one == {
        "system": "kva",
        "code": "CJE20",
        "text": "Fakoemulsifikation med implantation av linsprotes i bakre kammare",
        "designations": ["katarakt", "grå starr", "gråstarr", "starr", "starroperation", "linsbyte", "grumlig lins"],
        "status": "active",
        "valid": True,
        "valid_from": "2017-01-01",
        "valid_to": None,
        "release": "KVÅ 2017",
        "care_areas": ["katarakt"],
        "guidance": None,
    }


async def test_a_filter_that_is_unknown_doubled_or_wrong_is_refused_with_its_name(room):
    for query, field in (
        ("foo=1", "foo"),
        ("q=a&q=b", "q"),
        ("system=snomed", "system"),
        ("status=borta", "status"),
        ("on=2026-02-30", "on"),
        ("limit=101", "limit"),
        ("limit=100&page=101", "page"),
    ):
        answer = await room.call("navigator", "GET", f"/codes?{query}")
        assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json"), query
        assert [row["field"] for row in answer.json()["errors"]] == [field]


async def test_a_day_is_written_as_a_day_and_nothing_else_is_taken_for_one(room):
    for on in ("i morgon", "0", "20260301", "1772323200", "2026-03-01T00:00:00Z", "2026-02-30", "٢٠٢٦-٠٣-٠١"):
        for path, more in (("/codes", {}), ("/codes/translate", {"code": "kva|CJE20"})):
            answer = await room.get(path, on=on, **more)
            assert answer.status_code == 400, on
            assert answer.json()["errors"] == [{"field": "on", "reason": "must be a day such as 2026-03-01"}], on
    for on in (0, 1772323200, "0", True, ["2026-03-01"]):
        answer = await room.call("navigator", "POST", "/codes/validate", json={"codes": [], "on": on})
        assert answer.json()["detail"] == "on: must be a day such as 2026-03-01", on
    for on in ("2026-03-01", None):
        answer = await room.call("navigator", "POST", "/codes/validate", json={"codes": [], "on": on})
        assert answer.status_code == 200, on


async def test_a_body_that_is_not_sent_as_json_is_told_what_to_send(room):
    plain = {"content": '{"codes": []}', "headers": {"Content-Type": "text/plain"}}
    listed = {"json": ["kva|CJE20"]}
    for more, reason in ((plain, "is not a JSON object: send application/json"), (listed, "is not a JSON object")):
        answer = await room.call("navigator", "POST", "/codes/validate", **more)
        assert (answer.status_code, answer.json()["detail"]) == (422, f"body: {reason}")


async def test_a_verdict_tells_why_and_what_was_probably_meant(room, day):
    asked = {
        "kva|CJE20": (True, None, None),
        "kva|cje20": (True, None, None),
        "icd|H251": (True, None, None),
        "icd|h26,9": (True, None, None),
        "KVA|CJE20": (False, "unknown code system: it is written in small letters", "kva|CJE20"),
        "KVA|cje2o": (False, "unknown code system: it is written in small letters", "kva|CJE20"),
        "ICD|H28.0": (False, "unknown code system: it is written in small letters", None),
        "icd|H26.9": (True, None, None),
        "kva|CJE2O": (False, "must look like CJE20", "kva|CJE20"),
        "kva|CJE02": (False, "unknown code", "kva|CJE20"),
        "kva|KJE20": (False, "unknown code", "kva|CJE20"),
        "vt-demo|katarakt-operatin": (False, "unknown code", "vt-demo|katarakt-operation"),
        "kva|ZZZ99": (False, "unknown code", None),
        "icd|H28.0": (False, f"the code was retired after {day(-1)}", None),
        "icd|H28.2": (False, "the code is retired", None),
        "snomed|1": (False, "unknown code system", None),
        "CJE20": (False, "must be written system|code", None),
        "": (False, "must be written system|code", None),
    }
    answer = await room.call("navigator", "POST", "/codes/validate", json={"codes": list(asked)})
    assert answer.status_code == 200
    results = answer.json()["results"]
    assert [one["code"] for one in results] == list(asked)
    for one in results:
        valid, reason, suggestion = asked[one["code"]]
        assert (one["valid"], one["suggestion"]) == (valid, suggestion), one
        assert (one["reason"] is None) if reason is None else one["reason"].startswith(reason), one


async def test_a_code_that_is_not_valid_on_the_day_is_never_suggested(room, day):
    body = {"codes": ["icd|H28.O", "kva|CJC0S"]}
    results = (await room.call("navigator", "POST", "/codes/validate", json=body)).json()["results"]
    assert [one["suggestion"] for one in results] == [None, "kva|CJC00"]
    results = (await room.call("navigator", "POST", "/codes/validate", json={**body, "on": day(-1)})).json()["results"]
    assert results[0]["suggestion"] == "icd|H28.0"


async def test_twenty_thousand_codes_go_in_one_call_and_come_back_in_order(room):
    asked = [f"kva|CJE{number % 100:02}" for number in range(20_000)]
    answer = await room.call("navigator", "POST", "/codes/validate", json={"codes": asked})
    assert answer.status_code == 200
    results = answer.json()["results"]
    assert [one["code"] for one in results] == asked
    assert sum(one["valid"] for one in results) == 200 * sum(one["valid"] for one in results[:100])


async def test_too_many_codes_and_odd_bodies_are_refused_without_repeating_them(room):
    for body, status in (
        ({"codes": ["kva|CJE20"] * 50_001}, 422),
        ({"codes": ["x" * 1000]}, 422),
        ({"codes": [{"system": "kva"}]}, 422),
        ({"codes": "191212121212"}, 422),
        ({"codes": [], "on": "191212121212"}, 422),
        ({"codes": [], "extra": 1}, 422),
        ({"codes": ["x" * 90] * 12_000}, 413),
    ):
        answer = await room.call("navigator", "POST", "/codes/validate", json=body)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
        assert "1212" not in answer.text
    assert (await room.call("navigator", "POST", "/codes/validate", json={"codes": []})).json() == {"results": []}


async def test_translate_leads_from_kva_and_icd_to_the_care_service_and_back(room, day):
    answer = await room.get("/codes/translate", code="kva|CJE20")
    assert answer.json() == {
        "matches": [
            {
                "system": "vt-demo",
                "code": "katarakt-operation",
                "text": "Kataraktoperation (operation av grå starr)",
                "equivalence": "wider",
                "map": "kva-till-vt-demo",
                "version": "2026.1",
            }
        ]
    }

    async def matches(**asked: str) -> list[tuple[str, str]]:
        found = (await room.get("/codes/translate", **asked)).json()["matches"]
        return [(f"{one['system']}|{one['code']}", one["equivalence"]) for one in found]

    service = "vt-demo|katarakt-operation"
    assert await matches(code="icd|h251") == [(service, "wider")]
    assert await matches(code=service) == []
    assert await matches(code=service, target="icd") == [("icd|H25", "narrower"), ("icd|H25.1", "narrower")]
    assert ("kva|CJE20", "narrower") in await matches(code=service, target="kva")
    assert await matches(code="kva|CJE20", target="icd") == []
    assert await matches(code="kva|CJE20", target="vt-demo") == [(service, "wider")]
    assert ("vt-demo|katarakt-bedomning", "inexact") in await matches(code="icd|H25.1", on=day(-1))
    assert ("vt-demo|katarakt-linsbyte", "inexact") in await matches(code="icd|H25.1", on=day(1))


async def test_translating_an_unknown_code_is_a_problem_that_suggests_another(room):
    answer = await room.get("/codes/translate", code="kva|CJE02")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert answer.json()["detail"] == "code: unknown code: did you mean kva|CJE20?"
    assert answer.json()["suggestion"] == "kva|CJE20"
    for path, status in (("code=19121212-1212", 404), ("code=kva|CJE20&target=x", 400), ("", 400), ("code=a&x=1", 400)):
        answer = await room.call("navigator", "GET", f"/codes/translate?{path}")
        assert (answer.status_code, "1212" in answer.text) == (status, False), path
