"""JSON lines, or one JSON array: one agreement an item, each read by itself, so that a bad one holds up no other."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from intake.findings import Finding, shown, unreadable
from intake.limits import STANDARD, Limits
from intake.sent import Sent
from rules.secrecy import is_marked

_DEEPEST = 20
_CHUNK = 256 * 1024
_STRUCTURE = re.compile(rb'["\\{}\[\],]')
_TOO_LONG = "is longer than {} KiB, the most that one agreement may be"


def items(file: BinaryIO, limits: Limits) -> Iterator[Sent]:
    """The agreements in a file of JSON, from its beginning; `row` is the line, in an array the number of the item."""
    file.seek(0)
    start = file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()
    pieces = _array(file, limits) if start.startswith(b"[") else _lines(file, limits, start)
    first_of: dict[str, tuple[int, str, Any]] = {}
    for row, piece in pieces:
        sent = _item(row, piece, limits)
        if sent.number is not None and not sent.findings:
            sent = _once(sent, row, first_of)
        yield sent


def item(content: bytes, limits: Limits = STANDARD) -> Sent:
    """One agreement that comes alone, such as a record of a topic; its row is 1."""
    too_long = len(content) > limits.item_bytes
    return _item(1, None if too_long else content.removeprefix(b"\xef\xbb\xbf").strip(), limits)


def count(file: BinaryIO, limits: Limits) -> int:
    """How many items there are; a quick look that reads none of them."""
    file.seek(0)
    start = file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()
    pieces = _array(file, limits) if start.startswith(b"[") else _lines(file, limits, start)
    return sum(1 for _ in pieces)


def _lines(file: BinaryIO, limits: Limits, start: bytes) -> Iterator[tuple[int, bytes | None]]:
    if start.split(b"\n", 1)[0].strip() == b"{":
        raise unreadable(
            "an agreement is spread over several lines",
            suggestion="write each one on a line of its own, or all of them as one JSON array",
        )
    file.seek(0)
    row = 0
    while line := file.readline(limits.item_bytes + 1):
        row += 1
        if len(line) > limits.item_bytes:
            while line and not line.endswith(b"\n"):
                line = file.readline(_CHUNK)
            yield row, None
        elif line := (line.removeprefix(b"\xef\xbb\xbf") if row == 1 else line).strip():
            yield row, line


def _array(file: BinaryIO, limits: Limits) -> Iterator[tuple[int, bytes | None]]:
    """Cuts at the commas between the items: a bad item is still one item, as long as its brackets and quotes match."""
    file.seek(0)
    depth, row, in_text, skip = 0, 1, False, -1
    kept, base = bytearray(), 0
    too_long = closed = False
    while chunk := file.read(_CHUNK):
        begun = 0
        for match in _STRUCTURE.finditer(chunk):
            at, sign = match.start(), match[0]
            if base + at == skip:
                continue
            if in_text:
                if sign == b"\\":
                    skip = base + at + 1
                elif sign == b'"':
                    in_text = False
                continue
            if sign == b'"':
                in_text = True
            elif sign in b"{[":
                depth += 1
                if depth == 1:
                    begun = at + 1
            elif sign in b"}]":
                depth -= 1
            if closed or depth < 0:
                raise unreadable("holds something behind the array's end", row=row)
            if depth == 0 or (depth == 1 and sign == b","):
                kept += chunk[begun:at]
                begun, closed = at + 1, depth == 0
                if too_long or len(kept) > limits.item_bytes:
                    yield row, None
                elif kept.strip() or not closed:
                    yield row, bytes(kept).strip()
                kept.clear()
                too_long, row = False, row + 1
        if not closed:
            kept += chunk[begun:]
        elif chunk[begun:].strip():
            raise unreadable("holds something behind the array's end", row=row)
        if len(kept) > limits.item_bytes:
            too_long = True
            kept.clear()
        base += len(chunk)
    if not closed:
        raise unreadable("the JSON array has no end: the file is not whole, or a bracket or quotation mark is missing")


class _Odd(ValueError):
    """JSON that is read differently by different readers."""


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Odd("holds the same field twice")
    return found


def _no_number(_: str) -> Any:
    raise _Odd("holds a number that JSON does not know, such as NaN")


def _item(row: int, piece: bytes | None, limits: Limits) -> Sent:
    if piece is None:
        return _refused(row, _TOO_LONG.format(limits.item_bytes // 1024))
    try:
        content = json.loads(piece.decode("utf-8"), object_pairs_hook=_pairs, parse_constant=_no_number)
    except UnicodeDecodeError:
        return _refused(row, "is not UTF-8 text")
    except _Odd as odd:
        return _refused(row, str(odd))
    except (ValueError, RecursionError):
        return _refused(row, "is not JSON")
    if not isinstance(content, dict):
        return _refused(row, "is not a JSON object")
    if is_marked(content):
        marked = content.get("number")
        return Sent(None, {}, (row,), confidential=True, marked_number=marked if isinstance(marked, str) else None)
    if _too_deep(content):
        return _refused(row, f"is nested more than {_DEEPEST} deep")
    number = content.get("number")
    return Sent(shown(number.strip()) if isinstance(number, str) else None, content, (row,))


def _refused(row: int, reason: str) -> Sent:
    return Sent(None, {}, (row,), (Finding("", reason, row),))


def _too_deep(content: Any) -> bool:
    level = [content]
    for _ in range(_DEEPEST):
        level = [
            inner
            for one in level
            for inner in (one.values() if isinstance(one, Mapping) else one)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


def _once(sent: Sent, row: int, first_of: dict[str, tuple[int, str, Any]]) -> Sent:
    """Two items with one number and other content: without a higher revision nobody can tell which one holds."""
    number, revision = str(sent.content["number"]), sent.content.get("revision")
    digest = json.dumps(sent.content, sort_keys=True)
    if (first := first_of.get(number)) is None or digest == first[1]:
        first_of.setdefault(number, (row, digest, revision))
        return sent
    if isinstance(revision, int) and isinstance(first[2], int) and revision != first[2]:
        return sent
    finding = Finding(
        "number",
        f"stands in row {first[0]} too, with other content",
        row,
        None,
        sent.number,
        "send each agreement once, or give the newer one a higher revision",
    )
    return Sent(sent.number, sent.content, sent.rows, (finding,))
