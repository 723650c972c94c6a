"""Puts agreements together: the api process, the worker process, migrations, upkeep."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from fastapi import FastAPI

from agreements.consumer import HANDLERS
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


def api(given: Settings) -> FastAPI:
    """The HTTP application."""
    # Only here: a worker without what HTTP and tokens need is 12 MB smaller.
    from agreements.api.application import application

    return application(given)


async def work(given: Settings) -> None:
    """The worker: copies the catalogue and sends the outbox."""
    engine = database.connect(given.postgres_url)
    sessions = database.sessions(engine)
    consumer = Consumer("agreements", given.kafka_bootstrap, sessions, HANDLERS)
    relay = Relay(engine, given.kafka_bootstrap)
    submissions = WorkingOff(engine)
    parked = ParkedCount("agreements", given.kafka_bootstrap, HANDLERS)
    clock = Clock(sessions)

    async def mark_copied() -> None:
        await consumer.caught_up.wait()
        async with sessions.begin() as session:
            await catalogue.catalogue_copied(session, datetime.now(UTC))

    app = health.application(
        alive=health.beating(consumer, relay, submissions, clock),
        ready={"postgresql": health.database(engine), "kafka": consumer.ready},
    )
    try:
        await process.together(
            consumer.run,
            relay.run,
            submissions.run,
            mark_copied,
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
            "worker": "Copy the catalogue and send what is announced.",
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
            sys.exit(parked_command.run(asked, "agreements", given.kafka_bootstrap, given.postgres_url, HANDLERS))
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
