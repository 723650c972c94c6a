"""The environment of gateway, read once."""

from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    """One field per environment variable of the same name in upper case."""

    search_url: str
    agreements_url: str
    oidc_issuer: str
    oidc_audience: str = "vardformedling"
    host: str = "127.0.0.1"
    api_port: int = 8080
    log_level: str = "INFO"
