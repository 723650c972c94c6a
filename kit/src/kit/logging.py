"""JSON lines: an event in words plus fields. Never personal data, never a query string."""

import logging
import sys
import traceback
from typing import TextIO

import structlog
from structlog.stdlib import ProcessorFormatter
from structlog.typing import EventDict, Processor

_SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
]

# uvicorn's access log holds query strings, httpx logs whole addresses, aiokafka tells of every lost connection.
_THRESHOLDS = dict.fromkeys(("uvicorn", "uvicorn.error", "httpx", "alembic", "opensearch"), "WARNING")
_THRESHOLDS |= {"uvicorn.access": "CRITICAL", "aiokafka": "ERROR"}


def configure(service: str, level: str = "INFO", to: TextIO | None = None) -> None:
    """Send our own and the libraries' log records as JSON lines to stdout, each with the service's name.

    A command whose output is its result has them sent to stderr.
    """
    structlog.configure(
        processors=[*_SHARED, ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    handler = logging.StreamHandler(to or sys.stdout)
    render = structlog.processors.JSONRenderer(ensure_ascii=False)
    last: list[Processor] = [ProcessorFormatter.remove_processors_meta, _place, render]
    handler.setFormatter(ProcessorFormatter(foreign_pre_chain=_SHARED, processors=last))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name, threshold in _THRESHOLDS.items():
        logging.getLogger(name).setLevel(threshold)


def where(error: BaseException) -> str:
    """What kind of error and where it came from, without its message: that may repeat somebody's data."""
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(where(part) for part in error.exceptions)
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    places = [f"{frame.name} {frame.filename}:{frame.lineno}" for frame in frames[::-1]]
    return " < ".join([type(error).__name__, *places])


def _place(_: object, __: str, fields: EventDict) -> EventDict:
    found = fields.pop("exc_info", None)
    error = found[1] if isinstance(found, tuple) else found if isinstance(found, BaseException) else sys.exc_info()[1]
    return {**fields, "where": where(error)} if found and error is not None else fields
