"""Files that are broken, hostile or merely odd: each gets a plain answer, and nothing else is disturbed."""

import io
import json
import zipfile
import zlib
from typing import Any

import pytest
from sent_tables import SOUND, Book, as_csv, row
from test_reading import AGREEMENT, TODAY, findings, forms

from intake import Limits, UnreadableFile, check, read


def refused(content: bytes | io.BytesIO, **options: Any) -> str:
    """Why the file as a whole is refused."""
    with pytest.raises(UnreadableFile) as error:
        list(read(content if isinstance(content, io.BytesIO) else io.BytesIO(content), **options))
    return str(error.value)


def told(content: io.BytesIO) -> str:
    """The findings of a file, one a line."""
    return "\n".join(map(str, findings(content)))


# ---- JSON


def test_a_line_of_10_mb_is_refused_by_its_length_and_holds_up_no_other() -> None:
    line = json.dumps(AGREEMENT).encode()
    long = b'{"name": "' + b"x" * 10_000_000 + b'"}'
    sents = list(read(io.BytesIO(b"\n".join([line, long, line.replace(b"AVT-1", b"AVT-2")]))))
    assert [sent.rows for sent in sents] == [(1,), (2,), (3,)]
    assert [str(finding) for finding in sents[1].findings] == [
        "row 2: is longer than 1024 KiB, the most that one agreement may be"
    ]
    assert all(check(sent, region="14", today=TODAY).form for sent in (sents[0], sents[2]))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{broken", "is not JSON"),
        (b"3", "is not a JSON object"),
        (b'{"name": NaN}', "holds a number that JSON does not know"),
        (b'{"name": "a", "name": "b"}', "holds the same field twice"),
        (b'{"name": "\xff"}', "is not UTF-8 text"),
        (b'{"name": ' + b"[" * 50 + b"]" * 50 + b"}", "is nested more than 20 deep"),
        (b'{"name": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "is not JSON"),
        (b'{"revision": ' + b"9" * 5_000 + b"}", "is not JSON"),
        (b"{}", "number: field required"),
    ],
)
def test_a_broken_line_is_told_and_the_next_one_is_taken(line: bytes, reason: str) -> None:
    whole = json.dumps(AGREEMENT).encode()
    files = [whole + b"\n" + line + b"\n" + whole]
    if line != b"{broken":  # an open bracket takes the rest of an array with it, told below
        files.append(b"[" + whole + b"," + line + b"," + whole + b"]")
    for joined in files:
        sents = list(read(io.BytesIO(joined)))
        assert [bool(check(sent, region="14", today=TODAY).form) for sent in sents] == [True, False, True]
        assert reason in "\n".join(map(str, check(sents[1], region="14", today=TODAY).findings))


def test_an_array_without_an_end_is_told() -> None:
    assert "has no end" in refused(b'[{"number": "A"}, {"number": ')
    assert "behind the array's end" in refused(b"[] []")


def test_one_agreement_over_several_lines_is_told_how_it_should_be() -> None:
    assert "write each one on a line of its own" in refused(json.dumps(AGREEMENT, indent=2).encode())


def test_one_number_twice_with_other_content_needs_a_revision_that_rises() -> None:
    def lines(*changed: dict[str, Any]) -> io.BytesIO:
        return io.BytesIO("\n".join(json.dumps({**AGREEMENT, **one}) for one in changed).encode())

    assert "stands in row 1 too" in told(lines({}, {"name": "Annat"}))
    assert told(lines({}, {})) == ""
    assert told(lines({"revision": 1}, {"name": "Annat", "revision": 2})) == ""


# ---- CSV


def test_nul_bytes_in_a_cell_are_told_with_its_place_and_not_its_value() -> None:
    [finding] = findings(as_csv([row(namn="Kata\0rakt"), row(avtalsnummer="AVT-2")]))
    assert (finding.row, finding.column, finding.value) == (2, "namn", None)
    assert finding.reason == "must not hold control characters"


def test_excels_separator_line_blank_rows_and_blank_columns_do_not_matter() -> None:
    body = as_csv([row()]).getvalue().decode().splitlines()
    sent = "sep=;\r\n" + "\r\n".join([body[0] + ";;;", ";;;", body[1] + ";  ;;", ";;;;", ""])
    [one] = read(io.BytesIO(sent.encode()))
    assert one.rows == (3,)
    assert check(one, region="14", today=TODAY).form


def test_titles_may_stand_above_the_headings() -> None:
    body = as_csv([row()]).getvalue()
    assert len(forms(io.BytesIO(b"Avtal 2026;;;\nUttag ur diariet\n\n" + body))) == 1


