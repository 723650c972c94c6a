"""The wheel a region installs: ours inside, others' from the index, and it works apart from this folder."""

import os
import subprocess
import sys
import zipfile
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from sent_tables import as_csv, row

CLIENT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    built = subprocess.run(
        [sys.executable, str(CLIENT / "build_wheel.py"), str(out)], capture_output=True, text=True, check=True
    )
    return Path(built.stdout.strip())


def test_it_carries_our_members_and_asks_the_index_for_others_only(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        [metadata] = [archive.read(name).decode() for name in names if name.endswith("/METADATA")]
        [entries] = [archive.read(name).decode() for name in names if name.endswith("/entry_points.txt")]
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {
        "contracts", "intake", "region_cli", "rules",
    }  # fmt: skip
    assert {"rules/agreement_profiles.toml", "region_cli/py.typed"} <= names
    needed = [line.split()[1] for line in metadata.splitlines() if line.startswith("Requires-Dist: ")]
    assert not any(one.startswith(("contracts", "intake", "rules", "kit")) for one in needed)
    assert {"httpx>=0.28", "pydantic>=2.12"} <= set(needed)
    assert "vf-region = region_cli.main:main" in entries.replace("=", " = ").replace("  ", " ")


def test_it_runs_apart_from_this_folder(wheel: Path, tmp_path: Path) -> None:
    apart = tmp_path / "apart"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(apart)
    (tmp_path / "avtal.csv").write_bytes(as_csv([row(namn="")]).getvalue())
    program = (
        "import sys, rules, contracts, intake, region_cli, region_cli.main\n"
        f"assert all(one.__file__.startswith({str(apart)!r}) for one in (rules, contracts, intake, region_cli))\n"
        "sys.exit(region_cli.main.main(['check', 'avtal.csv', '--region', '14']))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(apart)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (1, "avtal.csv:2: AVT-1 avvisat: namn: måste fyllas i\n"), ran.stderr


_ALONE = """
import importlib.abc, sys
allowed = set(sys.argv[1].split(","))
class Others(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top in sys.stdlib_module_names or top in allowed or top.startswith("_"):
            return None
        raise ModuleNotFoundError(f"{top} is not among what the wheel requires", name=top)
sys.meta_path.insert(0, Others())
from region_cli import asking, checking, http_push, kafka_push, main
from aiokafka import codec
# The service writes zstd, and regions' own systems whatever they like.
assert codec.zstd_decode(codec.zstd_encode(b"receipt")) == b"receipt"
assert codec.lz4_decode(codec.lz4_encode(b"receipt")) == b"receipt"
"""


def test_what_the_wheel_requires_is_all_that_it_needs_and_reads_what_the_service_writes(
    wheel: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
        [metadata] = [archive.read(name).decode() for name in archive.namelist() if name.endswith("/METADATA")]
    needed = [line.split(": ", 1)[1] for line in metadata.splitlines() if line.startswith("Requires-Dist: ")]
    distributions = _with_their_own(needed)
    packages = [
        top for top, names in packages_distributions().items() if distributions & {_plain(one) for one in names}
    ]
    ours = ["contracts", "intake", "region_cli", "rules"]
    ran = subprocess.run(
        [sys.executable, "-c", _ALONE, ",".join([*packages, *ours])],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr


def _with_their_own(needed: list[str]) -> set[str]:
    """The distributions that a list of requirements brings, theirs included, as installed here."""
    found: set[tuple[str, str]] = set()
    waiting = [(one, "") for one in needed]
    while waiting:
        written, extra = waiting.pop()
        requirement = Requirement(written)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": extra}):
            continue
        for wanted in ("", *requirement.extras):
            key = (_plain(requirement.name), wanted)
            if key not in found:
                found.add(key)
                waiting += [(one, wanted) for one in requires(requirement.name) or ()]
    return {name for name, _ in found}


def _plain(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")
