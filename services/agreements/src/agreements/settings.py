"""The environment of agreements, read once."""

from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings

from upkeep.addresses import KafkaBootstrap, LogLevel, Port, PostgresUrl, WebUrl

MIGRATIONS = Path(__file__).parents[2] / "migrations"


class Settings(BaseSettings):
    """One field per environment variable of the same name in upper case."""

    postgres_url: PostgresUrl
    kafka_bootstrap: KafkaBootstrap
    oidc_issuer: WebUrl
    oidc_audience: str = "vardformedling"
    host: str = "127.0.0.1"
    api_port: Port = 8001
    worker_port: Port = 8101
    log_level: LogLevel = "INFO"
    agreement_profiles: Path | None = None
    """An operator's own mandatory fields and reviews by day; without it the release's, `rules/agreement_profiles`."""
    pull_sources: Path | None = None
    """TOML file of the regions' own interfaces that are read on a schedule (source.pull_sources); unset: none."""
    disclosure_key_file: Path | None = None
    """PEM file with the Ed25519 private key that archives are signed with; unset: nothing can be disclosed."""
    disclosure_days: Annotated[float, Field(gt=0, le=90)] = 7
    """How long an archive can be fetched."""
    migrations: Path = MIGRATIONS
