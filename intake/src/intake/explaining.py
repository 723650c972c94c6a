"""The columns as a page for people, made from the one list of them."""

from intake.columns import COLUMNS, Column

SAMPLE = """[headings]
"Dnr" = "avtalsnummer"
"Vårdgivare" = "vårdgivare namn"
"Handläggare" = ""                # not for us

[constants]
region = "14"
"egenremiss" = "nej"

[values.typ]
"Ramavtal" = "avtal"
"""
"""A mapping as TOML; a key with å, ä, ö or a blank must be quoted."""

_TOP = """# Columns of a table of agreements

Made from `src/intake/columns.py` by `python -m intake`. A table is CSV (UTF-8 or Windows-1252; semicolon, comma or tab)
or XLSX; it has one row per agreement and care service. Rows with the same `avtalsnummer` are one agreement: a column of
the agreement is filled in on its first row, and on the others the same or nothing. Capitals, hyphens and line breaks in
a heading do not matter; the field's path is accepted as a heading too. A heading that nobody knows is an error unless
its column is empty or a mapping says that it is not for us.

Not expressible in a table, send JSON: a semicolon or a line break inside one of several texts (`remissbilagor`), a
vertical bar in a contact way, the same care service twice with the same terms, code systems in another order than the
columns. Everything else of the form has a column.

A mapping is JSON or TOML: `headings` (theirs to ours, or to nothing), `constants` (ours to a value, for columns the
table lacks and blank cells) and `values` (per column, their word to ours). What a mapping says must be what a cell may
say. The service remembers one per region and uses it for tables that lack some of our required headings, or have one of
the region's own: a filled-in template is read as it is. Keys with å, ä, ö or a blank stand in quotation marks. A file
that `vf-region push --http --mapping` reads on your machine names its region: by a column, a constant or `--region`.

{sample}

Merged cells: a value merged over several rows or columns is refused in every cell it covers but the first of one row,
since nobody can tell for which rows it holds; titles merged above the headings do not matter. Rows that a filter hides
are read like the others, and a note says so. Hidden sheets are not read.
"""


def explanation() -> str:
    """The page in Markdown."""
    parts = [_TOP.format(sample="\n".join(f"    {line}".rstrip() for line in SAMPLE.splitlines()))]
    for title, rows in (
        ("The agreement", [column for column in COLUMNS if not column.of_service]),
        ("The care service", [column for column in COLUMNS if column.of_service]),
    ):
        parts.append(f"\n## {title}\n\n| heading | field | written as | meaning | example |\n|---|---|---|---|---|\n")
        parts += [_line(column) for column in rows]
    return "".join(parts)


def _line(column: Column) -> str:
    kind = column.kind.explained + (f": {', '.join(column.kind.words)}" if column.kind.words else "")
    must = "**måste fyllas i** · " if column.required else ""
    cells = (column.heading, f"`{column.field}`", kind, f"{must}{column.explained}", column.example)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"
