"""Children of the nursery are ordinary processes with their own face, and how they end is told.

The nursery forks, so each test runs one in a process of its own and drives it through a script.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest


def answer(process: "subprocess.Popen[str]") -> Any:
    """What a script that ends well prints last, as JSON."""
    out, errors = process.communicate(timeout=30)
    assert process.returncode == 0, errors
    assert errors == ""
    return json.loads(out.splitlines()[-1])


def test_a_child_runs_its_modules_main_with_its_own_arguments_environment_and_log(script, tmp_path: Path):
    process = script("""
        print("unwritten words of the parent", end="")
        os.environ["COLOUR"] = "the parent's"
        nursery = Nursery(preload=["json"])
        nursery.start(child("first", "tells", "--port", "1", COLOUR="red", SHAPE="round"))
        nursery.start(child("second", "tells", COLOUR="blue"))
        codes = [nursery.wait(name, within=20) for name in ("first", "second")]
        nursery.close()
        print(codes)
    """)
    assert process.communicate(timeout=30) == ("unwritten words of the parent[0, 0]\n", "")
    logs = [(tmp_path / f"{name}.log").read_text().splitlines() for name in ("first", "second")]
    first, second = (next(json.loads(line) for line in log if line.startswith("{")) for log in logs)
    assert [len(log) for log in logs] == [2, 2]
    assert all("to stderr" in log for log in logs)
    assert (first["arguments"], second["arguments"]) == (["tells", "--port", "1"], ["tells"])
    assert (first["colour"], first["shape"]) == ("red", "round")
    assert (second["colour"], second["shape"]) == ("blue", None)
    assert first["inherited"] == "yes"
    assert (first["blocked"], first["pipes"]) == ([], [])


def test_a_log_goes_on_where_it_was(script, tmp_path: Path):
    (tmp_path / "again.log").write_text("from the last run\n")
    process = script("""
        nursery = Nursery(preload=())
        nursery.start(child("again", "ends", "words"))
        print(json.dumps(nursery.wait("again", within=20)))
        nursery.close()
    """)
    assert answer(process) == 1
    assert (tmp_path / "again.log").read_text() == "from the last run\ncannot go on\n"


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ("return", 0),
        ("none", 0),
        ("0", 0),
        ("3", 3),
        ("words", 1),
        ("raise", 1),
        ("signal 9", -9),
        ("signal 15", -15),
        ("signal 11", -11),
    ],
)
def test_how_a_child_ended_is_reported_also_death_by_signal(script, tmp_path: Path, how: str, code: int):
    process = script(f"""
        nursery = Nursery(preload=())
        nursery.start(child("one", "ends", *{how.split()}))
        found = nursery.wait("one", within=20)
        nursery.close()
        print(json.dumps([found, nursery.ended, nursery.running]))
    """)
    assert answer(process) == [code, {"one": code}, {}]
    assert ("a fault of its own" in (tmp_path / "one.log").read_text()) == (how == "raise")


def test_a_child_that_cannot_begin_ends_with_1_and_is_no_copy_of_its_parent(script, tmp_path: Path):
    process = script("""
        nursery = Nursery(preload=())
        nursery.start(child("no-module", "no_such_module"))
        nursery.start(Child("no-log", "ends", ["0"], {}, "no-such-folder/its.log"))
        codes = [nursery.wait(name, within=20) for name in ("no-module", "no-log")]
        nursery.close()
        print("once")
        print(json.dumps(codes))
    """)
    out, errors = process.communicate(timeout=30)
    assert out == "once\n[1, 1]\n"
    assert "No module named 'no_such_module'" in (tmp_path / "no-module.log").read_text()
    assert "no-such-folder" in errors


def test_a_nursery_that_cannot_preload_says_so_and_is_no_copy_of_its_parent(script):
    process = script("""
        nursery = Nursery(preload=["no_such_module"])
        try:
            nursery.start(child("one", "ends", "0"))
        except RuntimeError as error:
            print(error)
        nursery.close()
    """)
    out, errors = process.communicate(timeout=30)
    assert out == "one was not started: the nursery has ended\n"
    assert "No module named 'no_such_module'" in errors


def test_waiting_gives_none_for_a_child_that_has_not_ended_in_time(script):
    process = script("""
        nursery = Nursery(preload=())
        nursery.start(child("one", "waits"))
        early = nursery.wait("one", within=0.05)
        nursery.kill("one")
        late = nursery.wait("one", within=20)
        nursery.close()
        print(json.dumps([early, late]))
    """)
    assert answer(process) == [None, -9]


def test_a_killed_child_can_be_started_again_at_once(script):
    process = script("""
        nursery = Nursery(preload=())
        pids = []
        for _ in range(20):
            nursery.start(child("one", "waits"))
            pids.append(nursery.running["one"])
            nursery.kill("one")
        nursery.start(child("one", "waits"))
        early = nursery.wait("one", within=0.05)
        again = nursery.running["one"]
        nursery.close()
        print(json.dumps([len(set(pids) | {again}), early]))
    """)
    assert answer(process) == [21, None]


def test_many_children_that_end_at_the_same_time_are_all_reported(script):
    process = script("""
        nursery = Nursery(preload=())
        names = [f"child-{number}" for number in range(40)]
        for number, name in enumerate(names):
            nursery.start(child(name, "ends", str(number)))
        codes = [nursery.wait(name, within=20) for name in names]
        nursery.close()
        print(json.dumps(codes))
    """)
    assert answer(process) == list(range(40))


def test_starting_in_a_nursery_that_was_killed_is_an_error(script):
    process = script("""
        nursery = Nursery(preload=())
        os.kill(nursery._pid, signal.SIGKILL)
        os.waitid(os.P_PID, nursery._pid, os.WEXITED | os.WNOWAIT)
        try:
            nursery.start(child("one", "ends", "0"))
        except RuntimeError as error:
            print(json.dumps(str(error)))
        nursery.close()
    """)
    assert answer(process) == "one was not started: the nursery has ended"
