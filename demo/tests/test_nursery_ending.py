"""No child outlives the process that asked for it, however that one ends. Each test drives a script of its own."""

import json
import os
import signal
import subprocess
from textwrap import dedent

import pytest

from engines import eventually

WAITING = """
    nursery = Nursery(preload=(), grace={grace})
    for number, arguments in enumerate({children}):
        name = f"waits-{{number}}"
        nursery.start(child(name, "waits", *arguments))
        while not (os.path.exists(name + ".log") and open(name + ".log").read()):
            threading.Event().wait(0.01)
    print(json.dumps(list(nursery.running.values())), flush=True)
"""


def up(process: "subprocess.Popen[str]") -> list[int]:
    """The pids that a script prints when all its children run."""
    assert process.stdout is not None
    pids: list[int] = json.loads(process.stdout.readline())
    return pids


def test_closing_stops_all_children_and_the_nursery_also_those_that_will_not(script, alive):
    process = script(
        dedent(WAITING.format(children=[[], [], ["stubborn"]], grace=0.3))
        + dedent("""
        nursery.close()
        nursery.close()
        print(json.dumps(nursery.ended), flush=True)
        threading.Event().wait()
        """)
    )
    pids = up(process)
    assert json.loads(process.stdout.readline()) == {"waits-0": -15, "waits-1": -15, "waits-2": -9}
    assert len(pids) == 3
    assert set(alive(process.pid)) <= {process.pid}


@pytest.mark.parametrize("children", [[[], [], [], []], [[], ["stubborn"]]], ids=["willing", "stubborn"])
async def test_when_the_parent_is_killed_no_child_is_left_behind(script, alive, children: list[list[str]]):
    process = script(dedent(WAITING.format(children=children, grace=0.3)) + "threading.Event().wait()\n")
    pids = up(process)
    assert set(pids) < set(alive(process.pid))
    os.kill(process.pid, signal.SIGKILL)
    await eventually(lambda: not alive(process.pid), within=10)


async def test_a_parent_killed_while_the_nursery_preloads_leaves_nothing_behind(script, alive):
    process = script("""
        nursery = Nursery(preload=["asyncio", "http.client"])
        nursery._commands.write('{"name": "half a comm')
        nursery._commands.flush()
        os.kill(os.getpid(), signal.SIGKILL)
    """)
    process.wait(timeout=20)
    await eventually(lambda: not alive(process.pid), within=10)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_to_the_whole_group_leaves_no_child_behind_not_even_a_stubborn_one(script, alive, number: int):
    process = script(dedent(WAITING.format(children=[[], ["stubborn"]], grace=0.3)) + "threading.Event().wait()\n")
    up(process)
    os.killpg(process.pid, number)
    await eventually(lambda: not alive(process.pid), within=10)


async def test_when_the_nursery_itself_is_killed_closing_still_stops_its_children(script, alive):
    process = script(
        dedent(WAITING.format(children=[[], ["stubborn"]], grace=0.3))
        + dedent("""
        os.kill(nursery._pid, signal.SIGKILL)
        nursery.close()
        print("closed", flush=True)
        threading.Event().wait()
        """)
    )
    pids = up(process)
    assert process.stdout.readline() == "closed\n"
    await eventually(lambda: not set(pids) & set(alive(process.pid)), within=10)
