"""Contact ways in one cell, one a line: `remiss | telefon | 08-123 45 67 | vardagar 8–10`."""

from typing import Any

from contracts.message import Channel, Purpose
from intake.cells import Cell, Unclear, one_of, texts
from intake.kinds import Kind

PURPOSES = {
    "allmänt": Purpose.GENERAL.value,
    "remiss": Purpose.REFERRAL.value,
    "betalningsförbindelse": Purpose.PAYMENT_COMMITMENT.value,
    "faktura": Purpose.INVOICE.value,
    "förmedling": Purpose.BROKERAGE.value,
    "patient": Purpose.PATIENT.value,
}
CHANNELS = {
    "telefon": Channel.PHONE.value,
    "e-post": Channel.EMAIL.value,
    "webb": Channel.WEB.value,
    "SDK": Channel.SDK.value,
    "post": Channel.POST.value,
    "fax": Channel.FAX.value,
}
_PURPOSE, _CHANNEL = one_of(PURPOSES), one_of(CHANNELS)
_SHAPE = "must be purpose | channel | address, with | between them"
_EXAMPLE = "for example: remiss | telefon | 08-123 45 67"


def _read(cell: Cell) -> list[dict[str, Any]]:
    return [_way(line) for line in texts(cell)]


def _way(line: str) -> dict[str, Any]:
    parts = [part.strip() for part in line.split("|")]
    if not 3 <= len(parts) <= 4:
        raise Unclear(_SHAPE, _EXAMPLE)
    purpose, channel, value, *note = parts
    try:
        way = {"purpose": _PURPOSE(purpose), "channel": _CHANNEL(channel), "value": value}
    except Unclear as unclear:
        raise Unclear(f"{_SHAPE}; each word {unclear.reason}", unclear.suggestion or _EXAMPLE) from None
    return {**way, "note": note[0]} if note and note[0] else way


def _write(ways: list[dict[str, Any]]) -> str:
    purposes, channels = ({en: sv for sv, en in words.items()} for words in (PURPOSES, CHANNELS))
    return "\n".join(
        " | ".join(
            part
            for part in (purposes[way["purpose"]], channels[way["channel"]], way["value"], way.get("note") or "")
            if part
        )
        for way in ways
    )


CONTACTS = Kind(
    f"en per rad: ändamål | kanal | adress | anteckning. Ändamål: {', '.join(PURPOSES)}. Kanal: {', '.join(CHANNELS)}",
    _read,
    _write,
    split=lambda cell: list(texts(cell)),
)
