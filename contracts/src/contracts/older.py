"""The contracts as they were: read from a git revision, or from the contracts folder of another checkout or release."""

import io
import json
import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import yaml


class Unusable(Exception):
    """There is nothing to compare with; one line that says what to put right."""


@dataclass(frozen=True)
class Older:
    """What an older version committed. `examples` are the files' texts by topic and path below the topic's folder."""

    schemas: dict[str, dict[str, Any]]
    topics: dict[str, dict[str, Any]]
    frozen: frozenset[str]
    examples: dict[str, dict[str, str]]


def at(base: str, root: Path) -> Older:
    """The contracts of a folder that exists, else those at a revision of the repository around `root`.

    Raises Unusable when there is no such revision or it holds no contracts.
    """
    files = _in_folder(Path(base)) if Path(base).is_dir() else _in_git(base, root)
    schemas = {path.stem: text for path, text in files.items() if path.parts[0] == "schema"}
    if not schemas:
        raise Unusable(f"{base} holds no contracts: a contracts folder has schema/*.json")
    topics = files.get(PurePosixPath("src/contracts/topics.yaml"), "topics: []")
    examples: dict[str, dict[str, str]] = {topic: {} for topic in schemas}
    for path, text in files.items():
        if path.parts[0] == "examples":
            examples.setdefault(path.parts[1], {})["/".join(path.parts[2:])] = text
    try:
        return Older(
            {topic: json.loads(text) for topic, text in schemas.items()},
            {row["name"]: row for row in yaml.safe_load(topics)["topics"]},
            frozenset(path.name.removesuffix(".v1.json") for path in files if path.parts[0] == "frozen"),
            examples,
        )
    except (ValueError, yaml.YAMLError) as error:
        raise Unusable(f"{base} holds a file that cannot be read: {str(error).splitlines()[0]}") from None


def _wanted(path: PurePosixPath) -> bool:
    if path.parts[:1] in {("schema",), ("examples",), ("frozen",)}:
        return path.suffix == ".json"
    return path == PurePosixPath("src/contracts/topics.yaml")


def _in_folder(folder: Path) -> dict[PurePosixPath, str]:
    paths = {PurePosixPath(path.relative_to(folder).as_posix()): path for path in sorted(folder.rglob("*.[jy]*"))}
    return {name: path.read_text(encoding="utf-8") for name, path in paths.items() if _wanted(name)}


def _in_git(revision: str, root: Path) -> dict[PurePosixPath, str]:
    # A revision that looks like an option would be one.
    named = _git(
        root,
        "rev-parse",
        "--verify",
        "--quiet",
        "--end-of-options",
        f"{revision}^{{commit}}",
        absent=f"there is no revision {revision}",
    )
    commit = named.decode().split()[-1]
    with tarfile.open(fileobj=io.BytesIO(_git(root, "archive", "--format=tar", commit, "."))) as archive:
        members = {PurePosixPath(member.name): member for member in archive.getmembers() if member.isfile()}
        return {
            name: file.read().decode()
            for name, member in members.items()
            if _wanted(name) and (file := archive.extractfile(member)) is not None
        }


def _git(root: Path, *arguments: str, absent: str = "it failed and says no more") -> bytes:
    git = shutil.which("git")
    if git is None:
        raise Unusable("git is missing: give --base a contracts folder instead")
    done = subprocess.run([git, "-C", str(root), *arguments], capture_output=True, check=False)  # noqa: S603
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        raise Unusable(f"git: {lines[0] if lines else absent}")
    return done.stdout
