"""`python -m contracts`: generate the files others read, check them, compare contracts with older ones, freeze."""

import argparse
import json
import sys
from pathlib import Path

from contracts import compare, freeze, generate, older

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
    except (_Usage, older.Unusable, freeze.Refused, OSError) as error:
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
    since = commands.add_parser("compare", help="tell what changed since an older version, and whom it breaks")
    since.add_argument("--base", required=True, metavar="REV|DIR", help="a git revision, or another contracts folder")
    since.add_argument("--strict", action="store_true", help="fail on breaks of drafts too")
    since.add_argument("--all", action="store_true", help="show changed descriptions and examples too")
    since.add_argument("--json", action="store_true", help="print JSON, with everything in it")
    since.set_defaults(run=_compare)
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
    found = compare.compare(older.at(options.base, root), root)
    broken = [one for one in found if one.breaking]
    failing = [one.topic for one in broken if one.frozen or options.strict]
    if options.json:
        _say([json.dumps(compare.as_json(options.base, found, failing), ensure_ascii=False, indent=2)])
        return 1 if failing else 0
    _say(list(compare.as_text(found, quiet_too=options.all)) or [f"no contract changed since {options.base}"])
    if failing:
        _say([f"broken: {', '.join(failing)}"])
    if allowed := [one.topic for one in broken if one.topic not in failing]:
        _say([f"drafts may break (--strict, in make STRICT=1, forbids it): {', '.join(allowed)}"])
    return 1 if failing else 0


def _freeze(options: argparse.Namespace, root: Path) -> int:
    for topic in options.topics:
        freeze.freeze_contract(root, topic)
    recorded = [f"recorded examples/{name}" for name in freeze.freeze_examples(root, drafts=options.drafts)]
    _say([*(f"froze {topic}" for topic in options.topics), *recorded])
    return 0


if __name__ == "__main__":
    sys.exit(main())