def test_line_breaks_inside_quotes_are_part_of_the_cell() -> None:
    [found] = forms(as_csv([row(beskrivning="första\nandra", vårdenheter="SE5561234567-A1\nSE5561234567-A2")]))
    assert found["description"] == "första\nandra"
    assert len(found["services"][0]["units"]) == 2


def test_a_quotation_mark_too_many_is_told_with_its_row_and_the_next_row_is_taken() -> None:
    body = as_csv([row(), row(avtalsnummer="AVT-2"), row(avtalsnummer="AVT-3")]).getvalue().decode()
    sents = list(read(io.BytesIO(body.replace("AVT-2;", '"AVT"-2;').encode())))
    assert [bool(check(sent, region="14", today=TODAY).form) for sent in sents] == [True, True, False]
    assert str(sents[2].findings[0]).startswith("row 3: its quotation marks do not match")


def test_half_utf8_and_half_windows_1252_is_refused_since_nobody_can_tell_its_letters() -> None:
    utf8 = as_csv([row(namn="Åsa")]).getvalue()
    assert "partly UTF-8 and partly Windows-1252" in refused(utf8 + "é".encode("cp1252"))
    assert "neither UTF-8 nor Windows-1252" in refused(b"avtalsnummer;namn\n\x81\x8d;\x9d")


def test_formulas_of_a_csv_file_are_refused_and_never_repeated() -> None:
    [finding] = findings(as_csv([row(namn="=HYPERLINK(A1)")]))
    assert (finding.reason, finding.value) == ("holds a formula instead of a value", None)
    assert forms(as_csv([row(avtalsnummer='="007"')]))[0]["number"] == "007"


# ---- XLSX


def test_a_formula_counts_as_its_saved_value_and_one_without_is_told() -> None:
    book = Book([row(), row(avtalsnummer="AVT-2")])
    book.sheet.write_formula(1, book.columns["namn"], '="a"&"b"', None, "ab")
    book.sheet.write_formula(2, book.columns["namn"], '="a"&"c"', None, "")
    sents = list(read(book.file()))
    assert sents[0].content["name"] == "ab"
    [finding] = check(sents[1], region="14", today=TODAY).findings
    assert (finding.row, finding.column, finding.value) == (3, "namn", None)
    assert "value is not saved" in finding.reason


def test_an_error_of_the_spreadsheet_is_told_in_its_cell() -> None:
    book = Book([row()])
    book.sheet.write_formula(1, book.columns["giltigt till"], "=1/0", None, "#DIV/0!")
    [finding] = findings(book.file())
    assert (finding.field, finding.row) == ("valid_to", 2)
    assert finding.reason == "holds an error of the spreadsheet instead of a value"


def test_merged_cells_over_data_are_told_in_every_row_they_cover() -> None:
    book = Book([row(), row(), row(avtalsnummer="AVT-2")])
    book.sheet.merge_range(1, 0, 2, 0, "AVT-1")
    assert [(finding.row, finding.column) for finding in findings(book.file())] == [
        (2, "avtalsnummer"), (3, "avtalsnummer"),
    ]  # fmt: skip


def test_a_heading_that_is_merged_with_a_row_below_is_told_by_its_column() -> None:
    book = Book([row()])
    book.sheet.merge_range(0, 1, 1, 1, "namn")
    assert "row 1: the heading of column B is merged with other cells (write each heading in a cell" in refused(
        book.file()
    )


def test_group_headings_and_titles_merged_above_the_headings_do_not_matter() -> None:
    book = Book()
    book.sheet.merge_range(0, 0, 1, 4, "Avtal 2026")
    book.sheet.merge_range(2, 0, 2, 3, "Avtalet")
    book.sheet.write_row(3, 0, list(SOUND))
    book.sheet.write_row(4, 0, list(SOUND.values()))
    assert len(forms(book.file())) == 1


def test_hidden_and_other_sheets_are_told_and_not_read() -> None:
    book = Book([row()])
    book.book.add_worksheet("Gömd").hide()
    book.book.add_worksheet("Anteckningar")
    reading = read(book.file())
    assert [str(note) for note in reading.notes] == [
        "the sheet Gömd is hidden and was not read",
        "the sheet Anteckningar was not read: the agreements are read from Avtal",
    ]


