"""Process trees as Linux shows them in /proc: who descends from whom, and how to end all of them.

Ansible's workers leave their session, so that a process group does not hold a run together. Descent
does, as long as the ancestor is a *subreaper*: then orphans become its children instead of those of
process 1. Where the ancestor itself is gone, a mark in the environment is what is left to find them by.
"""

import contextlib
import ctypes
import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

_PR_SET_PDEATHSIG = 1  # linux/prctl.h, as the next
_PR_SET_CHILD_SUBREAPER = 36
_PROC = Path("/proc")
_POLL_SECONDS = 0.005
_LOOKS = 2
_ENDED = ("Z", "X")  # the states of processes that wait for their parent, or are gone


def become_subreaper() -> None:
    """Make orphaned descendants of this process its children; raise OSError when the kernel refuses."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent ends; this holds over exec, not over fork."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def reap() -> bool:
    """Wait for the children that have ended, and say whether there are no others.

    A subreaper without children has no descendants either: they would have become its children.
    """
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass
        return False
    return True


def _prctl(option: int, argument: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, argument, 0, 0, 0) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def descendants(ancestor: int) -> set[int]:
    """Give the identifiers of all living processes below ``ancestor``."""
    parents = dict(_parents())
    found: set[int] = set()
    level = {ancestor}
    while level:
        level = {pid for pid, parent in parents.items() if parent in level} - found
        found |= level
    return found


def marked(name: str, value: str) -> set[int]:
    """Give the identifiers of all living processes that have ``name=value`` in their first environment."""
    mark = f"{name}={value}".encode()
    return {pid for pid, _ in _parents() if mark in _environment(pid)}


def kill_all(find: Callable[[], set[int]], *, seconds: float) -> set[int]:
    """Kill what ``find`` gives until it gives nothing; give what is left after ``seconds``.

    Nothing must be seen twice in a row: one look can miss a process that was forked while /proc was read.
    """
    deadline = time.monotonic() + seconds
    clear = 0
    while clear < _LOOKS:
        left = find()
        clear = 0 if left else clear + 1
        for pid in left:
            _kill(pid)
        if left and time.monotonic() > deadline:
            return left
        if left:
            time.sleep(_POLL_SECONDS)
    return set()


def memory_bytes(pids: Iterable[int]) -> int:
    """Give the memory of processes together; what they share with others counts by its share (PSS)."""
    return sum(map(_proportional_bytes, pids))


def _proportional_bytes(pid: int) -> int:
    try:
        lines = (_PROC / str(pid) / "smaps_rollup").read_bytes().splitlines()
    except OSError:  # it has ended
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(b"Pss:"))


def _kill(pid: int) -> None:
    # It may be gone, or of another user: the next look, or the deadline, tells.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)


def _parents() -> Iterator[tuple[int, int]]:
    for entry in os.scandir(_PROC):
        if not entry.name.isdecimal():
            continue
        try:
            stat = (_PROC / entry.name / "stat").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        state, parent = stat[stat.rindex(b")") + 2 :].split(maxsplit=2)[:2]
        if state.decode() not in _ENDED:
            yield int(entry.name), int(parent)


def _environment(pid: int) -> list[bytes]:
    try:
        return (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return []
