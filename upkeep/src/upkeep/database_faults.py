"""What an operator is told of a database that cannot be used: what is wrong, and where to look."""

from socket import gaierror

from sqlalchemy.exc import DBAPIError

from kit.database import DRIVER_ERRORS, is_transient

# PostgreSQL's own codes, a whole one or the first two letters: its class.
_WORDS = {
    "3D000": "there is no such database: create it and run `migrate`, or mend POSTGRES_URL",
    "42P01": "its tables are not there: run `migrate`, or POSTGRES_URL is another service's",
    "42703": "its tables are not as they should be: run `migrate`, or POSTGRES_URL is another service's",
    "42501": "PostgreSQL does not let the user of POSTGRES_URL do this",
    "28": "PostgreSQL refuses the user or the password of POSTGRES_URL",
    "57P": "PostgreSQL is starting or stopping; run it again",
    "53": "PostgreSQL is short of connections, memory or disk",
    "25006": "PostgreSQL is read-only: POSTGRES_URL may be a standby's",
}


def told(error: BaseException) -> str | None:
    """One line about a fault of the database; None for one that is the data's or the code's."""
    if isinstance(error, gaierror):
        return "PostgreSQL's host cannot be found: check POSTGRES_URL"
    if not is_transient(error) and not isinstance(error, DRIVER_ERRORS):
        return None
    # What SQLAlchemy wraps carries the code, and what the driver raises by itself.
    code = getattr(error.orig if isinstance(error, DBAPIError) else error, "sqlstate", None) or ""
    words = next((words for start, words in _WORDS.items() if code.startswith(start)), None)
    return words or f"PostgreSQL is away ({type(error).__name__}); run it again"
