"""Record what a Java engine loads while it starts, so that later starts take less than half the time."""

import signal
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from engines import jars, java, jvm, kafka, oidc, opensearch, process
from engines.local import RECIPES
from engines.ports import claim_all
from engines.recipe import Say

MINIMUM = {"kafka": kafka.JAVA, "opensearch": opensearch.JAVA, "oidc": oidc.JAVA}
RECORDS_SINCE = 25


def prepare(say: Say) -> None:
    """Fetch all jars and record the class caches that are not there yet. Raises EngineError when a fetch fails."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda name: jars.fetch(name, say), MINIMUM))
        list(pool.map(lambda name: record(name, say), MINIMUM))


def record(name: str, say: Say) -> None:
    """Run the engine once in a temporary directory and keep what it loaded. Nothing happens on Java before 25."""
    runtime = java.find(MINIMUM[name])
    target = jvm.class_cache(name, runtime)
    if runtime.version < RECORDS_SINCE or target.is_file():
        return
    say(f"[{name}] recording its start (once for this Java)")
    with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=target.parent) as temporary:
        fresh = Path(temporary) / "recorded.aot"
        _run_once(name, Path(temporary), fresh, say)
        if fresh.is_file():
            fresh.replace(target)


def _run_once(name: str, directory: Path, output: Path, say: Say) -> None:
    claims = claim_all(RECIPES[name].PORTS)
    try:
        plan = RECIPES[name].plan(directory, [claim.port for claim in claims], durable=False, say=say)
        plan = replace(plan, argv=[plan.argv[0], f"-XX:AOTCacheOutput={output}", *plan.argv[1:]])
        log = directory / "log.txt"
        child = process.launch(plan.argv, log=log, env=plan.env, user=plan.user, death_signal=signal.SIGKILL)
        try:
            process.await_ready(name, child, plan.ready, patience=plan.patience * 2, log=log)
        finally:
            child.end(plan.stop_signal, patience=90.0)
    finally:
        for claim in claims:
            claim.release()
