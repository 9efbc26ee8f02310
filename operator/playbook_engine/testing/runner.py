"""An executor that runs nothing: tests say how each run ends, hold runs, and see the requests.

The contract tests run the same facts on it and on the executors that start Ansible.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from playbook_engine.runs.records import (
    OnTask,
    RunOutcome,
    RunRequest,
    RunStatus,
    TaskCounts,
    TaskFailure,
    unheard,
)

type Answer = RunOutcome | Callable[[RunRequest], RunOutcome]
"""How a run ends: an outcome, or a function that makes one from the request."""


def successful(custom: Mapping[str, object] | None = None, *, changed: int = 0) -> RunOutcome:
    """Give the outcome of a run that went well and handed back ``custom``."""
    counts = TaskCounts(ok=max(1, changed), changed=changed)
    return RunOutcome(status=RunStatus.SUCCESSFUL, counts=counts, duration_seconds=0.01, custom=custom or {})


def failed(
    *, task: str, message: str, role: str = "", custom: Mapping[str, object] | None = None
) -> RunOutcome:
    """Give the outcome of a run in which one task failed."""
    return RunOutcome(
        status=RunStatus.FAILED,
        counts=TaskCounts(failed=1),
        duration_seconds=0.01,
        custom=custom or {},
        failures=(TaskFailure(role=role, task=task, message=message),),
    )


def died(*, last_task: str = "", detail: str = "killed by a signal") -> RunOutcome:
    """Give the outcome of a run whose process ended without its final statistics."""
    return _ended(RunStatus.DIED, last_task=last_task, detail=detail)


def _ended(status: RunStatus, *, last_task: str, detail: str) -> RunOutcome:
    return RunOutcome(
        status=status, counts=TaskCounts(), duration_seconds=0.01, last_task=last_task, detail=detail
    )


@dataclass(slots=True, kw_only=True)
class Hold:
    """A grip on the next run of a playbook: it starts, and stays in ``last_task`` until it is released."""

    last_task: str = ""
    started: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    def release(self) -> None:
        """Let the run go on to its scripted end."""
        self.released.set()


class FakeExecutor:
    """An ``Executor`` by script. A playbook without a script succeeds at once and hands back nothing."""

    def __init__(self) -> None:
        """Start with no script and no requests."""
        self.requests: list[RunRequest] = []
        self.killed: list[str] = []
        """Runs that were cancelled, ran out of time, or ran at the close, by identifier."""
        self.running = 0
        self.most_running = 0
        self.closed = False
        self._answers: defaultdict[Path, deque[Answer]] = defaultdict(deque)
        self._holds: defaultdict[Path, deque[Hold]] = defaultdict(deque)
        self._closing = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def script(self, playbook: Path, *answers: Answer) -> None:
        """Say how the next runs of ``playbook`` end, in order; the last answer is for all further runs."""
        self._answers[playbook] = deque(answers)

    def hold(self, playbook: Path, *, last_task: str = "") -> Hold:
        """Hold the next run of ``playbook`` that is not held yet; calls queue up."""
        hold = Hold(last_task=last_task)
        self._holds[playbook].append(hold)
        return hold

    async def run(self, request: RunRequest, *, on_task: OnTask = unheard) -> RunOutcome:
        """Record the request and end as scripted, bounded by the request's timeout while held."""
        if self.closed:
            message = f"run {request.ident} of {request.playbook}: the executor is closed"
            raise RuntimeError(message)
        self.requests.append(request)
        self.running += 1
        self._idle.clear()
        self.most_running = max(self.most_running, self.running)
        try:
            return await self._held(request, on_task) or self._answer(request)
        except asyncio.CancelledError:
            self.killed.append(request.ident)
            raise
        finally:
            self.running -= 1
            if not self.running:
                self._idle.set()

    async def prepare(self) -> None:
        """Nothing has to be prepared."""

    async def renew(self) -> None:
        """Nothing has to be renewed."""

    async def close(self) -> None:
        """End held runs as died and refuse new ones."""
        self.closed = True
        self._closing.set()
        await self._idle.wait()

    async def _held(self, request: RunRequest, on_task: OnTask) -> RunOutcome | None:
        holds = self._holds[request.playbook]
        if not holds:
            return None
        hold = holds.popleft()
        hold.started.set()
        on_task(hold.last_task)
        waits = {asyncio.ensure_future(event.wait()) for event in (hold.released, self._closing)}
        try:
            done, _ = await asyncio.wait(
                waits, timeout=request.timeout_seconds, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            for wait in waits:
                wait.cancel()
        if hold.released.is_set():
            return None
        self.killed.append(request.ident)
        status, detail = (RunStatus.DIED, "stopped") if done else (RunStatus.TIMED_OUT, "")
        return _ended(status, last_task=hold.last_task, detail=detail)

    def _answer(self, request: RunRequest) -> RunOutcome:
        answers = self._answers[request.playbook]
        if not answers:
            return successful()
        answer = answers[0] if len(answers) == 1 else answers.popleft()
        return answer if isinstance(answer, RunOutcome) else answer(request)
