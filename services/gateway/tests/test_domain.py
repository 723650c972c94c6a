"""Which service answers which address, and how several OpenAPI documents become one without mixing their schemas."""

import pytest

from gateway.domain import ROUTES, merged, service_of
from gateway.main import main


def document(path: str, **schemas: object) -> dict:
    answer = {"schema": {"$ref": f"#/components/schemas/{next(iter(schemas))}"}}
    return {
        "paths": {path: {"get": {"responses": {"200": {"content": {"application/json": answer}}}}}},
        "components": {"schemas": schemas},
    }


def ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def answer(document: dict, path: str) -> str:
    content = document["paths"][path]["get"]["responses"]["200"]["content"]
    return content["application/json"]["schema"]["$ref"].rsplit("/", 1)[1]


def test_the_first_part_of_a_path_names_the_service():
    for first, service in ROUTES.items():
        assert service_of(first) == service_of(f"{first}/x/y") == service
    for other in ("", "x", "offersx", "Offers", "/offers", "x/offers"):
        assert service_of(other) is None


def test_schemas_of_one_name_and_one_content_are_kept_once():
    same = {"type": "string"}
    whole = merged(
        {"search": document("/offers", Fault=same), "agreements": document("/agreements", Fault=same)}, "0.1.0"
    )
    assert whole["components"]["schemas"] == {"Fault": same}


def test_schemas_of_one_name_and_other_content_stay_apart():
    whole = merged(
        {
            "search": document("/offers", Answer={"properties": {"items": ref("Item")}}, Item={"type": "string"}),
            "agreements": document(
                "/agreements", Answer={"properties": {"items": ref("Item")}}, Item={"type": "integer"}
            ),
        },
        "0.1.0",
    )
    schemas = whole["components"]["schemas"]
    assert answer(whole, "/offers") == "Answer"
    assert schemas["Answer"]["properties"]["items"] == ref("Item")
    assert schemas["Item"] == {"type": "string"}
    # Alike in words, but it refers to another Item.
    assert answer(whole, "/agreements") == "AgreementsAnswer"
    assert schemas["AgreementsAnswer"]["properties"]["items"] == ref("AgreementsItem")
    assert schemas["AgreementsItem"] == {"type": "integer"}


def test_other_references_than_to_schemas_are_left_alone():
    one = document("/offers", Item={"type": "string"})
    one["paths"]["/offers"]["get"]["parameters"] = [{"$ref": "#/components/parameters/Item"}]
    whole = merged({"agreements": document("/agreements", Item={"type": "integer"}), "search": one}, "0.1.0")
    assert whole["paths"]["/offers"]["get"]["parameters"] == [{"$ref": "#/components/parameters/Item"}]
    assert answer(whole, "/offers") == "SearchItem"


def test_only_what_leads_through_the_door_is_shown():
    whole = merged(
        {"search": {"paths": {"/offers": {}, "/agreements": {}, "/internal": {}}}, "agreements": {}}, "0.1.0"
    )
    assert list(whole["paths"]) == ["/offers"]


def test_help_lists_every_command_with_a_sentence(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    assert stopped.value.code == 0
    assert "Serve the HTTP API." in capsys.readouterr().out
