"""The cold executor: every run is a new ansible-runner in a process tree of its own.

It is the slow and plain way, and the one that is always there. ``supervise`` owns the process tree; this
module holds the pipe to it, follows the events, and hangs up when the run has to end.
"""

import asyncio
import os
import shutil
import sys
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

from playbook_engine.fence import Fence, Tenure
from playbook_engine.runs.environment import MARK, run_environment
from playbook_engine.runs.folding import conclude
from playbook_engine.runs.following import LINE_BYTES, Followed, Streams, follow
from playbook_engine.runs.processes import kill_all, marked
from playbook_engine.runs.records import USUAL, OnTask, Rules, RunOutcome, RunRequest, unheard
from playbook_engine.runs.redaction import bound, redact, secret_values
from playbook_engine.runs.supervise import KILL_SECONDS
from playbook_engine.runs.workspace import added_environment, make_root, make_workspace

_MARGIN_SECONDS = 2.0


class ColdExecutor:
    """An ``Executor`` that starts ansible-runner anew for each run; several runs may go on at once."""

    def __init__(
        self, directory: Path | None = None, *, rules: Rules = USUAL, fence: Fence | None = None
    ) -> None:
        """Make the private directory that all runs are made in; raises OSError when that is impossible.

        Runs end with the tenure of ``fence``; without one they may go on for ever.
        """
        self._fence = fence or Fence()
        self._root = make_root(directory)
        self._rules = rules
        self._closing = asyncio.Event()
        self._running: set[asyncio.Future[object]] = set()

    async def run(self, request: RunRequest, *, on_task: OnTask = unheard) -> RunOutcome:
        """Run to the end, or until the timeout, ``close`` or a cancellation; nothing of the run is left then.

        Raises OSError when no process can be started, RuntimeError after ``close``, and TypeError when a
        variable is nothing that JSON can hold.
        """
        if self._closing.is_set():
            raise RuntimeError(f"run {request.ident} of {request.playbook}: the executor is closed")
        directory = make_workspace(self._root, request, self._rules)
        done: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self._running.add(done)
        try:
            return await self._in(directory, request, on_task)
        finally:
            shutil.rmtree(directory, ignore_errors=True)
            self._running.discard(done)
            done.set_result(None)

    async def prepare(self) -> None:
        """Nothing is prepared: that is what makes it cold."""

    async def renew(self) -> None:
        """Nothing is kept that could be old."""

    async def close(self) -> None:
        """Kill what still runs, wait until it is gone, and remove the directory."""
        self._closing.set()
        if self._running:
            await asyncio.wait(tuple(self._running))
        shutil.rmtree(self._root, ignore_errors=True)

    async def _in(self, directory: Path, request: RunRequest, on_task: OnTask) -> RunOutcome:
        mark = uuid.uuid4().hex
        environment = run_environment(
            os.environ,
            directory=directory,
            mark=mark,
            added=added_environment(directory, request),
            settings=self._rules.settings,
        )
        began = time.monotonic()
        process = await _start(directory, environment)
        followed = Followed(on_task=on_task)
        try:
            assert process.stdout is not None and process.stderr is not None  # noqa: S101, PT018 - pipes
            streams = Streams(process.stdout, process.stderr)
            with self._fence.followed(partial(_tell, process)):
                cause = await follow(
                    streams, followed, seconds=request.timeout_seconds, closing=self._closing
                )
        finally:
            await _end(process, mark)
        seconds = time.monotonic() - began
        end = followed.end(cause, seconds=seconds, lost=_last_line(followed.stderr))
        return conclude(followed.progress, end, clean=partial(self._clean, environment))

    def _clean(self, environment: Mapping[str, str], text: str, /) -> str:
        return bound(
            redact(text, secrets=secret_values(environment.items())), characters=self._rules.message_bound
        )


async def _start(directory: Path, environment: Mapping[str, str]) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "playbook_engine.runs.supervise", str(directory)),
        stdin=pipe, stdout=pipe, stderr=pipe, env=environment, cwd=directory, limit=LINE_BYTES,
    )  # fmt: skip


def _tell(process: asyncio.subprocess.Process, tenure: Tenure) -> None:
    assert process.stdin is not None  # noqa: S101 - started with a pipe
    process.stdin.write(tenure.line())


async def _end(process: asyncio.subprocess.Process, mark: str) -> None:
    """Hang up, so that the supervisor kills the tree; where it is itself gone, find the tree by its mark.

    A cancellation that comes meanwhile waits: nothing of a run may outlive it.
    """
    ending = asyncio.ensure_future(_hang_up(process, mark))
    while not ending.done():
        with suppress(asyncio.CancelledError):
            await asyncio.shield(ending)
    ending.result()


async def _hang_up(process: asyncio.subprocess.Process, mark: str) -> None:
    assert process.stdin is not None  # noqa: S101 - started with a pipe
    process.stdin.close()
    try:
        code = await asyncio.wait_for(process.wait(), KILL_SECONDS + _MARGIN_SECONDS)
    except TimeoutError:
        process.kill()
        code = await process.wait()
    if code != 0:
        await asyncio.to_thread(kill_all, partial(marked, MARK, mark), seconds=KILL_SECONDS)


def _last_line(stderr: str) -> str:
    lines = stderr.strip().splitlines()
    return lines[-1] if lines else ""
