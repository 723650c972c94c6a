"""What the texts of an offer hold: each term, with the text it is in and the code whose text that is."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from search.domain.terms import Terms

Json = Mapping[str, Any]

# As `document.unit_of` puts a unit's words together.
_UNIT_FIELDS = ("care_unit", "locality", "municipality", "region")
_UNIT_BEST_FIRST = ("municipality", "locality", "region", "care_unit")


@dataclass(frozen=True, slots=True)
class CodeMap:
    """One line of a reviewed map: `source` leads to offers of `target`; both are `system|code`."""

    source: str
    target: str
    equivalence: str
    map: str

    def told(self) -> dict[str, str]:
        """As an answer tells it."""
        return {"source": self.source, "target": self.target, "equivalence": self.equivalence, "map": self.map}


@dataclass(frozen=True, slots=True)
class Meaning:
    """What is known of a code: its text, other words for it, and what it maps to."""

    text: str
    designations: Sequence[str]
    maps: Sequence[CodeMap]


@dataclass(frozen=True, slots=True)
class Text:
    """A text of an offer that words are found in. `code` is whose text it is, where that is known."""

    text: str
    field: str
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """Where a term is: in a text, as a word of it or a part of that word."""

    text: Text
    word: str
    whole: bool


@dataclass(frozen=True, slots=True)
class Service:
    """A care service's terms, out of how many texts, and the reasons already told of spans by their number."""

    texts: int
    held: Mapping[str, Held]
    told: dict[int, list[dict[str, Any]]] = field(default_factory=dict)


Services = dict[Hashable, Service]
"""What the care services of an answer's hits hold, as far as hits were explained."""


def service(document: Json, known: Mapping[str, Meaning], kept: Services, terms: Terms) -> Service:
    """What an offer's care service holds. Most hits of an answer have the same: it is `kept` for the next."""
    words = document.get("care_service_words", [document["care_service_text"]])
    key = (document["care_service"], tuple(document["codes"]), tuple(words))
    if key not in kept:
        texts = _service_texts(document, words, known)
        kept[key] = Service(len(words), _held(texts, terms))
    return kept[key]


def _service_texts(document: Json, words: Sequence[str], known: Mapping[str, Meaning]) -> list[Text]:
    """The texts of its codes, its own first; then other words for them."""
    left, own = dict.fromkeys(words), document["care_service"]
    texts, designations = [], []
    for key in [own, *(key for key in document["codes"] if key != own)]:
        meaning = known.get(key)
        if meaning is not None and meaning.text in left:
            del left[meaning.text]
            texts.append(Text(meaning.text, "care_service", key))
        for text in meaning.designations if meaning is not None else ():
            if text in left:
                del left[text]
                designations.append(Text(text, "designation", key))
    # Of a code that has another text by now.
    return [*texts, *(Text(text, "care_service") for text in left), *designations]


def unit(document: Json, beside: Service, terms: Terms) -> dict[str, Held]:
    """What an offer's unit and its place hold: the texts after those of its care service."""
    return _held(_unit_texts(document["text"][beside.texts :]), terms)


def _unit_texts(words: Sequence[str]) -> list[Text]:
    found = dict(zip(_UNIT_FIELDS, words, strict=False))
    return [Text(found[field], field) for field in _UNIT_BEST_FIRST if found.get(field)]


def _held(texts: Iterable[Text], terms: Terms) -> dict[str, Held]:
    """Each term of some texts, with where it is: a whole word before a part, an earlier text before a later one."""
    found: dict[str, Held] = {}
    for text in texts:
        for term, one in terms.in_text(text.text).items():
            before = found.get(term)
            if before is None or (one.whole and not before.whole):
                found[term] = Held(text, one.word, one.whole)
    return found
