"""The process between the engine and Ansible: it owns a run's process tree, and leaves nothing of it behind.

Started as ``python -m playbook_engine.runs.supervise DIRECTORY`` with the run's environment. Its
standard input is a pipe that the engine holds: when it closes, because the engine wants the run to end
or is itself gone, every process of the run is killed. Over it the engine says until when the run may go on, each
time as a line (``fence.Tenure``); nothing starts before the first, and a run whose engine does not say more, because
it is frozen or has lost its lease, is killed then. Standard output carries events as JSON lines. It has one thread
and imports little but the standard library, so that it starts fast and forks safely.
"""

import json
import math
import os
import resource
import select
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import NoReturn

from playbook_engine.fence import Deadman, Tenure, boot_seconds
from playbook_engine.runs.processes import (
    become_subreaper,
    descendants,
    die_with_parent,
    kill_all,
    memory_bytes,
    reap,
)

LIMITS = "limits.json"
"""The file with the limits of a run, in its directory."""

LOOK_SECONDS = 0.5
"""How often the memory of a run is looked at."""

KILL_SECONDS = 10.0
LEFT_OVER = 3
"""Exit code when processes of the run could not be killed, for instance those of another user."""


class Reason(Enum):
    """Why the wait for a run's process was over."""

    ENDED = auto()
    HUNG_UP = auto()
    TOO_LARGE = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one run may use: memory of all its processes together, and open files of each; 0 for no limit."""

    memory_bytes: int = 0
    open_files: int = 0


NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How a run's process ended: ``code`` is its exit code, None when a signal ended it or it was killed here.

    ``left`` are processes that could not be killed; ``processor_seconds`` is what the whole tree used; ``broken`` says
    which limit the run broke.
    """

    code: int | None
    left: frozenset[int]
    processor_seconds: float
    broken: str = ""


def main(arguments: list[str]) -> int:
    """Run the playbook that lies ready in the directory."""
    directory = Path(arguments[0])
    limits = Limits(**json.loads((directory / LIMITS).read_text(encoding="utf-8")))
    end = oversee(directory, lambda: _invoke(str(directory)), limits)
    tell(end)
    return LEFT_OVER if end.left else 0


def tell(end: End) -> None:
    """Write what a run used, and the limit that it broke, as a line after its events."""
    used = {"processor_seconds": end.processor_seconds, "broken": end.broken}
    with suppress(BrokenPipeError):  # nobody wants to know any more
        os.write(1, json.dumps({"used": used}).encode() + b"\n")


def oversee(directory: Path, work: Callable[[], NoReturn], limits: Limits) -> End:
    """Do ``work`` in a child; when it ends, or when standard input says so, leave no process of it.

    The directory of the run is removed in the second case: then perhaps nobody else does it.
    """
    become_subreaper()
    os.umask(0o077)
    leash = Leash(0)
    runner = os.fork() if leash.read() else None
    if runner == 0:
        die_with_parent()
        _bound_files(limits.open_files)
        work()
    reason = Reason.HUNG_UP if runner is None else _wait(runner, leash, limits.memory_bytes)
    code = os.waitstatus_to_exitcode(os.waitpid(runner, 0)[1]) if runner and reason is Reason.ENDED else None
    left = set() if reap() else kill_all(lambda: descendants(os.getpid()), seconds=KILL_SECONDS)
    if reason is Reason.HUNG_UP:
        shutil.rmtree(directory, ignore_errors=True)
    return End(
        code=None if code is None or code < 0 else code,
        left=frozenset(left),
        processor_seconds=_processor_seconds(),
        broken=_too_large(limits) if reason is Reason.TOO_LARGE else "",
    )


def _too_large(limits: Limits) -> str:
    return f"it used more than the {limits.memory_bytes // 2**20} MiB of memory that a run may use"


def _bound_files(most: int) -> None:
    if most:
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _processor_seconds() -> float:
    """Give what this process and all that it has waited for used, which it does here for what it adopted."""
    reap()
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


class Leash:
    """What the engine says over a pipe: until when the run may go on."""

    def __init__(self, descriptor: int) -> None:
        """Know nothing yet."""
        self._descriptor = descriptor
        self._rest = b""
        self._until = -math.inf
        self._deadman = Deadman()

    def read(self) -> bool:
        """Take in what was said, waiting for it; False when the engine has hung up."""
        chunk = os.read(self._descriptor, 4096)
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if lines:
            tenure = Tenure.of_line(lines[-1])
            self._until = tenure.until
            self._deadman.arm(tenure.killed)
        return bool(chunk)

    def milliseconds(self) -> float | None:
        """Give how long the run may go on, as ``poll`` wants it."""
        return None if math.isinf(self._until) else max(0.0, (self._until - boot_seconds()) * 1000)

    @property
    def is_over(self) -> bool:
        """Whether the run may not go on."""
        return boot_seconds() >= self._until


def _invoke(directory: str) -> NoReturn:
    """Go on as the process that runs ansible-runner."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    module = "playbook_engine.runs.invoke"
    os.execv(sys.executable, [sys.executable, "-P", "-m", module, directory])  # noqa: S606 - no shell wanted


def _wait(runner: int, leash: Leash, most_bytes: int) -> Reason:
    """Wait for the end of ``runner``, or until the run uses too much memory.

    The engine has hung up as well when it has said nothing for too long.
    """
    ended = os.pidfd_open(runner)
    poll = select.poll()
    poll.register(ended, select.POLLIN)
    poll.register(0, select.POLLIN)
    while not leash.is_over:
        ready = {descriptor for descriptor, _ in poll.poll(_milliseconds(leash, looks=bool(most_bytes)))}
        if 0 in ready and not leash.read():
            return Reason.HUNG_UP
        if ended in ready:
            return Reason.ENDED
        if most_bytes and memory_bytes(descendants(os.getpid())) > most_bytes:
            return Reason.TOO_LARGE
    return Reason.HUNG_UP


def _milliseconds(leash: Leash, *, looks: bool) -> float | None:
    """Give how long to wait, as ``poll`` wants it: no longer than the run may go on, and until the next look."""
    waits = [
        wait for wait in (leash.milliseconds(), LOOK_SECONDS * 1000 if looks else None) if wait is not None
    ]
    return min(waits, default=None)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
