"""Reads the package's own data files; see data/NOTICE.md for where each comes from."""

import csv
from importlib import resources


def table(name: str) -> list[dict[str, str]]:
    """All rows of one CSV file in `demo/data`, dirt and all."""
    text = resources.files("demo").joinpath("data", name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
