"""The environment of agreements, read once."""

from pathlib import Path

from pydantic_settings import BaseSettings

MIGRATIONS = Path(__file__).parents[2] / "migrations"


class Settings(BaseSettings):
    """One field per environment variable of the same name in upper case."""

    postgres_url: str
    kafka_bootstrap: str
    oidc_issuer: str
    oidc_audience: str = "vardformedling"
    host: str = "127.0.0.1"
    api_port: int = 8001
    worker_port: int = 8101
    log_level: str = "INFO"
    migrations: Path = MIGRATIONS
