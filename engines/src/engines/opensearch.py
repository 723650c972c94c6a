"""OpenSearch: one node with the ICU analysis plugin, plain HTTP, no security plugin."""

import uuid
from collections.abc import Sequence
from pathlib import Path

import httpx

from engines import jars, java, jvm, ports
from engines.errors import EngineError, NotReadyError
from engines.recipe import Plan, Say

# The runner gives up without a word above 9299. The second port is the node's transport.
PORTS = (range(9201, 9300), ports.GENERAL)
JAVA = 21


def missing() -> str | None:
    """What this machine lacks to run OpenSearch as a process."""
    return jvm.missing("opensearch", JAVA)


def plan(directory: Path, ports: Sequence[int], *, durable: bool, say: Say) -> Plan:
    """Write the node's settings and tell how to start it. `durable` gives it 1 GB of heap, not 512 MB."""
    libraries = jars.fetch("opensearch", say)
    runtime = java.find(JAVA)
    port, transport = ports
    settings = directory / "node_1" / "config" / "opensearch.yml"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(
        "cluster.routing.allocation.disk.threshold_enabled: false\n"
        "action.auto_create_index: false\n"
        "network.host: 127.0.0.1\n"
        f"transport.port: {transport}\n"
    )
    heap = "1g" if durable else "512m"
    address = f"http://127.0.0.1:{port}"
    return Plan(
        argv=[
            *jvm.command("opensearch", runtime, libraries, quick=not durable),
            f"-Xms{heap}",
            f"-Xmx{heap}",
            "-Djava.locale.providers=CLDR,SPI",
            "--enable-native-access=ALL-UNNAMED",
            "org.codelibs.opensearch.runner.OpenSearchRunner",
            *["-basePath", str(directory)],
            *["-numOfNode", "1"],
            *["-baseHttpPort", str(port - 1)],
            *["-clusterName", f"engines-{port}"],
            *["-pluginTypes", "org.opensearch.plugin.analysis.icu.AnalysisICUPlugin"],
            "-printOnFailure",
            "-useLogger",
        ],
        env=jvm.environment(),
        address=address,
        ready=lambda: check(address),
        patience=120.0,
    )


def check(address: str) -> None:
    """Raise NotReadyError unless the node creates an index, and EngineError when it lacks the ICU plugin."""
    try:
        with httpx.Client(base_url=address, timeout=10.0, trust_env=not ports.is_local(address)) as client:
            client.get("/_cluster/health", params={"wait_for_status": "yellow", "timeout": "5s"}).raise_for_status()
            _require_icu(client)
            probe = f"/engines-probe-{uuid.uuid4()}"
            body = {"settings": {"number_of_shards": 1, "number_of_replicas": 0}}
            client.put(probe, json=body).raise_for_status()
            client.delete(probe).raise_for_status()
    except httpx.HTTPError as error:
        raise NotReadyError(f"OpenSearch at {address} does not serve yet: {error!r}") from None


def _require_icu(client: httpx.Client) -> None:
    text = {"tokenizer": "icu_tokenizer", "filter": ["icu_folding"], "text": "Ögonmottagning"}
    answer = client.post("/_analyze", json=text)
    if answer.status_code == httpx.codes.BAD_REQUEST:
        raise EngineError(f"OpenSearch at {client.base_url} lacks the analysis-icu plugin: install it on every node")
    answer.raise_for_status()
