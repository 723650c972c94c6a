"""Puts agreements together: the api process, the worker process, migrations, upkeep."""

import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from fastapi import FastAPI

from agreements.consumer import HANDLERS, PUSHED
from agreements.schedule import Clock
from agreements.service import announcing, catalogue, profile, purged_command
from agreements.service.working_off import WorkingOff
from agreements.settings import Settings
from contracts import AgreementRegistered
from kit import database, health, logging, settings
from kit.consumer import Consumer
from kit.outbox import Relay
from rules.agreement_profiles import BadProfiles
from upkeep import parked_arguments, parked_command, process, reconcile_command
from upkeep.migrations import migrate
from upkeep.parked_count import ParkedCount

_EVERY = {**HANDLERS, **PUSHED}


def api(given: Settings) -> FastAPI:
    """The HTTP application."""
    # Only here: a worker without what HTTP and tokens need is 12 MB smaller.
    from agreements.api.application import application

    return application(given)


async def work(given: Settings) -> None:
    """The worker: copies the catalogue, takes what regions send, and sends the outbox."""
    engine = database.connect(given.postgres_url)
    sessions = database.sessions(engine)
    consumer = Consumer("agreements", given.kafka_bootstrap, sessions, HANDLERS)
    pushed = Consumer("agreements", given.kafka_bootstrap, sessions, PUSHED)
    relay = Relay(engine, given.kafka_bootstrap)
    submissions = WorkingOff(engine)
    parked = ParkedCount("agreements", given.kafka_bootstrap, _EVERY)
    clock = Clock(sessions)
    loops: list[health.Beating] = [consumer, relay, submissions, clock]

    async def take_once_copied() -> None:
        await consumer.caught_up.wait()
        async with sessions.begin() as session:
            await catalogue.catalogue_copied(session, datetime.now(UTC))
        loops.append(pushed)
        pushed.beat = time.monotonic()
        # Nothing is judged by a catalogue that is hours old.
        await pushed.run()

    async def alive() -> str | None:
        return await health.beating(*loops)()

    async def pushes() -> str | None:
        return await pushed.ready() if pushed in loops else None

    app = health.application(
        alive=alive,
        ready={"postgresql": health.database(engine), "kafka": consumer.ready, "pushes": pushes},
    )
    try:
        await process.together(
            consumer.run,
            relay.run,
            submissions.run,
            take_once_copied,
            parked.run,
            clock.run,
            process.serving(app, host=given.host, port=given.worker_port),
        )
    finally:
        await engine.dispose()


def main(argv: Sequence[str] | None = None) -> None:
    """`python -m agreements api|worker|all|migrate|parked|reconcile|purged`."""
    asked = process.command(
        "agreements",
        "Agreements and own provision, from draft to published.",
        {
            "api": "Serve the HTTP API.",
            "worker": "Copy the catalogue, take what regions send, send what is announced.",
            "all": "Both in one process.",
            "migrate": "Bring the database up to date.",
            "parked": parked_arguments.SENTENCE,
            "reconcile": reconcile_command.SENTENCE,
            "purged": purged_command.SENTENCE,
        },
        argv,
        {
            "parked": parked_arguments.arguments,
            "reconcile": reconcile_command.arguments,
            "purged": purged_command.arguments,
        },
    )
    given = settings.read(Settings)
    try:
        profile.use(given.agreement_profiles)
    except BadProfiles as error:
        sys.stderr.write("".join(f"setting AGREEMENT_PROFILES: {fault}\n" for fault in error.faults))
        sys.exit(2)
    logging.configure(
        "agreements", given.log_level, sys.stderr if asked.command in ("parked", "reconcile", "purged") else None
    )

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
        case "parked":
            sys.exit(parked_command.run(asked, "agreements", given.kafka_bootstrap, given.postgres_url, _EVERY))
        case "purged":
            sys.exit(purged_command.run(asked, given.kafka_bootstrap, given.postgres_url))
        case "reconcile":
            sys.exit(
                reconcile_command.run(
                    asked,
                    given.kafka_bootstrap,
                    given.postgres_url,
                    [AgreementRegistered.topic.name],
                    announcing.version_told,
                    announcing.versions_to_tell,
                    announcing.announce_anew,
                )
            )
