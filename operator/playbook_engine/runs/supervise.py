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

from playbook_engine.runs.processes import become_subreaper, descendants, die_with_parent, kill_all

KILL_SECONDS = 10.0
LEFT_OVER = 3
"""Exit code when processes of the run could not be killed, for instance those of another user."""


def main(arguments: list[str]) -> int:
    """Run the playbook that lies ready in the directory; remove the directory when the engine hung up."""
    (directory,) = arguments
    become_subreaper()
    os.umask(0o077)
    runner = os.fork()
    if runner == 0:
        _invoke(directory)
    hung_up = _wait(runner)
    left = kill_all(lambda: descendants(os.getpid()), seconds=KILL_SECONDS)
    if hung_up:
        shutil.rmtree(directory, ignore_errors=True)
    return LEFT_OVER if left else 0


def _invoke(directory: str) -> None:
    """Go on as the process that runs ansible-runner; never return."""
    die_with_parent()
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
