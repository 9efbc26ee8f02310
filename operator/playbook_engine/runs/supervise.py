"""The process between the engine and Ansible: it owns a run's process tree, and leaves nothing of it behind.

Started as ``python -m playbook_engine.runs.supervise DIRECTORY`` with the run's environment. Its
standard input is a pipe that the engine holds: when it closes, because the engine wants the run to end
or is itself gone, every process of the run is killed. Over it the engine says until when the run may go on, each
time as a line (``fence.Tenure``); nothing starts before the first, and a run whose engine does not say more, because
it is frozen or has lost its lease, is killed then. Standard output carries events as JSON lines. It has one thread
and imports little but the standard library, so that it starts fast and forks safely.
"""

import math
import os
import select
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from playbook_engine.fence import Deadman, Tenure, boot_seconds
from playbook_engine.runs.processes import become_subreaper, descendants, die_with_parent, kill_all

KILL_SECONDS = 10.0
LEFT_OVER = 3
"""Exit code when processes of the run could not be killed, for instance those of another user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How a run's process ended: ``code`` is its exit code, None when a signal ended it or it was killed here.

    ``left`` are processes that could not be killed.
    """

    code: int | None
    left: frozenset[int]


def main(arguments: list[str]) -> int:
    """Run the playbook that lies ready in the directory."""
    (directory,) = arguments
    end = oversee(Path(directory), lambda: _invoke(directory))
    return LEFT_OVER if end.left else 0


def oversee(directory: Path, work: Callable[[], NoReturn]) -> End:
    """Do ``work`` in a child; when it ends, or when standard input says so, leave no process of it.

    The directory of the run is removed in the second case: then perhaps nobody else does it.
    """
    become_subreaper()
    os.umask(0o077)
    leash = Leash(0)
    runner = os.fork() if leash.read() else None
    if runner == 0:
        die_with_parent()
        work()
    by_itself = runner is not None and _wait(runner, leash)
    code = os.waitstatus_to_exitcode(os.waitpid(runner, 0)[1]) if runner and by_itself else None
    left = kill_all(lambda: descendants(os.getpid()), seconds=KILL_SECONDS)
    if not by_itself:
        shutil.rmtree(directory, ignore_errors=True)
    return End(code=None if code is None or code < 0 else code, left=frozenset(left))


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


def _wait(runner: int, leash: Leash) -> bool:
    """Wait for the end of ``runner``; False when the engine wants it to end, or has said nothing for too long."""
    ended = os.pidfd_open(runner)
    poll = select.poll()
    poll.register(ended, select.POLLIN)
    poll.register(0, select.POLLIN)
    while not leash.is_over:
        ready = {descriptor for descriptor, _ in poll.poll(leash.milliseconds())}
        if 0 in ready and not leash.read():
            return False
        if ended in ready:
            return True
    return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
