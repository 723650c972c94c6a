"""The index of what was shown on which days: the offers' mapping and those days, asked with the same bodies."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from search.domain.word_lists import WordLists
from search.index import mapping
from search.index.engine import Index

_DAY = {"type": "date", "format": "strict_date"}


def index(url: str, name: str, words: Path) -> Index:
    """The history of the offers' index of that name. Raises Faulty where the word files cannot be used."""
    return Index(url, f"{name}-history", words, body)


def body(words: WordLists) -> dict[str, Any]:
    """Settings and mapping: as the offers', and open to what older and newer releases have stored."""
    offers = mapping.body(words)
    shown = {"shown_from": _DAY, "shown_to": _DAY, "revision": {"type": "long"}}
    mappings = _open(offers["mappings"])
    return {
        # Written once, read seldom.
        "settings": {**offers["settings"], "codec": "best_compression"},
        "mappings": {**mappings, "dynamic": False, "properties": {**mappings["properties"], **shown}},
    }


def _open(part: Any) -> Any:
    if not isinstance(part, dict):
        return part
    return {name: False if name == "dynamic" else _open(value) for name, value in part.items()}


def document_id(offer: str, shown_from: date) -> str:
    """An offer has one document for each day on which one began to be shown."""
    return f"{offer}|{shown_from}"


def ended_by(day: date) -> dict[str, Any]:
    """The query for what was shown at the end of a day no more."""
    return {"range": {"shown_to": {"lte": day.isoformat()}}}


class AsOf:
    """The history as it is searched for one day: the offers' index as it stood at that day's end, to whoever asks."""

    def __init__(self, history: Index, day: date) -> None:
        self._history = history
        self._shown = [{"range": {"shown_from": {"lte": day.isoformat()}}}, {"bool": {"must_not": ended_by(day)}}]
        self.words, self.terms = history.words, history.terms

    async def search(self, query: Mapping[str, Any]) -> Any:
        """The engine's answer to a body, from what was shown then. Raises EngineAway."""
        return await self._history.search(self._then(query))

    async def searches(self, queries: Sequence[Mapping[str, Any]]) -> list[Any]:
        """The answers to several bodies. Raises EngineAway."""
        return await self._history.searches([self._then(query) for query in queries])

    def _then(self, query: Mapping[str, Any]) -> dict[str, Any]:
        # Around the whole of it: scores and named parts stay as they are. Words alone are asked for without any query.
        asked = {"must": query["query"]} if "query" in query else {}
        return {**query, "query": {"bool": {**asked, "filter": self._shown}}}


Searched = Index | AsOf
"""What a question is asked of."""
