"""Puts catalog-sync together: the worker process, one sync by hand, the list of runs, migrations, upkeep."""

import argparse
import asyncio
import sys
from collections.abc import Sequence

from catalog_sync.schedule import Clockwork
from catalog_sync.service import announce, runs_command
from catalog_sync.settings import Settings
from kit import database, health, http, logging, process, settings
from kit.outbox import Relay
from upkeep import reconcile_command
from upkeep.migrations import migrate


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


def main(argv: Sequence[str] | None = None) -> None:
    """`python -m catalog_sync worker|sync|runs|migrate|reconcile`."""
    asked = process.command(
        "catalog_sync",
        "Care units, offerings and codes, as synced from the national catalogue and code files.",
        {
            "worker": "Read the sources on schedule and send what changed.",
            "all": "The same: this service has no API of its own yet.",
            "sync": "Read every source once, now. Exit code 1: a source is away, 3: a run was held.",
            "runs": runs_command.SENTENCE,
            "migrate": "Bring the database up to date.",
            "reconcile": reconcile_command.SENTENCE,
        },
        argv,
        {"sync": _sync_arguments, "runs": runs_command.arguments, "reconcile": reconcile_command.arguments},
    )
    given = settings.read(Settings)
    logging.configure("catalog-sync", given.log_level, sys.stderr if asked.command in ("reconcile", "runs") else None)

    async def worker() -> None:
        await work(given)

    match asked.command:
        case "worker" | "all":
            process.run(worker)
        case "sync":
            sys.exit(asyncio.run(sync_once(given, whole=asked.whole)))
        case "runs":
            sys.exit(runs_command.run(asked, given.postgres_url))
        case "migrate":
            migrate(given.postgres_url, given.migrations)
        case "reconcile":
            sys.exit(
                reconcile_command.run(
                    asked,
                    given.kafka_bootstrap,
                    given.postgres_url,
                    list(announce.TOPICS),
                    announce.version_told,
                    announce.versions_to_tell,
                    announce.announce_anew,
                )
            )
