"""The command line of `vf-region`."""

import argparse
import asyncio
import io
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from contracts.agreement_form import AgreementForm
from contracts.schema import form_schema
from intake.explaining import explanation
from region_cli import checking
from region_cli.terminal import CANNOT, DONE, INTERRUPTED, Cannot, Shown, say, tell_json
from rules.regions import REGIONS

_EPILOG = """examples:
  vf-region check avtal.xlsx --region 14
  vf-region convert egen-lista.xlsx --mapping karta.toml --to avtal.jsonl --region 14
  VF_TOKEN=… vf-region push avtal.xlsx --http https://example.se/vardformedling/v1
  vf-region push avtal.jsonl --kafka broker:9092 --region 14

exit codes: 0 all is fine, 1 some rows are wrong, 2 what was asked cannot be done

environment: VF_TOKEN, or VF_TOKEN_URL, VF_CLIENT_ID and VF_CLIENT_SECRET, for HTTP; for Kafka see
`vf-region push --help`; NO_COLOR switches colours off
"""
_PUSH = """environment for HTTP: VF_TOKEN, or VF_TOKEN_URL, VF_CLIENT_ID, VF_CLIENT_SECRET and VF_SCOPE
environment for Kafka: VF_KAFKA_PROTOCOL (PLAINTEXT, SSL, SASL_SSL), VF_KAFKA_CA, VF_KAFKA_CERTIFICATE,
  VF_KAFKA_KEY (files), VF_KAFKA_SASL_MECHANISM (PLAIN, SCRAM-SHA-256, SCRAM-SHA-512), VF_KAFKA_USERNAME,
  VF_KAFKA_PASSWORD

example: vf-region push avtal.xlsx --http https://example.se/vardformedling/v1
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0: all is fine; 1: some rows are wrong; 2: what was asked cannot be done, told on stderr."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A name that the terminal's character set lacks must not stop the work.
            stream.reconfigure(errors="replace")
    asked = _parser().parse_args(argv)
    try:
        code = _do(asked)
        sys.stdout.flush()
    except Cannot as error:
        for line in str(error).splitlines():
            say(f"vf-region: {line}")
        if getattr(asked, "json", False):
            found = [finding.as_json() for finding in error.findings]
            tell_json({"status": "failed", "reason": str(error), "findings": found})
        return CANNOT
    except BrokenPipeError:
        # What is still in the buffer must not fail when the process ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except KeyboardInterrupt:
        say("vf-region: interrupted; what was sent stays sent, and sending it again changes nothing twice")
        return INTERRUPTED
    return code


def _do(asked: argparse.Namespace) -> int:
    match asked.command:
        case "check":
            return checking.check(asked.file, asked.region, asked.mapping, asked.codes, asked.json)
        case "convert":
            return checking.convert(asked.file, asked.mapping, asked.to, asked.region, asked.force, asked.json)
        case "schema":
            tell_json(form_schema(AgreementForm, "agreement-submitted"))
            return DONE
        case "columns":
            sys.stdout.write(explanation())
            return DONE
        case "watch":
            from region_cli import http_push

            return asyncio.run(http_push.watch(asked.submission, asked.http, _shown(asked)))
    # The clients take a while to import, and are needed here alone.
    if asked.http is not None:
        from region_cli import http_push

        return asyncio.run(
            http_push.push(asked.file, asked.http, asked.region, asked.mapping, asked.anew, _shown(asked))
        )
    if asked.region is None:
        raise Cannot("--kafka needs --region: each region has a topic of its own")
    from region_cli import kafka_push

    return asyncio.run(kafka_push.push(asked.file, asked.kafka, asked.region, asked.mapping, asked.wait, _shown(asked)))


def _shown(asked: argparse.Namespace) -> Shown:
    return Shown.JSON if asked.json else Shown.ALL if asked.all else Shown.FINDINGS


def _parser() -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="vf-region",
        description="Check, convert, push and watch a region's agreements.",
        epilog=_EPILOG,
        formatter_class=raw,
    )
    parser.add_argument("--version", action="version", version=f"vf-region {version('region-cli')}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, told: str, example: str, **options: object) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=told, description=told, epilog=example, formatter_class=raw)
        if name not in ("schema", "columns"):
            made.add_argument("--json", action="store_true", help="print the result as JSON")
        return made

    one = command(
        "check", "Tell what is wrong with a file, offline.", "example: vf-region check avtal.xlsx --region 14"
    )
    _file(one)
    one.add_argument("--mapping", type=Path, metavar="FILE", help="your own headings and words, TOML or JSON")
    one.add_argument("--codes", type=Path, metavar="FILE", help="known codes, system|code a line")

    one = command(
        "convert",
        "Write your own spreadsheet in our shape.",
        "example: vf-region convert egen-lista.xlsx --mapping karta.toml --to avtal.jsonl",
    )
    _file(one)
    one.add_argument("--mapping", type=Path, metavar="FILE", required=True, help="your own headings and words")
    one.add_argument("--to", type=Path, metavar="OUT", required=True, help=".jsonl, .csv or .xlsx")
    one.add_argument("--force", action="store_true", help="overwrite OUT")

    one = command("push", "Send a file, and tell each agreement's verdict.", _PUSH)
    _file(one)
    way = one.add_mutually_exclusive_group(required=True)
    way.add_argument("--http", metavar="URL", help="the API's address; without --mapping the file is sent as it is")
    way.add_argument("--kafka", metavar="BOOTSTRAP", help="host:port of the brokers; one record per agreement is sent")
    one.add_argument("--mapping", type=Path, metavar="FILE", help="your own headings and words, TOML or JSON")
    one.add_argument("--all", action="store_true", help="a line for what was taken too, with our id of each agreement")
    one.add_argument("--anew", action="store_true", help="for --http: judge a file again that was sent before")
    one.add_argument(
        "--wait", type=float, default=120.0, metavar="SECONDS", help="for --kafka: for each receipt (default 120)"
    )

    one = command(
        "watch",
        "Follow a submission until it is done.",
        "example: vf-region watch 4f1c… --http https://example.se/vardformedling/v1",
    )
    one.add_argument("submission", metavar="SUBMISSION", help="the id that push printed")
    one.add_argument("--http", metavar="URL", required=True, help="the API's address")
    one.add_argument("--all", action="store_true", help="a line for what was taken too, with our id of each agreement")

    command("columns", "Print the columns of a table, and how to map.", "example: vf-region columns | less")
    command("schema", "Print the JSON Schema of an agreement.", "example: vf-region schema > avtal.schema.json")
    return parser


def _region(written: str) -> str:
    code = written.zfill(2)
    if code not in REGIONS:
        raise argparse.ArgumentTypeError(f"must be a region's code, one of {', '.join(sorted(REGIONS))}")
    return code


def _file(one: argparse.ArgumentParser) -> None:
    one.add_argument("file", type=Path, metavar="FILE", help="JSON lines, JSON, CSV or XLSX; - for what a pipe gives")
    one.add_argument("--region", type=_region, metavar="NN", help="your region's code, such as 14")
