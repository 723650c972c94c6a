"""Word files are an operator's own: what is wrong in them is told with file and line, and nothing is used by halves."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.domain.word_lists import FILES, Faulty, read
from search.index.word_files import SHIPPED, read_folder
from search.main import main

GOOD = {"synonyms.txt": "starr => katarakt\n", "compounds.txt": "katarakt\n", "stopwords.txt": "och\n"}


def faults(**texts):
    with pytest.raises(Faulty) as told:
        read({**GOOD, **{f"{name}.txt": text for name, text in texts.items()}})
    return told.value.faults


def test_the_files_that_come_with_search_can_be_used():
    lists = read_folder(SHIPPED)

    assert "katarakt" in lists.compounds
    assert {"gråstarr", "knäprotes", "och"} <= lists.known()


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("synonyms", "# x\n\nstarr => => katarakt", "synonyms.txt, line 3: has more than one =>: write a rule a line"),
        ("synonyms", "starr, => katarakt", "synonyms.txt, line 1: has an empty place beside a comma or arrow"),
        ("synonyms", "starr =>", "synonyms.txt, line 1: has an empty place beside a comma or arrow"),
        ("synonyms", "starr", "synonyms.txt, line 1: is one word alone: write what it means after =>"),
        (
            "synonyms",
            "??? => katarakt",
            "synonyms.txt, line 1: “???” is no word: only letters, digits, spaces and : . - can stand there",
        ),
        (
            "synonyms",
            "starr => katarakt\nStarr => bråck",
            "synonyms.txt, line 2: “Starr” has a rule already in line 1: write one rule for it",
        ),
        ("synonyms", f"{'a' * 600} => b", "synonyms.txt, line 1: is longer than 500 characters: write two rules"),
        ("compounds", "grå starr", "compounds.txt, line 1: is not one word of letters only"),
        ("compounds", "Starr", "compounds.txt, line 1: has capital letters: write starr"),
        (
            "compounds",
            "op",
            "compounds.txt, line 1: is shorter than 3 letters: it would be found inside other words",
        ),
        ("compounds", "# nothing", "compounds.txt: holds no word"),
        (
            "synonyms",
            "_ => starr",
            "synonyms.txt, line 1: “_” is no word: only letters, digits, spaces and : . - can stand there",
        ),
        ("compounds", "lins\n\nlins", "compounds.txt, line 3: stands already in line 1"),
        ("stopwords", "och\noch", "stopwords.txt, line 2: stands already in line 1"),
    ],
)
def test_what_is_wrong_is_told_with_file_and_line(name, text, told):
    assert faults(**{name: text}) == [told]


def test_everything_that_is_wrong_is_told_at_once():
    assert len(faults(synonyms="starr\n=>", compounds="Lins", stopwords="1")) == 4


@given(st.dictionaries(st.sampled_from(FILES), st.text(max_size=60)))
def test_no_text_is_anything_but_used_or_told(texts):
    told, rules = [], []
    try:
        rules = read(texts).synonyms
    except Faulty as error:
        told = error.faults
    assert bool(told) != bool(rules)
    assert all(fault.startswith(FILES) for fault in told)


def folder(tmp_path, **changed):
    for name, text in {**GOOD, **changed}.items():
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return tmp_path


def test_a_folder_is_looked_through_without_any_engine_or_setting(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["words", str(folder(tmp_path)), "--json"])

    assert ended.value.code == 0
    assert json.loads(capsys.readouterr().out) == {"faults": [], "synonyms": 1, "compounds": 1, "stopwords": 1}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"synonyms.txt": "starr"}, "synonyms.txt, line 1: is one word alone: write what it means after =>"),
        ({"stopwords.txt": b"\xff"}, "stopwords.txt: is not UTF-8"),
    ],
)
def test_what_is_wrong_in_a_folder_ends_the_look_with_exit_code_1(tmp_path, capsys, changed, told):
    with pytest.raises(SystemExit) as ended:
        main(["words", str(folder(tmp_path, **changed))])

    assert (ended.value.code, capsys.readouterr().out) == (1, f"{told}\n")


def test_a_file_that_is_missing_is_named_with_its_folder(tmp_path):
    (folder(tmp_path) / "compounds.txt").unlink()

    with pytest.raises(Faulty, match=rf"^compounds\.txt: cannot be read from {tmp_path}: No such file"):
        read_folder(tmp_path)


def test_search_does_not_start_with_faulty_word_files(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("WORD_FILES", str(folder(tmp_path, **{"compounds.txt": "Lins"})))
    for name in ("POSTGRES_URL", "KAFKA_BOOTSTRAP", "OPENSEARCH_URL", "OIDC_ISSUER"):
        address = {"POSTGRES_URL": "postgresql://x/x", "KAFKA_BOOTSTRAP": "x:1"}.get(name, "http://x")
        monkeypatch.setenv(name, address)

    with pytest.raises(SystemExit) as ended:
        main(["worker"])

    assert ended.value.code == 2
    assert capsys.readouterr().err == "setting WORD_FILES: compounds.txt, line 1: has capital letters: write lins\n"
