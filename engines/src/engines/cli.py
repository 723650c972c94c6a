"""The command line: prepare, up, down, status, logs, token."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path

from engines import recording, running, tokens
from engines.errors import EngineError

EXAMPLES = """\
examples:
  python -m engines prepare               once: fetch all jars, make later starts twice as fast
  python -m engines up --durable          start all four and leave them running
  python -m engines status                what runs where, with how much memory
  python -m engines logs kafka            the end of Kafka's log
  python -m engines token --role navigator --region 01
  python -m engines down                  stop them, the data stays
"""
HOME = Path(".run/engines")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. The exit code is 0 when all is well, 1 when something is down or failed, 2 for wrong usage."""
    options = _parser().parse_args(arguments)
    try:
        return int(COMMANDS[options.command](options))
    except EngineError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        return 130


def up(options: argparse.Namespace) -> int:
    """Start engines in the background and print their addresses."""
    names = options.names or running.NAMES
    engines = running.start(names, home=options.home, durable=options.durable, keep=True)
    if options.json:
        _print(json.dumps({name: address for name, address in asdict(engines.addresses).items() if address}))
    else:
        _print(_table(engines.status()))
    return 0


def prepare(_: argparse.Namespace) -> int:
    """Fetch everything and record the starts."""
    recording.prepare(running.to_stderr)
    return 0


def down(options: argparse.Namespace) -> int:
    """Stop the engines of this home; their data stays."""
    engines = running.attach(options.names or running.NAMES, home=options.home)
    ran = [row.name for row in engines.status() if row.state == "up"]
    engines.stop()
    _print(f"stopped {', '.join(ran)}" if ran else "nothing was running")
    return 0


def status(options: argparse.Namespace) -> int:
    """Print what runs; 1 when an engine that was started is down or none ever was."""
    rows = running.attach(options.names or running.NAMES, home=options.home).status()
    if options.json:
        _print(json.dumps([asdict(row) for row in rows], indent=2))
    else:
        _print(_table(rows) if rows else f"no engines were started in {options.home}")
    return 0 if rows and all(row.state != "down" for row in rows) else 1


def logs(options: argparse.Namespace) -> int:
    """Print the end of one engine's log."""
    _print(running.attach([options.name], home=options.home).logs(options.name, options.lines))
    return 0


def token(options: argparse.Namespace) -> int:
    """Print an access token."""
    issuer = options.issuer or running.attach(["oidc"], home=options.home).addresses.oidc
    if issuer is None:
        raise EngineError("oidc was never started here: run `python -m engines up oidc` or give --issuer")
    _print(tokens.token(issuer, role=options.role, region=options.region, user=options.user, units=options.unit))
    return 0


COMMANDS = {"prepare": prepare, "up": up, "down": down, "status": status, "logs": logs, "token": token}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m engines",
        description="Kafka, OpenSearch, PostgreSQL and an OpenID provider on this machine.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    home = argparse.ArgumentParser(add_help=False)
    home.add_argument("--home", type=Path, default=HOME, metavar="DIR", help=f"where they keep data and logs ({HOME})")
    names = argparse.ArgumentParser(add_help=False)
    names.add_argument("names", nargs="*", metavar="NAME", help=f"which ones: {', '.join(running.NAMES)} (all)")
    machine = argparse.ArgumentParser(add_help=False)
    machine.add_argument("--json", action="store_true", help="write JSON for programs")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("prepare", help="fetch all jars and record the starts, so that later ones are faster")
    begin = commands.add_parser("up", parents=[home, names, machine], help="start engines in the background")
    begin.add_argument("--durable", action="store_true", help="keep data at a power cut, give more memory (for a demo)")
    commands.add_parser("down", parents=[home, names], help="stop engines; their data stays")
    commands.add_parser("status", parents=[home, names, machine], help="what runs where; exit code 1 if one is down")
    log = commands.add_parser("logs", parents=[home], help="the end of one engine's log")
    log.add_argument("name", choices=running.NAMES, metavar="NAME", help=", ".join(running.NAMES))
    log.add_argument("--lines", type=int, default=20, metavar="N", help="how many lines (20)")
    ask = commands.add_parser("token", parents=[home], help="print an access token of the OpenID provider")
    ask.add_argument("--role", required=True, help="the only entry of the claim `roles`, for example navigator")
    ask.add_argument("--region", default="", help="the claim `region`, for example 01")
    ask.add_argument("--user", default="demo", help="the claim `sub` (demo)")
    ask.add_argument("--unit", default="", help="the only entry of the claim `units`")
    ask.add_argument("--issuer", metavar="URL", help="the provider (the one of --home)")
    return parser


def _table(rows: Sequence[running.Row]) -> str:
    titles = [field.name if field.name != "memory" else "memory MB" for field in fields(running.Row)]
    lines = [titles, *[[str("-" if cell in (None, "", 0) else cell) for cell in asdict(row).values()] for row in rows]]
    widths = [max(len(line[column]) for line in lines) for column in range(len(titles))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
