"""The cold executor: every run is a new ansible-runner in a process tree of its own.

It is the slow and plain way, and the one that is always there. ``supervise`` owns the process tree; this
module holds the pipe to it, follows the events, and hangs up when the run has to end.
"""

import asyncio
import shutil
import sys
import time
import uuid
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from playbook_engine.fence import Fence, Tenure
from playbook_engine.runs.environment import MARK
from playbook_engine.runs.folding import conclude
from playbook_engine.runs.following import LINE_BYTES, Followed, Streams, follow
from playbook_engine.runs.ongoing import Ongoing
from playbook_engine.runs.processes import kill_all, marked
from playbook_engine.runs.records import USUAL, OnTask, Rules, RunOutcome, RunRequest, unheard
from playbook_engine.runs.redaction import cleaner
from playbook_engine.runs.supervise import KILL_SECONDS
from playbook_engine.runs.workspace import environment_in, make_root, make_workspace
from playbook_engine.tasks import finished

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
        self._ongoing = Ongoing()

    async def run(self, request: RunRequest, *, on_task: OnTask = unheard) -> RunOutcome:
        """Run to the end, or until the timeout, ``close`` or a cancellation; nothing of the run is left then.

        Raises OSError when no process can be started, RuntimeError after ``close``, and TypeError when a
        variable is nothing that JSON can hold.
        """
        self._ongoing.check(request)
        directory = make_workspace(self._root, request, self._rules)
        with self._ongoing.run(directory):
            return await self._in(directory, request, on_task)

    async def prepare(self) -> None:
        """Nothing is prepared: that is what makes it cold."""

    async def renew(self) -> None:
        """Nothing is kept that could be old."""

    async def close(self) -> None:
        """Kill what still runs, wait until it is gone, and remove the directory."""
        await self._ongoing.close()
        shutil.rmtree(self._root, ignore_errors=True)

    async def _in(self, directory: Path, request: RunRequest, on_task: OnTask) -> RunOutcome:
        mark = uuid.uuid4().hex
        environment = environment_in(directory, request, self._rules, mark=mark)
        began = time.monotonic()
        process = await _start(directory, environment)
        followed = Followed(on_task=on_task)
        try:
            assert process.stdout is not None and process.stderr is not None  # noqa: S101, PT018 - pipes
            streams = Streams(process.stdout, process.stderr)
            with self._fence.followed(partial(_tell, process)):
                cause = await follow(
                    streams, followed, seconds=request.timeout_seconds, closing=self._ongoing.closing
                )
        finally:
            await finished(_hang_up(process, mark))  # nothing of a run may outlive it
        seconds = time.monotonic() - began
        end = followed.end(cause, seconds=seconds, lost=_last_line(followed.stderr))
        clean = cleaner(environment, characters=self._rules.message_bound)
        return conclude(followed.progress, end, clean=clean)


async def _start(directory: Path, environment: Mapping[str, str]) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "playbook_engine.runs.supervise", str(directory)),
        stdin=pipe, stdout=pipe, stderr=pipe, env=environment, cwd=directory, limit=LINE_BYTES,
    )  # fmt: skip


def _tell(process: asyncio.subprocess.Process, tenure: Tenure) -> None:
    assert process.stdin is not None  # noqa: S101 - started with a pipe
    process.stdin.write(tenure.line())


async def _hang_up(process: asyncio.subprocess.Process, mark: str) -> None:
    """End the supervisor's input, so that it kills the tree; where it is itself gone, find the tree by its mark."""
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
