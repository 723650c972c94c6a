"""Puts agreements together: the api process, the worker process, migrations, upkeep."""

import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI

from agreements.consumer import HANDLERS, PUSHED
from agreements.schedule.daily import Clock
from agreements.schedule.disclosing import DisclosureClock
from agreements.schedule.pulling import PullClock
from agreements.service import (
    announcing,
    archive,
    catalogue,
    profile,
    pulls_command,
    purged_command,
    verify_command,
)
from agreements.service.working_off import WorkingOff
from agreements.settings import Settings
from agreements.source import pull_sources
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
    pulling = PullClock(sessions, _sources(given))
    disclosing = DisclosureClock(sessions, _signing_key(given), timedelta(days=given.disclosure_days))
    loops: list[health.Beating] = [consumer, relay, submissions, clock, pulling, disclosing]

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
            pulling.run,
            disclosing.run,
            process.serving(app, host=given.host, port=given.worker_port),
        )
    finally:
        await engine.dispose()


def _sources(given: Settings) -> Mapping[str, pull_sources.Source]:
    """The regions' interfaces; a bad file is one line and exit code 2."""
    try:
        return pull_sources.read(given.pull_sources)
    except pull_sources.BadSources as error:
        sys.stderr.write(f"setting PULL_SOURCES: {error}\n")
        raise SystemExit(2) from None


def _signing_key(given: Settings) -> Ed25519PrivateKey | None:
    """The key that archives are signed with; a bad one is one line and exit code 2."""
    try:
        return archive.read_key(given.disclosure_key_file) if given.disclosure_key_file is not None else None
    except archive.BadKey as error:
        sys.stderr.write(f"setting DISCLOSURE_KEY_FILE: {error}\n")
        raise SystemExit(2) from None


def main(argv: Sequence[str] | None = None) -> None:
    """`python -m agreements api|worker|all|migrate|parked|reconcile|purged|pulls|verify-disclosure`."""
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
            "pulls": pulls_command.SENTENCE,
            "verify-disclosure": verify_command.SENTENCE,
        },
        argv,
        {
            "parked": parked_arguments.arguments,
            "reconcile": reconcile_command.arguments,
            "purged": purged_command.arguments,
            "pulls": pulls_command.arguments,
            "verify-disclosure": verify_command.arguments,
        },
    )
    if asked.command == "verify-disclosure":
        # Whoever was given an archive checks it where no service runs: no settings are needed.
        sys.exit(verify_command.run(asked))
    given = settings.read(Settings)
    try:
        profile.use(given.agreement_profiles)
    except BadProfiles as error:
        sys.stderr.write("".join(f"setting AGREEMENT_PROFILES: {fault}\n" for fault in error.faults))
        sys.exit(2)
    shown = asked.command in {"parked", "reconcile", "purged", "pulls"}
    logging.configure("agreements", given.log_level, sys.stderr if shown else None)

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
        case "pulls":
            sys.exit(pulls_command.run(asked, given.postgres_url, _sources(given)))
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
