"""`python -m agreements purged ID`: is anything left of an agreement that became confidential?"""

import argparse
from uuid import UUID

import orjson

from agreements.service.purging import Proof, prove
from kit import database
from upkeep import terminal
from upkeep.terminal import DONE, FAILED, Misused, out

SENTENCE = "Prove that nothing is left of an agreement that was purged, in any table here or on its topic."


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what follows the word `purged`."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = (
        f"example: {parser.prog} 0b0e7a52-9f0c-4d2c-8a55-2f1f7f0b8f11 --words - < words.txt\n"
        "exit codes: 0 nothing is left, or only older records on the topic that compaction takes in time\n"
        "            1 something is left, and where; or it was not purged; or an engine is away\n"
        "            2 wrong usage"
    )
    parser.add_argument("id", help="the agreement's id, as the API gave it")
    parser.add_argument("--number", help="look for the region's own number too; another agreement may hold it")
    parser.add_argument(
        "--words",
        metavar="FILE",
        help="also look for these texts, one a line, such as its name; - reads them from standard input",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object, for machines")


def run(asked: argparse.Namespace, bootstrap: str, postgres_url: str) -> int:
    """Look and tell; the exit code."""

    async def work() -> int:
        try:
            agreement_id = str(UUID(asked.id))
        except ValueError:
            raise Misused("the id must look like 0b0e7a52-9f0c-4d2c-8a55-2f1f7f0b8f11") from None
        words = [*([asked.number] if asked.number else []), *terminal.words(asked.words)]
        engine = database.connect(postgres_url, pool_size=1)
        try:
            sessions = database.sessions(engine)
            proof = await prove(sessions, bootstrap, agreement_id, words, terminal.progress("records read"))
        finally:
            await engine.dispose()
        if asked.json:
            out(orjson.dumps({**vars(proof), "holds": proof.holds}).decode())
        else:
            _tell(proof)
        return DONE if proof.holds else FAILED

    return terminal.run("purged", work)


def _tell(proof: Proof) -> None:
    if proof.state is None:
        out(f"{proof.agreement_id}: the tables know no such agreement")
    elif proof.state != "purged":
        out(f"{proof.agreement_id}: is {proof.state}, not purged")
    for place in proof.left:
        out(f"left: {place}")
    if proof.holds:
        out(f"{proof.agreement_id}: nothing is left in any table, and its last record on the topic has no content")
    if proof.older_records and proof.gone_by is not None:
        due = f"{proof.gone_by:%Y-%m-%d %H:%M} UTC"
        out(f"{proof.older_records} older records with content lie on the topic; compaction takes them, due by {due}")
