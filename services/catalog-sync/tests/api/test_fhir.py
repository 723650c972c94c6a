"""The FHIR terminology service; every answer here is also taken by two libraries' models of R4 (see Room.fhir)."""

import pytest

from catalog_sync.domain.canonical import OWN, address, system_at

pytestmark = pytest.mark.engine

KVA, ICD, SNOMED = address("kva"), address("icd"), address("vt")
VT_DEMO = address("vt-demo")


def parameters(**values):
    """A Parameters resource: `code="CJE20", url=...`; dicts are Codings, or CodeableConcepts where they hold some."""

    def value(name, one):
        if isinstance(one, dict):
            return {"valueCodeableConcept" if "coding" in one else "valueCoding": one}
        if isinstance(one, bool):
            return {"valueBoolean": one}
        if isinstance(one, int):
            return {"valueInteger": one}
        return {"valueUri" if name in {"url", "system", "targetsystem"} else "valueString": one}

    rows = [{"name": name.rstrip("_"), **value(name.rstrip("_"), one)} for name, one in values.items()]
    return {"resourceType": "Parameters", "parameter": rows}


def told(resource, name):
    """The value of a parameter in an answer; None where it is not there."""
    for row in resource["parameter"]:
        if row["name"] == name:
            return next(value for key, value in row.items() if key.startswith(("value", "part")))
    return None


async def test_everybody_may_ask_what_the_service_can_do(room):
    answer = await room.client.get("/fhir/metadata")
    assert answer.status_code == 200
    statement = room.checked(answer)
    assert (statement["resourceType"], statement["fhirVersion"]) == ("CapabilityStatement", "4.0.1")
    operations = {
        f"{one['type']}/${operation['name']}"
        for one in statement["rest"][0]["resource"]
        for operation in one["operation"]
    }
    assert operations == {
        "CodeSystem/$lookup",
        "CodeSystem/$validate-code",
        "ValueSet/$validate-code",
        "ValueSet/$expand",
        "ConceptMap/$translate",
    }
    capabilities = room.checked(await room.client.get("/fhir/metadata?mode=terminology"))
    assert {KVA, ICD, SNOMED} <= {one["uri"] for one in capabilities["codeSystem"]}
    snomed = next(one for one in capabilities["codeSystem"] if one["uri"] == SNOMED)
    assert snomed["version"][0]["code"] == "http://snomed.info/sct/45991000052106/version/20260531"


async def test_what_the_statement_promises_is_served_and_nothing_else_is_promised(room):
    statement = room.checked(await room.client.get("/fhir/metadata"))
    for one in statement["rest"][0]["resource"]:
        for row in one["searchParam"]:
            await room.fhir(one["type"], params={row["name"]: "x"})
        for operation in one["operation"]:
            outcome = await room.fhir(f"{one['type']}/${operation['name']}", status=400)
            assert outcome["issue"][0]["code"] == "required"


async def test_resources_are_found_by_their_address_and_read_by_their_id(room):
    found = await room.fhir("CodeSystem", params={"url": KVA})
    assert (found["type"], found["total"], len(found["entry"])) == ("searchset", 1, 1)
    assert found["link"][0]["url"].startswith("http://fhir.test/fhir/CodeSystem?url=")
    (one,) = found["entry"]
    assert one["fullUrl"] == "http://fhir.test/fhir/CodeSystem/kva"
    assert "concept" not in one["resource"]
    whole = await room.fhir("CodeSystem/kva")
    assert (whole["url"], whole["count"], len(whole["concept"])) == (KVA, 50, 50)
    assert (await room.fhir("CodeSystem", params={"_id": "kva,icd"}))["total"] == 2
    posted = await room.call("navigator", "POST", "/fhir/CodeSystem/_search", data={"url": KVA})
    assert room.checked(posted)["total"] == 1
    sets = await room.fhir("ValueSet", params={"_count": 3})
    assert (len(sets["entry"]), sets["link"][1]["relation"]) == (3, "next")
    seen = []
    while True:
        seen += [row["resource"]["id"] for row in sets["entry"]]
        further = [one["url"] for one in sets["link"] if one["relation"] == "next"]
        if not further:
            break
        sets = await room.fhir(further[0].removeprefix("http://fhir.test/fhir/"))
    assert len(seen) == len(set(seen)) == sets["total"]
    assert {"kva", "icd", "care-area-katarakt", "care-area-knaprotes"} <= set(seen)
    assert (await room.fhir("ValueSet", params={"_summary": "count"})).keys() == {
        "resourceType",
        "type",
        "link",
        "total",
    }
    assert (await room.fhir("ValueSet", params={"title": "koder i vårdområdet kat"}))["total"] == 1


