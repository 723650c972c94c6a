"""The wheel a region installs: ours inside, others' from the index, and it works apart from this folder."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
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
    assert (ran.returncode, ran.stdout) == (1, "avtal.csv:2: AVT-1 rejected: namn: field required\n"), ran.stderr
