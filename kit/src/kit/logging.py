"""JSON lines on stdout: an event in words plus fields. Never personal data, never a query string."""

import logging
import sys
import traceback

import structlog
from structlog.typing import Processor

_SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
]


# uvicorn's access log holds query strings, httpx logs whole addresses, aiokafka tells of every lost connection.
_THRESHOLDS = {
    "uvicorn": "WARNING",
    "uvicorn.access": "CRITICAL",
    "httpx": "WARNING",
    "aiokafka": "ERROR",
    "alembic": "WARNING",
}


def configure(service: str, level: str = "INFO") -> None:
    """Send our own and the libraries' log records as JSON lines to stdout, each with the service's name."""
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    # uvicorn's access log holds query strings, httpx logs whole addresses, aiokafka tells of every lost connection.
    for name, threshold in {
        "uvicorn.access": "CRITICAL",
        "httpx": "WARNING",
        "aiokafka": "ERROR",
        "alembic": "WARNING",
    }.items():
        logging.getLogger(name).setLevel(threshold)


def where(error: BaseException) -> str:
    """What kind of error and where it came from, without its message: that may repeat somebody's data."""
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    places = [f"{frame.name} {frame.filename}:{frame.lineno}" for frame in frames[::-1]]
    return " < ".join([type(error).__name__, *places])
