"""Asks the queries of search over the demo's Sweden, put into real engines directly, and scores the answers."""

import asyncio
import math
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import MISSING, dataclass, fields
from datetime import UTC, date, datetime, time
from itertools import groupby
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

import engines
from demo.messages import messages
from demo.sweden import build
from kit import database
from relevance import grading
from relevance.grading import Judged
from rules.guarantee import Guarantee
from search.consumer import HANDLERS
from search.domain.question import Question, Sort
from search.index import word_files
from search.index.engine import Index
from search.service import wording
from search.service.refill import refill
from search.settings import Settings
from upkeep.migrations import migrate

DAY = date(2026, 11, 2)
"""The demo is of this day, and asked on it: the same documents and grades in every run."""
_BATCH = 1000
_FIRST, _SEEN = 10, 20


@dataclass(frozen=True)
class Score:
    """How one query was answered. `graded` counts the offers above 0, `hits` what was found at all."""

    kind: str
    words: str
    ndcg: float
    recall: float
    hits: int
    graded: int


@asynccontextmanager
async def sweden(postgres: str, opensearch: str, words: Path) -> AsyncIterator[tuple[AsyncSession, Index]]:
    """Search's own database and index, with the demo in them."""
    engine = database.connect(postgres)
    index = Index(opensearch, "relevance", words)
    try:
        sessions = database.sessions(engine)
        for topic, told in groupby(messages(build(today=DAY)), lambda one: one.topic.name):
            every = list(told)
            for at in range(0, len(every), _BATCH):
                async with sessions.begin() as session:
                    await HANDLERS[topic].apply(session, every[at : at + _BATCH])
        name = (await refill(engine, index, lambda *_: None)).index
        async with sessions() as session:
            yield session, index
        await index.remove(name)
    finally:
        await index.close()
        await engine.dispose()


async def measure(postgres: str, opensearch: str, words: Path = word_files.SHIPPED) -> list[Score]:
    """Every query's score, in the order of the file."""
    async with sweden(postgres, opensearch, words) as (session, index):
        everything = await index.search({"size": 10_000, "query": {"match_all": {}}})
        offers = {row["_id"]: row["_source"] for row in everything["hits"]["hits"]}
        return [await _scored(session, index, query, grading.grades(query, offers)) for query in grading.read()]


async def _scored(session: AsyncSession, index: Index, query: Judged, grades: Mapping[str, int]) -> Score:
    codes = await wording.codes_in(session, query.words)
    asked: dict[str, Any] = {one.name: None for one in fields(Question) if one.default is MISSING}
    asked |= {"today": DAY, "moment": datetime.combine(DAY, time(12), UTC)}
    asked |= {"words": query.words, "word_codes": codes.keys, "words_beside_codes": codes.beside}
    asked |= {"codes_of_words": codes.by_word}
    asked |= {"guarantee": Guarantee.TREATMENT, "limit_days": 90}
    asked |= {"sort": Sort.BEST, "limit": _SEEN, "offset": 0, "terms": True}
    found, _ = await wording.search(session, index, Question(**asked))
    ranked = [hit["id"] for hit in found.items]
    return Score(query.kind, query.words, ndcg(ranked, grades), recall(ranked, grades), found.total, len(grades))


def ndcg(ranked: Sequence[str], grades: Mapping[str, int]) -> float:
    """nDCG of the first ten: gain 2^grade - 1, beside the best order there could be."""
    best = _gain(sorted(grades.values(), reverse=True)[:_FIRST])
    return _gain([grades.get(one, 0) for one in ranked[:_FIRST]]) / best if best else 0.0


def recall(ranked: Sequence[str], grades: Mapping[str, int]) -> float:
    """Share of the offers graded 2 or 3 that are among the first twenty; of twenty at most, where there are more."""
    wanted = {one for one, grade in grades.items() if grade >= 2}
    return len(wanted.intersection(ranked[:_SEEN])) / min(_SEEN, len(wanted)) if wanted else 0.0


def _gain(grades: Sequence[int]) -> float:
    return sum((2**grade - 1) / math.log2(place + 2) for place, grade in enumerate(grades))


def by_kind(scores: Sequence[Score]) -> dict[str, dict[str, float]]:
    """Means per kind of query and of all, rounded to the three digits that are recorded."""
    kinds = list(dict.fromkeys(one.kind for one in scores))
    groups = {kind: [one for one in scores if one.kind == kind] for kind in kinds} | {"all": list(scores)}
    return {
        kind: {
            "queries": len(group),
            "ndcg@10": round(sum(one.ndcg for one in group) / len(group), 3),
            "recall@20": round(sum(one.recall for one in group) / len(group), 3),
        }
        for kind, group in groups.items()
    }


def on_engines(words: Path = word_files.SHIPPED) -> list[Score]:
    """The scores, on engines started for it."""
    with tempfile.TemporaryDirectory(prefix="relevance-") as home:
        Path(home).chmod(0o711)
        running = engines.start(["postgres", "opensearch"], home=Path(home))
        try:
            url = f"{running.addresses.postgres}/postgres"
            migrate(url, Settings.model_fields["migrations"].default)
            return asyncio.run(measure(url, running.addresses.opensearch or "", words))
        finally:
            running.stop()


def worst(scores: Sequence[Score], below: float) -> Iterator[Score]:
    """Queries answered worse than this, worst first."""
    yield from sorted((one for one in scores if min(one.ndcg, one.recall) < below), key=lambda one: one.ndcg)
