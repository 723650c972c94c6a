"""`python build_wheel.py OUT`: one wheel of `vf-region` with the members it stands on, for a region's own machine.

The members `rules`, `contracts` and `intake` are in no index, so they are carried inside as the packages they are;
what the wheel depends on is in the index. All is staged in a folder and built by uv's own backend, which needs no
network.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
MEMBERS = ("clients/region-cli", "intake", "contracts", "rules")


def build(out: Path) -> Path:
    """Build the wheel into a folder; its path. Raises CalledProcessError when the build fails."""
    projects = [tomllib.loads((ROOT / member / "pyproject.toml").read_text())["project"] for member in MEMBERS]
    packages = [project["name"].replace("-", "_") for project in projects]
    out = out.resolve()
    with tempfile.TemporaryDirectory() as folder:
        staged = Path(folder)
        for member, package in zip(MEMBERS, packages, strict=True):
            left_out = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / member / "src" / package, staged / "src" / package, ignore=left_out)
        shutil.copy(ROOT / MEMBERS[0] / "README.md", staged / "README.md")
        (staged / "pyproject.toml").write_text(_pyproject(projects, packages))
        made = staged / "out"
        uv = [
            sys.executable,
            "-m",
            "uv",
            "build",
            "--quiet",
            "--offline",
            "--wheel",
            "--out-dir",
            str(made),
            str(staged),
        ]
        subprocess.run(uv, check=True)  # noqa: S603 - our own words and paths
        [wheel] = made.glob("*.whl")
        out.mkdir(parents=True, exist_ok=True)
        return Path(shutil.copy(wheel, out))


def _pyproject(projects: list[dict[str, Any]], packages: list[str]) -> str:
    own = projects[0]
    members = {project["name"] for project in projects}
    needed = {one for project in projects for one in project["dependencies"] if one not in members}
    scripts = "\n".join(f'{name} = "{target}"' for name, target in own["scripts"].items())
    return f"""[project]
name = "vf-region"
version = "{own["version"]}"
description = "{own["description"]}"
readme = "README.md"
requires-python = "{own["requires-python"]}"
dependencies = {json.dumps(sorted(needed))}

[project.scripts]
{scripts}

[build-system]
requires = ["uv_build"]
build-backend = "uv_build"

[tool.uv.build-backend]
module-name = {json.dumps(packages)}
"""


def main() -> int:
    """Exit code 0: built, its path on stdout; 1: the build failed."""
    parser = argparse.ArgumentParser(description="Build the wheel of vf-region.", epilog="example: build_wheel.py dist")
    parser.add_argument("out", type=Path, help="the folder it goes to")
    try:
        sys.stdout.write(f"{build(parser.parse_args().out)}\n")
    except (subprocess.CalledProcessError, OSError) as error:
        sys.stderr.write(f"the wheel could not be built: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
