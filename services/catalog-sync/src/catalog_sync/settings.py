"""The environment of catalog-sync, read once."""

from pathlib import Path

from pydantic_settings import BaseSettings

from upkeep.addresses import KafkaBootstrap, LogLevel, Port, PostgresUrl, WebUrl


class Settings(BaseSettings):
    """One field per environment variable of the same name in upper case."""

    postgres_url: PostgresUrl
    kafka_bootstrap: KafkaBootstrap
    catalogue_url: WebUrl
    """Base address of the national catalogue's FHIR service."""
    catalogue_guide: str | None = None
    """Canonical of the guide the catalogue follows; unset: what its CapabilityStatement says (source.guides)."""
    geography_files: Path | None = None
    """Folder of CSV files of municipalities and postal codes; unset: addresses are taken as they are."""
    code_files: Path | None = None
    """Folder of releases, maps and care areas, see `shipped/README.md`; none are read where it is unset."""
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
    worker_port: Port = 8100
    log_level: LogLevel = "INFO"
    migrations: Path = Path(__file__).parents[2] / "migrations"


class ApiSettings(BaseSettings):
    """What the api needs, and no more: it reads no source and sends nothing."""

    postgres_url: PostgresUrl
    oidc_issuer: WebUrl
    oidc_audience: str = "vardformedling"
    fhir_base: WebUrl = "http://127.0.0.1:8080/vardformedling/v1/fhir"
    """Where callers reach the FHIR service: the address in the bundles it gives."""
    host: str = "127.0.0.1"
    api_port: Port = 8000
    log_level: LogLevel = "INFO"
