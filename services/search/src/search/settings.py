"""The environment of search, read once."""

from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings

from upkeep.addresses import KafkaBootstrap, LogLevel, Port, PostgresUrl, WebUrl

LEAST_HISTORY_DAYS = 400
"""A year and what a question about it takes: last year's answers stand beside this year's."""


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
    history_days: Annotated[int, Field(ge=LEAST_HISTORY_DAYS)] = LEAST_HISTORY_DAYS
    """For how many days it can be asked what a search would have shown."""
    guarantee_rules: Path | None = None
    """An operator's own limits of the waiting-time guarantee by day; without it the release's, `rules/guarantee`."""
    host: str = "127.0.0.1"
    api_port: Port = 8002
    worker_port: Port = 8102
    log_level: LogLevel = "INFO"
    migrations: Path = Path(__file__).parents[2] / "migrations"