def test_a_table_may_stand_anywhere_on_its_sheet_and_rows_count_as_excel_counts_them() -> None:
    book = Book()
    book.sheet.write_string(1, 2, "Avtal 2026")
    for offset, (heading, value) in enumerate(SOUND.items()):
        book.sheet.write_string(3, 4 + offset, heading)
        book.sheet.write_string(6, 4 + offset, value)
    [sent] = read(book.file())
    assert sent.rows == (7,)
    assert check(sent, region="14", today=TODAY).form


def _workbook(**parts: bytes) -> bytes:
    """A workbook with some of its parts replaced."""
    made = io.BytesIO()
    with zipfile.ZipFile(Book([row()]).file()) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, parts.get(name.rpartition("/")[2].partition(".")[0], old.read(name)))
    return made.getvalue()


def test_a_zip_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = _workbook(styles=b" " * 30_000_000)
    assert len(bomb) < 100_000
    assert "inflates to more than 200 times its size" in refused(bomb)
    assert "holds more than 1 MiB once it is inflated" in refused(
        _workbook(styles=zlib.compress(b"x", 0) * 100_000), limits=Limits(inflated_bytes=1024 * 1024)
    )


def test_a_bomb_that_lies_about_its_size_is_found_by_inflating_it() -> None:
    bomb = bytearray(_workbook(styles=b" " * 30_000_000))
    while (at := bomb.find((30_000_000).to_bytes(4, "little"))) >= 0:
        bomb[at : at + 4] = (1_000).to_bytes(4, "little")
    assert "inflates to more than 200 times its size" in refused(bytes(bomb))


def test_two_cells_that_ask_for_gigabytes_are_refused() -> None:
    book = Book([row()])
    book.sheet.write_string(1_048_575, 16_383, "x")
    assert "a cell lies beyond row 50000 or column 250" in refused(book.file())


def test_entities_are_refused() -> None:
    laughs = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><worksheet>&b;</worksheet>'
    assert "XML of a kind that no workbook has" in refused(_workbook(sheet1=laughs))
    assert "XML of a kind that no workbook has" in refused(_workbook(workbook=laughs))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf \n", "is empty"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "of the old kind, or one protected by a password"),
        (b"PK\x03\x04 and then nothing", "is damaged, or no Excel workbook"),
        (b"%PDF-1.7 whatever", "is not a table of agreements"),
    ],
)
def test_what_is_no_table_is_told_as_such(content: bytes, reason: str) -> None:
    assert reason in refused(content)


def test_a_zip_file_that_is_no_workbook_is_told_as_such() -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("avtal.txt", "hej")
    assert "is a zip file, but no Excel workbook" in refused(made)


# ---- size, and many errors


class Endless(io.RawIOBase):
    """A file of 200 MB that counts what is read of it."""

    taken = 0

    def seek(self, offset: int, whence: int = 0) -> int:
        return 200_000_000 if whence == 2 else offset

    def read(self, size: int = -1) -> bytes:
        self.taken += size if size >= 0 else 200_000_000
        return b"x" * size


def test_a_file_of_200_mb_is_refused_by_its_size_and_not_read() -> None:
    file = Endless()
    with pytest.raises(UnreadableFile, match="is larger than 50 MiB"):
        read(file)  # type: ignore[arg-type]
    assert file.taken == 0


def test_5000_errors_in_one_file_are_all_told() -> None:
    wrong = [row(avtalsnummer=f"AVT-{number}", giltigt_från="1/1", region="2") for number in range(2_500)]
    found = findings(as_csv(wrong))
    assert len(found) == 5_000
    assert {finding.field for finding in found} == {"valid_from", "region"}
    assert found[-1].row == 2_501


def test_of_one_agreement_at_most_500_findings_are_told_and_how_many_more_there_are() -> None:
    wrong = row(vårdenheter=" ".join(f"X{number}" for number in range(600)))
    found = findings(as_csv([row(), *({**wrong, "KVÅ-koder": f"CJE{number:02}"} for number in range(2))]))
    assert len(found) == 501
    assert found[-1].reason.startswith("and ")


def test_an_agreement_over_thousands_of_rows_is_told_once() -> None:
    [finding] = findings(as_csv([row(), *({"avtalsnummer": "AVT-1", "namn": f"x{one}"} for one in range(2_000))]))
    assert (finding.field, finding.row) == ("services", 2)
    assert finding.reason == "is spread over 2001 rows: an agreement has at most 100 services"


def test_a_table_of_too_many_rows_or_cells_is_refused() -> None:
    rows = [row(avtalsnummer=f"AVT-{number}") for number in range(40)]
    assert "holds more than 10 rows or" in refused(as_csv(rows), limits=Limits(rows=10))
    assert "rows or 100 cells" in refused(as_csv(rows), limits=Limits(cells=100))
    assert "holds more than 100 cells" in refused(Book(rows).file(), limits=Limits(cells=100))


