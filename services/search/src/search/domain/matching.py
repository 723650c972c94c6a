"""What of a question an offer answers, and through what: each code and each word, with the text that holds it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from search.domain import held
from search.domain.held import CodeMap, Held, Meaning, Services, Text
from search.domain.question import Question, Reading
from search.domain.reason import Code, reason
from search.domain.terms import Span, Term, Terms

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Asked:
    """A question taken apart once for all its hits."""

    words: Sequence[Span]
    beside_codes: Sequence[Span]
    readings: Mapping[str, Reading]
    """By word as it was searched, where that is not as it was written."""
    known: Mapping[str, Meaning]
    """The codes of the question and of the hits."""
    services: Services = field(default_factory=dict)


_FIELDS = {
    "care_service": "vårdtjänsten",
    "designation": "vårdtjänstens synonymer",
    "municipality": "kommunens namn",
    "locality": "ortens namn",
    "region": "regionens namn",
    "care_unit": "enhetens namn",
}
_OF_SERVICE = frozenset({"care_service", "designation"})
_READ_AS = {"slip": "läses som", "compound": "läses som orden i"}


def asked(question: Question, terms: Terms, known: Mapping[str, Meaning]) -> Asked:
    """The question's words as the word lists have them."""
    by_word = {part: one for one in question.readings for part in one.meant.casefold().split()}
    words = terms.spans(question.words) if question.words is not None else []
    beside = terms.spans(question.words_beside_codes) if question.words_beside_codes else []
    return Asked(words, beside, by_word, known)


def codes_of(documents: Iterable[Json], question: Question) -> set[str]:
    """The codes whose texts and maps the explanation of these offers needs."""
    if question.words is None and question.care_services is None:
        return set()
    found = {key for _, keys in question.codes_of_words for key in keys}
    found.update(question.care_services[:1] if question.care_services is not None else ())
    return found.union(*(document["codes"] for document in documents))


def of(document: Json, question: Question, named: Iterable[str], given: Asked, terms: Terms) -> list[dict[str, Any]]:
    """One reason for the code asked for, and for each code and word of the question; `named` clauses held."""
    clauses = set(named)
    found = []
    if question.care_services is not None:
        found.append(_by_code(document, Code.CARE_SERVICE, question.care_services[:1], given))
    if "code" in clauses:
        by_codes = [(word, _by_code(document, Code.CODE, keys, given)) for word, keys in question.codes_of_words]
        # Any of several codes is enough: the others are not said to be there.
        found += [{**one, "words": word} for word, one in by_codes if one["exact"] or one["maps"]]
    spans = given.beside_codes if "code" in clauses else given.words if "words" in clauses else ()
    if spans:
        found += _by_words(spans, document, given, terms)
    return found


def _by_code(document: Json, code: Code, keys: Sequence[str], given: Asked) -> dict[str, Any]:
    """An offer has the code itself, or one that the code maps to; and the codes by which it came to a care service."""
    own, text = document["care_service"], document["care_service_text"]
    has = set(document["codes"])
    exact = next((key for key in keys if key in has), None)
    if exact is None:
        maps = [one for key in keys for one in _maps(key, given) if one.target in has]
        key = maps[0].source if maps else keys[0]
        return reason(code, f"{key} hör till {text}", **_values(key, own, maps[:1], exact=False))
    if exact != own:
        maps = [one for one in _maps(exact, given) if one.target == own]
        return reason(code, f"{exact} finns i utbud eller avtal", **_values(exact, own, maps, exact=True))
    maps = [one for key in document["codes"] for one in _maps(key, given) if one.target == own]
    return reason(code, f"Vårdtjänst: {text}", **_values(exact, own, maps, exact=True))


def _values(asked_for: str, care_service: str, maps: Sequence[CodeMap], *, exact: bool) -> dict[str, Any]:
    return {
        "asked": asked_for,
        "care_service": care_service,
        "exact": exact,
        "maps": [one.told() for one in maps],
    }


