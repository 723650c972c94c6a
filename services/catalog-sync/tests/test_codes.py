"""Code files and the database together: what changes from one reading to the next, and the commands that tell of it."""

import asyncio
import json
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from catalog_sync.domain.reading import Kind, SourceAway
from catalog_sync.main import main
from catalog_sync.service import codes, codes_command
from catalog_sync.source.code_files import SHIPPED
from rules.calendar import swedish_day
from rules.validity import valid_on

TODAY = swedish_day(datetime.now(UTC))
TOMORROW = TODAY + timedelta(days=1)

AREA = """
text = "Grå starr"
designations = ["grå starr"]
valid_from = 2020-01-01
members = ["kva|CJE*", "vt-demo|starr"]
guarantee = []
"""
HEADS = "source_system,source_code,target_system,target_code,equivalence,map,version\n"


def release(folder: Path, system: str, begins: date, *codes: str) -> Path:
    """Puts a release of some codes into the folder; gives its own folder."""
    made = folder / system / str(begins)
    made.mkdir(parents=True)
    (made / "a.csv").write_text("code,text\n" + "".join(f"{code},{code} {begins}\n" for code in codes))
    (made / "release.toml").write_text(f'title = "Prov"\nrelease = "{system} {begins}"\nvalid_from = {begins}\n')
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two codes that map to a service, and their care area."""
    release(tmp_path, "kva", date(2024, 1, 1), "CJE20", "CJE25")
    release(tmp_path, "vt-demo", date(2024, 1, 1), "starr")
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps" / "m.csv").write_text(HEADS + "kva,CJE20,vt-demo,starr,wider,m,1\n")
    (tmp_path / "care-areas").mkdir()
    (tmp_path / "care-areas" / "starr.toml").write_text(AREA)
    return tmp_path


@pytest.fixture
def round_of(ledger, folder):
    """Reads the folder and syncs it; gives what is announced, by key, and the places that are rejected."""

    async def go():
        reading = await codes.read(ledger.sessions, folder)
        outcome = await ledger.sync(reading, Kind.CODE)
        assert outcome.held is None
        return {one.key(): one for one in await ledger.announced()}, [row.resource for row in outcome.rejected]

    return go


def holds(message, day: date) -> bool:
    return valid_on(day, active=message.status == "active", valid_from=message.valid_from, valid_to=message.valid_to)


@pytest.mark.engine
async def test_what_is_read_again_announces_nothing(round_of):
    announced, rejected = await round_of()
    assert rejected == []
    assert announced.keys() == {
        *("kva|CJE20", "kva|CJE25", "vt-demo|starr", "care-area|starr", "code-system|kva", "code-system|vt-demo")
    }
    assert announced["kva|CJE20"].designations == ("grå starr",)
    assert (await round_of()) == ({}, [])


@pytest.mark.engine
async def test_tomorrows_release_takes_the_place_of_todays_and_today_goes_on_as_it_was(round_of, folder):
    await round_of()
    shutil.rmtree(folder / "kva" / "2024-01-01")
    release(folder, "kva", TOMORROW, "CJE20", "CJE30")
    announced, rejected = await round_of()
    assert rejected == []
    assert announced["kva|CJE25"].valid_to == TODAY
    assert holds(announced["kva|CJE25"], TODAY)
    assert not holds(announced["kva|CJE25"], TOMORROW)
    assert not holds(announced["kva|CJE30"], TODAY)
    assert holds(announced["kva|CJE30"], TOMORROW)
    assert "kva|CJE20" not in announced, "its wording is today's until tomorrow"
    assert (announced["code-system|kva"].release, announced["code-system|kva"].valid_from) == (
        f"kva {TOMORROW}",
        TOMORROW,
    )
    assert (await round_of()) == ({}, [])


@pytest.mark.engine
async def test_an_older_release_alone_in_the_folder_revives_nothing_and_is_told(round_of, folder):
    older = folder / "kva" / "2024-01-01"
    await round_of()
    newer = release(folder, "kva", date(2025, 1, 1), "CJE20")
    announced, _ = await round_of()
    assert announced["kva|CJE25"].status == "retired"
    shutil.rmtree(newer)
    assert (await round_of()) == ({}, ["kva/2024-01-01"])
    shutil.rmtree(older)
    release(folder, "kva", date(2026, 1, 1), "CJE20", "CJE25")
    announced, rejected = await round_of()
    assert rejected == []
    assert (announced["kva|CJE25"].status, announced["kva|CJE25"].valid_from) == ("active", date(2026, 1, 1))


@pytest.mark.engine
async def test_a_broken_release_map_or_care_area_changes_nothing_that_is_known(round_of, folder):
    await round_of()
    (folder / "kva" / "2024-01-01" / "a.csv").write_bytes(b"code,text\nCJE20,CJE20 2024-01-01\nCJE2")
    (folder / "maps" / "m.csv").write_text("half a head")
    (folder / "care-areas" / "starr.toml").write_text(AREA.replace("members", "membres"))
    announced, rejected = await round_of()
    assert announced == {}
    assert sorted(set(rejected)) == ["care-areas/starr.toml", "kva/2024-01-01/a.csv:3", "maps/m.csv"]


@pytest.mark.engine
async def test_a_care_area_dropped_into_the_folder_is_announced_by_the_next_reading(round_of, folder):
    await round_of()
    (folder / "care-areas" / "linser.toml").write_text(AREA.replace("Grå starr", "Linser"))
    announced, _ = await round_of()
    assert announced.keys() == {"care-area|linser"}
    (folder / "care-areas" / "linser.toml").unlink()
    announced, _ = await round_of()
    assert (announced["care-area|linser"].status, len(announced)) == ("retired", 1)


@pytest.mark.engine
async def test_how_far_the_maps_reach_is_a_metric_and_is_told_from_the_database(round_of, ledger, capsys):
    await round_of()
    labels = {"care_area": "starr", "system": "kva"}
    assert REGISTRY.get_sample_value("vf_code_map_coverage_ratio", labels) == 0.5
    async with ledger.sessions() as session:
        counts, (found,) = await codes.coverage_known(session)
    assert counts == {"care-area": 1, "code-system": 2, "kva": 2, "vt-demo": 1}
    assert (found.care_area, found.members, found.without) == ("starr", 2, ("kva|CJE25",))


@pytest.mark.engine
async def test_the_report_command_prints_tables_and_json(round_of, ledger, capsys):
    await round_of()
    capsys.readouterr()
    assert await asyncio.to_thread(codes_command.report, ledger.url, as_json=False) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["system", "codes"]
    assert lines[-2].split() == ["starr", "kva", "2", "1", "50%"]
    assert lines[-1] == "without a map: starr: kva|CJE25"
    assert await asyncio.to_thread(codes_command.report, ledger.url, as_json=True) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["codes"]["kva"] == 2
    assert told["coverage"] == [
        {"care_area": "starr", "system": "kva", "codes": 2, "mapped": 1, "share": 0.5, "without_map": ["kva|CJE25"]}
    ]


@pytest.mark.engine
async def test_a_folder_that_is_not_there_is_a_source_that_is_away(ledger, tmp_path):
    with pytest.raises(SourceAway):
        await codes.read(ledger.sessions, tmp_path / "missing")


@pytest.mark.engine
async def test_a_code_made_elsewhere_may_be_mapped_to_and_belong_to_an_area(round_of, folder):
    line = {"system": "vt", "code": "394579002", "status": "active", "text": "Kardiologi", "release": None}
    line |= {"valid_from": "2024-01-01T00:00:00", "valid_to": None, "maps": [], "place": None, "care_area": None}
    odd = {**line, "code": "43741000", "designations": None, "maps": 7}
    rows = [{**line, "designations": []}, odd]
    (folder / "vt.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (folder / "maps" / "m.csv").write_text(
        HEADS + "kva,CJE20,vt,394579002,wider,m,1\nkva,CJE20,vt,43741000,wider,m,1\n"
    )
    (folder / "care-areas" / "starr.toml").write_text(AREA.replace("vt-demo|starr", "vt|394579002"))
    announced, rejected = await round_of()
    assert [line.target.key for line in announced["kva|CJE20"].maps] == ["vt|394579002"]
    assert announced["vt|394579002"].designations == ("grå starr",)
    assert sorted(rejected) == ["maps/m.csv:3", "vt|43741000"]


NOT_READ = "not read, no code file or not where one is looked for"


def check(capsys, *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as stopped:
        main(["codes", "check", *words])
    out, err = capsys.readouterr()
    return int(stopped.value.code or 0), out, err


def test_a_folder_is_checked_without_a_database_or_any_setting(monkeypatch, capsys, folder):
    for name in ("POSTGRES_URL", "KAFKA_BOOTSTRAP", "CATALOGUE_URL"):
        monkeypatch.delenv(name, raising=False)
    code, out, _ = check(capsys, str(folder))
    assert code == 0
    lines = out.splitlines()
    assert lines[0].split() == ["file", "taken", "passed", "over", "refused"]
    assert lines[1].split() == ["kva/2024-01-01/a.csv", "2", "0", "0"]
    assert lines[1].index("2", 20) + 1 == lines[0].index("taken") + len("taken"), "numbers stand under their heads"
    assert "without a map: starr: kva|CJE25" in lines
    assert lines[-1] == "6 codes, nothing refused"


def test_what_is_refused_is_told_line_by_line_and_by_the_exit_code(capsys, folder):
    (folder / "maps" / "m.csv").write_text(HEADS + "kva,CJE99,vt-demo,starr,wider,m,1\n")
    code, out, _ = check(capsys, str(folder))
    assert code == 1
    assert "refused: maps/m.csv:2: source: unknown code" in out.splitlines()
    code, out, _ = check(capsys, str(folder), "--json")
    told = json.loads(out)
    assert (code, told["codes"]) == (1, 6)
    assert told["refused"] == [{"place": "maps/m.csv:2", "reason": "source: unknown code"}]
    assert told["files"][-2] == {"file": "maps/m.csv", "taken": 0, "passed_over": 0, "refused": 1}
    assert told["coverage"][0]["without_map"] == ["kva|CJE20", "kva|CJE25"]


def test_a_folder_that_is_not_there_is_wrong_usage_in_one_line(capsys, tmp_path):
    code, out, err = check(capsys, str(tmp_path / "missing"))
    assert (code, out, err) == (2, "", "codes check: the folder of code files is not there\n")


def test_an_empty_folder_and_one_without_code_files_are_told_and_are_no_success(capsys, tmp_path):
    nothing = "codes check: there is nothing to read: a folder of code files holds SYSTEM/RELEASE/release.toml, "
    code, out, err = check(capsys, str(tmp_path))
    assert (code, out, err.startswith(nothing), err.count("\n")) == (1, "", True, 1)
    (tmp_path / "skrap.txt").write_text("skräp")
    code, out, err = check(capsys, str(tmp_path))
    assert (code, out, err.startswith(nothing)) == (1, f"{NOT_READ}: skrap.txt\n", True)


def test_files_that_are_not_read_are_named(capsys, folder):
    (folder / "skrap.txt").write_text("skräp")
    (folder / ".dold").write_text("")
    (folder / "kva" / "2027").mkdir()
    (folder / "kva" / "2027" / "half-copied.csv").write_text("code,text\n")
    code, out, _ = check(capsys, str(folder))
    assert code == 0
    assert f"{NOT_READ}: kva/2027/half-copied.csv, skrap.txt" in out.splitlines()
    assert json.loads(check(capsys, str(folder), "--json")[1])["not_read"] == ["kva/2027/half-copied.csv", "skrap.txt"]
    for number in range(20):
        (folder / f"{number}.txt").write_text("")
    assert " and 12 more (--json names all)\n" in check(capsys, str(folder))[1]


def test_names_of_files_cannot_steer_the_terminal(capsys, folder):
    (folder / "kva" / "2024-01-01" / "\x1b[31m.csv").write_text("code,text\nXX,x\n")
    _, out, _ = check(capsys, str(folder))
    assert "\x1b" not in out


def test_the_shipped_files_pass_their_own_check(capsys):
    code, out, _ = check(capsys, str(SHIPPED))
    assert (code, out.splitlines()[-1]) == (0, "9918 codes, nothing refused")


def test_help_says_what_each_act_does_with_an_example(capsys):
    with pytest.raises(SystemExit):
        main(["codes", "check", "--help"])
    shown = capsys.readouterr().out
    assert "example: python -m catalog_sync codes check codes/" in shown
