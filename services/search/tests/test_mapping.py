"""The index takes declared fields only, and another release's index takes the part of a document that it knows."""

import pytest

from search.domain.document import Sources, build, services_of, unit_of
from search.index import mapping
from search.index.word_files import SHIPPED, read_folder


@pytest.fixture(scope="module")
def declared():
    """The mapping of a new index."""
    return mapping.body(read_folder(SHIPPED))["mappings"]


@pytest.fixture
def document(make):
    """A document with everything that documents have."""
    contact = {"purpose": "general", "channel": "phone", "value": "+46 8 000 00", "note": None}
    agreement = make.agreement("1", "14", ["A"], use="yes").model_dump(mode="json")
    waits = [make.wait("A", 3), make.wait("A", 4, measure="visit_median", paying_region="14")]
    made = build(
        Sources(
            unit=unit_of(make.unit("A", contacts=[contact]).model_dump(mode="json"), "Stockholm"),
            code_key=make.katarakt,
            code_text="Kataraktoperation",
            offerings=[make.offering("A").model_dump(mode="json")],
            services=services_of(agreement),
            waits=[one.model_dump(mode="json") for one in waits],
            codes={make.katarakt: "Kataraktoperation"},
            designations={"starr"},
            announcements=[make.announcement("1", "A").model_dump(mode="json")],
        )
    )
    assert made is not None
    return made


def test_every_field_of_every_document_is_declared(declared, document):
    assert declared["dynamic"] == "strict"
    assert mapping.fitting(document, declared) == document
    assert mapping.fitting({"deleted": True}, declared) == {"deleted": True}


def test_an_index_of_another_release_gets_what_it_declares_at_every_depth(declared, document):
    newer = {**document, "invented": 1, "bases": [{**one, "invented": {"a": 1}} for one in document["bases"]]}
    newer["care_unit"] = {**document["care_unit"], "invented": 1, "source": {"system": "x", "invented": 1}}

    fitted = mapping.fitting(newer, declared)

    assert fitted == {**document, "care_unit": {**document["care_unit"], "source": {"system": "x", "invented": 1}}}


def test_an_index_that_is_not_strict_gets_everything(document):
    declared = {"dynamic": "false", "properties": {"care_unit": {"properties": {"name": {"type": "text"}}}}}

    assert mapping.fitting(document, declared) == document
