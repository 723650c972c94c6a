"""The environment of search, read once."""

from pathlib import Path

from pydantic_settings import BaseSettings

from upkeep.addresses import KafkaBootstrap, LogLevel, Port, PostgresUrl, WebUrl


class Settings(BaseSettings):
    """One field per environment variable of the same name in upper case."""

    postgres_url: PostgresUrl
    kafka_bootstrap: KafkaBootstrap
    opensearch_url: WebUrl
    oidc_issuer: WebUrl
    oidc_audience: str = "vardformedling"
    index_name: str = "offers"
    word_files: Path = Path(__file__).parent / "shipped"
    """A folder with synonyms.txt, compounds.txt and stopwords.txt."""
    guarantee_rules: Path | None = None
    """An operator's own limits of the waiting-time guarantee by day; without it the release's, `rules/guarantee`."""
    host: str = "127.0.0.1"
    api_port: Port = 8002
    worker_port: Port = 8102
    log_level: LogLevel = "INFO"
    migrations: Path = Path(__file__).parents[2] / "migrations"
