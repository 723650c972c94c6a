"""A question's words as an OpenSearch clause, and what a word that is found nowhere may have been meant as."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from search.domain.question import Question

Clause = dict[str, Any]

_SPELLING = "spelling"
_MOST_MENDED = 12
"""Words of a question that are looked at: nobody means more, and each costs a walk through all words there are."""


def clause(question: Question) -> Clause:
    """All words, anywhere in service, unit or place; or the codes among them, with the other words beside them."""
    asked: list[Clause] = [_all_in_text(question.words or "", "words")]
    if question.word_codes:
        codes: list[Clause] = [{"terms": {"codes": list(question.word_codes), "_name": "code"}}]
        if question.words_beside_codes:
            codes.append(_all_in_text(question.words_beside_codes, "words beside codes"))
        asked.append({"bool": {"filter": codes}})
    return {"bool": {"should": asked, "minimum_should_match": 1}}


def _all_in_text(words: str, name: str) -> Clause:
    plain = {"query": words, "operator": "and", "auto_generate_synonyms_phrase_query": False, "_name": name}
    return {"match": {"text": plain}}


def like(words: Sequence[str]) -> Clause:
    """The body that asks for words of the index that resemble these, for those that no text holds."""
    term = {
        "field": f"text.{_SPELLING}",
        "analyzer": _SPELLING,
        "suggest_mode": "missing",
        "string_distance": "damerau_levenshtein",
        "max_edits": 2,
        # The first letter may be the one without its dots.
        "prefix_length": 0,
        "min_word_length": 3,
        "accuracy": 0.4,
        "size": 10,
        "shard_size": 40,
    }
    return {"size": 0, "suggest": {_SPELLING: {"text": " ".join(words[:_MOST_MENDED]), "term": term}}}


def resembling(answer: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, int]]]:
    """From the answer: each word as it was asked, and the words like it with how many offers hold them."""
    for row in answer["suggest"][_SPELLING]:
        yield row["text"], {option["text"]: option["freq"] for option in row["options"]}
