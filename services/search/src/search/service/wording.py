"""What a question's words mean: the codes among them, and another reading where they find nothing as they stand."""

import re
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncSession

from contracts.types import System, code_in
from search.domain import slips
from search.domain.question import Question
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
    """Codes in a question: `system|code` keys with what they map to, and the words beside them."""

    keys: tuple[str, ...]
    beside: str


NO_CODES = Codes((), "")


async def codes_in(session: AsyncSession, asked: str) -> Codes:
    """The codes, and beginnings of codes, among the words. No keys where there are none."""
    keys: dict[str, None] = {}
    beside = []
    for word in asked.split():
        own = [*_whole(word), *await _begun(session, word)]
        keys.update(dict.fromkeys(own))
        if not own:
            beside.append(word)
    if not keys:
        return NO_CODES
    found = await sources.targets(session, keys)
    targets = dict.fromkeys(target for key in keys for target in found[key])
    return Codes((*keys, *(one for one in targets if one not in keys)), " ".join(beside))


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
    meant = await _meant(session, index, question.words)
    if meant is None:
        return found, None
    codes = await codes_in(session, meant)
    again = await answer.search(
        session, index, replace(question, words=meant, word_codes=codes.keys, words_beside_codes=codes.beside)
    )
    if not again.total:
        return found, None
    return again, {"words": meant, "text": f"”{question.words}” gav inga träffar; sökte på ”{meant}”"}


async def _meant(session: AsyncSession, index: Searched, asked: str) -> str | None:
    """The words with those changed that no text and no list holds; None where nothing is to be changed."""
    asked_words = slips.words_of(asked)
    if not asked_words:
        return None
    # A place where no offer is stays that place.
    places_named = await places.named(session, asked_words)
    reviewed = index.words.known()
    changed: dict[str, str] = {}
    for word, written in words.resembling(await index.search(words.like(asked_words))):
        if word in places_named or word in reviewed:
            continue
        whole = slips.parts(word, index.words.compounds)
        found = " ".join(whole) if whole is not None else slips.meant(word, reviewed, written)
        if found is not None and found != word:
            changed[word] = found
    if not changed:
        return None
    return slips.put_right(asked, changed)
