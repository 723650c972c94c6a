"""Whoever fills in rows reads Swedish: every reason that can be given of an agreement has its words."""

import ast
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest

from intake import UnreadableFile, read
from intake.swedish import TEXTS, in_swedish

ROOT = Path(__file__).parents[3]
RULES = ("agreements", "identifiers", "texts", "validity", "validation_errors")
GIVEN_BY = (
    *sorted((ROOT / "intake/src/intake").glob("*.py")),
    *(ROOT / f"rules/src/rules/{name}.py" for name in RULES),
    *(ROOT / f"contracts/src/contracts/{name}.py" for name in ("agreement_form", "form", "types")),
    *sorted((ROOT / "clients/region-cli/src/region_cli").glob("*.py")),
    *(ROOT / f"services/agreements/src/agreements/service/{name}.py" for name in ("checking", "intake", "sent_form")),
)  # fmt: skip
CALLS = {"Finding": 1, "Found": 1, "told": 2, "Unclear": 0, "unreadable": 0, "ValueError": 0, "_conflict": 1}
"""What makes a finding, and which argument is the reason; what comes behind it may be a suggestion."""
NOT_OF_AN_AGREEMENT = {
    # Words of developers: of a place in a workbook's XML, an id of a message, and of the command itself.
    "no reference of a cell",
    "the part is cut off",
    "lies outside the calendar",
    "{}: send it in several files, or as XLSX, which is compressed",
}


def _template(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return None


def _given(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        told: list[ast.AST] = []
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name in CALLS:
                told = [*node.args[CALLS[name] :], *(one.value for one in node.keywords if one.arg == "suggestion")]
        elif isinstance(node, ast.Yield) and isinstance(node.value, ast.Tuple):
            told = node.value.elts[1:2]
        for one in told:
            for branch in (one.body, one.orelse) if isinstance(one, ast.IfExp) else (one,):
                text = _template(branch)
                if text and " " in text:
                    yield text


@pytest.mark.parametrize("source", GIVEN_BY, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_reason_and_suggestion_has_its_swedish(source: Path) -> None:
    lacking = {
        text
        for text in _given(ast.parse(source.read_text("utf-8")))
        if text not in TEXTS and text not in NOT_OF_AN_AGREEMENT and in_swedish(text) == text
    }
    assert lacking == set()


def test_what_differs_is_kept_and_told_in_swedish_too() -> None:
    assert in_swedish("is before 1990: probably the wrong year") == "är före 1990: troligen fel år"
    assert in_swedish("did you mean 2026-01-02 or 2026-02-01?") == "menas 2026-01-02 eller 2026-02-01?"
    assert in_swedish("the code was retired after 2025-12-31") == "koden är indragen efter 2025-12-31"
    assert (
        in_swedish("must be a day, such as 2026-12-31, without a time")
        == "ska vara en dag, som 2026-12-31, utan klockslag"
    )
    assert in_swedish("must be a class, 1 to 6") == "ska vara en klass, 1 till 6"
    assert in_swedish("something a newer server says") == "something a newer server says"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"number": \n{}\n', "är inte JSON"),
        (b'{"number": "1", "number": "2"}\n', "har samma fält två gånger"),
        (b'{"number": NaN}\n', "har ett tal som JSON inte känner till"),
        (b'{"number": "\xff"}\n', "är inte text i UTF-8"),
        (b"[1]", "är inget JSON-objekt"),
    ],
)
def test_what_is_wrong_in_the_reading_is_told_in_swedish(content: bytes, said: str) -> None:
    try:
        told = [finding.reason for sent in read(BytesIO(content)) for finding in sent.findings]
    except UnreadableFile as error:
        told = [finding.reason for finding in error.findings]
    swedish = list(map(in_swedish, told))
    assert set(swedish).isdisjoint(told)
    assert any(said in one for one in swedish)


def test_a_row_whose_quotation_marks_do_not_match_is_told_in_swedish() -> None:
    for reason in (
        "its quotation marks do not match, and 3 lines below it may have been taken for part of it",
        "holds more than 50000 rows or 3000000 cells",
    ):
        assert not re.search(r"\b(rows|lines|match)\b", in_swedish(reason))


def test_both_languages_leave_the_same_places_open() -> None:
    assert {english for english, swedish in TEXTS.items() if english.count("{}") != swedish.count("{}")} == set()
    assert {english for english, swedish in TEXTS.items() if re.search(r"\b(the|must|is not)\b", swedish)} == set()
