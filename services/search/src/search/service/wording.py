"""What a question's words mean: the codes among them, and another reading where they find nothing as they stand."""

import re
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncSession

from contracts.types import System, code_in
from search.domain import slips
from search.domain.question import Question, Reading
from search.index import words
from search.index.history import Searched
from search.service import answer
from search.service.answer import Found
from search.store import places, sources

_CODE_SYSTEMS = (System.KVA, System.ICD10, System.CARE_SERVICE)
# CJE, CJE2, CJE20, H25, H25.1; letters alone only as people write codes, in capitals.
_BEGINS_A_CODE = re.compile(r"[A-Z]{3}|[A-Za-z]{1,3}[0-9]{1,3}(?:\.[0-9A-Za-z]{0,2})?")


@dataclass(frozen=True)
class Codes:
    """Codes in a question: `system|code` keys with what they map to, the words beside them, and each word's own."""

    keys: tuple[str, ...]
    beside: str
    by_word: tuple[tuple[str, tuple[str, ...]], ...]


NO_CODES = Codes((), "", ())


async def codes_in(session: AsyncSession, asked: str) -> Codes:
    """The codes, and beginnings of codes, among the words. No keys where there are none."""
    keys: dict[str, None] = {}
    beside, by_word = [], []
    for word in asked.split():
        own = [*_whole(word), *await _begun(session, word)]
        keys.update(dict.fromkeys(own))
        if own:
            by_word.append((word, tuple(dict.fromkeys(own))))
        else:
            beside.append(word)
    if not keys:
        return NO_CODES
    found = await sources.targets(session, keys)
    targets = dict.fromkeys(target for key in keys for target in found[key])
    every = (*keys, *(one for one in targets if one not in keys))
    return Codes(every, " ".join(beside), tuple(by_word))


def _whole(word: str) -> list[str]:
    found = []
    for system in _CODE_SYSTEMS:
        try:
            found.append(f"{system}|{code_in(system, word)}")
        except ValueError:
            continue
    return found


async def _begun(session: AsyncSession, word: str) -> list[str]:
    if _BEGINS_A_CODE.fullmatch(word) is None:
        return []
    found = []
    for system in (System.KVA, System.ICD10):
        found += await sources.codes_beginning(session, f"{system}|{word.upper()}")
    return found


async def search(session: AsyncSession, index: Searched, question: Question) -> tuple[Found, dict[str, str] | None]:
    """The hits; where the words find nothing, those of the words most likely meant, and what was searched instead.

    Raises EngineAway.
    """
    found = await answer.search(session, index, question)
    if found.total or question.words is None:
        return found, None
    readings = await _meant(session, index, question.words)
    if not readings:
        return found, None
    meant = slips.put_right(question.words, {one.asked: one.meant for one in readings})
    codes = await codes_in(session, meant)
    other = replace(
        question,
        words=meant,
        word_codes=codes.keys,
        words_beside_codes=codes.beside,
        codes_of_words=codes.by_word,
        readings=tuple(readings),
    )
    again = await answer.search(session, index, other)
    if not again.total:
        return found, None
    return again, {"words": meant, "text": f"”{question.words}” gav inga träffar; sökte på ”{meant}”"}


async def _meant(session: AsyncSession, index: Searched, asked: str) -> list[Reading]:
    """What the words that no text and no list holds were meant as; none where nothing is to be changed."""
    asked_words = slips.words_of(asked)
    if not asked_words:
        return []
    # A place where no offer is stays that place.
    places_named = await places.named(session, asked_words)
    reviewed = index.words.known()
    readings: dict[str, Reading] = {}
    for word, written in words.resembling(await index.search(words.like(asked_words))):
        if word in places_named or word in reviewed:
            continue
        whole = slips.parts(word, index.words.compounds)
        found = " ".join(whole) if whole is not None else slips.meant(word, reviewed, written)
        if found is not None and found != word:
            readings[word] = Reading(word, found, "slip" if whole is None else "compound")
    return list(readings.values())
