"""The demo's commands. `run` is the system itself; `up` is `run` in the background."""

import argparse
import asyncio
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from demo import load, questions, show
from demo.nursery import NotStarted, Nursery
from demo.sample import write_sample
from demo.stack import PULLED, SERVICES_WITH_DATABASES, Say, Stack, StackError, write_note
from demo.sweden import Sweden, build, write_code_files
from engines import EngineError, ports
from rules.calendar import swedish_day
from rules.regions import REGIONS

HOME = Path(".run")
_PORT = 8080

_QUESTION = {"q": "grå starr", "near": "54130", "patient_region": "14", "limit": 12}
_TITLE = "Vårdlots i Västra Götaland söker ”grå starr” nära 541 30 Skövde"


def main(argv: list[str] | None = None) -> int:
    """Exit code 0: done; 1: something did not start, with the reason; 2: usage, or a bad GATEWAY_PORT."""
    parser = argparse.ArgumentParser(
        prog="python -m demo",
        description="The whole system on this machine, filled with a synthetic small Sweden.",
        epilog="example: python -m demo run",
    )
    parser.add_argument("command", choices=["run", "up", "down", "status", "env", "sample", "questions"])
    parser.add_argument("--home", type=Path, default=HOME, help=f"where data and logs are kept (default {HOME})")
    parser.add_argument("--agreements", type=int, help="load only so many agreements (default all)")
    parser.add_argument("--service", choices=SERVICES_WITH_DATABASES, help="env: whose commands are to be run")
    parser.add_argument("--json", action="store_true", help="questions: the whole answers, for machines")
    parser.add_argument("--region", default="14", choices=sorted(REGIONS), help="sample: whose agreements (default 14)")
    asked = parser.parse_args(argv)
    if asked.command == "env" and asked.service is None:
        parser.error("env needs --service")
    home = asked.home.absolute()
    match asked.command:
        case "run":
            return run(home, asked.agreements)
        case "up":
            return up(home, asked.agreements)
        case "down":
            return down(home)
        case "env":
            return env(home, asked.service)
        case "sample":
            return sample(home, asked.region)
        case "questions":
            return ask(home, as_json=asked.json)
        case _:
            return status(home)


def run(home: Path, agreements: int | None = None) -> int:
    """Start everything, fill it, show a search, stay until Ctrl-C."""
    console = Console(width=max(Console().width, 150))
    if _running(home) is not None:
        console.print("It is running already: `make down` stops it.")
        return 1
    try:
        port = _gateway_port()
    except ValueError:
        console.print("GATEWAY_PORT must be a number from 1 to 65535.", highlight=False)
        return 2
    if not ports.is_free(port):
        console.print(f"Port {port} is taken: GATEWAY_PORT=8081 make demo takes another.", highlight=False)
        return 1
    # Before anything that makes threads.
    nursery = Nursery()
    home.mkdir(parents=True, exist_ok=True)
    (home / "demo.pid").write_text(str(os.getpid()))
    (home / "ready.json").unlink(missing_ok=True)
    started = time.monotonic()
    stopping = False

    def stop(*_: object) -> None:
        nonlocal stopping
        # A second Ctrl-C must not interrupt the stopping.
        if not stopping:
            stopping = True
            raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)

    def say(line: str) -> None:
        console.print(f"[{time.monotonic() - started:5.1f} s] {line}", highlight=False, markup=False)

    stack = Stack(home, nursery, gateway_port=port, say=say)
    try:
        _start(stack, console, agreements)
        _tell(stack, console, time.monotonic() - started)
        while True:
            _mind(stack, say)
            time.sleep(1)
    except KeyboardInterrupt:
        console.print("stopping …")
        return 0
    except (EngineError, StackError, NotStarted, load.Refusal) as error:
        console.print(f"the demo did not start: {error}", markup=False)
        return 1
    finally:
        stopping = True
        stack.stop()
        (home / "demo.pid").unlink(missing_ok=True)
        (home / "ready.json").unlink(missing_ok=True)


