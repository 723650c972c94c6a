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
    """Folder of code-system files (*.jsonl); none are read where it is unset."""
    sync_seconds: float = 600
    """How often the sources are asked for what has changed."""
    full_sync_seconds: float = 86400
    """How often the catalogue is read as a whole: only that finds what was removed."""
    overlap_seconds: float = 300
    """How far before the latest reading the next one begins."""
    retry_seconds: float = 30
    largest_share: float = 0.1
    """A run that would end more than this share (0-1) of what is known of a kind is held."""
    largest_changed_share: float = 0.3
    """The same for units and offerings that would change."""
    host: str = "127.0.0.1"
    worker_port: int = 8100
    log_level: str = "INFO"
    migrations: Path = Path(__file__).parents[2] / "migrations"
