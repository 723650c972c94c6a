"""The whole system on one machine: engines, topics, databases, services."""

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

import httpx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text

import engines
from demo.nursery import Child, Nursery
from demo.region_interface import CLIENT_ID, CLIENT_SECRET
from engines import ports
from kit import database
from upkeep.topics import create_topics, read_topics

PULLED = "05"
"""The region whose agreements come by its own interface."""
SERVICES_WITH_DATABASES = ("catalog_sync", "agreements", "search")
"""Packages whose services have a database, of the same name."""
_READY_WITHIN_SECONDS = 90

Say = Callable[[str], None]


class StackError(Exception):
    """A part did not start; the message says which, and how its log ends."""


@dataclass(frozen=True)
class Process:
    """One process of the system: module, command and the port of its health address."""

    name: str
    module: str
    arguments: tuple[str, ...]
    port: int


class Stack:
    """Engines and services below one folder. Make the nursery before anything else: it must fork before threads."""

    def __init__(self, home: Path, nursery: Nursery, *, gateway_port: int, say: Say, durable: bool = True) -> None:
        self.home = home
        self.nursery = nursery
        self._say = say
        self._durable = durable
        self._gateway_port = gateway_port
        self._engines: engines.Engines | None = None
        self._claims: list[ports.Claim] = []
        self._processes: dict[str, Process] = {}
        self.environment: dict[str, str] = {}

    @property
    def addresses(self) -> engines.Addresses:
        """Where the engines are."""
        return self.engines.addresses

    @property
    def engines(self) -> engines.Engines:
        """The running engines, to be killed and restarted in fault tests."""
        assert self._engines is not None  # noqa: S101 asked only of a started stack
        return self._engines

    @property
    def gateway(self) -> str:
        """The API's base address."""
        return f"http://127.0.0.1:{self._gateway_port}/vardformedling/v1"

    @property
    def catalogue(self) -> str:
        """The simulated national catalogue's FHIR address."""
        return f"http://127.0.0.1:{self._processes['national-catalogue'].port}/fhir/"

    @property
    def region_interface(self) -> str:
        """The simulated region's own interface."""
        return f"http://127.0.0.1:{self._processes['region-interface'].port}"

    def log(self, name: str) -> Path:
        """Where a process's log is."""
        return self.home / "logs" / f"{name}.log"

    def start_engines(self) -> None:
        """Engines, topics, databases. Raises EngineError."""
        self._engines = engines.start(home=self.home / "engines", durable=self._durable, say=self._say)
        self._say("topics and databases")
        bootstrap, postgres = self.addresses.kafka, self.addresses.postgres
        assert bootstrap is not None  # noqa: S101 asked for above
        assert postgres is not None  # noqa: S101 asked for above
        asyncio.run(_prepare(bootstrap, postgres))

    def start_services(self, code_files: Path, names: Sequence[str] | None = None, *, first: int | None = None) -> None:
        """Migrate, then start the services and wait until each is ready. Raises StackError.

        `first`: the region's own interface tells only those among the demo's first so many agreements.
        """
        (self.home / "logs").mkdir(parents=True, exist_ok=True)
        self._plan(code_files, first)
        migrations = [f"migrate-{service}" for service in SERVICES_WITH_DATABASES]
        for service in SERVICES_WITH_DATABASES:
            self._fork(Process(f"migrate-{service}", f"{service}.main", ("migrate",), 0))
        for name in migrations:
            if self.nursery.wait(name, within=60) != 0:
                raise StackError(self._tail(name))
        # The catalogue first: agreements are judged by it.
        early = ("national-catalogue", "region-interface", "catalog-sync", "search-worker", "search-api", "gateway")
        wanted = names or tuple(self._processes)
        for name in (name for name in early if name in wanted):
            self.start(name)
        if "catalog-sync" in wanted:
            self._say("national catalogue and codes: reading and announcing")
            self.wait_ready("catalog-sync")
        for name in (name for name in wanted if name not in early):
            self.start(name)
        for name in wanted:
            self.wait_ready(name)

    def start(self, name: str) -> None:
        """Start one process of the plan, or start it again after it has ended."""
        self._fork(self._processes[name])

    def wait_ready(self, name: str) -> None:
        """Wait for a process to be ready. Raises StackError with the end of its log when it is not in time."""
        port, until = self._processes[name].port, time.monotonic() + _READY_WITHIN_SECONDS
        path = {"national-catalogue": "fhir/metadata", "region-interface": "livez"}.get(name, "readyz")
        while time.monotonic() < until:
            if name in self.nursery.ended:
                break
            try:
                if (
                    httpx.get(f"http://127.0.0.1:{port}/{path}", timeout=5, trust_env=False).status_code
                    == httpx.codes.OK
                ):
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.1)
        raise StackError(self._tail(name))

    def processes(self) -> list[Process]:
        """Every process of the plan."""
        return list(self._processes.values())

    def stop(self) -> None:
        """Services first, so that they can finish; then the engines."""
        self.nursery.close()
        if self._engines is not None:
            self._engines.stop()
        for claim in self._claims:
            claim.release()

    def _plan(self, code_files: Path, first: int | None) -> None:
        self._claims = [ports.claim(ports.GENERAL) for _ in range(9)]
        places = (claim.port for claim in self._claims)
        catalogue, sync, codes_api, worker, api, search_worker, search_api, region, _ = places
        at = self.addresses
        self.environment = {
            "KAFKA_BOOTSTRAP": at.kafka or "",
            "OPENSEARCH_URL": at.opensearch or "",
            "OIDC_ISSUER": at.oidc or "",
            "CATALOGUE_URL": f"http://127.0.0.1:{catalogue}/fhir/",
            "CODE_FILES": str(code_files),
            "GEOGRAPHY_FILES": str(files("demo") / "data"),
            "SYNC_SECONDS": "300",
            "RETRY_SECONDS": "1",
            "AGREEMENTS_URL": f"http://127.0.0.1:{api}",
            "SEARCH_URL": f"http://127.0.0.1:{search_api}",
            "CATALOG_SYNC_URL": f"http://127.0.0.1:{codes_api}",
            "FHIR_BASE": f"{self.gateway}/fhir",
            "PULL_SOURCES": str(_pull_sources(self.home, region)),
            "DISCLOSURE_KEY_FILE": str(_signing_key(self.home)),
        }
        told = ("--region", PULLED, "--port", str(region), *(("--first", str(first)) if first is not None else ()))
        plan = [
            Process("national-catalogue", "demo.national_catalogue", ("--port", str(catalogue)), catalogue),
            Process("region-interface", "demo.region_interface", told, region),
            Process("catalog-sync", "catalog_sync.main", ("worker",), sync),
            Process("catalog-sync-api", "catalog_sync.main", ("api",), codes_api),
            Process("agreements-worker", "agreements.main", ("worker",), worker),
            Process("agreements-api", "agreements.main", ("api",), api),
            Process("search-worker", "search.main", ("worker",), search_worker),
            Process("search-api", "search.main", ("api",), search_api),
            Process("gateway", "gateway.main", ("api",), self._gateway_port),
        ]
        self._processes = {process.name: process for process in plan}

    def _fork(self, process: Process) -> None:
        service = process.module.partition(".")[0]
        port = str(process.port)
        environment = {
            **self.environment,
            "POSTGRES_URL": f"{self.addresses.postgres}/{service}",
            "API_PORT": port,
            "WORKER_PORT": port,
        }
        self.nursery.start(
            Child(process.name, process.module, process.arguments, environment, str(self.log(process.name)))
        )
        running = {name: {"pid": pid, "log": str(self.log(name))} for name, pid in self.nursery.running.items()}
        write_note(self.home / "processes.json", json.dumps(running, indent=2))

    def _tail(self, name: str) -> str:
        log = self.log(name)
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:] if log.exists() else []
        ended = self.nursery.ended.get(name)
        how = f"ended with exit code {ended}" if ended is not None else f"was not ready in {_READY_WITHIN_SECONDS} s"
        return "\n".join([f"{name} {how}; its log ({log}) ends:", *lines])


