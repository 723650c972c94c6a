"""Puts catalog-sync together: the api and the worker process, a sync by hand, the list of runs, migrations, upkeep."""

import asyncio
import sys
from collections.abc import Sequence

from fastapi import FastAPI

from catalog_sync.schedule import Clockwork
from catalog_sync.service import codes_command, topics
from catalog_sync.settings import ApiSettings, Settings
from catalog_sync.store import runs
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


async def sync_once(given: Settings) -> int:
    """Read every source now; what changed is sent by the running worker. The exit code: 1 a source is away, 3 held."""
    engine = database.connect(given.postgres_url)
    try:
        async with http.client(given.catalogue_url) as client:
            clockwork = Clockwork(given, database.sessions(engine), client)
            fine = await clockwork.read_all()
    finally:
        await engine.dispose()
    for reason in clockwork.held:
        sys.stderr.write(f"held: {reason} (LARGEST_SHARE may be raised for one run)\n")
    return (3 if clockwork.held else 0) if fine else 1


async def print_runs(given: Settings) -> None:
    """The latest runs as a table, and every rejected row of the newest run of each source."""
    engine = database.connect(given.postgres_url)
    try:
        async with database.sessions(engine)() as session:
            rows = await runs.latest(session, 20)
    finally:
        await engine.dispose()
    sys.stdout.write(
        f"{'finished (UTC)':<20} {'source':<18} {'read':>7} {'changed':>7} {'ended':>6} {'rejected':>8}  held\n"
    )
    told: set[str] = set()
    for row in rows:
        sys.stdout.write(
            f"{row.finished_at:%Y-%m-%d %H:%M:%S}  {row.source:<18} {row.read:>7} {row.changed:>7} {row.ended:>6} "
            f"{len(row.rejected):>8}  {row.held or '-'}\n"
        )
        if row.source not in told:
            told.add(row.source)
            for one in row.rejected:
                sys.stdout.write(f"    rejected {one['resource']}: {one['reason']}\n")


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
            "runs": "Show the latest runs and the rows they could not use.",
            "codes": codes_command.SENTENCE,
            "migrate": "Bring the database up to date.",
            "reconcile": reconcile_command.SENTENCE,
        },
        argv,
        {"codes": codes_command.arguments, "reconcile": reconcile_command.arguments},
    )
    if asked.command == "codes" and asked.act == "check":
        # A region checks its files where no service runs: no settings are needed.
        sys.exit(codes_command.check(asked.folder, as_json=asked.json))
    if asked.command == "api":
        serve()
        return
    given = settings.read(Settings)
    logging.configure("catalog-sync", given.log_level, sys.stderr if asked.command in {"codes", "reconcile"} else None)

    async def worker() -> None:
        await work(given)

    match asked.command:
        case "worker":
            process.run(worker)
        case "all":
            serve(worker)
        case "sync":
            sys.exit(asyncio.run(sync_once(given)))
        case "runs":
            asyncio.run(print_runs(given))
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
