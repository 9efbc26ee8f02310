"""The process between the engine and Ansible: it owns a run's process tree, and leaves nothing of it behind.

Started as ``python -m playbook_engine.runs.supervise DIRECTORY`` with the run's environment. Its
standard input is a pipe that the engine holds: when it closes, because the engine wants the run to end
or is itself gone, every process of the run is killed. Its standard output carries events as JSON lines.
It has one thread and imports nothing but the standard library, so that it starts fast and forks safely.
"""

import os
import select
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

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
    """Do ``work`` in a child; when it ends, or when standard input closes, leave no process of it.

    The directory of the run is removed when the input closed: then nobody else does it.
    """
    become_subreaper()
    os.umask(0o077)
    runner = os.fork()
    if runner == 0:
        die_with_parent()
        work()
    hung_up = _wait(runner)
    code = None if hung_up else os.waitstatus_to_exitcode(os.waitpid(runner, 0)[1])
    left = kill_all(lambda: descendants(os.getpid()), seconds=KILL_SECONDS)
    if hung_up:
        shutil.rmtree(directory, ignore_errors=True)
    return End(code=None if code is None or code < 0 else code, left=frozenset(left))


def _invoke(directory: str) -> NoReturn:
    """Go on as the process that runs ansible-runner."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    module = "playbook_engine.runs.invoke"
    os.execv(sys.executable, [sys.executable, "-P", "-m", module, directory])  # noqa: S606 - no shell wanted


def _wait(runner: int) -> bool:
    """Wait for the end of ``runner`` or of standard input; tell whether it was the input."""
    ended = os.pidfd_open(runner)
    poll = select.poll()
    poll.register(ended, select.POLLIN)
    poll.register(0, select.POLLIN)
    ready = {descriptor for descriptor, _ in poll.poll()}
    return 0 in ready


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