def write_note(file: Path, content: str) -> None:
    """Write a file in one step: whoever reads it meanwhile sees the old one or the new one, never half of it."""
    fresh = file.with_name(f"{file.name}.new")
    fresh.write_text(content)
    fresh.replace(file)


def _pull_sources(home: Path, port: int) -> Path:
    """The file that PULL_SOURCES names, with the simulated region in it."""
    secret, file = home / f"pull-{PULLED}.secret", home / "pull-sources.toml"
    write_note(secret, CLIENT_SECRET)
    at = f"http://127.0.0.1:{port}"
    lines = {
        "region": PULLED,
        "url": f"{at}/fhir/",
        "format": "fhir",
        "token_url": f"{at}/token",
        "client_id": CLIENT_ID,
        "client_secret_file": str(secret),
        "every_minutes": 5,
        "requests_per_second": 20,
    }
    write_note(file, "[[source]]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in lines.items()))
    return file


def _signing_key(home: Path) -> Path:
    """The key that the demo's disclosures are signed with, made once."""
    file = home / "disclosure-key.pem"
    if not file.exists():
        pem = Ed25519PrivateKey.generate().private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        write_note(file, pem.decode())
    return file


async def _prepare(bootstrap: str, postgres: str) -> None:
    with as_file(files("contracts") / "topics.yaml") as declared:
        rows = read_topics(declared)
    await create_topics(bootstrap, rows)
    engine = database.connect(f"{postgres}/postgres", pool_size=1)
    try:
        async with engine.connect() as connection:
            # Databases cannot be created inside a transaction.
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            existing = set((await connection.scalars(text("SELECT datname FROM pg_database"))).all())
            for name in SERVICES_WITH_DATABASES:
                if name not in existing:
                    await connection.execute(text(f'CREATE DATABASE "{name}"'))
    finally:
        await engine.dispose()
