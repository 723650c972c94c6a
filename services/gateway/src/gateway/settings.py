"""The environment of gateway, read once."""

from pydantic_settings import BaseSettings

from upkeep.addresses import LogLevel, Port, WebUrl


class Settings(BaseSettings):
    """One field per environment variable of the same name in upper case."""

    search_url: WebUrl
    agreements_url: WebUrl
    catalog_sync_url: WebUrl
    timeout_seconds: float = 10.0
    """How long a service may leave a caller without a byte."""
    oidc_issuer: WebUrl
    oidc_audience: str = "vardformedling"
    host: str = "127.0.0.1"
    api_port: Port = 8080
    log_level: LogLevel = "INFO"
