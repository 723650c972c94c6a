"""How offers are indexed: declared fields, Swedish text where å, ä and ö are letters of their own."""

from collections.abc import Iterable, Mapping
from typing import Any

import snowballstemmer

from rules.guarantee import Guarantee
from rules.regions import REGIONS
from search.domain.terms import ENDINGS, SHORTEST_PART
from search.domain.waits import ALL_PATIENTS
from search.domain.word_lists import WordLists

LONGEST_BEGINNING = 20
"""Letters of a word that are looked at while it is typed."""

_KEYWORD = {"type": "keyword"}
_BEGINS = {"type": "text", "analyzer": "begins_index", "search_analyzer": "begins_search"}
_SHOWN_ONLY = {"type": "keyword", "index": False, "doc_values": False}
_STORED_ONLY = {"type": "object", "enabled": False}


def body(words: WordLists) -> dict[str, Any]:
    """Settings and mapping of a new index, with an operator's words in it."""
    return {
        "settings": {
            "number_of_shards": 1,
            "number_of_replicas": 0,
            # Who writes makes it findable: at once when it has caught up, seldom while much is left.
            "refresh_interval": "-1",
            # One thread a search: several answer one question sooner on an idle machine, and all later on a busy one.
            "search.concurrent_segment_search.mode": "none",
            # Every clause is opened anew in each segment; a few are enough for what merging so little costs.
            "merge.policy.segments_per_tier": 3,
            "analysis": _analysis(words),
        },
        "mappings": {
            # A field that is not declared is a fault. Another release's documents are made to fit: `fitting`.
            "dynamic": "strict",
            "properties": {
                "care_unit": {
                    # Shown as it is; what is typed ahead is found by name and municipality.
                    "properties": {
                        "hsa_id": _SHOWN_ONLY,
                        "name": {"type": "text", "index": False, "copy_to": "unit_words"},
                        "care_provider": _SHOWN_ONLY,
                        "municipality": _SHOWN_ONLY,
                        "municipality_name": {"type": "text", "index": False, "copy_to": "unit_words"},
                        "region": _SHOWN_ONLY,
                        "collaboration_region": _SHOWN_ONLY,
                        "contacts": _STORED_ONLY,
                        "source": _STORED_ONLY,
                    },
                },
                "unit_words": _BEGINS,
                "unit": _KEYWORD,
                "region": _KEYWORD,
                "collaboration_region": _KEYWORD,
                "place": {"type": "geo_point"},
                "precision": _KEYWORD,
                "care_service": _KEYWORD,
                "care_service_text": {"type": "keyword", "index": False},
                "care_service_words": {"type": "text", "index": False},
                "codes": _KEYWORD,
                "text": {
                    "type": "text",
                    "analyzer": "swedish_index",
                    "search_analyzer": "swedish_search",
                    # Words as people write them: what a slip is mended to.
                    "fields": {"spelling": {"type": "text", "analyzer": "spelling", "norms": False}},
                },
                "bases": {
                    "type": "nested",
                    "properties": {
                        "kind": _KEYWORD,
                        "agreement_id": _KEYWORD,
                        "announcement_id": _KEYWORD,
                        "number": {"type": "keyword", "index": False},
                        "name": {"type": "keyword", "index": False},
                        "region": _KEYWORD,
                        "valid_from": {"type": "date", "format": "strict_date"},
                        "valid_to": {"type": "date", "format": "strict_date"},
                        # What is asked of every basis in every question, many times over: one clause, one for all.
                        "in_force": {"type": "date_range", "format": "strict_date"},
                        "use": _KEYWORD,
                        "usable_by": _KEYWORD,
                        "on_request": {"type": "boolean"},
                        "on_request_by": _KEYWORD,
                        "riksavtalet": {"type": "boolean"},
                        "leading_region": _KEYWORD,
                        "terms_of_use": _STORED_ONLY,
                        "conditions": _STORED_ONLY,
                        "reimbursement_model": _KEYWORD,
                        "self_referral": {"type": "boolean"},
                        "age_min": {"type": "short"},
                        "age_max": {"type": "short"},
                        "sex": _KEYWORD,
                        "target_group": _STORED_ONLY,
                        "expires_at": {"type": "date", "format": "strict_date_optional_time"},
                        "count": {"type": "integer", "index": False},
                        "left": {"type": "integer"},
                        "places": {"type": "integer"},
                        "level": _KEYWORD,
                        "contacts": _STORED_ONLY,
                        "text": _SHOWN_ONLY,
                        "document_url": _SHOWN_ONLY,
                        "observed_at": {"type": "date", "index": False},
                    },
                },
                "waits": _STORED_ONLY,
                **{
                    f"{guarantee}_days": {"properties": {name: {"type": "float"} for name in (ALL_PATIENTS, *REGIONS)}}
                    for guarantee in Guarantee
                },
                "deleted": {"type": "boolean"},
            },
        },
    }


