"""Puts catalog-sync together: the api and the worker process, a sync by hand, the list of runs, migrations, upkeep."""

import argparse
import asyncio
import sys
from collections.abc import Sequence

from fastapi import FastAPI

from catalog_sync.schedule import Clockwork
from catalog_sync.service import codes_command, runs_command, topics
from catalog_sync.settings import ApiSettings, Settings
from kit import database, health, http, logging, settings
from kit.outbox import Relay
from upkeep import process, reconcile_command
from upkeep.migrations import migrate


def api(given: ApiSettings) -> FastAPI:
    """The HTTP application."""
    # Only here: a worker without what HTTP and tokens need is smaller.
    from catalog_sync.api.application import application

    return application(given)


async def work(given: Settings) -> None:
    """The worker: reads the sources on schedule and sends the outbox."""
    engine = database.connect(given.postgres_url)
    async with http.client(given.catalogue_url) as client:
        clockwork = Clockwork(given, database.sessions(engine), client)
        relay = Relay(engine, given.kafka_bootstrap)

        async def announced() -> str | None:
            if not clockwork.has_read:
                return "the sources have not been read yet"
            return None if relay.empty else "the outbox is being sent"

        app = health.application(
            alive=health.beating(clockwork, relay),
            ready={"postgresql": health.database(engine), "sources": announced},
        )
        try:
            await process.together(
                clockwork.run, relay.run, process.serving(app, host=given.host, port=given.worker_port)
            )
        finally:
            await engine.dispose()


async def sync_once(given: Settings, *, whole: bool) -> int:
    """Read every source now; what changed is sent by the running worker. The exit code: 1 a source is away, 3 held."""
    engine = database.connect(given.postgres_url)
    try:
        async with http.client(given.catalogue_url) as client:
            clockwork = Clockwork(given, database.sessions(engine), client)
            fine = await clockwork.read_all(whole=whole)
    finally:
        await engine.dispose()
    for number, reason in clockwork.held:
        sys.stderr.write(f"held: {reason} (python -m catalog_sync runs show {number})\n")
    return (3 if clockwork.held else 0) if fine else 1


def _sync_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = (
        f"example: {parser.prog} --whole\nexit codes: 0 done · 1 a source is away · 2 a setting is missing · 3 held"
    )
    parser.add_argument("--whole", action="store_true", help="read everything, not only what has changed")


def serve(*beside: process.Run) -> None:
    """The api process, with or without what else runs beside it."""
    given = settings.read(ApiSettings)
    logging.configure("catalog-sync", given.log_level)
    process.run(process.serving(api(given), host=given.host, port=given.api_port), *beside)


def main(argv: Sequence[str] | None = None) -> None:
    """`python -m catalog_sync api|worker|sync|runs|codes|migrate|reconcile`."""
    asked = process.command(
        "catalog_sync",
        "Care units, offerings and codes, as synced from the national catalogue and code files.",
        {
            "api": "Serve codes, FHIR terminology and the regions' profiles over HTTP.",
            "worker": "Read the sources on schedule and send what changed.",
            "all": "Both in one process.",
            "sync": "Read every source once, now. Exit code 1: a source is away, 3: a run was held.",
            "runs": runs_command.SENTENCE,
            "codes": codes_command.SENTENCE,
            "migrate": "Bring the database up to date.",
            "reconcile": reconcile_command.SENTENCE,
        },
        argv,
        {
            "sync": _sync_arguments,
            "runs": runs_command.arguments,
            "codes": codes_command.arguments,
            "reconcile": reconcile_command.arguments,
        },
    )
    if asked.command == "codes" and asked.act == "check":
        # A region checks its files where no service runs: no settings are needed.
        sys.exit(codes_command.check(asked.folder, as_json=asked.json))
    if asked.command == "api":
        serve()
        return
    given = settings.read(Settings)
    shown = asked.command in {"codes", "reconcile", "runs"}
    logging.configure("catalog-sync", given.log_level, sys.stderr if shown else None)

    async def worker() -> None:
        await work(given)

    match asked.command:
        case "worker":
            process.run(worker)
        case "all":
            serve(worker)
        case "sync":
            sys.exit(asyncio.run(sync_once(given, whole=asked.whole)))
        case "runs":
            sys.exit(runs_command.run(asked, given.postgres_url))
        case "codes":
            sys.exit(codes_command.report(given.postgres_url, as_json=asked.json))
        case "migrate":
            migrate(given.postgres_url, given.migrations)
        case "reconcile":
            sys.exit(
                reconcile_command.run(
                    asked,
                    given.kafka_bootstrap,
                    given.postgres_url,
                    list(topics.TOPICS),
                    topics.version_told,
                    topics.versions_to_tell,
                    topics.announce_anew,
                )
            )
