"""What is frozen: example records that stay readable, and contracts that may only change compatibly.

An example is never edited once its line stands in `examples/frozen.sha256`; a new shape gets a new example. A contract
is a draft until its schema is copied to `frozen/`, which happens when the step that builds its producer is closed.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from contracts import MESSAGES
from contracts.agreement_form import AgreementForm
from contracts.agreements import SUBMITTED
from contracts.compatibility import Difference, differences
from contracts.envelope import Unreadable, decode
from contracts.generate import to_json
from contracts.schema import form_schema, message_schema

SCHEMAS = {
    **{message.topic.name: message_schema(message) for message in MESSAGES},
    SUBMITTED.name: form_schema(AgreementForm, SUBMITTED.name),
}
"""The current schema of every contract, by topic; one of them is what regions write."""


WRITTEN_BY_REGIONS = frozenset({SUBMITTED.name})
"""What regions write and one service of ours reads: that is always as new as what it publishes, so only what it no
longer takes breaks anybody. The form knows no unknown fields; held to both directions it could never get a new one."""


class Refused(Exception):
    """Freezing would break a promise; the text says which and what to do instead."""


def frozen_contracts(root: Path) -> dict[str, dict[str, Any]]:
    """The frozen schema of every contract that is no draft any more, by topic."""
    files = sorted((root / "frozen").glob("*.v1.json"))
    return {path.name.removesuffix(".v1.json"): json.loads(path.read_text(encoding="utf-8")) for path in files}


def breaks(topic: str, old: dict[str, Any]) -> list[Difference]:
    """What the current classes break against an older schema of the topic."""
    if topic not in SCHEMAS:
        return [Difference("", "backward", "the topic has no message class any more")]
    found = differences(old, SCHEMAS[topic])
    return [one for one in found if topic not in WRITTEN_BY_REGIONS or one.direction != "forward"]


def freeze_contract(root: Path, topic: str) -> None:
    """Make the topic's current schema the one that later changes are measured against. Raises Refused on a break."""
    if topic not in SCHEMAS:
        raise Refused(f"{topic} is no topic; known are {', '.join(SCHEMAS)}")
    found = breaks(topic, frozen_contracts(root).get(topic, SCHEMAS[topic]))
    if found:
        raise Refused(f"{topic} is frozen and would break: {found[0]}")
    (root / "frozen").mkdir(exist_ok=True)
    (root / "frozen" / f"{topic}.v1.json").write_text(to_json(SCHEMAS[topic]), encoding="utf-8")


def contract_problems(root: Path) -> list[str]:
    """Breaks of frozen contracts, and frozen contracts that grew without the growth being frozen too."""
    found = []
    for topic, old in frozen_contracts(root).items():
        broken = breaks(topic, old)
        found += [f"{topic}: {difference}" for difference in broken]
        if not broken and old != SCHEMAS[topic]:
            found.append(f"{topic}: changed compatibly; record it with `python -m contracts freeze {topic}`")
    return found


def example_files(root: Path) -> list[Path]:
    """Every example, in path order: `examples/TOPIC/v1/NAME.json`."""
    return sorted((root / "examples").glob("*/*/*.json"))


def freeze_examples(root: Path, *, drafts: bool = False) -> list[str]:
    """Record the examples that are not recorded yet and tell which; with `drafts` also edited or deleted ones of draft
    contracts."""
    lines = _recorded(root)
    if drafts:
        fixed = frozen_contracts(root)
        lines = {name: digest for name, digest in lines.items() if name.split("/")[0] in fixed}
    new = {name: digest for name, digest in _present(root).items() if name not in lines}
    text = "".join(f"{digest}  {name}\n" for name, digest in sorted({**lines, **new}.items()))
    (root / "examples" / "frozen.sha256").write_text(text, encoding="utf-8")
    return sorted(new)


def example_problems(root: Path) -> list[str]:
    """Examples that were edited, deleted, not recorded, or that the current classes cannot read."""
    recorded, present = _recorded(root), _present(root)
    found = [
        f"examples/{name} was edited or deleted: restore it and add a new example instead"
        + (
            ""
            if name.split("/")[0] in frozen_contracts(root)
            else " (a draft's: or `python -m contracts freeze --drafts`)"
        )
        for name, digest in recorded.items()
        if present.get(name) != digest
    ]
    found += [
        f"examples/{name} is not recorded: run `python -m contracts freeze`" for name in present if name not in recorded
    ]
    return found + [problem for path in example_files(root) for problem in _unreadable(path, path.parts[-3])]


def _unreadable(path: Path, topic: str) -> list[str]:
    if topic not in SCHEMAS:
        return [f"examples/{topic}: no such topic"]
    reason = why_unreadable(topic, path.read_text(encoding="utf-8"))
    return [] if reason is None else [f"examples/{topic}/{path.name} can no longer be read: {reason}"]


def why_unreadable(topic: str, example: str) -> str | None:
    """Why the topic's current class cannot read an example, given as its file's text; None when it can."""
    kinds = {message.topic.name: message for message in MESSAGES}
    record = json.loads(example)
    if topic == SUBMITTED.name:
        return _why_refused(record["value"])
    try:
        decode(kinds[topic], record["headers"], record["key"].encode(), json.dumps(record["value"]).encode())
    except Unreadable as reason:
        return str(reason)
    return None


def _why_refused(form: dict[str, Any]) -> str | None:
    try:
        AgreementForm.model_validate_json(json.dumps(form))
    except ValidationError as error:
        return "; ".join(f"{'.'.join(map(str, row['loc']))}: {row['msg']}" for row in error.errors())
    return None


def _recorded(root: Path) -> dict[str, str]:
    file = root / "examples" / "frozen.sha256"
    rows = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    return {name: digest for digest, name in (row.split("  ", 1) for row in rows)}


def _present(root: Path) -> dict[str, str]:
    folder = root / "examples"
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in example_files(root)
    }
