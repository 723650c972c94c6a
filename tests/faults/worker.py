"""`python -m faults.worker`: search's worker with something done to it from outside.

`--die-before-offsets FILE`: once FILE exists it kills itself with SIGKILL after the next batch is committed in its
database and before the offsets are in Kafka. `--clock-back SECONDS`: its clock shows an earlier time.
"""

import argparse
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import kit.consumer
from kit.consumer import Consumer


def main() -> None:
    """Run the worker until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m faults.worker")
    parser.add_argument("--die-before-offsets", type=Path)
    parser.add_argument("--clock-back", type=int, default=0)
    asked = parser.parse_args()
    if asked.clock_back:
        real, back = time.time_ns, asked.clock_back * 1_000_000_000
        time.time_ns = lambda: real() - back
    if asked.die_before_offsets is not None:
        kit.consumer.Consumer = _dying(asked.die_before_offsets)  # type: ignore[misc]
    # Not before: what it imports is as it shall be now.
    from search.main import main as run

    run(["worker"])


def _dying(armed: Path) -> type[Consumer]:
    class Dying(Consumer):
        # The consumer says after each batch that it is in the database; the offsets go to Kafka after that.
        def __init__(self, *arguments: Any, after_batch: Callable[[], None], **more: Any) -> None:
            def die() -> None:
                if armed.exists():
                    os.kill(os.getpid(), signal.SIGKILL)
                after_batch()

            super().__init__(*arguments, after_batch=die, **more)

    return Dying


if __name__ == "__main__":
    main()
