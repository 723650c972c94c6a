"""`python -m agreements verify-disclosure FILE`: whether an archive is what was made and signed; needs no network."""

import argparse
from pathlib import Path

import orjson
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from agreements.service.archive import BadArchive, verify
from upkeep.terminal import DONE, FAILED, USAGE, out, safe, table

SENTENCE = "Check a disclosure's signature and the digest of every file in it, offline."


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what follows the word."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = (
        f"example: {parser.prog} utlamnande.zip --key agreements.pem\n"
        "the public key: GET /agreement-disclosures/key\nexit codes: 0 whole · 1 not · 2 wrong usage"
    )
    parser.add_argument("file", metavar="FILE", type=Path)
    parser.add_argument("--key", type=Path, metavar="PEM", help="whose signature it must be; default: tell whose it is")
    parser.add_argument("--json", action="store_true", help="one JSON object, for machines")


def run(asked: argparse.Namespace) -> int:
    """The exit code."""
    key = None
    if asked.key is not None:
        try:
            found = serialization.load_pem_public_key(asked.key.read_bytes())
        except (OSError, ValueError):
            found = None
        if not isinstance(found, Ed25519PublicKey):
            out(f"{asked.key}: holds no Ed25519 public key in PEM")
            return USAGE
        key = found
    try:
        manifest, signer = verify(asked.file, key)
    except BadArchive as error:
        if asked.json:
            out(orjson.dumps({"whole": False, "why": str(error)}).decode())
        else:
            out(f"{asked.file}: {error}")
        return FAILED
    if asked.json:
        told = {"whole": True, "key_id": signer, "key_given": key is not None, "manifest": manifest}
        out(orjson.dumps(told).decode())
        return DONE
    out(f"whole, as of {manifest['as_of']}, for {safe(str(manifest['asked_by']))}: {safe(str(manifest['purpose']))}")
    names = ("name", "bytes", "lines")
    for line in table(names, [[one[name] for name in names] for one in manifest["files"]]):
        out(line)
    whose = "the key that was given" if key is not None else "compare it with GET /agreement-disclosures/key"
    out(f"signed by key {signer} ({whose})")
    return DONE
