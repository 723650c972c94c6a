"""The reviewed word files of an operator's folder, or those that come with search."""

from pathlib import Path

from search.domain.word_lists import FILES, Faulty, WordLists, read

SHIPPED = Path(__file__).parents[1] / "shipped"


def read_folder(folder: Path) -> WordLists:
    """The lists in a folder. Raises Faulty with everything that is wrong, with file and line."""
    texts, faults = {}, []
    for name in FILES:
        try:
            texts[name] = (folder / name).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            faults.append(f"{name}: is not UTF-8")
        except OSError as error:
            faults.append(f"{name}: cannot be read from {folder}: {error.strerror}")
    if faults:
        raise Faulty(faults)
    return read(texts)
