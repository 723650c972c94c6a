"""The environment of gateway, read once."""

from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    """One field per environment variable of the same name in upper case."""

    search_url: str
    agreements_url: str
    catalog_sync_url: str
    timeout_seconds: float = 10.0
    """How long a service may leave a caller without a byte."""
    oidc_issuer: str
    oidc_audience: str = "vardformedling"
    host: str = "127.0.0.1"
    api_port: int = 8080
    log_level: str = "INFO"