async def test_every_resource_there_is_can_be_read_and_is_right_fhir(room):
    for kind in ("CodeSystem", "ValueSet", "ConceptMap"):
        for row in (await room.fhir(kind))["entry"]:
            one = await room.fhir(f"{kind}/{row['resource']['id']}")
            assert one["url"] == row["resource"]["url"]


async def test_lookup_tells_what_is_known_of_a_code(room, day):
    ways = (
        await room.fhir("CodeSystem/$lookup", params={"system": KVA, "code": "CJE20"}),
        await room.fhir("CodeSystem/$lookup", parameters(system=KVA, code="CJE20")),
        await room.fhir("CodeSystem/$lookup", parameters(coding={"system": KVA, "code": "cje20"})),
    )
    assert ways[0] == ways[1] == ways[2]
    assert told(ways[0], "display") == "Fakoemulsifikation med implantation av linsprotes i bakre kammare"
    assert told(ways[0], "version") == "KVÅ 2017"
    properties = {
        row["part"][0]["valueCode"]: list(row["part"][1].values())[1]
        for row in ways[0]["parameter"]
        if row["name"] == "property"
    }
    assert properties == {"inactive": False, "validFrom": "2017-01-01", "careArea": "katarakt"}
    one = await room.fhir("CodeSystem/$lookup", params={"system": ICD, "code": "H25.1", "property": "inactive"})
    assert told(one, "designation") == [
        {"name": "language", "valueCode": "sv"},
        {"name": "value", "valueString": "Kärnstarr"},
    ]
    assert [row["part"][0]["valueCode"] for row in one["parameter"] if row["name"] == "property"] == ["inactive"]

    async def inactive(on: str) -> bool:
        asked = {"system": ICD, "code": "H26.9", "property": "inactive", "date": on}
        return told(await room.fhir("CodeSystem/$lookup", params=asked), "property")[1]["valueBoolean"]

    assert (await inactive(day(1)), await inactive(day(2))) == (False, True)


async def test_a_code_nobody_knows_is_not_found_and_another_is_suggested(room):
    outcome = await room.fhir("CodeSystem/$lookup", params={"system": KVA, "code": "CJE02"}, status=404)
    (issue,) = outcome["issue"]
    assert (issue["code"], issue["details"]["text"]) == ("not-found", "unknown code: did you mean CJE20?")
    outcome = await room.fhir("CodeSystem/$lookup", params={"system": "http://loinc.org", "code": "1"}, status=404)
    assert KVA in outcome["issue"][0]["details"]["text"]
    outcome = await room.fhir("CodeSystem/$lookup", params={"system": KVA, "code": "191212121212"}, status=404)
    assert "1212" not in str(outcome)


async def test_a_code_is_valid_in_its_code_system_on_the_day(room, day):
    async def verdict(status: int = 200, **asked):
        answer = await room.fhir("CodeSystem/$validate-code", params=asked, status=status)
        return told(answer, "result"), told(answer, "message")

    assert await verdict(url=KVA, code="CJE20") == (True, None)
    assert await verdict(url=f"{KVA}", code="CJE20", display="fakoemulsifikation") == (
        False,
        "the display is not one of the code's texts",
    )
    assert await verdict(url=ICD, code="H25.1", display="kärnstarr") == (True, None)
    assert await verdict(url=KVA, code="CJE02") == (False, "unknown code: did you mean CJE20?")
    assert await verdict(url=ICD, code="H26.9", date=day(1)) == (True, None)
    assert await verdict(url=ICD, code="H26.9", date=f"{day(2)}T00:00:00Z") == (
        False,
        f"the code was retired after {day(1)}",
    )
    on_one = await room.fhir("CodeSystem/icd/$validate-code", params={"code": "H25"})
    assert (told(on_one, "result"), told(on_one, "display")) == (True, "Senil katarakt")
    concept = {"coding": [{"system": KVA, "code": "X"}, {"system": KVA, "code": "CJE20"}]}
    answer = await room.fhir("CodeSystem/$validate-code", parameters(url=KVA, codeableConcept=concept))
    assert told(answer, "result") is True
    assert (
        told(
            await room.fhir("CodeSystem/kva/$validate-code", parameters(coding={"system": ICD, "code": "H25"})),
            "result",
        )
        is False
    )


async def test_a_code_is_in_the_care_areas_value_set_or_not(room):
    area = f"{OWN}/ValueSet/care-area-katarakt"

    async def result(path: str = "ValueSet/$validate-code", **asked) -> bool:
        return told(await room.fhir(path, params=asked), "result")

    assert await result(url=area, system=KVA, code="CJE20") is True
    assert await result(url=area, system=VT_DEMO, code="katarakt-operation") is True
    assert await result(url=area, system=KVA, code="JAB30") is False
    assert await result(url=area, system=ICD, code="H25") is True
    assert await result(url=area, system=ICD, code="H28.1") is False
    assert await result("ValueSet/care-area-katarakt/$validate-code", system=KVA, code="CJE20") is True
    assert await result("ValueSet/kva/$validate-code", code="CJE20") is True
    assert await result(url=f"{KVA}?fhir_vs", code="CJE20", system=KVA) is True
    coding = parameters(url=area, coding={"system": KVA, "code": "CJE20"})
    assert told(await room.fhir("ValueSet/$validate-code", coding), "result") is True
    await room.fhir("ValueSet/$validate-code", params={"url": area, "code": "CJE20"}, status=400)


