"""The operator as a process of this machine: started, watched, stopped with everything it has started."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PROGRAM = Path(sys.executable).with_name("semantic-router-operator")
STOP_SECONDS = 40.0
"""More than the 30 s that the operator gives to a playbook that runs when it is told to stop."""

KEPT = ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""The operator gets only these of this process's environment: what any program needs, no credential."""


@dataclass(frozen=True, slots=True)
class OperatorProcess:
    """A started operator; ``log`` is the file that has everything it printed."""

    process: subprocess.Popen[bytes]
    log: Path

    @classmethod
    def start(  # noqa: PLR0913 - each but the first is named at the call
        cls,
        program: Path = PROGRAM,
        *,
        kubeconfig: Path,
        log: Path,
        arguments: Sequence[str],
        directory: Path,
        within: Sequence[str] = (),
        **environment: str,
    ) -> "OperatorProcess":
        """Start ``semantic-router-operator run`` in ``directory`` with the rights of ``kubeconfig``.

        ``within`` is a command that becomes the program that its last arguments are.
        """
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        with log.open("ab") as output:
            process = subprocess.Popen(
                [*within, program, "run", *arguments],
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
                cwd=directory, env={**kept, "KUBECONFIG": str(kubeconfig), **environment},
            )  # fmt: skip
        return cls(process, log)

    @property
    def running(self) -> bool:
        """Whether it still runs."""
        return self.process.poll() is None

    def tail(self, lines: int = 40) -> str:
        """Return the last lines of its log."""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])

    def stop(self, grace: float = STOP_SECONDS) -> int:
        """Ask it to stop; kill it with all its children after ``grace`` seconds. Return its exit code."""
        stop_tree(self.process.pid, grace)
        return self.process.wait()


def children(pid: int) -> list[int]:
    """Return the processes that descend from ``pid``, the nearest first."""
    found: list[int] = []
    for task in Path("/proc").glob("[0-9]*/stat"):
        try:
            after_name = task.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue  # ended while we looked
        if int(after_name[1]) == pid:
            found.append(int(task.parent.name))
    return [*found, *[grandchild for child in found for grandchild in children(child)]]


def alive(pid: int) -> bool:
    """Whether the process runs; one that has ended and waits to be collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def kill_tree(pid: int) -> list[int]:
    """Kill ``pid`` and all its descendants with SIGKILL and return them."""
    tree = [pid, *children(pid)]
    for member in tree:
        try:
            os.kill(member, signal.SIGKILL)
        except ProcessLookupError:
            continue
    return tree


def stop_tree(pid: int, grace: float) -> None:
    """Send SIGTERM to ``pid``; kill it and its descendants when it is still there after ``grace`` seconds."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        signal.pidfd_send_signal(handle, signal.SIGTERM)
        if not select.select([handle], [], [], grace)[0]:
            kill_tree(pid)
    finally:
        os.close(handle)
