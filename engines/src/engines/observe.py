"""What the system tells about other processes: from /proc where there is one, else from `ps`."""

import subprocess
from pathlib import Path

PROC = Path("/proc")


def start_time(pid: int) -> str | None:
    """When the process started, in the system's own notation; None when there is no such process or it is a zombie."""
    if not _has_proc():
        state, _, started = _ps("stat=,lstart=", pid).partition(" ")
        return None if not state or state.startswith("Z") else started.strip()
    fields = _stat(pid)
    return None if not fields or fields[0] in "ZX" else fields[19]


def memory(pid: int) -> int:
    """Resident memory in megabytes, 0 when there is no such process."""
    if not _has_proc():
        return int(_ps("rss=", pid) or 0) // 1024
    try:
        lines = (PROC / str(pid) / "status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) // 1024 for line in lines if line.startswith("VmRSS:")), 0)


def children(pid: int) -> list[int]:
    """The ids of the process's own children."""
    if not _has_proc():
        answer = subprocess.run(["ps", "-A", "-o", "ppid=,pid="], capture_output=True, text=True, check=False)
        pairs = [line.split() for line in answer.stdout.splitlines()]
        return [int(child) for parent, child in pairs if int(parent) == pid]
    ids = [int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()]
    return [child for child in ids if (fields := _stat(child)) and int(fields[1]) == pid]


def _has_proc() -> bool:
    return (PROC / "self" / "stat").is_file()


def _stat(pid: int) -> list[str]:
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _ps(columns: str, pid: int) -> str:
    answer = subprocess.run(["ps", "-o", columns, "-p", str(pid)], capture_output=True, text=True, check=False)
    return answer.stdout.strip()
