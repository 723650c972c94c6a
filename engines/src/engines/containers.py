"""The engines as containers, for machines with a Docker daemon but without Java or PostgreSQL."""

import shutil
import subprocess
from dataclasses import dataclass
from typing import Any

from engines.errors import EngineError

IMAGES = {
    "kafka": "confluentinc/cp-kafka:8.1.0",
    "postgres": "postgres:17-alpine",
}


@dataclass(frozen=True)
class Container:
    """A running container and the address its engine serves at."""

    handle: Any
    address: str


def missing(name: str) -> str | None:
    """Why the engine cannot run as a container here."""
    if name not in IMAGES:
        return f"{name} is not offered as a container (it needs a plugin or a configuration of ours)"
    if not shutil.which("docker"):
        return "no `docker` command was found"
    try:
        answer = subprocess.run(["docker", "info"], capture_output=True, timeout=20, check=False)
    except subprocess.TimeoutExpired:
        return "the Docker daemon does not answer"
    return None if answer.returncode == 0 else "no Docker daemon answers"


def start(name: str) -> Container:
    """Start the engine's container and wait for it. Raises EngineError when the image or the start fails."""
    from docker.errors import DockerException  # type: ignore[import-untyped]
    from testcontainers.kafka import KafkaContainer
    from testcontainers.postgres import PostgresContainer

    handle: Any
    try:
        if name == "kafka":
            handle = KafkaContainer(IMAGES[name]).with_env("KAFKA_AUTO_CREATE_TOPICS_ENABLE", "false").with_kraft()
            handle.start()
            return Container(handle, handle.get_bootstrap_server())
        handle = PostgresContainer(IMAGES[name], username="postgres").with_env("POSTGRES_HOST_AUTH_METHOD", "trust")
        handle.start()
        host, port = handle.get_container_host_ip(), handle.get_exposed_port(5432)
        return Container(handle, f"postgresql://postgres@{host}:{port}")
    except (DockerException, RuntimeError, TimeoutError) as error:
        raise EngineError(f"{name}: its container did not start: {error}") from None
