"""`python -m search words`: looks through word files before they are put into use."""

import argparse
import json
from pathlib import Path

from search.domain.word_lists import Faulty, WordLists
from search.index import word_files
from upkeep import terminal

SENTENCE = "Look through word files: synonyms, compounds, stop words."


def arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.epilog = (
        "example: python -m search words /etc/search/words. Needs no engine and no settings. Exit code 0: they can be"
        " used; 1: something is wrong, told with file and line."
    )
    parser.add_argument(
        "folder", nargs="?", type=Path, default=word_files.SHIPPED, help="default: those that come with search"
    )
    parser.add_argument("--json", action="store_true", help="for machines: one JSON object")


def run(asked: argparse.Namespace) -> int:
    """Tell what the files of a folder hold, or everything that is wrong in them; the exit code."""
    faults: list[str] = []
    lists = WordLists((), (), ())
    try:
        lists = word_files.read_folder(asked.folder)
    except Faulty as error:
        faults = error.faults
    counts = {name: len(getattr(lists, name)) for name in ("synonyms", "compounds", "stopwords")}
    if asked.json:
        terminal.out(json.dumps({"faults": faults, **counts}, ensure_ascii=False))
    elif faults:
        for fault in faults:
            terminal.out(fault)
    else:
        for line in terminal.table(("FILE", "LINES"), [(f"{name}.txt", count) for name, count in counts.items()]):
            terminal.out(line)
    return terminal.FAILED if faults else terminal.DONE
