"""What goes into a run and what comes out of it; executors and the shipped fake share these records."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from playbook_engine.runs.supervise import NO_LIMITS, Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """One run of one playbook; where ``playbook`` is a directory, of the role in it.

    ``variables`` become extra vars; every string in those named in ``unsafe`` is marked so that Ansible
    never templates it. ``environment`` is added to the run's environment (``KUBECONFIG``,
    ``K8S_AUTH_*``). ``kubeconfig`` is the text of one that its clients use, empty for none of its own.
    ``timeout_seconds`` bounds the wall time.
    """

    ident: str
    subject: str
    playbook: Path
    variables: Mapping[str, object]
    unsafe: frozenset[str] = frozenset()
    environment: Mapping[str, str] = field(default_factory=dict)
    kubeconfig: str = ""
    timeout_seconds: float = 600.0
    verbosity: int = 0
    check: bool = False
    diff: bool = False
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What holds for every run of an executor.

    Messages have at most ``message_bound`` characters. A fork server is replaced after ``runs_per_server``: what a
    library may leak in it has an end. ``settings`` are variables of Ansible's that go before those that runs have
    anyway, ``arguments`` further words for ``ansible-playbook``; ``inventory`` (None: only the local host) is where
    Ansible reads hosts.
    """

    message_bound: int = 1024
    limits: Limits = NO_LIMITS
    runs_per_server: int = 500
    settings: Mapping[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    inventory: Path | None = None


USUAL = Rules()


class RunStatus(StrEnum):
    """How a run ended. Every run ends in exactly one of these."""

    SUCCESSFUL = "successful"
    FAILED = "failed"  # a task failed, a host was unreachable, or the playbook could not be parsed
    TIMED_OUT = "timed-out"
    DIED = "died"  # the process ended without its final statistics: killed, out of memory, crashed


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCounts:
    """The play recap, summed over hosts."""

    ok: int = 0
    changed: int = 0
    failed: int = 0
    skipped: int = 0
    rescued: int = 0
    ignored: int = 0
    unreachable: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFailure:
    """A task that failed and was neither rescued nor ignored.

    ``message`` is bounded, redacted, and says so when ``no_log`` hid the output. ``role`` is empty outside
    roles. ``reason`` is the one word, in CamelCase, that the task gives as such; empty for none.
    """

    role: str
    task: str
    message: str
    host: str = "localhost"
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOutcome:
    """The result of a run.

    ``duration_seconds`` is wall time, ``processor_seconds`` what all processes of the run used; ``custom`` is what
    ``set_stats`` collected for the whole run.
    """

    status: RunStatus
    counts: TaskCounts
    duration_seconds: float
    processor_seconds: float = 0.0
    custom: Mapping[str, object] = field(default_factory=dict)
    failures: tuple[TaskFailure, ...] = ()
    requeue_seconds: float | None = None
    """After how many seconds the run asked to be made again; the shortest time that it named."""
    last_task: str = ""
    """The task that was running when the run timed out or died."""
    warm: bool = False
    """Whether it was a fork of a server that had loaded Ansible."""
    detail: str = ""
    """How the run ended when no failed task says it: a signal, Ansible's own error; bounded, redacted."""


type OnTask = Callable[[str], None]
"""Called with the name of each task as it begins."""


def unheard(_task: str) -> None:
    """Take no notice of tasks."""


class Executor(Protocol):
    """Runs playbooks. A failing play is an outcome, not an exception."""

    async def run(self, request: RunRequest, *, on_task: OnTask = unheard) -> RunOutcome:
        """Run to the end; when cancelled or past the deadline, kill the process tree before returning."""
        ...

    async def prepare(self) -> None:
        """Get ready for the first run."""
        ...

    async def renew(self) -> None:
        """Load anew what runs are made of, since it has changed; runs that go on are left alone."""
        ...

    async def close(self) -> None:
        """Kill what still runs and release what is held."""
        ...
