"""The mark of secrecy, in the words that regions use for it."""

import pytest

from rules.secrecy import is_marked


@pytest.mark.parametrize(
    "name", ["confidential", "sekretess", "Sekretess", "konfidentiell", "sekretessbelagd", "secret"]
)
@pytest.mark.parametrize("mark", [True, "ja", "JA", 1, "x", "vet ej", [], {"a": 1}])
def test_any_word_for_it_marks_and_so_does_a_mark_that_cannot_be_read(name: str, mark: object) -> None:
    assert is_marked({"number": "1", name: mark})


@pytest.mark.parametrize("mark", [None, False, "", "nej", " Nej ", "false", 0, "no", "-"])
def test_a_plain_no_does_not_mark(mark: object) -> None:
    assert not is_marked({"sekretess": mark, "confidential": mark})


def test_no_other_field_marks() -> None:
    assert not is_marked({"description": "sekretess", "sekretessbestämmelse": "ja", "number": True})
