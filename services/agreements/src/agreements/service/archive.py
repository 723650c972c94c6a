"""A signed archive, written without being held: a ZIP whose manifest tells each file's digest, and its signature.

`manifest.json.sig` is the Ed25519 signature (RFC 8032, base64) of `manifest.json` as it lies in the archive.
"""

import base64
import csv
import hashlib
import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from rules.texts import no_formula

MANIFEST, SIGNATURE, PUBLIC_KEY = "manifest.json", "manifest.json.sig", "public-key.pem"
_PART_BYTES = 1024 * 1024
_LARGEST_MANIFEST = 16 * 1024 * 1024


class BadKey(Exception):
    """The signing key cannot be used; the message is one line and repeats nothing of it."""


class BadArchive(Exception):
    """The archive is not what was made, in words."""


def read_key(file: Path) -> Ed25519PrivateKey:
    """The private key in a PEM file. Raises BadKey."""
    try:
        key = serialization.load_pem_private_key(file.read_bytes(), password=None)
    except OSError as error:
        raise BadKey(f"{file}: {(error.strerror or 'cannot be read').lower()}") from None
    except (ValueError, TypeError):
        raise BadKey(f"{file}: holds no unencrypted private key in PEM") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise BadKey(f"{file}: is no Ed25519 key (openssl genpkey -algorithm ed25519 makes one)")
    return key


def public_pem(key: Ed25519PublicKey) -> str:
    """A public key as text."""
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def fingerprint(key: Ed25519PublicKey) -> str:
    """What a key is known by: the beginning of its SHA-256."""
    raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return hashlib.sha256(raw).hexdigest()[:32]


@dataclass
class _Out:
    """What the ZIP is written to: it can be taken away while it grows. Not seekable, as zipfile sees it."""

    written: bytearray = field(default_factory=bytearray)
    digest: Any = field(default_factory=hashlib.sha256)
    size: int = 0

    def write(self, content: bytes) -> int:
        self.written += content
        self.digest.update(content)
        self.size += len(content)
        return len(content)

    def flush(self) -> None:
        """Nothing waits."""


class Archive:
    """An archive under way: files one after the other, then `sign`."""

    def __init__(self) -> None:
        self._out = _Out()
        self._zip = zipfile.ZipFile(self._out, "w", zipfile.ZIP_DEFLATED, compresslevel=6)  # type: ignore[call-overload]
        self._files: list[dict[str, Any]] = []

    @contextmanager
    def file(self, name: str) -> Iterator["File"]:
        """A file to be written to, piece by piece."""
        with self._zip.open(name, "w", force_zip64=True) as to:
            made = File(to)
            yield made
        self._files.append({"name": name, "bytes": made.size, "lines": made.lines, "sha256": made.digest.hexdigest()})

    def sign(self, manifest: Mapping[str, Any], key: Ed25519PrivateKey) -> None:
        """Write the manifest with its files, and the signature; the archive is complete."""
        told = {**manifest, "key_id": fingerprint(key.public_key()), "files": self._files}
        content = orjson.dumps(told, option=orjson.OPT_INDENT_2)
        self._zip.writestr(MANIFEST, content)
        self._zip.writestr(SIGNATURE, base64.b64encode(key.sign(content)) + b"\n")
        self._zip.writestr(PUBLIC_KEY, public_pem(key.public_key()))
        self._zip.close()

    def take(self, *, rest: bool = False) -> Iterator[bytes]:
        """The parts that are full, or all that is left."""
        written = self._out.written
        while len(written) >= _PART_BYTES or (rest and written):
            yield bytes(written[:_PART_BYTES])
            del written[:_PART_BYTES]

    @property
    def digest(self) -> str:
        """SHA-256 of the whole."""
        return str(self._out.digest.hexdigest())

    @property
    def size(self) -> int:
        """Bytes of the whole."""
        return self._out.size


class File:
    """One file of an archive, with its digest."""

    def __init__(self, to: IO[bytes]) -> None:
        self._to = to
        self.digest = hashlib.sha256()
        self.size = 0
        self.lines = 0

    def json_line(self, content: Mapping[str, Any]) -> None:
        """One object on a line."""
        self._write(orjson.dumps(content, option=orjson.OPT_APPEND_NEWLINE))

    def csv_row(self, cells: Sequence[str]) -> None:
        """One row, as Excel in Swedish reads it; a cell that could be a formula is none."""
        line = io.StringIO()
        csv.writer(line, delimiter=";").writerow([no_formula(cell) for cell in cells])
        # The mark at the beginning tells Excel that it is UTF-8.
        self._write((("\ufeff" if self.size == 0 else "") + line.getvalue()).encode())

    def _write(self, content: bytes) -> None:
        self._to.write(content)
        self.digest.update(content)
        self.size += len(content)
        self.lines += 1


def verify(file: Path, key: Ed25519PublicKey | None) -> tuple[dict[str, Any], str]:
    """The manifest of an archive that is whole, and the fingerprint of the key that signed it.

    Without a key, the archive's own is used: then it is for the caller to compare the fingerprint. Raises BadArchive.
    """
    try:
        with zipfile.ZipFile(file) as opened:
            return _verified(opened, key)
    except OSError as error:
        raise BadArchive((error.strerror or "cannot be read").lower()) from None
    except (zipfile.BadZipFile, ValueError, KeyError, TypeError, EOFError, NotImplementedError, RuntimeError):
        raise BadArchive("is not an archive of this service, or is damaged") from None


def _verified(opened: zipfile.ZipFile, key: Ed25519PublicKey | None) -> tuple[dict[str, Any], str]:
    content = _small(opened, MANIFEST)
    if key is None:
        found = serialization.load_pem_public_key(_small(opened, PUBLIC_KEY))
        if not isinstance(found, Ed25519PublicKey):
            raise BadArchive("the public key in it is no Ed25519 key")
        key = found
    try:
        key.verify(base64.b64decode(_small(opened, SIGNATURE)), content)
    except InvalidSignature:
        raise BadArchive("the signature does not fit: the manifest was changed, or another key signed it") from None
    manifest: dict[str, Any] = orjson.loads(content)
    told = {one["name"]: one for one in manifest["files"]}
    there = [one.filename for one in opened.infolist()]
    if sorted(there) != sorted([*told, MANIFEST, SIGNATURE, PUBLIC_KEY]):
        raise BadArchive("there are other files in it than the manifest tells")
    for name, one in told.items():
        digest, size = hashlib.sha256(), 0
        with opened.open(name) as stream:
            while (chunk := stream.read(_PART_BYTES)) and size <= one["bytes"]:
                digest.update(chunk)
                size += len(chunk)
        if (size, digest.hexdigest()) != (one["bytes"], one["sha256"]):
            raise BadArchive(f"{name} is not as it was made")
    return manifest, fingerprint(key)


def _small(opened: zipfile.ZipFile, name: str) -> bytes:
    with opened.open(name) as stream:
        content = stream.read(_LARGEST_MANIFEST + 1)
    if len(content) > _LARGEST_MANIFEST:
        raise BadArchive(f"{name} is too large")
    return content