def fitting(document: Mapping[str, Any], declared: Mapping[str, Any], *, strict: bool = False) -> dict[str, Any]:
    """The part of a document that an index of another release takes: without fields that its mapping does not declare.

    Where that mapping is not strict, everything is taken.
    """
    strict = str(declared.get("dynamic", "strict" if strict else "true")) == "strict"
    fields = declared.get("properties", {})
    return {
        name: _fitting(value, fields.get(name, {}), strict=strict)
        for name, value in document.items()
        if name in fields or not strict
    }


def _fitting(value: Any, declared: Mapping[str, Any], *, strict: bool) -> Any:
    if "properties" not in declared:
        return value
    if isinstance(value, list):
        return [_fitting(one, declared, strict=strict) for one in value]
    return fitting(value, declared, strict=strict) if isinstance(value, dict) else value


def _with_stems(stopwords: Iterable[str]) -> list[str]:
    """Stop words as they stand and as the stemmer leaves them: they are taken away after it, by the same algorithm."""
    stemmer = snowballstemmer.stemmer("swedish")
    return sorted({form for word in stopwords for form in (word, str(stemmer.stemWord(word)))})


def _analysis(words: WordLists) -> dict[str, Any]:
    begin = ["lowercase", "swedish_folding"]
    stem = ["swedish_endings", "swedish_stem"]
    return {
        # Composed first: a decomposed å would lose its ring in the folding.
        "char_filter": {
            "composed": {"type": "icu_normalizer", "name": "nfc", "mode": "compose"},
            "saint": {"type": "mapping", "mappings": ["S:t => St", "s:t => st", "S:ta => St", "s:ta => st"]},
        },
        "filter": {
            "swedish_folding": {"type": "icu_folding", "unicode_set_filter": "[^åäöÅÄÖ]"},
            # Not the longest part only: "ljumskbråck" inside a word would hide the "bråck" in it.
            "compounds": {
                "type": "dictionary_decompounder",
                "word_list": list(words.compounds),
                "min_subword_size": SHORTEST_PART,
                "only_longest_match": False,
            },
            "swedish_endings": {
                "type": "pattern_replace",
                "pattern": ENDINGS,
                "replacement": "",
            },
            "swedish_stem": {"type": "stemmer", "language": "swedish"},
            "synonyms": {"type": "synonym_graph", "synonyms": list(words.synonyms), "lenient": False},
            "folding": {"type": "icu_folding"},
            "saint": {"type": "synonym", "synonyms": ["st, sankt"]},
            "beginnings": {"type": "edge_ngram", "min_gram": 1, "max_gram": LONGEST_BEGINNING},
            "shortened": {"type": "truncate", "length": LONGEST_BEGINNING},
            "stop": {"type": "stop", "stopwords": _with_stems(words.stopwords)},
        },
        "analyzer": {
            "swedish_index": {
                "char_filter": ["composed"],
                "tokenizer": "icu_tokenizer",
                "filter": [*begin, "compounds", *stem, "remove_duplicates"],
            },
            # Stop words go last: rules may hold them, and are refused where an earlier filter takes them away.
            "swedish_search": {
                "char_filter": ["composed"],
                "tokenizer": "icu_tokenizer",
                "filter": [*begin, *stem, "synonyms", "stop"],
            },
            "spelling": {"char_filter": ["composed"], "tokenizer": "icu_tokenizer", "filter": ["lowercase"]},
            # While somebody types, dots and rings may be missing: å, ä and ö are a and o here.
            "begins_index": {
                "char_filter": ["composed", "saint"],
                "tokenizer": "icu_tokenizer",
                "filter": ["lowercase", "folding", "saint", "beginnings", "remove_duplicates"],
            },
            "begins_search": {
                "char_filter": ["composed", "saint"],
                "tokenizer": "icu_tokenizer",
                "filter": ["lowercase", "folding", "shortened"],
            },
        },
    }
