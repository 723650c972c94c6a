"""What every clock does when PostgreSQL is away: it tells so, and tries again."""

import structlog

from kit.database import is_transient

log = structlog.get_logger(__name__)


def tell(error: Exception) -> None:
    """Log that the database is away. Raises the error where it is any other one."""
    if not is_transient(error):
        raise error
    log.warning("waiting for an engine", engine="postgresql", reason=type(error).__name__)