def sample(home: Path, region: str) -> int:
    """Write a spreadsheet of new agreements of a region, to send; needs no running demo."""
    to = home / f"avtal-{region}.xlsx"
    count = write_sample(build(), region, to)
    print(f"{to}: {count} agreements of region {region}, all data synthetic")
    return 0


def ask(home: Path, *, as_json: bool) -> int:
    """Ask the running demo five questions; print each answer with its reasons."""
    try:
        ready = json.loads((home / "ready.json").read_text())
    except FileNotFoundError:
        print("The demo is not running: `make up` starts it.", file=sys.stderr)
        return 1
    for number, one in enumerate(questions.questions(swedish_day(datetime.now(UTC))), 1):
        found = show.ask(ready["gateway"], ready["issuer"], one.body)
        if as_json:
            print(json.dumps({"title": one.title, "question": one.body, "answer": found}, ensure_ascii=False))
        else:
            print("\n".join(questions.lines(number, one, found)))
    return 0


def _gateway_port() -> int:
    port = int(os.environ.get("GATEWAY_PORT", _PORT))
    if not 0 < port < 2**16:
        raise ValueError(port)
    return port


def _start(stack: Stack, console: Console, agreements: int | None) -> None:
    sweden = build()
    sweden = replace(sweden, agreements=sweden.in_time(agreements))
    codes = stack.home / "codes"
    codes.mkdir(parents=True, exist_ok=True)
    write_code_files(sweden, codes)
    for line in sweden.report.summary():
        console.print(f"          {line}", highlight=False, markup=False)
    stack.start_engines()
    stack.start_services(codes, first=agreements)
    asyncio.run(_fill(stack, sweden, console))


async def _fill(stack: Stack, sweden: Sweden, console: Console) -> None:
    at = stack.addresses
    await load.announce(at.kafka or "", [*sweden.waits, *sweden.forecasts, *sweden.announcements])
    await load.put_profiles(stack.gateway, at.oidc or "", sweden.profiles)
    due = load.publishable(sweden.agreements, swedish_day(datetime.now(UTC)))
    missing = due - await load.published(stack.gateway, at.oidc or "")
    if missing <= 0:
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        # Each is counted when it is taken, and again when it is public.
        task = progress.add_task("agreements through the front door", total=2 * len(sweden.agreements))
        await load.send_agreements(
            stack.gateway, at.oidc or "", sweden.agreements, PULLED, lambda count: progress.advance(task, count)
        )


def _tell(stack: Stack, console: Console, seconds: float) -> None:
    found = _settled(stack)
    console.print()
    show.print_table(console, found, _TITLE)
    at = stack.addresses
    bearer = '"Authorization: Bearer $(make -s token ROLE=navigator REGION=14)"'
    rows = {
        "API": stack.gateway,
        "OpenAPI": f"{stack.gateway}/openapi.json",
        "a token": "make token ROLE=navigator REGION=14",
        "a command": 'eval "$(make -s env SERVICE=search)"; .venv/bin/python -m search parked list',
        "a search": f"curl -G -H {bearer} {stack.gateway}/offers --data-urlencode q=knäprotes",
        "national catalogue": f"{stack.catalogue}Organization",
        "region's interface": f"{stack.region_interface}/fhir/Contract",
        "Kafka": at.kafka or "",
        "OpenSearch": at.opensearch or "",
        "PostgreSQL": at.postgres or "",
        "OpenID provider": at.oidc or "",
        "logs": str(stack.home / "logs"),
    }
    for name, value in rows.items():
        console.print(f"{name:<20}{value}", highlight=False, markup=False, soft_wrap=True)
    console.print(f"\nUp in {seconds:.0f} s. All data is synthetic and is kept below {stack.home}.", highlight=False)
    console.print("Ctrl-C or `make down` stops it.")
    ready = {
        "gateway": stack.gateway,
        "issuer": at.oidc,
        "kafka": at.kafka,
        "opensearch": at.opensearch,
        "postgres": at.postgres,
        "seconds": round(seconds, 1),
        "environment": stack.environment,
        "ports": {process.name: process.port for process in stack.processes()},
    }
    write_note(stack.home / "ready.json", json.dumps(ready))


