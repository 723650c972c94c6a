"""Identifiers inside messages: brought to their normal form, or refused with the field's name."""

import re
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, ValidationError

from contracts.message import CodeRef
from contracts.types import (
    CodeSystem,
    HsaId,
    MunicipalityCode,
    OrganisationNumber,
    PostalCode,
    RegionCode,
    System,
    code_in,
)


class Everything(BaseModel):
    """One field of each identifier type."""

    hsa_id: HsaId | None = None
    organisation_number: OrganisationNumber | None = None
    region: RegionCode | None = None
    municipality: MunicipalityCode | None = None
    postal_code: PostalCode | None = None
    system: CodeSystem | None = None
    listed: tuple[Annotated[str, *HsaId.__metadata__], ...] = ()


@pytest.mark.parametrize(
    ("field", "given_form", "normal"),
    [
        ("hsa_id", "se2321000131-e000000010148", "SE2321000131-E000000010148"),
        ("organisation_number", "232100-0131", "2321000131"),
        ("organisation_number", "165561234567", "5561234567"),
        ("region", "14", "14"),
        ("municipality", "1481", "1481"),
        ("postal_code", "431 80", "43180"),
        ("system", "hsa-verksamhetskod", "hsa-verksamhetskod"),
    ],
)
def test_an_identifier_is_kept_in_its_normal_form(field: str, given_form: str, normal: str):
    assert getattr(Everything.model_validate({field: given_form}), field) == normal


@pytest.mark.parametrize(
    ("field", "bad"),
    [
        ("hsa_id", "SE2321000132-E1"),
        ("hsa_id", "2321000131"),
        ("hsa_id", "SE1212121212-E1"),
        ("organisation_number", "2321000132"),
        ("organisation_number", "191212121212"),
        ("region", "02"),
        ("region", "001"),
        ("municipality", "1180"),
        ("postal_code", "4318"),
        ("system", "KVÅ"),
        ("system", "urn:oid:1.2"),
        ("system", ""),
    ],
)
def test_a_bad_identifier_is_refused_with_its_field(field: str, bad: str):
    with pytest.raises(ValidationError) as error:
        Everything.model_validate({field: bad})
    [row] = error.value.errors(include_input=False)
    assert row["loc"] == (field,)
    assert not bad or bad not in row["msg"]


def test_a_bad_identifier_in_a_list_is_named_with_its_place():
    with pytest.raises(ValidationError) as error:
        Everything.model_validate({"listed": ["SE2321000131-A1", "SE2321000131"]})
    assert error.value.errors()[0]["loc"] == ("listed", 1)


@pytest.mark.parametrize(
    ("system", "given_form", "normal"),
    [
        ("kva", "cje20", "CJE20"),
        ("icd", "h251", "H25.1"),
        ("vt", "60621009", "60621009"),
        ("vt-demo", " kataraktoperation ", "kataraktoperation"),
        ("a-later-system", "Åäö 1", "Åäö 1"),
    ],
)
def test_a_code_is_brought_to_its_systems_normal_form(system: str, given_form: str, normal: str):
    assert code_in(system, given_form) == normal
    code = CodeRef(system=system, code=given_form)
    assert code.key == f"{system}|{normal}"


@pytest.mark.parametrize(
    ("system", "bad"), [("kva", "CJE2"), ("icd", "25"), ("vt", "60621008"), ("vt-demo", "  "), ("a-later-system", "")]
)
def test_a_bad_code_is_refused_at_its_field(system: str, bad: str):
    with pytest.raises(ValidationError) as error:
        CodeRef(system=system, code=bad)
    assert [row["loc"] for row in error.value.errors()] == [("code",)]


def test_every_known_system_has_a_name_that_the_contract_takes():
    for system in System:
        assert Everything.model_validate({"system": str(system)}).system == system


@pytest.mark.parametrize("field", ["hsa_id", "organisation_number", "region", "municipality", "postal_code"])
def test_the_schemas_pattern_takes_its_own_example_and_the_normal_form(field: str):
    part: dict[str, Any] = Everything.model_json_schema()["properties"][field]["anyOf"][0]
    for example in part["examples"]:
        assert getattr(Everything.model_validate({field: example}), field) == example
        assert re.fullmatch(part["pattern"], example)