async def test_a_value_set_is_expanded_page_by_page_and_by_peoples_words(room, cataract):
    whole = await room.fhir("ValueSet/$expand", params={"url": f"{OWN}/ValueSet/kva"})
    expansion = whole["expansion"]
    assert (expansion["total"], len(expansion["contains"])) == (50, 50)
    seen = []
    for offset in range(0, 60, 20):
        asked = parameters(url=f"{OWN}/ValueSet/kva", offset=offset, count=20)
        page = (await room.fhir("ValueSet/$expand", asked))["expansion"]
        assert (page["total"], page["offset"]) == (50, offset)
        seen += [one["code"] for one in page.get("contains", [])]
    assert seen == [one["code"] for one in expansion["contains"]]
    found = await room.fhir("ValueSet/kva/$expand", params={"filter": "grå starr", "count": 100})
    codes = {one["code"] for one in found["expansion"]["contains"]}
    assert "CJE20" in codes
    assert all(one.startswith("CJ") for one in codes)
    area = (await room.fhir("ValueSet/care-area-katarakt/$expand"))["expansion"]["contains"]
    assert {one["system"] for one in area} == {KVA, VT_DEMO, ICD}
    assert {one["code"] for one in area if one["system"] == KVA} == set(cataract)
    nothing = await room.fhir("ValueSet/kva/$expand", params={"filter": "blindtarm"})
    assert (nothing["expansion"]["total"], "contains" in nothing["expansion"]) == (0, False)
    counted = await room.fhir("ValueSet/kva/$expand", params={"count": 0})
    assert (counted["expansion"]["total"], "contains" in counted["expansion"]) == (50, False)


async def test_only_codes_that_may_be_used_on_the_day_are_expanded_where_that_is_asked(room, day):
    async def expanded(**asked) -> dict[str, bool]:
        rows = (await room.fhir("ValueSet/icd/$expand", params=asked))["expansion"]["contains"]
        return {one["code"]: one.get("inactive", False) for one in rows}

    assert await expanded() == {
        "H25": False,
        "H25.1": False,
        "H26.9": False,
        "H28.0": True,
        "H28.1": True,
        "H28.2": True,
    }
    assert set(await expanded(activeOnly="true")) == {"H25", "H25.1", "H26.9"}
    assert set(await expanded(activeOnly="true", date=day(2))) == {"H25", "H25.1", "H28.1"}
    with_words = await room.fhir("ValueSet/icd/$expand", params={"includeDesignations": "true", "filter": "kärnstarr"})
    assert with_words["expansion"]["contains"][0]["designation"] == [{"language": "sv", "value": "Kärnstarr"}]


async def test_the_fifteen_official_cataract_codes_are_translated_to_the_care_service(room, cataract):
    for code in cataract:
        answer = await room.fhir("ConceptMap/$translate", params={"system": KVA, "code": code})
        assert told(answer, "result") is True, code
        equivalence, concept, source = told(answer, "match")
        assert equivalence["valueCode"] == "wider"
        assert (concept["valueCoding"]["system"], concept["valueCoding"]["code"]) == (VT_DEMO, "katarakt-operation")
        assert source["valueUri"] == f"{OWN}/ConceptMap/kva-till-vt-demo"


async def test_a_map_is_asked_by_its_address_its_target_and_from_its_other_end(room):
    async def matches(path: str = "ConceptMap/$translate", **asked) -> list[str]:
        answer = await room.fhir(path, params=asked)
        return [
            part["valueCoding"]["code"]
            for row in answer["parameter"]
            if row["name"] == "match"
            for part in row["part"]
            if part["name"] == "concept"
        ]

    icd = {"system": ICD, "code": "H25.1"}
    assert await matches(**icd) == ["katarakt-operation"]
    assert await matches(**icd, url=f"{OWN}/ConceptMap/icd-till-vt-demo") == ["katarakt-operation"]
    assert await matches(**icd, url=f"{OWN}/ConceptMap/kva-till-vt-demo") == []
    assert await matches("ConceptMap/icd-till-vt-demo/$translate", **icd) == ["katarakt-operation"]
    assert await matches(**icd, targetsystem=VT_DEMO) == ["katarakt-operation"]
    assert await matches(**icd, targetsystem=KVA) == []
    assert await matches(**icd, target=f"{OWN}/ValueSet/vt-demo") == ["katarakt-operation"]
    service = {"system": VT_DEMO, "code": "katarakt-operation"}
    assert await matches(**service) == []
    assert await matches(**service, reverse="true", targetsystem=ICD) == ["H25", "H25.1"]
    answer = await room.fhir("ConceptMap/$translate", parameters(coding={"system": KVA, "code": "CJE02"}))
    assert (told(answer, "result"), told(answer, "message")) == (False, "unknown code: did you mean CJE20?")


