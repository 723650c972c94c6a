"""The engine's analysis and the one in Python that explains it make the same of the same words."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from relevance import grading

from search.domain.terms import Terms

pytestmark = pytest.mark.engine

WORDS = [
    "S:t Eriks ögonsjukhus, Kataraktoperation (operation av grå starr)",
    "Öppen operation av ljumskbråck med implantat mellan bukväggens muskellager Lichtenstein m fl",
    "Primär totalprotes i knäled med cement; knä-protes, bråcket, låret, huset, proteser, protesen",
    "Müller Øster Åre_3 H25.1 3,5 a/b c-d kl.10 D'Arc Crèmerie",
    "A\u030angstro\u0308ms mottagning, universitetssjukhuset, specialistkliniken, 12345ab",
]


@pytest.fixture(scope="module")
async def analysed(shared_world):
    """The terms that the engine makes of a text, as it indexes or searches."""
    await shared_world.settle()
    terms = Terms(shared_world.index.words)

    async def by_engine(analyzer, text):
        body = {"analyzer": analyzer, "text": text}
        answer = (await shared_world.opensearch.post(f"/{shared_world.name}/_analyze", json=body)).json()
        return {one["token"] for one in answer["tokens"]}

    return by_engine, terms


def asked(terms, words):
    return {one.term for span in terms.spans(words) for terms in (span.own, *span.listed) for one in terms}


@pytest.mark.parametrize("text", WORDS)
async def test_texts_become_the_same_terms(analysed, text):
    by_engine, terms = analysed

    assert set(terms.in_text(text)) == await by_engine("swedish_index", text)


async def test_questions_become_the_same_terms(analysed):
    by_engine, terms = analysed
    differing = {
        query.words: asked(terms, query.words) ^ theirs
        for query in grading.read()
        if (theirs := await by_engine("swedish_search", query.words)) != asked(terms, query.words)
    }

    assert differing == {}


LISTED = st.sampled_from(
    ["grå", "starr", "ny", "knäled", "byte", "av", "linsen", "operation", "bråck", "i", "ljumsken", "s:t", "lasarett"]
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.lists(LISTED | st.text("abcdeåäöknstr", min_size=1, max_size=9), max_size=7).map(" ".join))
async def test_words_of_the_lists_in_any_order_become_the_same_terms(analysed, words):
    by_engine, terms = analysed

    assert asked(terms, words) == await by_engine("swedish_search", words)