def _maps(key: str, given: Asked) -> Sequence[CodeMap]:
    return given.known[key].maps if key in given.known else ()


def _by_words(spans: Sequence[Span], document: Json, given: Asked, terms: Terms) -> Iterator[dict[str, Any]]:
    service = held.service(document, given.known, given.services, terms)
    unit = None
    for number, span in enumerate(spans):
        if number in service.told:
            yield from service.told[number]
            continue
        unit = unit or held.unit(document, service, terms)
        told, by_service = _of_span(span, service.held, unit, document, given)
        if by_service:
            service.told[number] = told
        yield from told


def _of_span(
    span: Span, service: Mapping[str, Held], unit: Mapping[str, Held], document: Json, given: Asked
) -> tuple[list[dict[str, Any]], bool]:
    """The reasons for a span, and whether another unit's offer of the same care has the same."""
    for wanted in (*((span.own,) if span.own else ()), *span.listed):
        found = [_best(service.get(one.term), unit.get(one.term)) for one in wanted]
        places: dict[Text, list[tuple[Term, Held]]] = {}
        for term, one in zip(wanted, found, strict=True):
            if one is None:
                break
            places.setdefault(one.text, []).append((term, one))
        else:
            listed = wanted is not span.own
            told = [_told(span, rows, text, document, given, listed=listed) for text, rows in places.items()]
            # A whole word of the service is taken whatever the unit holds.
            return told, all(one.whole and one.text.field in _OF_SERVICE for rows in places.values() for _, one in rows)
    read = _read(span, given)
    said = f"{_quoted(span.words, read)} finns i vårdtjänst, enhet eller ort"
    return [reason(Code.FOUND, said, words=span.words, read_as=_read_as(read))], False


def _best(service: Held | None, unit: Held | None) -> Held | None:
    if service is None or (unit is not None and unit.whole and not service.whole):
        return unit
    return service


def _told(
    span: Span, rows: Sequence[tuple[Term, Held]], text: Text, document: Json, given: Asked, *, listed: bool
) -> dict[str, Any]:
    read = _read(span, given)
    found = list(dict.fromkeys(one.word for _, one in rows))
    meant = " ".join(term.word for term, _ in rows)
    holds = f"{', '.join(f'”{word}”' for word in found)} i {_FIELDS[text.field]}"
    if listed:
        code, said = Code.SYNONYM, f"betyder enligt ordlistan ”{meant}”: {holds}"
    elif not all(one.whole for _, one in rows):
        code, said = Code.COMPOUND_PART, f"är en del av ett ord: {holds}"
    elif found[0].casefold() == meant.casefold():
        code, said = Code.SAME_WORD, f"står i {_FIELDS[text.field]}: {text.text}"
    else:
        code, said = Code.OTHER_FORM, f"i annan form: {holds}"
    own = document["care_service"]
    maps = [one for one in (_maps(text.code, given) if text.code not in {None, own} else ()) if one.target == own]
    through = f" ({text.code} hör till {own})" if maps else ""
    return reason(
        code,
        f"{_quoted(span.words, read)} {said}{through}",
        words=span.words,
        read_as=_read_as(read),
        synonym=meant if listed else None,
        found=found,
        field=text.field,
        field_text=text.text,
        care_service=text.code,
        maps=[one.told() for one in maps],
    )


def _read(span: Span, given: Asked) -> Reading | None:
    return next((given.readings[word] for word in span.words.casefold().split() if word in given.readings), None)


def _read_as(read: Reading | None) -> dict[str, str] | None:
    return {"asked": read.asked, "meant": read.meant, "by": read.by} if read is not None else None


def _quoted(words: str, read: Reading | None) -> str:
    return f"”{words}”" if read is None else f"”{read.asked}” {_READ_AS[read.by]} ”{read.meant}”; ”{words}”"
