"""The environment of agreements, read once."""

from pathlib import Path

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
    migrations: Path = MIGRATIONS
