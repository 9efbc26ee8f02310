"""Processor time and memory of a process with everything that descends from it, from /proc."""

import os
from collections.abc import Iterator
from pathlib import Path

from tools.demo.processes import children

_TICKS = os.sysconf("SC_CLK_TCK")
_USER, _CHILDREN_SYSTEM = 11, 15
"""Where user time begins and that of collected children ends in /proc/PID/stat, after the name."""


def processor_seconds(pid: int) -> float:
    """Return what the tree has used so far; what has ended counts when its parent has collected it."""
    return sum(_ticks(one) for one in (pid, *children(pid))) / _TICKS


def memory_bytes(pid: int) -> int:
    """Return the proportional set size of the tree: what processes share is counted once."""
    return sum(_proportional(one) for one in (pid, *children(pid)))


def size_bytes(directory: Path) -> int:
    """Return what lies in a directory, at any depth; what goes away meanwhile does not count."""
    return sum(_sizes(directory))


def _sizes(directory: Path) -> Iterator[int]:
    for parent, _, files in os.walk(directory):
        for name in files:
            try:
                yield Path(parent, name).lstat().st_size
            except OSError:
                continue


def _ticks(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2]
    except OSError:
        return 0
    return sum(map(int, fields.split()[_USER:_CHILDREN_SYSTEM]))


def _proportional(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
