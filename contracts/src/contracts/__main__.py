"""`python -m contracts`: generate the files others read, check them, compare contracts with older ones, freeze."""

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from contracts import freeze, generate

ROOT = Path(__file__).resolve().parents[2]
"""The contracts folder of the source checkout; an installed copy has none."""


class _Usage(Exception):
    """Something the caller must put right; one line, exit code 2."""


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Exit code 0: fine, 1: stale files or a broken contract, 2: cannot do what was asked."""
    options = _parser().parse_args(arguments)
    try:
        if not (root / "pyproject.toml").is_file():
            raise _Usage("works in a source checkout only: the package is installed without one")
        code: int = options.run(options, root)
    except (_Usage, freeze.Refused, OSError) as error:
        sys.stderr.write(f"contracts: {error}\n")
        return 2
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m contracts", description=__doc__, epilog="Example: python -m contracts compare --base main"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    make = commands.add_parser("generate", help="write schema/, asyncapi.yaml and topics.yaml")
    make.add_argument("--check", action="store_true", help="write nothing; fail and name each stale file")
    make.set_defaults(run=_generate)
    check = commands.add_parser("check", help="generate --check, frozen contracts and frozen examples")
    check.set_defaults(run=_check)
    compare = commands.add_parser("compare", help="tell what changed since an older version")
    compare.add_argument("--base", required=True, metavar="DIR|REV", help="a folder of schemas, or a git revision")
    compare.set_defaults(run=_compare)
    fix = commands.add_parser("freeze", help="record new examples; with topics, freeze their contracts too")
    fix.add_argument("topics", nargs="*", metavar="TOPIC", help="for example care-unit-updated")
    fix.add_argument("--drafts", action="store_true", help="record edited examples of draft contracts anew")
    fix.set_defaults(run=_freeze)
    return parser


def _say(lines: list[str]) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)


def _generate(options: argparse.Namespace, root: Path) -> int:
    if options.check:
        _say(problems := _stale(root))
        return 1 if problems else 0
    _say([f"wrote {path.relative_to(root)}" for path in generate.write(root)])
    return 0


def _stale(root: Path) -> list[str]:
    return [f"{path.relative_to(root)} is stale: run `python -m contracts generate`" for path in generate.stale(root)]


def _check(options: argparse.Namespace, root: Path) -> int:
    problems = _stale(root) + freeze.contract_problems(root) + freeze.example_problems(root)
    examples = len(freeze.example_files(root))
    _say(problems or [f"contracts: {len(freeze.SCHEMAS)} contracts and {examples} examples are as they should be"])
    return 1 if problems else 0


def _compare(options: argparse.Namespace, root: Path) -> int:
    old, fixed, broken = _schemas_at(options.base, root), freeze.frozen_contracts(root), False
    for topic in sorted({*old, *freeze.SCHEMAS}):
        state = "frozen" if topic in fixed else "draft"
        if topic not in old:
            _say([f"{topic} ({state}): new"])
        elif found := freeze.breaks(topic, old[topic]):
            _say([f"{topic} ({state}): breaks", *(f"  {difference}" for difference in found)])
            broken = broken or topic in fixed
        elif old[topic] != freeze.SCHEMAS[topic]:
            _say([f"{topic} ({state}): changed compatibly"])
    return 1 if broken else 0


def _schemas_at(base: str, root: Path) -> dict[str, dict[str, Any]]:
    """The schemas in a folder, or those committed at a git revision."""
    if Path(base).is_dir():
        files = {path.stem: path.read_text(encoding="utf-8") for path in sorted(Path(base).glob("*.json"))}
    else:
        names = _git(root, "ls-tree", "--name-only", "--end-of-options", base, "schema/").split()
        files = {Path(name).stem: _git(root, "show", "--end-of-options", f"{base}:./{name}") for name in names}
    try:
        return {topic: json.loads(text) for topic, text in files.items()}
    except ValueError as error:
        raise _Usage(f"{base} holds a schema that is not JSON: {error}") from None


def _git(root: Path, *arguments: str) -> str:
    git = shutil.which("git")
    if git is None:
        raise _Usage("git is missing: give --base a folder instead")
    done = subprocess.run([git, "-C", str(root), *arguments], capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise _Usage(f"git: {done.stderr.strip().splitlines()[0]}")
    return done.stdout


def _freeze(options: argparse.Namespace, root: Path) -> int:
    for topic in options.topics:
        freeze.freeze_contract(root, topic)
    recorded = [f"recorded examples/{name}" for name in freeze.freeze_examples(root, drafts=options.drafts)]
    _say([*(f"froze {topic}" for topic in options.topics), *recorded])
    return 0


if __name__ == "__main__":
    sys.exit(main())
