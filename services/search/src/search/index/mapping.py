"""How offers are indexed: declared fields, Swedish text where å, ä and ö are letters of their own."""

from importlib.resources import files
from typing import Any

from rules.guarantee import Guarantee
from rules.regions import REGIONS
from search.domain.waits import ALL_PATIENTS

_KEYWORD = {"type": "keyword"}
_STORED_ONLY = {"type": "object", "enabled": False}


def _lines(name: str) -> list[str]:
    text = (files("search.index") / "words" / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def body() -> dict[str, Any]:
    """Settings and mapping of a new index."""
    return {
        "settings": {
            "number_of_shards": 1,
            "number_of_replicas": 0,
            # Who writes makes it findable: at once when it has caught up, seldom while much is left.
            "refresh_interval": "-1",
            "analysis": _analysis(),
        },
        "mappings": {
            # Documents of a newer release are taken too, while it fills an index of its own.
            "dynamic": False,
            "properties": {
                "care_unit": _STORED_ONLY,
                "unit": _KEYWORD,
                "region": _KEYWORD,
                "collaboration_region": _KEYWORD,
                "place": {"type": "geo_point"},
                "precision": _KEYWORD,
                "care_service": _KEYWORD,
                "care_service_text": {"type": "keyword", "index": False},
                "codes": _KEYWORD,
                "text": {"type": "text", "analyzer": "swedish_index", "search_analyzer": "swedish_search"},
                "bases": {
                    "type": "nested",
                    "properties": {
                        "kind": _KEYWORD,
                        "agreement_id": _KEYWORD,
                        "number": {"type": "keyword", "index": False},
                        "name": {"type": "keyword", "index": False},
                        "region": _KEYWORD,
                        "valid_from": {"type": "date", "format": "strict_date"},
                        "valid_to": {"type": "date", "format": "strict_date"},
                        "use": _KEYWORD,
                        "usable_by": _KEYWORD,
                        "on_request": {"type": "boolean"},
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
                        "document_url": {"type": "keyword", "index": False, "doc_values": False},
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


def _analysis() -> dict[str, Any]:
    begin = ["lowercase", "swedish_folding"]
    stem = ["swedish_endings", "swedish_stem"]
    return {
        # Composed first: a decomposed å would lose its ring in the folding.
        "char_filter": {"composed": {"type": "icu_normalizer", "name": "nfc", "mode": "compose"}},
        "filter": {
            "swedish_folding": {"type": "icu_folding", "unicode_set_filter": "[^åäöÅÄÖ]"},
            # Not the longest part only: "ljumskbråck" inside a word would hide the "bråck" in it.
            "compounds": {
                "type": "dictionary_decompounder",
                "word_list": _lines("compounds.txt"),
                "min_subword_size": 3,
                "only_longest_match": False,
            },
            # The stemmer leaves neuter endings (bråcket, sjukhuset), and makes "prot" of protes but not of proteser.
            "swedish_endings": {
                "type": "pattern_replace",
                "pattern": "(?<=protes)(en|er|erna)$|(?<=.{4})et$",
                "replacement": "",
            },
            "swedish_stem": {"type": "stemmer", "language": "swedish"},
            "synonyms": {"type": "synonym_graph", "synonyms": _lines("synonyms.txt"), "lenient": False},
            "stop": {"type": "stop", "stopwords": _lines("stopwords.txt")},
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
        },
    }
