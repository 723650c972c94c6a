"""The environment of catalog-sync, read once."""

from pathlib import Path

from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    """One field per environment variable of the same name in upper case."""

    postgres_url: str
    kafka_bootstrap: str
    catalogue_url: str
    """Base address of the national catalogue's FHIR service."""
    code_files: Path | None = None
    """Folder of releases, maps and care areas, see `shipped/README.md`; none are read where it is unset."""
    sync_seconds: float = 3600
    retry_seconds: float = 30
    largest_share: float = 0.1
    """A run that would end more than this share of what is known is held."""
    host: str = "127.0.0.1"
    worker_port: int = 8100
    log_level: str = "INFO"
    migrations: Path = Path(__file__).parents[2] / "migrations"