def _settled(stack: Stack) -> dict[str, object]:
    """The demo's search, once two answers a moment apart are the same: what was pushed has been indexed."""
    before = None
    until = time.monotonic() + 60
    while True:
        found = show.ask(stack.gateway, stack.addresses.oidc or "", _QUESTION)
        if (found == before and found["total"]) or time.monotonic() > until:
            return found
        before = found
        time.sleep(1.5)


def _mind(stack: Stack, say: Say) -> None:
    """Start again what has died, as Kubernetes would."""
    for process in stack.processes():
        if (code := stack.nursery.ended.get(process.name)) is not None:
            say(f"{process.name} ended with {code}: started again (log: {stack.log(process.name)})")
            stack.start(process.name)
    for engine in stack.engines.status():
        if engine.state == "down":
            say(f"{engine.name} has ended and is started again; its log ends:\n{stack.engines.logs(engine.name)}")
            stack.engines.restart(engine.name)


def up(home: Path, agreements: int | None = None) -> int:
    """Start `run` in the background and wait until it is ready."""
    if _running(home) is not None:
        sys.stdout.write("It is running already.\n")
        return 0
    home.mkdir(parents=True, exist_ok=True)
    (home / "ready.json").unlink(missing_ok=True)
    log = home / "demo.log"
    few = ["--agreements", str(agreements)] if agreements is not None else []
    with log.open("wb") as out:
        child = subprocess.Popen(
            [sys.executable, "-m", "demo", "run", "--home", str(home), *few],
            stdout=out,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    shown = 0
    while True:
        ended = child.poll()
        text = log.read_text(encoding="utf-8", errors="replace")
        sys.stdout.write(text[shown:])
        sys.stdout.flush()
        shown = len(text)
        if ended is not None:
            return ended or 1
        if (home / "ready.json").exists():
            return 0
        time.sleep(0.3)


def down(home: Path) -> int:
    """Stop what `up` or `run` started, and wait for it."""
    pid = _running(home)
    if pid is None:
        sys.stdout.write("It is not running.\n")
        return 0
    os.kill(pid, signal.SIGTERM)
    until = time.monotonic() + 60
    while _running(home) is not None:
        if time.monotonic() > until:
            sys.stdout.write(f"Process {pid} has not stopped in a minute.\n")
            return 1
        time.sleep(0.1)
    sys.stdout.write("Stopped. Data is kept; `make clean` removes it.\n")
    return 0


def status(home: Path) -> int:
    """Exit code 0 when it is running and ready."""
    ready = home / "ready.json"
    if _running(home) is None or not ready.exists():
        sys.stdout.write("not running\n" if _running(home) is None else "starting\n")
        return 1
    sys.stdout.write(f"running: {json.loads(ready.read_text())['gateway']}\n")
    return 0


def env(home: Path, service: str) -> int:
    """Print what a shell must know to run a service's commands on the demo; exit code 1 when it is not ready."""
    ready = home / "ready.json"
    if _running(home) is None or not ready.exists():
        sys.stderr.write("the demo is not running: `make up` starts it\n")
        return 1
    told = json.loads(ready.read_text())
    for name, value in {**told["environment"], "POSTGRES_URL": f"{told['postgres']}/{service}"}.items():
        sys.stdout.write(f"export {name}={shlex.quote(value)}\n")
    for name, port in told["ports"].items():
        if name.startswith(service.replace("_", "-")):
            sys.stdout.write(f"# {name}: http://127.0.0.1:{port}/metrics, /readyz, /livez\n")
    return 0


def _running(home: Path) -> int | None:
    """The demo's process id when it is alive."""
    try:
        pid = int((home / "demo.pid").read_text())
        words = Path(f"/proc/{pid}/cmdline").read_bytes() if Path("/proc").exists() else b"demo"
        os.kill(pid, 0)
    except (OSError, ValueError):
        return None
    # A process id may have gone to somebody else meanwhile.
    return pid if b"demo" in words else None