async def test_what_is_wrong_is_an_operation_outcome_that_names_the_parameter(room):
    for path, code, field in (
        ("CodeSystem/$lookup?system=a&code=b&foo=1", "invalid", "foo"),
        ("CodeSystem/$lookup?system=a&system=b&code=b", "invalid", "system"),
        ("CodeSystem/$lookup?code=CJE20", "required", None),
        ("CodeSystem/$lookup?system=x&code=a&coding=b", "invalid", "coding"),
        ("ValueSet/$expand?url=x&count=-1", "invalid", "count"),
        ("ValueSet/$expand?url=x&count=many", "invalid", "count"),
        ("ValueSet/$expand?url=x&activeOnly=ja", "invalid", "activeOnly"),
        ("ValueSet/$expand?url=x&date=igår", "invalid", "date"),
        ("ValueSet/$expand?url=x&valueSet=1", "not-supported", None),
        ("ValueSet/kva/$expand?url=x", "not-supported", None),
        ("CodeSystem?foo=1", "invalid", "foo"),
        ("CodeSystem?_count=x", "invalid", "_count"),
        ("metadata?mode=x", "invalid", "mode"),
    ):
        outcome = await room.fhir(path, status=400)
        (issue,) = outcome["issue"]
        assert (issue["code"], issue.get("expression")) == (code, [field] if field else None), path


async def test_a_body_that_is_no_parameters_resource_is_refused(room):
    async def post(content: bytes, kind: str = "application/fhir+json"):
        headers = {"Content-Type": kind}
        return await room.call("navigator", "POST", "/fhir/CodeSystem/$lookup", content=content, headers=headers)

    for content, kind, status in (
        (b"{", "application/fhir+json", 400),
        (b"[]", "application/fhir+json", 400),
        (b'{"resourceType":"Patient"}', "application/fhir+json", 400),
        (b'{"resourceType":"Parameters","parameter":{}}', "application/fhir+json", 400),
        (b'{"resourceType":"Parameters","parameter":[{"name":"code"}]}', "application/fhir+json", 400),
        (b'{"resourceType":"Parameters","parameter":[{"name":"code","valueCode":1}]}', "application/json", 400),
        (
            b'{"resourceType":"Parameters","parameter":[{"name":"coding","valueCoding":{"code":1}}]}',
            "application/json",
            400,
        ),
        (b"<Parameters/>", "application/fhir+xml", 415),
        (b" " * 1_100_000, "application/fhir+json", 413),
    ):
        answer = await post(content, kind)
        assert answer.status_code == status, content[:60]
        assert room.checked(answer)["resourceType"] == "OperationOutcome"


async def test_no_token_another_method_and_another_address_are_outcomes_too(room):
    for method, path, headers, status, code in (
        ("GET", "/fhir/CodeSystem/kva", {}, 401, "login"),
        ("GET", "/fhir/CodeSystem/kva", {"Authorization": "Bearer x"}, 401, "login"),
        ("GET", "/fhir/CodeSystem/kva", room.bearer("provider"), 403, "forbidden"),
        ("GET", "/fhir/CodeSystem/none", room.bearer("navigator"), 404, "not-found"),
        ("GET", "/fhir/Patient", room.bearer("navigator"), 404, "not-found"),
        ("DELETE", "/fhir/CodeSystem/kva", room.bearer("navigator"), 405, "not-supported"),
        ("GET", "/fhir/CodeSystem/kva?_format=xml", room.bearer("navigator"), 406, "not-supported"),
        (
            "GET",
            "/fhir/CodeSystem/kva",
            room.bearer("navigator") | {"Accept": "application/fhir+xml"},
            406,
            "not-supported",
        ),
    ):
        answer = await room.client.request(method, path, headers=headers)
        assert answer.status_code == status, f"{method} {path}"
        assert room.checked(answer)["issue"][0]["code"] == code
        assert ("www-authenticate" in answer.headers) is (status == 401)


def test_a_code_systems_address_leads_back_to_it():
    for system in ("kva", "icd", "vt", "vt-demo", "care-area", "mvo", "municipality"):
        assert system_at(address(system)) == system
    assert system_at(f"{OWN}/CodeSystem/kva") == ""
    assert system_at("http://loinc.org") == ""
