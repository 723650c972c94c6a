"""The environment of search, read once."""

from pathlib import Path

from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    """One field per environment variable of the same name in upper case."""

    postgres_url: str
    kafka_bootstrap: str
    opensearch_url: str
    oidc_issuer: str
    oidc_audience: str = "vardformedling"
    index_name: str = "offers"
    host: str = "127.0.0.1"
    api_port: int = 8002
    worker_port: int = 8102
    log_level: str = "INFO"
    migrations: Path = Path(__file__).parents[2] / "migrations"
