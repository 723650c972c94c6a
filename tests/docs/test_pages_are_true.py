"""What the pages say is there: links, files, functions, commands, and one version of it all."""

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from fastapi import Request

from gateway.api import api_info
from kit.http import application

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    ROOT / name for name in subprocess.check_output(["git", "ls-files", "*.md"], cwd=ROOT, text=True).split()
)
LINK = re.compile(r"\[([^\]]*)\]\(([^)#\s]+)[^)]*\)")
TARGET = re.compile(r"\bmake (?:-s )?([a-z][a-z-]+)")
COMMAND = re.compile(r"`[^`\n]+`|^    .*$", re.MULTILINE)
RELEASE = re.compile(r"^## \[(?P<version>[\d.]+)\] - (?P<day>[\d-]+)$", re.MULTILINE)


def read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    targets = [target for _, target in LINK.findall(page.read_text("utf-8")) if "://" not in target]
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_every_stop_of_the_tour_names_something_of_its_file() -> None:
    lacking = []
    for text, target in LINK.findall(read("docs/tour.md")):
        file = ROOT / "docs" / target
        if file.suffix == ".py" and "." in text:
            room, name = text.strip("`").split(".")[:2]
            tree = ast.parse(file.read_text("utf-8"))
            names = {getattr(one, "name", "") for one in tree.body}
            names |= {
                one.target.id
                for one in tree.body
                if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)
            }
            if room not in file.with_suffix("").parts or name not in names:
                lacking.append(text)
    assert lacking == []


def test_every_make_target_that_a_page_names_exists() -> None:
    there = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))
    commands = [code for page in PAGES for code in COMMAND.findall(page.read_text("utf-8"))]
    assert {target for command in commands for target in TARGET.findall(command)} - there == set()


async def test_one_version_is_told_everywhere() -> None:
    members = [
        member for folder in ("*", "clients/*", "services/*") for member in ROOT.glob(f"{folder}/pyproject.toml")
    ]
    assert len(members) > 10
    [version] = {tomllib.loads(member.read_text("utf-8"))["project"]["version"] for member in members}
    newest = RELEASE.search(read("CHANGELOG.md"))
    assert newest is not None
    assert newest["version"] == version
    assert f"vf_region-{version}-" in read("clients/region-cli/README.md")
    app = application("x", lifespan=None, authorise=lambda: None)  # type: ignore[arg-type]
    told = await api_info(Request({"type": "http", "app": app}))
    assert (app.version, told["api_version"], told["api_released"]) == (version, version, newest["day"])
