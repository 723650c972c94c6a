"""`make relevance`: how well words find what is meant, per kind of query, and what changed since it was recorded."""

import argparse
import json
import logging as plain
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from kit import logging
from relevance.measuring import Score, by_kind, on_engines, worst
from search.index import word_files
from upkeep import terminal

RECORDED = Path(__file__).parent / "recorded.json"
_CHANGED = 0.005


def main() -> int:
    """Print the table; exit code 0, or 1 where a query that is recorded as found is worse than it was."""
    parser = argparse.ArgumentParser(
        prog="make relevance",
        description=__doc__,
        epilog="example: make relevance WORDS=/etc/search/words. Exit code 0; 1: a query is worse than recorded.",
    )
    parser.add_argument("--words", type=Path, default=word_files.SHIPPED, help="a folder of word files to try")
    parser.add_argument("--record", action="store_true", help="write the figures down as the ones to compare with")
    parser.add_argument("--json", action="store_true", help="for machines: one JSON object")
    asked = parser.parse_args()
    plain.disable(plain.CRITICAL)
    logging.configure("relevance", "ERROR", sys.stderr)
    scores = on_engines(asked.words)
    now = {"kinds": by_kind(scores), "queries": {one.words: _row(one) for one in scores}}
    before = json.loads(RECORDED.read_text(encoding="utf-8")) if RECORDED.exists() else {"kinds": {}, "queries": {}}
    changed = _changed(before["queries"], scores)
    if asked.record:
        RECORDED.write_text(json.dumps(now, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if asked.json:
        terminal.out(json.dumps({**now, "changed": changed}, ensure_ascii=False))
    else:
        for line in _told(now["kinds"], before["kinds"], changed, scores):
            terminal.out(line)
    return terminal.FAILED if any(was > now for _, was, now in changed) and not asked.record else terminal.DONE


def _row(one: Score) -> dict[str, float]:
    return {"ndcg@10": round(one.ndcg, 3), "recall@20": round(one.recall, 3), "hits": one.hits, "graded": one.graded}


def _changed(before: Mapping[str, Mapping[str, float]], scores: Sequence[Score]) -> list[tuple[str, float, float]]:
    """Query, its nDCG as recorded, and now."""
    pairs = [(one.words, before[one.words]["ndcg@10"], round(one.ndcg, 3)) for one in scores if one.words in before]
    return [row for row in pairs if abs(row[1] - row[2]) > _CHANGED]


def _told(
    kinds: Mapping[str, Mapping[str, float]],
    before: Mapping[str, Mapping[str, float]],
    changed: Sequence[tuple[str, float, float]],
    scores: Sequence[Score],
) -> list[str]:
    rows = []
    for kind, row in kinds.items():
        cells: list[object] = [kind, int(row["queries"])]
        for name in ("ndcg@10", "recall@20"):
            was = before.get(kind, {}).get(name)
            cells += [f"{row[name]:.3f}", "new" if was is None else f"{row[name] - was:+.3f}"]
        rows.append(cells)
    lines = terminal.table(("KIND", "QUERIES", "NDCG@10", "CHANGE", "RECALL@20", "CHANGE"), rows)
    weak = [(one.words, f"{one.ndcg:.3f}", f"{one.recall:.3f}", one.hits, one.graded) for one in worst(scores, 0.5)]
    if weak:
        lines += ["", *terminal.table(("BELOW 0.5", "NDCG@10", "RECALL@20", "HITS", "GRADED"), weak)]
    if changed:
        told = [(words, f"{was:.3f}", f"{now:.3f}") for words, was, now in changed]
        lines += ["", *terminal.table(("CHANGED", "WAS", "IS"), told)]
    return lines


if __name__ == "__main__":
    sys.exit(main())
