"""Kafka: one KRaft node that is broker and controller, topics are created by whoever owns them, never by accident."""

import asyncio
import base64
import os
import subprocess
import uuid
from collections.abc import Sequence
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from engines import jars, java, jvm, ports
from engines.errors import EngineError, NotReadyError
from engines.recipe import Plan, Say

PORTS = (ports.GENERAL, ports.GENERAL)
JAVA = 17


def missing() -> str | None:
    """What this machine lacks to run Kafka as a process."""
    return jvm.missing("kafka", JAVA)


def plan(directory: Path, ports: Sequence[int], *, durable: bool, say: Say) -> Plan:
    """Write the settings, format the log directory if it is new, and tell how to start the broker.

    Its data survives kill -9 either way (through the page cache); `durable` only gives it the full compiler.
    """
    libraries = jars.fetch("kafka", say)
    runtime = java.find(JAVA)
    settings = directory / "server.properties"
    data = directory / "data"
    settings.write_text(_properties(data, *ports))
    if not (data / "meta.properties").is_file():
        _format(runtime, libraries, settings)
    address = f"127.0.0.1:{ports[0]}"
    return Plan(
        argv=[
            *jvm.command("kafka", runtime, libraries, quick=not durable),
            "-Xms128m",
            "-Xmx512m",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-Dorg.slf4j.simpleLogger.showDateTime=true",
            "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss",
            "kafka.Kafka",
            str(settings),
        ],
        env=jvm.environment(),
        address=address,
        ready=lambda: check(address),
    )


def check(address: str) -> None:
    """Raise NotReadyError unless the cluster at "host:port[,host:port]" describes itself with at least one broker."""
    if address.startswith("127.0.0.1:") and not ports.answers(int(address.rpartition(":")[2])):
        raise NotReadyError(f"nothing listens on {address}")
    asyncio.run(_describe(address))


async def _describe(address: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=address, request_timeout_ms=5000)
    try:
        await admin.start()
        cluster = await admin.describe_cluster()
    except (KafkaError, OSError) as error:
        raise NotReadyError(f"Kafka at {address} does not describe its cluster: {error!r}") from None
    finally:
        await admin.close()
    if not cluster.get("brokers"):
        raise NotReadyError(f"Kafka at {address} has no broker yet")


def _format(runtime: java.Java, libraries: Path, settings: Path) -> None:
    cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
    if cluster.startswith("-"):  # the tool would read it as an option
        cluster = "A" + cluster[1:]
    command = [
        *jvm.command("kafka", runtime, libraries, quick=True),
        "-Xmx128m",
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        "kafka.tools.StorageTool",
        *["format", "-t", cluster, "-c", str(settings)],
    ]
    answer = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, **jvm.environment()}, check=False
    )
    if answer.returncode != 0:
        tail = "\n".join((answer.stdout + answer.stderr).strip().splitlines()[-20:])
        raise EngineError(f"kafka: its log directory could not be formatted (exit code {answer.returncode}):\n{tail}")


def _properties(data: Path, port: int, controller: int) -> str:
    # The session timeout is how long a restart after kill -9 waits for the controller to forget the killed broker.
    # Properties files are Latin-1, other letters of the path have to be escaped.
    logs = "".join(letter if letter.isascii() else f"\\u{ord(letter):04x}" for letter in str(data))
    return f"""\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={logs}
auto.create.topics.enable=false
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000
log.cleaner.backoff.ms=500
"""
