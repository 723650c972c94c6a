"""Puts search together: the api process, the worker process, migrations."""

import argparse
import json
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from fastapi import FastAPI

from kit import database, health, logging, settings
from kit.consumer import Consumer
from rules.guarantee import BadRules
from search.consumer import HANDLERS, handlers
from search.domain.word_lists import Faulty
from search.index import history, word_files
from search.index.engine import EngineAway, Index
from search.service import history_command, rebuild_command, words_command
from search.service.historian import Historian
from search.service.indexing import Indexer
from search.service.purging import prove
from search.service.rebuild import Progress, Report, RowsRebuild, alone
from search.service.refill import refill
from search.settings import Settings
from upkeep import parked_arguments, parked_command, process, terminal
from upkeep.migrations import migrate
from upkeep.parked_count import ParkedCount


def api(given: Settings) -> FastAPI:
    """The HTTP application."""
    # Only here: a worker without what HTTP and tokens need is 12 MB smaller.
    from search.api.application import application

    try:
        return application(given)
    except BadRules as error:
        sys.stderr.write("".join(f"setting GUARANTEE_RULES: {fault}\n" for fault in error.faults))
        raise SystemExit(2) from None


async def work(given: Settings) -> None:
    """The worker: projects messages into rows and rows into the index."""
    engine = database.connect(given.postgres_url)
    sessions = database.sessions(engine)
    index = Index(given.opensearch_url, given.index_name, given.word_files)
    past = history.index(given.opensearch_url, given.index_name, given.word_files)
    indexer = Indexer(engine, index, Historian(past, given.history_days))
    consumer = Consumer("search", given.kafka_bootstrap, sessions, HANDLERS, after_batch=indexer.wake)
    parked = ParkedCount("search", given.kafka_bootstrap, HANDLERS)

    async def indexing() -> str | None:
        return f"waiting for {indexer.waiting_for}" if indexer.waiting_for is not None else None

    app = health.application(
        alive=health.beating(consumer, indexer),
        ready={"postgresql": health.database(engine), "kafka": consumer.ready, "opensearch": indexing},
    )
    try:
        await process.together(
            consumer.run, indexer.run, parked.run, process.serving(app, host=given.host, port=given.worker_port)
        )
    finally:
        await index.close()
        await past.close()
        await engine.dispose()


async def rebuild(
    given: Settings, source: str, may_lose: Sequence[str], progress: Progress, *, may_hide: bool = False
) -> Report:
    """The projection anew, from `topics` or from `rows` only. Raises Refused, Unreachable, EngineAway."""
    engine = database.connect(given.postgres_url)
    index = Index(given.opensearch_url, given.index_name, given.word_files)
    try:
        async with alone(engine):
            report = Report()
            if source == "topics":
                sessions = database.sessions(engine)
                rows = RowsRebuild(sessions, given.kafka_bootstrap, handlers(mend=True), may_lose=may_lose)
                report = await rows.run(progress)
            report.found = await refill(engine, index, progress, may_hide=may_hide)
            return report
    finally:
        await index.close()
        await engine.dispose()


def _rebuild(given: Settings, asked: argparse.Namespace) -> None:
    # Progress and result are told in words; what is logged beside them are faults.
    logging.configure("search", "WARNING", sys.stderr)

    async def work(progress: Progress) -> Report:
        return await rebuild(given, asked.source, asked.may_lose, progress, may_hide=asked.may_hide)

    raise SystemExit(rebuild_command.run(asked, work))


def _purged_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        "example: python -m search purged 0b1f7a52-6f5c-4c53-9d53-2f3f6a1c9e03 --words - < words.txt. Exit code 0: it"
        " was purged and nothing is left; 1: something is left, or it was never purged here. Only where is told, never"
        " what was found."
    )
    parser.add_argument("agreement", metavar="AGREEMENT-ID", help="the agreement's id, not its number")
    parser.add_argument(
        "--words",
        metavar="FILE",
        help="also look for these texts, one a line, such as its number and name; - reads them from standard input",
    )
    parser.add_argument("--json", action="store_true", help="for machines: one JSON object")


def _purged(given: Settings, asked: argparse.Namespace) -> None:
    logging.configure("search", "WARNING", sys.stderr)

    async def work() -> int:
        words = terminal.words(asked.words)
        engine = database.connect(given.postgres_url, pool_size=1)
        places = (given.opensearch_url, given.index_name, given.word_files)
        index, past = Index(*places), history.index(*places)
        try:
            async with database.sessions(engine)() as session:
                proof = await prove(session, (index, past), asked.agreement, words, terminal.telling())
        except EngineAway:
            sys.stderr.write("purged: OpenSearch is away; run it again\n")
            return terminal.FAILED
        finally:
            await index.close()
            await past.close()
            await engine.dispose()
        if asked.json:
            terminal.out(json.dumps(proof.as_json(), ensure_ascii=False))
        else:
            rows = [(one.place, one.what, one.count) for one in proof.traces]
            for line in terminal.table(("WHERE", "WHAT", "TIMES"), rows) if rows else ():
                terminal.out(line)
            terminal.out(proof.verdict())
        return terminal.DONE if proof.holds else terminal.FAILED

    raise SystemExit(terminal.run("purged", work))


def _look_through(folder: Path) -> None:
    """Exit with code 2 and one line per fault where the word files cannot be used: better than a search without."""
    try:
        word_files.read_folder(folder)
    except Faulty as error:
        for fault in error.faults:
            sys.stderr.write(f"setting WORD_FILES: {fault}\n")
        raise SystemExit(2) from None


def main(argv: Sequence[str] | None = None) -> None:
    """`python -m search api|worker|all|migrate|rebuild|purged|history|words|parked`."""
    asked = process.command(
        "search",
        "One explained search over agreement, place and wait.",
        {
            "api": "Serve the HTTP API.",
            "worker": "Project what is announced into the index.",
            "all": "Both in one process.",
            "migrate": "Bring the database up to date.",
            "rebuild": "Make rows and index anew while the workers run and searches are answered.",
            "purged": "Prove that nothing is left of an agreement that became confidential.",
            "history": history_command.SENTENCE,
            "words": words_command.SENTENCE,
            "parked": parked_arguments.SENTENCE,
        },
        argv,
        {
            "rebuild": partial(rebuild_command.arguments, topics=sorted(HANDLERS)),
            "purged": _purged_arguments,
            "history": history_command.arguments,
            "words": words_command.arguments,
            "parked": parked_arguments.arguments,
        },
    )
    if asked.command == "words":
        sys.exit(words_command.run(asked))
    given = settings.read(Settings)
    _look_through(given.word_files)
    logging.configure("search", given.log_level, sys.stderr if asked.command in ("history", "parked") else None)

    async def worker() -> None:
        await work(given)

    match asked.command:
        case "api":
            process.run(process.serving(api(given), host=given.host, port=given.api_port))
        case "worker":
            process.run(worker)
        case "all":
            process.run(process.serving(api(given), host=given.host, port=given.api_port), worker)
        case "migrate":
            migrate(given.postgres_url, given.migrations)
        case "rebuild":
            _rebuild(given, asked)
        case "purged":
            _purged(given, asked)
        case "history":
            sys.exit(history_command.run(asked, given.postgres_url))
        case "parked":
            sys.exit(parked_command.run(asked, "search", given.kafka_bootstrap, given.postgres_url, HANDLERS))
