"""`python -m kit create-topics FILE`: create the declared topics on a cluster."""

import argparse
import asyncio
import logging
import sys
from pathlib import Path

from aiokafka.errors import KafkaError

from kit.kafka import TopicsRefused, create_topics, declared


def main() -> int:
    """Exit code 0: all topics are there; 1: refused or unreachable, with the reason on one line."""
    parser = argparse.ArgumentParser(
        prog="python -m kit",
        description="Create the topics of a topics.yaml that do not exist yet; existing ones are never changed.",
        epilog="example: python -m kit create-topics topics.yaml --bootstrap kafka:9092 --replication-factor 3",
    )
    parser.add_argument("command", choices=["create-topics"])
    parser.add_argument("file", type=Path)
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--replication-factor", type=int, default=1)
    asked = parser.parse_args()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # its reasons come as exceptions too, and are told once
    try:
        rows = declared(asked.file)
        created = asyncio.run(create_topics(asked.bootstrap, rows, replication_factor=asked.replication_factor))
    except (KafkaError, TopicsRefused, OSError) as error:
        sys.stderr.write(f"create-topics: {str(error) or type(error).__name__}\n")
        return 1
    sys.stdout.write(f"{len(created)} topics created\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
