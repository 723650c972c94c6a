"""What a service's settings may hold: addresses, ports, the log's level. A bad one is told at the start, without it."""

import re
from inspect import signature
from typing import Annotated, Literal

import asyncpg
from pydantic import AfterValidator, BeforeValidator, Field, HttpUrl, TypeAdapter
from pydantic_core import PydanticCustomError
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

_BROKER = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[^\s:/,\[\]]+)(?::(\d{1,5}))?")
_OPTIONS = frozenset(signature(asyncpg.connect).parameters) | {"prepared_statement_cache_size"}
_LARGEST_PORT = 65_535
_WEB: TypeAdapter[HttpUrl] = TypeAdapter(HttpUrl)


def brokers(text: str) -> str:
    """The text, if it names Kafka brokers: HOST:PORT, several with commas between. Raises ValueError."""
    found = [_BROKER.fullmatch(one.strip()) for one in text.split(",")]
    if not all(one and 0 < int(one[1] or 1) <= _LARGEST_PORT for one in found):
        raise PydanticCustomError("brokers", "must be host:port, several with commas between")
    return text


def _database(text: str) -> str:
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        url = None
    if url is None or not url.drivername.startswith("postgres"):
        raise PydanticCustomError("database", "must be like postgresql://user:password@host:5432/database")
    if not url.query.keys() <= _OPTIONS:
        raise PydanticCustomError("database", "may only have options that asyncpg knows: ssl=require, not sslmode")
    return text


def _web(text: str) -> str:
    try:
        _WEB.validate_python(text)
    except ValueError:
        raise PydanticCustomError("web", "must be like http://host:port") from None
    return text


PostgresUrl = Annotated[str, AfterValidator(_database)]
"""Where a service's own database is."""
KafkaBootstrap = Annotated[str, AfterValidator(brokers)]
"""Brokers to begin with."""
WebUrl = Annotated[str, AfterValidator(_web)]
"""Base address of something that speaks HTTP."""
Port = Annotated[int, Field(ge=0, le=_LARGEST_PORT)]
"""A port to listen on; 0: any that is free."""
LogLevel = Annotated[
    Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"],
    BeforeValidator(lambda given: given.upper() if isinstance(given, str) else given),
]
"""The least that is logged."""
