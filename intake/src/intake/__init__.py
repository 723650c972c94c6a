"""What a region sends, read and checked without a server: JSON lines, CSV and XLSX become agreements and findings.

The way through: `read(file, …)` gives a `Reading`; iterating it gives one `Sent` per agreement; `check(sent, …)` gives
a `Checked` with the form or the findings; a fault found later by others is put in its place by `told(sent, field, …)`.

    reading = read(file, mapping=mapping)            # raises UnreadableFile, whose .findings say all that is wrong
    reading.format, reading.rows, reading.notes      # "xlsx", rows with data, what should be known
    for sent in reading:                             # sent.number, sent.rows, sent.confidential
        checked = check(sent, region="14", today=day)
        if checked.form is None:                     # checked.findings: field, reason, row, column, value, suggestion
            ...
        later = told(sent, "services.0.care_services.1.code", "unknown code", "did you mean CJE20?")

Signatures:

    read(file: BinaryIO, *, mapping: Mapping[str, Any] | None = None, limits: Limits = STANDARD) -> Reading
    Reading.__iter__() -> Iterator[Sent]; .format: str; .rows: int; .notes: list[Finding]
    item(content: bytes) -> Sent, for one agreement as JSON that comes alone
    check(sent: Sent, *, region: str | None, today: date) -> Checked
    Checked.form: AgreementForm | None; .findings, .notes: tuple[Finding, ...]; .confidential: bool
    placed(sent: Sent, field: str) -> Place; Place.row, .column, .value
    told(sent: Sent, field: str, reason: str, suggestion: str | None = None) -> Finding
    Finding.as_json() -> {"field", "reason", "row", "column", "value", "suggestion"}
    template_xlsx(*, codes: {"kva": {"CJE20": "…"}} | None = None, units: {hsa_id: name} | None = None, region=None)
    template_csv(*, region: str | None = None) -> bytes

`file` is open for reading, binary and seekable, such as an open file or BytesIO. Nothing here keeps, sends or logs.
"""

from intake.checking import Checked, check
from intake.columns import COLUMNS, Column
from intake.findings import Finding, UnreadableFile
from intake.headings import Mapped
from intake.json_items import item
from intake.limits import STANDARD, Limits
from intake.reading import Reading, read
from intake.sent import Place, Sent, placed, told
from intake.template import template_csv, template_xlsx

__all__ = [
    "COLUMNS",
    "STANDARD",
    "Checked",
    "Column",
    "Finding",
    "Limits",
    "Mapped",
    "Place",
    "Reading",
    "Sent",
    "UnreadableFile",
    "check",
    "item",
    "placed",
    "read",
    "template_csv",
    "template_xlsx",
    "told",
]
