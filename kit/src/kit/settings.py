"""Settings come from the environment, once, at start; a missing or bad one is told in one line."""

import sys
from typing import TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsError

S = TypeVar("S", bound=BaseSettings)


def read(kind: type[S]) -> S:
    """The settings of a service from its environment. Exits with code 2 and one line per fault; never shows a value."""
    try:
        return kind()
    except ValidationError as error:
        for row in error.errors(include_input=False):
            name = "_".join(str(part) for part in row["loc"]).upper()
            sys.stderr.write(f"setting {name}: {row['msg'].lower()} (an environment variable)\n")
    except SettingsError as error:  # a list or mapping that is not JSON
        sys.stderr.write(f"setting {error}\n")
    raise SystemExit(2)
