"""How much one file may hold. Stated, so that a region knows before it sends; each is far above what regions have."""

from dataclasses import dataclass

MIB = 1024 * 1024

UPLOAD_BYTES = 20 * MIB
"""What the service takes over HTTP at once: ten times 2,000 agreements of five services as XLSX, and more."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one file. The defaults are five times what the largest region has today: 2,000 agreements of 5 services."""

    file_bytes: int = 50 * MIB
    rows: int = 50_000
    columns: int = 250
    cells: int = 3_000_000
    """Of a workbook's sheet, empty ones inside the used area counted: each takes memory."""
    cell_signs: int = 20_000
    item_bytes: int = MIB
    """One agreement as JSON: a line, or an item of an array."""
    inflated_bytes: int = 128 * MIB
    """What a workbook's parts hold together, once they are inflated."""
    inflated_ratio: int = 200
    """A part above 10 MiB may not be more than so many times its compressed size."""
    parts: int = 1_000
    """Files inside a workbook."""


STANDARD = Limits()
