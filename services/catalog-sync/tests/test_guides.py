"""Which guide a catalogue follows: by what it says of itself, and never by guessing at one that is not known."""

import httpx
import pytest

from catalog_sync.domain.reading import SourceAway
from catalog_sync.source.guides import HSA, NATIONAL_DRAFT, UnknownGuide, chosen, guide_of


def statement(*profiles: str, version: str = "4.0.1", **more: object) -> dict:
    rows = [{"type": "Organization", "profile": profile} for profile in profiles]
    return {"resourceType": "CapabilityStatement", "fhirVersion": version, "rest": [{"resource": rows}], **more}


@pytest.mark.parametrize(
    ("said", "guide"),
    [
        (statement("http://electronichealth.se/fhir/katalog/StructureDefinition/sendi-organization"), NATIONAL_DRAFT),
        (statement(implementationGuide=["http://electronichealth.se/fhir/katalog|0.1.0"]), NATIONAL_DRAFT),
        (statement("http://hl7.org/fhir/StructureDefinition/Organization"), NATIONAL_DRAFT),
        (statement("https://hsa.inera.se/fhir/StructureDefinition/hsa-catalog-organization", version="5.0.0"), HSA),
        ({}, NATIONAL_DRAFT),
    ],
)
def test_the_guide_is_the_one_whose_profiles_the_catalogue_names(said, guide):
    assert chosen(said) is guide


@pytest.mark.parametrize(
    ("said", "name"),
    [
        (statement("http://electronichealth.se/fhir/hvo/StructureDefinition/x"), "http://electronichealth.se/fhir/hvo"),
        (statement("https://annan.example/fhir/x"), "https://annan.example/fhir/x"),
        (statement(version="5.0.0"), "FHIR 5.0.0"),
        (statement("http://electronichealth.se/fhir/katalogen/x"), "http://electronichealth.se/fhir/katalogen/x"),
    ],
)
def test_a_guide_that_is_not_known_is_named_and_nothing_is_guessed(said, name):
    with pytest.raises(UnknownGuide) as raised:
        chosen(said)
    assert name in str(raised.value)
    assert "CATALOGUE_GUIDE" in str(raised.value)


def test_an_operator_may_choose_a_known_guide_by_hand_and_only_a_known_one():
    assert chosen(statement(version="5.0.0"), "https://hsa.inera.se/fhir") is HSA
    with pytest.raises(UnknownGuide, match="fhir/hvo"):
        chosen({}, "http://electronichealth.se/fhir/hvo")


@pytest.mark.parametrize(
    "answer", [httpx.Response(503), httpx.Response(404), httpx.Response(200, text="<html>")], ids=["503", "404", "html"]
)
async def test_a_server_that_cannot_say_what_it_is_is_away(answer):
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: answer), base_url="http://x/fhir") as client:
        with pytest.raises(SourceAway, match="metadata: "):
            await guide_of(client)


async def test_only_the_types_that_the_server_has_are_asked_for():
    said = statement("http://electronichealth.se/fhir/katalog/x")
    said["rest"][0]["resource"].append({"type": "OrganizationAffiliation"})
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=said))
    async with httpx.AsyncClient(transport=transport, base_url="http://x/fhir") as client:
        guide = await guide_of(client)
    assert guide.types == ("Organization", "Location", "HealthcareService", "OrganizationAffiliation")
    reading = guide.interpret([], [], [], [])
    assert (reading.facts, reading.rejected) == ([], [])
