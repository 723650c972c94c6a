"""A workbook is a zip file: before anything reads it, each part is really inflated and counted, in little memory."""

import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from intake.findings import UnreadableFile, unreadable
from intake.limits import MIB, Limits

_CHUNK = 128 * 1024
_LOCAL_HEADER = struct.Struct("<4s5H3I2H")
_ENTRIES_END = b"PK\x05\x06"
_END_BYTES = 22
_FREE_RATIO_BYTES = 10 * MIB


def parts(file: BinaryIO) -> dict[str, zipfile.ZipInfo]:
    """The parts of a zip file by name. Raises UnreadableFile for one that two readers could read differently."""
    try:
        file.seek(0, 2)
        if file.tell() >= _END_BYTES:
            file.seek(-_END_BYTES, 2)
        # Two readers agree on where the list of parts stands when nothing follows it.
        if not file.read(4).startswith(_ENTRIES_END):
            raise _damaged()
        with zipfile.ZipFile(file) as archive:
            found = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, EOFError):
        raise _damaged() from None
    named = {part.filename: part for part in found}
    if len(named) != len(found):
        raise _damaged()
    return named


def inflated(file: BinaryIO, part: zipfile.ZipInfo, budget: "Budget") -> Iterator[bytes]:
    """A part's content in pieces of at most 128 KiB, by what the stream really gives and not by what the file says.

    Raises UnreadableFile when the budget is spent, and for a part that is encrypted, damaged or says its size wrongly.
    """
    if part.flag_bits & 1:
        raise unreadable("is protected by a password", suggestion="save it without one")
    if part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _damaged()
    try:
        file.seek(part.header_offset)
        header = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
        file.seek(header[9] + header[10], 1)
        written = 0
        for piece in _pieces(file, part):
            written += len(piece)
            budget.take(len(piece), written, part.compress_size)
            yield piece
    except (struct.error, zlib.error, OSError, ValueError):
        raise _damaged() from None
    if written != part.file_size:
        raise _damaged()


def _pieces(file: BinaryIO, part: zipfile.ZipInfo) -> Iterator[bytes]:
    left = part.compress_size
    stream = zlib.decompressobj(-zlib.MAX_WBITS) if part.compress_type == zipfile.ZIP_DEFLATED else None
    while left:
        read = file.read(min(left, _CHUNK))
        if not read:
            raise ValueError("the part is cut off")
        left -= len(read)
        if stream is None:
            yield read
            continue
        while read:
            if piece := stream.decompress(read, _CHUNK):
                yield piece
            read = stream.unconsumed_tail
    while stream is not None and not stream.eof:
        piece = stream.decompress(b"", _CHUNK)
        if not piece:
            raise ValueError("the part is cut off")
        yield piece


class Budget:
    """How much may still be inflated of one file."""

    def __init__(self, limits: Limits) -> None:
        self._left = limits.inflated_bytes
        self._limits = limits

    def take(self, size: int, written: int, compressed: int) -> None:
        """Count a piece. Raises UnreadableFile when it was too much, in all or of so small a part."""
        self._left -= size
        if self._left < 0:
            raise unreadable(
                f"holds more than {self._limits.inflated_bytes // MIB} MiB once it is inflated",
                suggestion="send it in several files, or as CSV",
            )
        if written > _FREE_RATIO_BYTES and written > compressed * self._limits.inflated_ratio:
            raise unreadable(
                f"inflates to more than {self._limits.inflated_ratio} times its size, as no table does",
                suggestion="copy the rows into a new workbook, or send them as CSV",
            )


def _damaged() -> UnreadableFile:
    return unreadable("is damaged, or no Excel workbook", suggestion="open it in Excel and save it as .xlsx anew")