def test_the_same_row_twice_is_read_once_and_told() -> None:
    [sent] = read(as_csv([row(), row()]))
    assert [str(note) for note in check(sent, region="14", today=TODAY).notes] == [
        "row 3: is the same as row 2: read once"
    ]


def test_a_period_that_begins_in_2035_is_refused_and_one_that_has_ended_is_the_services_to_judge() -> None:
    [finding] = findings(as_csv([row(giltigt_från="2035-01-01", giltigt_till="")]))
    assert (finding.field, finding.column, finding.value) == ("valid_from", "giltigt från", "2035-01-01")
    assert "more than 5 years ahead" in finding.reason
    [sent] = read(as_csv([row(giltigt_från="2024-01-01", giltigt_till="2024-12-31")]))
    checked = check(sent, region="14", today=TODAY)
    assert checked.form


PERSON = "19121212-1212"
WIDE = PERSON.translate({ord(digit): ord(digit) + 0xFEE0 for digit in "0123456789"})


@pytest.mark.parametrize(
    "heading", [*SOUND, "beskrivning", "organisationsnummer", "kontaktvägar", "belopp", "ICD-koder"]
)
@pytest.mark.parametrize("written", [PERSON, "121212-1213", "191212121212", "SE1212121212-A1", WIDE], ids="abcde")
def test_a_value_that_could_be_a_persons_number_is_repeated_nowhere(heading: str, written: str) -> None:
    found = findings(as_csv([row(**{heading: written})]), region=None)
    assert heading in {"avtalsnummer", "namn", "beskrivning", "organisationsnummer"} or found
    for finding in found:
        assert "1212" not in json.dumps(finding.as_json())
        assert WIDE[:6] not in str(finding)


def test_a_field_of_json_named_by_a_persons_number_is_not_repeated() -> None:
    found = findings(io.BytesIO(json.dumps({**AGREEMENT, PERSON: PERSON, "services": [{PERSON: 1}]}).encode()))
    assert found
    assert PERSON not in json.dumps([finding.as_json() for finding in found])


def test_the_note_for_the_regions_own_people_is_never_repeated() -> None:
    [finding] = findings(as_csv([row(**{"intern anteckning": "hemligt" * 700})]))
    assert (finding.column, finding.value) == ("intern anteckning", None)


def test_a_row_of_csv_longer_than_the_headings_is_told_with_its_row() -> None:
    content = as_csv([row()]).getvalue() + b"AVT-2;N;14;;;;;CJE20;;mer\r\n"
    assert "row 3: column J holds a value but has no heading" in refused(content)


def test_hidden_rows_are_read_and_told() -> None:
    book = Book([row(), row(avtalsnummer="AVT-2"), row(avtalsnummer="AVT-3")])
    book.sheet.set_row(2, None, None, {"hidden": True})
    reading = read(book.file())
    assert [sent.number for sent in reading] == ["AVT-1", "AVT-2", "AVT-3"]
    assert [str(note) for note in reading.notes] == ["row 3: is hidden, and is read like the others"]


def test_where_the_table_is_on_a_sheet_that_is_not_read_the_sheets_are_named() -> None:
    book = Book([{"Välkommen": "hit"}])
    hidden = book.book.add_worksheet("Dold")
    hidden.hide()
    assert "the sheet Dold is hidden and was not read" in refused(book.file())


def test_numbers_that_look_alike_are_one_and_signs_nobody_sees_are_no_part_of_it() -> None:
    rows = [row(avtalsnummer="A 1"), {"avtalsnummer": "A\xa01", "KVÅ-koder": "AU124", "vårdenheter": "SE5561234567-A2"}]
    [sent] = read(as_csv(rows))
    assert sent.rows == (2, 3)
    [sent] = read(as_csv([row(avtalsnummer="\u200bA\u200b 1", volym_kvar="1\u200b20")]))
    form = check(sent, region="14", today=TODAY).form
    assert form is not None
    assert (form.number, form.use_by_others.volume_left) == ("A 1", 120)


def test_a_number_that_a_spreadsheet_would_take_for_a_formula_is_refused_in_every_format() -> None:
    line = json.dumps({"region": "14", "number": "=1+1", "name": "@x"}).encode()
    [sent] = read(io.BytesIO(line))
    told = {one.field: one.reason for one in check(sent, region="14", today=TODAY).findings}
    assert told["number"] == told["name"] == "must not begin with = + - or @: a spreadsheet would take it for a formula"
