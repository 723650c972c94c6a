"""Copies of the contracts folder to work in."""

import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the contracts folder, all its contracts drafts."""
    for name in ("schema", "examples"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for name in ("pyproject.toml", "asyncapi.yaml", "src/contracts/topics.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


@pytest.fixture
def old(folder: Path) -> Path:
    """Another copy of the contracts folder: an older version to change by hand."""
    return Path(shutil.copytree(folder, folder / "old"))
