"""`python -m upkeep create-topics FILE`: create the declared topics on a cluster."""

import argparse
import asyncio
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from aiokafka.errors import KafkaError

from upkeep.addresses import brokers
from upkeep.topics import TopicsRefused, create_topics, read_topics


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0: all topics are there; 1: refused or unreachable, with the reason on one line."""
    parser = argparse.ArgumentParser(
        prog="python -m upkeep",
        description="What is done to a cluster as a whole; what is done to one service, its own commands do.",
        epilog="example: python -m upkeep create-topics topics.yaml --bootstrap kafka:9092 --replication-factor 3",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    sentence = "Create the topics of a topics.yaml that do not exist yet; existing ones are never changed."
    create = commands.add_parser("create-topics", help=sentence, description=sentence)
    create.add_argument("file", type=Path)
    create.add_argument("--bootstrap", type=_brokers, required=True, metavar="HOST:PORT")
    create.add_argument("--replication-factor", type=int, default=1, metavar="NUMBER")
    asked = parser.parse_args(argv)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # its reasons come as exceptions too, and are told once
    try:
        rows = read_topics(asked.file)
        created = asyncio.run(create_topics(asked.bootstrap, rows, replication_factor=asked.replication_factor))
    except (KafkaError, TopicsRefused, OSError) as error:
        sys.stderr.write(f"create-topics: {str(error) or type(error).__name__}\n")
        return 1
    sys.stdout.write(f"{len(created)} topics created\n")
    return 0


def _brokers(text: str) -> str:
    try:
        return brokers(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


if __name__ == "__main__":
    raise SystemExit(main())
