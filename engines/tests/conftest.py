"""One set of engines for the whole folder; starting it is the slowest part of these tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import engines
from engines import providers


@pytest.fixture(scope="session")
def own_engines() -> Iterator[pytest.MonkeyPatch]:
    """Addresses in the environment of whoever runs the tests are not used: these tests are about our own processes."""
    with pytest.MonkeyPatch.context() as patch:
        for variable in (*providers.VARIABLES.values(), providers.FORCE):
            patch.delenv(variable, raising=False)
        yield patch


@pytest.fixture(scope="session")
def running(own_engines: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[engines.Engines]:
    """All four engines."""
    with engines.start(home=tmp_path_factory.mktemp("engines"), durable=True) as started:
        yield started


@pytest.fixture
def home(own_engines: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A home of its own for one test."""
    return tmp_path / "engines"
